// The Kubernetes events of one object, newest first, as the page lists them.
import { EventsV1Api, type EventsV1Event } from '@kubernetes/client-node';
import { kind } from '../api/registryreplication.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import type { ObjectName } from '../kubernetes/client/resource.ts';
import { sanitize } from '../lib/sanitize.ts';
import type { EventView } from './model.ts';

const maxEvents = 50;
const maxListed = 500;

/** Rejects as client-node does. */
export async function eventsOf(cluster: KubeClient, { namespace, name }: ObjectName): Promise<EventView[]> {
  const fieldSelector = `regarding.kind=${kind},regarding.name=${name}`;
  const { items } = await cluster.api(EventsV1Api).listNamespacedEvent({ namespace, fieldSelector, limit: maxListed });
  return items
    .filter(({ regarding }) => regarding?.kind === kind && regarding.name === name)
    .map(eventView)
    .sort((one, other) => (one.at < other.at ? 1 : -1))
    .slice(0, maxEvents);
}

function eventView({ eventTime, series, deprecatedLastTimestamp, type, reason, note }: EventsV1Event): EventView {
  const at = series?.lastObservedTime ?? eventTime ?? deprecatedLastTimestamp;
  return {
    at: at ? new Date(at).toISOString() : '',
    type: type === 'Warning' ? 'Warning' : 'Normal',
    reason: sanitize(reason ?? '', 128),
    note: sanitize(note ?? '', 1_024),
    count: series?.count ?? 1,
  };
}
