// Follows in the cluster what objects name in spec.regionsFrom, and wakes an object when what its sources say has changed.
import type { RegionSource, RegistryReplication } from '../api/registryreplication.ts';
import {
  createValueWatcher,
  type ValueQuery,
  type ValueWatcherOptions,
  type WatchedKind,
} from '../kubernetes/cache/value-watcher.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';
import type { SourceReading } from '../replication/sources.ts';

export interface RegionSources {
  /** Called for each object that the informer sees. */
  put(object: RegistryReplication): void;
  /** Called when an object is gone. */
  drop(object: RegistryReplication): void;
  /** One reading for each entry of spec.regionsFrom, in its order. */
  readingsOf(object: RegistryReplication): SourceReading[];
  /** What is watched, for metrics. */
  watched(): WatchedKind[];
  close(): void;
}

/** Kubernetes' well-known label, which every cloud provider sets. */
const nodeRegion = String.raw`.metadata.labels['topology\.kubernetes\.io/region']`;

/** @param options `onChange` gets the keys of the objects whose sources name other values, or are in another state. */
export function regionSources(options: ValueWatcherOptions): RegionSources {
  const watcher = createValueWatcher(options);
  return {
    put: (object) => watcher.follow(namespacedName(object), queriesOf(object)),
    drop: (object) => watcher.follow(namespacedName(object), []),
    readingsOf: (object) => queriesOf(object).map((query) => withoutNodeNames(query, watcher.read(query))),
    watched: () => watcher.watched(),
    close: () => watcher.close(),
  };
}

/** Nodes come and go under new names: a status that named some would be written each time. */
function withoutNodeNames({ kind }: ValueQuery, reading: SourceReading): SourceReading {
  if (kind !== 'Node' || reading.state !== 'Synced') return reading;
  return { ...reading, values: new Map(Array.from(reading.values, ([value, { count }]) => [value, { count }])) };
}

function queriesOf({ spec, metadata }: RegistryReplication): ValueQuery[] {
  return (spec.regionsFrom ?? []).map((source) => ({ namespace: metadata.namespace, ...queryOf(source) }));
}

function queryOf({ nodes, resources }: RegionSource): Omit<ValueQuery, 'namespace'> {
  if (!resources)
    return { apiVersion: 'v1', kind: 'Node', path: nodeRegion, ...(nodes?.selector && { selector: nodes.selector }) };
  const { apiVersion, kind, location, selector } = resources;
  return { apiVersion, kind, path: location, ...(selector && { selector }) };
}
