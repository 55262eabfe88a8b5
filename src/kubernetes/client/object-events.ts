// Reads the events about one object, and when and how often each happened.
import type { EventsV1Event, KubernetesObject } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { collection } from './collection.ts';

const transform = (event: KubernetesObject) => event;
const eventKind = { group: 'events.k8s.io', version: 'v1', plural: 'events', transform };

/**
 * In no order. Without those of an earlier object of the same name, which has another uid. Rejects as client-node does.
 * @param kind The API server leaves it out of the items of a list.
 */
export async function eventsAbout(
  cluster: KubeClient,
  kind: string,
  { metadata }: KubernetesObject,
): Promise<EventsV1Event[]> {
  const { namespace = '', name = '', uid } = metadata ?? {};
  const fieldSelector = `regarding.kind=${kind},regarding.name=${name}`;
  const { items } = await collection<EventsV1Event>(cluster, eventKind).list({ namespace, fieldSelector });
  return items.filter(({ regarding }) => regarding?.uid === uid);
}

export interface Occurrences {
  /** Undefined for an event without a time, which no API server sends. */
  readonly first: Date | undefined;
  /** Undefined unless it was repeated. */
  readonly last: Date | undefined;
  readonly count: number;
}

/** Times are texts, as in JSON. The fields `deprecated…` are those of events that a client has written through the core API. */
export function occurrencesOf(event: EventsV1Event): Occurrences {
  const { eventTime, series, metadata } = event;
  const first = eventTime ?? event.deprecatedFirstTimestamp ?? metadata?.creationTimestamp;
  const last = series?.lastObservedTime ?? event.deprecatedLastTimestamp;
  const count = series?.count ?? event.deprecatedCount ?? 1;
  return {
    first: first ? new Date(first) : undefined,
    last: last && count > 1 ? new Date(last) : undefined,
    count,
  };
}
