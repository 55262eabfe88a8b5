// What whoever may write namespaces says about them. It needs the right to get a namespace by name and no other: a watch
// would take the right to list all of them.
import { CoreV1Api } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import { type Annotations, annotationsLast, annotationsOf } from './annotations.ts';
import type { Cluster } from './cluster.ts';
import { RecentReadings } from './recent-readings.ts';

/** Rejects when the API server does not answer, and nothing older is known. */
export type ReadNamespace = (name: string) => Promise<Annotations>;

export function namespaceReader(cluster: Cluster, clock: Clock): ReadNamespace {
  const api = cluster.api(CoreV1Api);
  const readings = new RecentReadings<Annotations>(clock, annotationsLast);
  return (name) => readings.get(name, () => annotationsOf(api.readNamespace({ name })));
}
