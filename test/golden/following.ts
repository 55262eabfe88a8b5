// Objects that follow the nodes of their cluster and the members of a fleet: their part of scenarios.ts.
import type { RegionSource } from '../../src/api/registryreplication.ts';
import type { SourceReading } from '../../src/replication/sources.ts';
import { aReplica, home, type ObjectParts } from '../unit/replication/fixtures.ts';
import type { Setting } from './play.ts';

const hourMs = 3_600_000;

const members: RegionSource = {
  resources: {
    apiVersion: 'cluster.kubernetes-fleet.io/v1',
    kind: 'MemberCluster',
    location: ".metadata.labels['fleet\\.azure\\.com/location']",
  },
  routing: 'WhenReady',
};

const fleet: ObjectParts = { regions: [], spec: { regionsFrom: [{ nodes: {} }, members], keepUnused: '24h' } };
const ready = ['japaneast', 'westeurope'].map((name) => aReplica(name));

/** By location, how many nodes. */
function nodesIn(counts: Readonly<Record<string, number>>): SourceReading {
  return { state: 'Synced', values: new Map(Object.entries(counts).map(([location, count]) => [location, { count }])) };
}

/** By location, the names of the clusters. */
function membersIn(names: Readonly<Record<string, readonly string[]>>): SourceReading {
  const values = Object.entries(names).map(
    ([location, some]) => [location, { count: some.length, names: some.slice(0, 5) }] as const,
  );
  return { state: 'Synced', values: new Map(values) };
}

const forbidden: SourceReading = {
  state: 'Forbidden',
  message:
    'the API server answered 403 Forbidden: memberclusters.cluster.kubernetes-fleet.io is forbidden: User "system:serviceaccount:acr-replication-system:acr-replication-operator" cannot list resource "memberclusters" in API group "cluster.kubernetes-fleet.io" at the cluster scope',
};

export const following: Readonly<Record<string, Setting>> = {
  'AllRegionsReady, following': {
    parts: fleet,
    sources: [
      nodesIn({ [home]: 3, japaneast: 12 }),
      membersIn({ westeurope: ['prod-eu'], 'Japan East': ['a', 'b', 'c', 'd', 'e', 'f'], lab: ['test-1'] }),
    ],
    replicas: [aReplica(home), ...ready],
  },
  'Syncing, following': {
    parts: { ...fleet, regions: ['westeurope'] },
    sources: [nodesIn({ japaneast: 12 }), membersIn({ westeurope: ['prod-eu'] })],
    replicas: [aReplica(home), aReplica('westeurope')],
  },
  'AllRegionsReady, unused': {
    parts: fleet,
    // The last event is at noon.
    start: '2026-11-22T10:00:00Z',
    sources: [nodesIn({ japaneast: 12 }), membersIn({ westeurope: ['prod-eu'] })],
    replicas: [aReplica(home), ...ready],
    run: async (operator, _, clock) => {
      await operator.pass();
      await clock.advance(hourMs);
      operator.sources = [nodesIn({ japaneast: 12, westeurope: 1 }), membersIn({ japaneast: ['prod-jp'] })];
      await operator.pass();
      await clock.advance(hourMs);
      operator.sources = [nodesIn({ japaneast: 12 }), membersIn({ japaneast: ['prod-jp'] })];
      await operator.pass();
      await clock.advance(3 * hourMs);
      await operator.pass();
    },
  },
  'OutOfSync, following': {
    parts: { ...fleet, spec: { ...fleet.spec, mode: 'Observe' }, claimed: false },
    sources: [nodesIn({ japaneast: 12 }), membersIn({ westeurope: ['prod-eu'] })],
    replicas: [aReplica(home), aReplica('northeurope')],
  },
  SourceUnreadable: {
    parts: { ...fleet, regions: ['japaneast'] },
    sources: [nodesIn({ japaneast: 12 }), forbidden],
    replicas: [aReplica(home), ...ready, aReplica('northeurope')],
  },
  SourceNotSynced: {
    parts: fleet,
    sources: [nodesIn({ japaneast: 12 }), { state: 'Listing' }],
    replicas: [aReplica(home), ...ready],
  },
  NoRegions: { parts: fleet, sources: [nodesIn({}), membersIn({})] },
};
