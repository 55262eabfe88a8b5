// Reads annotations of a Namespace, cached. A GET needs only the right to get a namespace by name; a watch would need the right to
// list all of them.
import type { Clock } from '../../lib/clock.ts';
import { type Annotations, annotationsOf } from './access-denied.ts';
import type { KubeClient } from './client.ts';
import { objectPath } from './collection.ts';
import { ReadCache } from './read-cache.ts';

const kind = { group: '', version: 'v1', plural: 'namespaces' };

/** Reads as {@link ReadCache.get} does. */
export type ReadNamespace = (name: string, maxAgeMs: number) => Promise<Annotations>;

/** @param names The annotations to read. */
export function namespaceReader(cluster: KubeClient, clock: Clock, names: readonly string[]): ReadNamespace {
  const readings = new ReadCache<Annotations>(clock);
  return (name, maxAgeMs) =>
    readings.get(name, maxAgeMs, () => annotationsOf(cluster.getJson(objectPath(kind, { name })), names));
}
