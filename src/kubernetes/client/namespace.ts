// Reads annotations of a Namespace. Needs only the right to get a namespace by name; a watch would need the right to
// list all of them.
import { CoreV1Api } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import { type Annotations, annotationsOf } from './access-denied.ts';
import type { KubeClient } from './client.ts';
import { ReadCache } from './read-cache.ts';

/**
 * The state less than `age` ms ago. While the API server does not answer, one of up to 10 minutes ago; rejects when there
 * is none.
 */
export type ReadNamespace = (name: string, age: number) => Promise<Annotations>;

/** @param names The annotations to read. */
export function namespaceReader(cluster: KubeClient, clock: Clock, names: readonly string[]): ReadNamespace {
  const api = cluster.api(CoreV1Api);
  const readings = new ReadCache<Annotations>(clock);
  return (name, age) => readings.get(name, age, () => annotationsOf(api.readNamespace({ name }), names));
}
