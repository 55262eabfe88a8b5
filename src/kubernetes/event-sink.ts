// How one event gets into the API server through events.k8s.io/v1: created once, its series then kept up by patches. It
// decides neither when nor whether to try again.
import { EventsV1Api, PatchStrategy, setHeaderOptions, V1MicroTime } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { isAlreadyExists, isNotFound } from './errors.ts';
import type { Series } from './event-series.ts';

/**
 * Makes the API server know of all occurrences of the series so far; resolves to how many these were.
 *
 * Guarantees: at most three requests; the same occurrences written twice are counted once, so that a write whose answer
 * was lost may be repeated.
 *
 * Errors: as client-node and cluster.ts give them.
 */
export type EventSink = (series: Series) => Promise<number>;

export function eventSink(cluster: Cluster): EventSink {
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
        // The name is ours alone: an earlier try had arrived, and its answer was lost.
        if (count > 1) await patch();
      }
    } else {
      try {
        await patch();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await create(); // it had expired, or somebody has deleted it
      }
    }
    return count;
  };
}
