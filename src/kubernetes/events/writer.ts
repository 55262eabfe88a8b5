// Writes one event through events.k8s.io/v1: creates it once, then patches its series. Retries are up to the caller.
import { EventsV1Api, PatchStrategy, setHeaderOptions, V1MicroTime } from '@kubernetes/client-node';
import type { KubeClient } from '../client/client.ts';
import { isAlreadyExists, isNotFound } from '../client/errors.ts';
import type { Series } from './aggregator.ts';

/**
 * Stores all occurrences of the series so far; resolves to their number.
 *
 * Guarantees: at most three requests; the same occurrences written twice are counted once, so a write may be
 * repeated after its response was lost.
 *
 * Errors: those of client-node and cluster.ts.
 */
export type EventWriter = (series: Series) => Promise<number>;

export function createEventWriter(cluster: KubeClient): EventWriter {
  const api = cluster.api(EventsV1Api);
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

  return async ({ event, count, lastObserved, told }) => {
    const { namespace = '', name = '' } = event.metadata ?? {};
    const series = { count, lastObservedTime: new V1MicroTime(lastObserved) };
    const patch = () => api.patchNamespacedEvent({ namespace, name, body: { series } }, mergePatch);
    const create = () => api.createNamespacedEvent({ namespace, body: count > 1 ? { ...event, series } : event });

    if (told === 0) {
      try {
        await create();
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        // The name is unique to us: an earlier request succeeded and its response was lost.
        if (count > 1) await patch();
      }
    } else {
      try {
        await patch();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await create(); // it expired or was deleted
      }
    }
    return count;
  };
}
