// Reads the events about one object.
import { EventsV1Api, type EventsV1Event, type KubernetesObject } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';

const pageSize = 500;

/** In no order. Without those of an earlier object of the same name, which has another uid. Rejects as client-node does. */
export async function eventsAbout(cluster: KubeClient, { kind, metadata }: KubernetesObject): Promise<EventsV1Event[]> {
  const { namespace = '', name = '', uid } = metadata ?? {};
  const fieldSelector = `regarding.kind=${kind},regarding.name=${name}`;
  const events: EventsV1Event[] = [];
  let next: string | undefined;
  do {
    const page = { namespace, fieldSelector, limit: pageSize, ...(next && { _continue: next }) };
    const { items, metadata: list } = await cluster.api(EventsV1Api).listNamespacedEvent(page);
    events.push(...items.filter(({ regarding }) => regarding?.uid === uid));
    next = list?._continue;
  } while (next);
  return events;
}
