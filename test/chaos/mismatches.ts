// Compares objects, replicas and writes to ARM with the desired state, and describes the mismatches.
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import type { ReplicaSnapshot } from '../emulators/arm/replica-snapshot.ts';
import type { DesiredRegion, DesiredState } from './desired-state.ts';

/** Objects whose status does not match their spec, or that are missing or left over. */
export function wrongObjects(
  desiredStates: readonly DesiredState[],
  objects: readonly RegistryReplication[],
): string[] {
  const byName = new Map(objects.map((object) => [object.metadata.name, object]));
  return desiredStates.flatMap((desired) => {
    const object = byName.get(desired.name);
    if (desired.regions.length === 0) return object ? `${desired.name} is still there: ${describeObject(object)}` : [];
    if (!object) return `${desired.name} is missing`;
    return matchesSpec(object, desired.regions)
      ? []
      : `${desired.name} does not match its spec: ${describeObject(object)}`;
  });
}

function matchesSpec({ metadata, status }: RegistryReplication, wanted: readonly DesiredRegion[]): boolean {
  const { generation } = metadata;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const rows = (status?.regions ?? []).filter(({ home }) => !home);
  const expected = [...wanted].map(({ location }) => location).sort();
  return (
    status?.observedGeneration === generation &&
    ready?.status === 'True' &&
    ready.observedGeneration === generation &&
    rows.every(({ desired, state }) => desired && state === 'Ready') &&
    String(rows.map(({ location }) => location).sort()) === String(expected)
  );
}

function describeObject({ metadata, status }: RegistryReplication): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return `generation ${metadata.generation}, observed ${status?.observedGeneration}, ${status?.regionList}, ${ready?.reason}: ${ready?.message}`;
}

/** Registries whose replicas do not match the spec. The home entry is ACR's own and ignored. */
export function wrongReplicas(
  desiredStates: readonly DesiredState[],
  replicasOf: (desired: DesiredState) => ReplicaSnapshot[],
): string[] {
  return desiredStates.flatMap((desired) => {
    const expected = desired.regions.map(({ location, routing, tags }) =>
      describe(location, routing === 'Enabled', tags),
    );
    const there = replicasOf(desired)
      .filter(({ home }) => !home)
      .map(({ location, routing, tags }) => describe(location, routing, tags));
    return String(expected.sort()) === String(there.sort())
      ? []
      : `${desired.name} asks for ${expected} and has ${there}`;
  });
}

function describe(location: string, routing: boolean, tags: Readonly<Record<string, string>>): string {
  return `${location}${routing ? '' : ' unrouted'} ${JSON.stringify(tags)}`;
}

/**
 * Writes that changed nothing, were refused, went to the home entry, or exceed what the changes of the spec justify.
 * `writes` are in the order in which ARM answered them.
 */
export function needlessWrites(desiredStates: readonly DesiredState[], writes: readonly JournalEntry[]): string[] {
  const byName = new Map(desiredStates.map((desired) => [desired.registry.name, desired]));
  const byReplica = Map.groupBy(writes, ({ registry, replica }) => `${registry}/${replica}`);
  return [...byReplica].flatMap(([id, own]) => {
    const [{ registry = '', replica = '' }] = own as [JournalEntry];
    const desired = byName.get(registry);
    if (!desired) return `${id} belongs to no object`;
    const wrong = replayWrites(id, own);
    const creations = own.filter(({ method, status }) => method === 'PUT' && status === 201).length;
    const updates = own.filter(({ method, status }) => method === 'PATCH' && status < 300).length;
    if (creations > desired.listings(replica)) {
      wrong.push(`${id} was created ${creations} times and listed ${desired.listings(replica)} times`);
    }
    if (updates > desired.edits(replica)) {
      wrong.push(`${id} was updated ${updates} times for ${desired.edits(replica)} changes`);
    }
    return wrong;
  });
}

interface Replica {
  readonly routing: unknown;
  readonly tags: Readonly<Record<string, unknown>>;
}

interface Body {
  readonly tags?: Readonly<Record<string, unknown>>;
  readonly properties?: { readonly regionEndpointEnabled?: boolean };
}

/** Replays the writes to one replica. */
function replayWrites(id: string, writes: readonly JournalEntry[]): string[] {
  const wrong: string[] = [];
  let current: Replica | undefined;
  for (const { method, status, body } of writes) {
    const { tags = {}, properties: { regionEndpointEnabled: routing } = {} } = (body ?? {}) as Body;
    if (status >= 300) wrong.push(`${method} of ${id} was refused with ${status}`);
    else if (method === 'PUT') {
      if (current) wrong.push(`${id} was created though it was there`);
      current = { routing: routing ?? true, tags };
    } else if (!current) wrong.push(`${method} of ${id}, which was not there`);
    else if (method === 'DELETE') current = undefined;
    else {
      const next: Replica = { routing: routing ?? current.routing, tags: (body as Body).tags ?? current.tags };
      if (JSON.stringify(next) === JSON.stringify(current)) wrong.push(`${id} was updated to what it was`);
      current = next;
    }
  }
  return wrong;
}
