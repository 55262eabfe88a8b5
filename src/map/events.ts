// The Kubernetes events of one object, newest first, as the page lists them.
import type { EventsV1Event } from '@kubernetes/client-node';
import { kind, type RegistryReplication } from '../api/registryreplication.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import { eventsAbout, occurrencesOf } from '../kubernetes/client/object-events.ts';
import { sanitize } from '../lib/sanitize.ts';
import type { EventView } from './model.ts';

const maxEvents = 50;

/** Rejects as client-node does. */
export async function eventsOf(cluster: KubeClient, object: RegistryReplication): Promise<EventView[]> {
  const events = await eventsAbout(cluster, kind, object);
  return events
    .map(eventView)
    .sort((one, other) => (one.at < other.at ? 1 : -1))
    .slice(0, maxEvents);
}

function eventView(event: EventsV1Event): EventView {
  const { type, reason, note } = event;
  const { first, last = first, count } = occurrencesOf(event);
  return {
    at: last?.toISOString() ?? '',
    type: type === 'Warning' ? 'Warning' : 'Normal',
    reason: sanitize(reason ?? '', 128),
    note: sanitize(note ?? '', 1_024),
    count,
  };
}
