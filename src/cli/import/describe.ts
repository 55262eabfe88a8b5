// Describes a registry and its replicas as the RegistryReplication whose plan is empty, and in notes what it cannot describe. Pure.
import {
  group,
  kind,
  type RegionSpec,
  type RegistryReplication,
  type Spec,
  version,
} from '../../api/registryreplication.ts';
import type { RegistryReference } from '../../azure/arm.ts';
import type { FoundRegistry, FoundReplica } from '../../azure/inventory.ts';
import { normalise } from '../../replication/location.ts';
import { says } from '../../replication/region-state.ts';
import { maxTags, problemsOf } from '../../replication/validation.ts';

/** An object as `kubectl apply` takes it: fields with a default are left to the API server. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: { readonly registry: RegistryReference; readonly regions: readonly RegionSpec[] };
}

export interface Described {
  readonly kind: 'described';
  readonly manifest: Manifest;
  /** What the object does not say, one sentence each. */
  readonly notes: readonly string[];
}

/** A registry that no object can describe, or that could not be read; the others are printed all the same. */
export interface Skipped {
  readonly kind: 'skipped' | 'unreadable';
  readonly registry: RegistryReference;
  readonly why: string;
}

export function describeRegistry(
  reference: RegistryReference,
  registry: FoundRegistry,
  replicas: readonly FoundReplica[],
  metadata: Manifest['metadata'],
): Described | Skipped {
  const skipped = (why: string): Skipped => ({ kind: 'skipped', registry: reference, why });
  if (!says(registry.sku, 'Premium'))
    return skipped(`it is ${registry.sku || 'of an unknown SKU'}; geo-replication needs Premium`);
  const found = inOrder(replicas, normalise(registry.location));
  const lasting = found.filter((replica) => !isDeleting(replica));
  const maxTagsEach = Math.min(50, Math.floor(maxTags / Math.max(1, lasting.length)));
  const described = lasting.map((replica) => describeReplica(replica, maxTagsEach));
  const home = { region: { location: normalise(registry.location) }, notes: [] };
  const entries = described.length > 0 ? described : [home];
  const manifest: Manifest = {
    apiVersion: `${group}/${version}`,
    kind,
    metadata,
    spec: { registry: reference, regions: entries.map(({ region }) => region) },
  };
  const [problem] = problemsOf(asObject(manifest));
  if (problem !== undefined) return skipped(`an object cannot describe it: ${problem}`);
  const deleting = found
    .filter(isDeleting)
    .map(({ location }) => `${normalise(location)}: not listed, it is being deleted`);
  const notes = [
    ...stateNotes(registry),
    ...entries.flatMap(({ notes }) => notes),
    ...deleting,
    ...zoneNotes(registry, found),
  ];
  return { kind: 'described', manifest, notes };
}

interface Entry {
  readonly region: RegionSpec;
  readonly notes: readonly string[];
}

function describeReplica(replica: FoundReplica, maxTagsEach: number): Entry {
  const location = normalise(replica.location);
  const named =
    replica.name.toLowerCase() === location
      ? []
      : [`${location}: the replica is called ${replica.name}; the operator finds it by its region`];
  // The operator repeats changes that a Failed replica was asked for: listing them would plan something.
  if (isFailed(replica))
    return {
      region: { location },
      notes: [
        ...named,
        `${location}: the replica is ${replica.provisioningState}, so its routing and tags are not listed`,
      ],
    };
  const all = Object.entries(replica.tags).sort(([a], [b]) => (a < b ? -1 : 1));
  const tags = all.filter(([key, value]) => isTag(location, key, value)).slice(0, maxTagsEach);
  const left = all.filter(([key]) => !tags.some(([listed]) => listed === key)).map(([key]) => JSON.stringify(key));
  return {
    region: {
      location,
      routing: replica.routing ? 'Enabled' : 'Disabled',
      ...(tags.length > 0 && { tags: Object.fromEntries(tags) }),
    },
    notes: [
      ...named,
      ...(left.length > 0 ? [`${location}: these tags stay as they are and are not listed: ${left.join(', ')}`] : []),
    ],
  };
}

/** The home region first, then by name: ARM's order has no meaning. */
function inOrder(replicas: readonly FoundReplica[], home: string): FoundReplica[] {
  const rank = ({ location }: FoundReplica) => `${normalise(location) === home ? 0 : 1}${normalise(location)}`;
  return [...replicas].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

function isDeleting({ provisioningState }: FoundReplica): boolean {
  return says(provisioningState, 'Deleting');
}

function isFailed({ provisioningState }: FoundReplica): boolean {
  return says(provisioningState, 'Failed') || says(provisioningState, 'Canceled');
}

/** Whether an object may list it: Azure itself has set tags that it allows to no one else. */
function isTag(location: string, key: string, value: string): boolean {
  const probe = { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'any', name: 'anyone' };
  return (
    problemsOf(asObject({ spec: { registry: probe, regions: [{ location, tags: { [key]: value } }] } })).length === 0
  );
}

function stateNotes({ provisioningState = 'in an unknown state' }: FoundRegistry): string[] {
  return says(provisioningState, 'Succeeded') ? [] : [`The registry is ${provisioningState}.`];
}

function zoneNotes(registry: FoundRegistry, replicas: readonly FoundReplica[]): string[] {
  const of = [
    ...(registry.isZoneRedundant ? ['the registry'] : []),
    ...replicas.filter(({ isZoneRedundant }) => isZoneRedundant).map(({ location }) => normalise(location)),
  ];
  if (of.length === 0) return [];
  return [
    `Zone redundancy is Enabled for ${of.join(', ')}. It is not described: Azure decides it, and the operator leaves it alone.`,
  ];
}

/** With the defaults that the API server sets. */
export function asObject({
  metadata,
  spec,
}: {
  metadata?: Manifest['metadata'];
  spec: Manifest['spec'];
}): RegistryReplication {
  const defaults: Omit<Spec, 'registry' | 'regions'> = {
    prune: 'Delete',
    deletionPolicy: 'Delete',
    mode: 'Manage',
    suspend: false,
  };
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { namespace: 'default', name: 'any', ...metadata },
    spec: { ...defaults, registry: spec.registry, regions: [...spec.regions] },
  };
}

/** Names of objects for the registries: theirs in lower case, with a number if an earlier registry has the name. */
export function objectNames(registries: readonly string[]): string[] {
  const taken = new Set<string>();
  for (const registry of registries) {
    const valid = validName(registry);
    let name = valid;
    for (let number = 2; taken.has(name); number++) name = `${valid}-${number}`;
    taken.add(name);
  }
  return [...taken];
}

function validName(registry: string): string {
  const name = registry
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name.slice(0, 240) || 'registry';
}
