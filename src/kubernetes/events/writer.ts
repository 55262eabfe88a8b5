// Writes a series of equal events through events.k8s.io/v1: creates the event once, then patches its count. The caller retries.
import { type EventsV1Event, V1MicroTime } from '@kubernetes/client-node';
import { type KubeClient, mergePatch } from '../client/client.ts';
import { collectionPath, objectPath } from '../client/collection.ts';
import { isAlreadyExists, isNotFound } from '../client/errors.ts';

/** An event and its repetitions: one line of `kubectl describe`, `x3 over 5m`. */
export interface EventSeries {
  /** The event, with the name and the time of its first occurrence. While all occurrences are stored, only metadata and eventTime. */
  readonly event: EventsV1Event;
  /** Occurrences so far. */
  readonly count: number;
  /** Time of the last occurrence, in ms since the epoch. */
  readonly lastObservedMs: number;
  /** Occurrences that the API server has stored; 0 if the event does not exist there. */
  readonly written: number;
}

/**
 * Stores all occurrences of the series so far; resolves to their number.
 *
 * Guarantees: at most two requests. Writing the same occurrences twice counts them once, so the caller may repeat a write whose
 * response was lost.
 *
 * Errors: those of KubeClient.sendJson.
 */
export type EventWriter = (series: EventSeries) => Promise<number>;

const kind = { group: 'events.k8s.io', version: 'v1', plural: 'events' };

export function createEventWriter(client: KubeClient): EventWriter {
  return async ({ event, count, lastObservedMs, written }) => {
    const { namespace = '', name = '' } = event.metadata ?? {};
    const series = { count, lastObservedTime: new V1MicroTime(lastObservedMs) };
    const patch = () =>
      client.sendJson('PATCH', objectPath(kind, { namespace, name }), { series }, { contentType: mergePatch });
    const create = () =>
      client.sendJson('POST', collectionPath(kind, namespace), count > 1 ? { ...event, series } : event);

    if (written === 0) {
      try {
        await create();
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        // The name is unique to this process: an earlier request succeeded and its response was lost.
        if (count > 1) await patch();
      }
    } else {
      try {
        await patch();
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await create(); // the event has expired or was deleted
      }
    }
    return count;
  };
}
