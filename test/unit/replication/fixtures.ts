// Builders for the objects, registries, replicas, observations and statuses of these tests.
import {
  finalizer,
  type RegionSpec,
  type RegistryReplication,
  type Spec,
  type Status,
} from '../../../src/api/registryreplication.ts';
import type { Registry, Replica } from '../../../src/azure/arm.ts';
import { listed, type Observation, withGets } from '../../../src/replication/observation.ts';

export const now = new Date('2026-11-22T12:00:00Z');
export const home = 'eastus';

export function secondsAgo(seconds: number): string {
  return new Date(now.getTime() - seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

export interface ObjectParts {
  regions?: (string | RegionSpec)[];
  spec?: Partial<Spec>;
  status?: Status;
  generation?: number;
  annotations?: Record<string, string>;
  deleting?: boolean;
  /** It has the operator's finalizer and the claim on its registry. */
  claimed?: boolean;
}

export function anObject(parts: ObjectParts = {}): RegistryReplication {
  const {
    regions = ['japaneast'],
    spec,
    status,
    generation = 1,
    annotations,
    deleting = false,
    claimed = true,
  } = parts;
  return {
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: {
      name: 'myacr0007',
      namespace: 'registries',
      uid: 'c0ffee',
      generation,
      ...(claimed && { finalizers: [finalizer] }),
      ...(annotations && { annotations }),
      ...(deleting && { deletionTimestamp: now }),
    },
    spec: {
      registry: {
        subscriptionId: '00000000-0000-0000-0000-000000000000',
        resourceGroup: 'myresourcegroup',
        name: 'myACR0007',
      },
      ...(regions.length > 0 && {
        regions: regions.map((region) => (typeof region === 'string' ? { location: region } : region)),
      }),
      prune: 'Delete',
      deletionPolicy: 'Delete',
      mode: 'Manage',
      suspend: false,
      pruneDelay: '0s',
      ...spec,
    },
    ...((claimed || status) && { status: { ...(claimed && { claim: { since: '2020-01-01T00:00:00Z' } }), ...status } }),
  };
}

export function aRegistry(parts: Partial<Registry> = {}): Registry {
  return {
    id: '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007',
    location: home,
    loginServer: 'myacr0007.azurecr.io',
    creationDate: '2026-01-01T00:00:00.000Z',
    sku: 'Premium',
    provisioningState: 'Succeeded',
    ...parts,
  };
}

export function aReplica(location: string, parts: Partial<Replica> = {}): Replica {
  return {
    name: location,
    location,
    provisioningState: 'Succeeded',
    displayStatus: 'Ready',
    routing: true,
    tags: {},
    ...parts,
  };
}

/** An observation in which LIST shows `replicas`, a GET returned the `confirmed` ones, and 404 for the `missing` names. */
export function observing(
  replicas: Replica[],
  {
    registry = aRegistry(),
    confirmed = replicas,
    missing = [],
  }: { registry?: Registry; confirmed?: Replica[]; missing?: string[] } = {},
): Observation {
  return withGets(listed(registry, replicas), [
    ...confirmed.map((replica) => ({ kind: 'found' as const, name: replica.name, replica })),
    ...missing.map((name) => ({ kind: 'missing' as const, name })),
  ]);
}

/** A status of the registry above with these regions. */
export function aStatus(
  regions: Partial<NonNullable<Status['regions']>[number]>[],
  parts: Partial<Status> = {},
): Status {
  return {
    observedGeneration: 1,
    registry: { creationDate: '2026-01-01T00:00:00.000Z', id: aRegistry().id },
    regions: regions.map((row) => ({
      location: 'japaneast',
      desired: true,
      home: false,
      state: 'Ready',
      since: secondsAgo(3_600),
      ...row,
    })),
    ...parts,
  };
}
