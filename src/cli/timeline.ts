// What has happened to an object, oldest first: its events and the times in its status, with the duration of what began before. Pure.
import type { EventsV1Event } from '@kubernetes/client-node';
import type { RegionState, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { occurrencesOf } from '../kubernetes/client/object-events.ts';
import { isoSeconds } from '../lib/clock.ts';
import { humanDuration } from '../lib/human-duration.ts';
import { unusedIn } from '../replication/needs.ts';

/** This is also its JSON. */
export interface TimelineEntry {
  /** ISO time, to the second. */
  readonly time: string;
  /** Omitted for the object as a whole. */
  readonly location?: string;
  /** The event's reason, or what the status tells: `Created`, `Claimed`, a region's state, `RegionUnused`, `Deleted`. */
  readonly reason: string;
  readonly type: 'Normal' | 'Warning';
  readonly source: 'event' | 'status';
  readonly message: string;
  /** How long it took since the entry that began it, or how long a state has lasted. */
  readonly seconds?: number;
  /** The same in words: `creation: 9s`, `3h12m so far`. */
  readonly took?: string;
  /** How often the event was repeated, and when last. */
  readonly count?: number;
  readonly lastTime?: string;
}

/** What an entry ends: earlier reasons of the same region, each with the word for what took the time since then. */
const endings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Syncing: { ReplicaCreating: 'creation', DriftCorrected: 'creation' },
  ReplicaSyncing: { ReplicaCreating: 'creation', DriftCorrected: 'creation' },
  ReplicaReady: {
    ReplicaCreating: 'until ready',
    DriftCorrected: 'until ready',
    Syncing: 'synchronisation',
    ReplicaSyncing: 'synchronisation',
  },
  ReplicaFailed: {
    ReplicaCreating: 'until it failed',
    RoutingChanged: 'until it failed',
    TagsChanged: 'until it failed',
  },
  RegionNeeded: { RegionUnused: 'unused' },
  ReplicaDeleting: { RegionUnused: 'unused' },
  ReplicaDeleted: { ReplicaDeleting: 'deletion' },
};

/** The event about the beginning of a state. The status tells of a state without one, while it lasts. */
const eventReasons: Readonly<Partial<Record<RegionState, string>>> = {
  Creating: 'ReplicaCreating',
  Syncing: 'ReplicaSyncing',
  Ready: 'ReplicaReady',
  Deleting: 'ReplicaDeleting',
  Failed: 'ReplicaFailed',
};

/** A time in the status and the time of the event about it differ by the writing of the event. */
const sameMomentMs = 60_000;

export function timeline(object: RegistryReplication, events: readonly EventsV1Event[], now: Date): TimelineEntry[] {
  const fromEvents = inOrder(events.flatMap(eventEntry));
  const states = statesOf(object);
  const running = new Set(
    states.filter(({ isShort }) => isShort).map((state) => fromEvents.findLast((event) => announces(event, state))),
  );
  const entries = inOrder([
    ...statusEntries(object, states, fromEvents, now),
    ...fromEvents.map((entry) => (running.has(entry) ? { ...entry, ...lasting(entry, now) } : entry)),
  ]);
  return entries.map((entry, n) => ({ ...entry, ...durationOf(entry, entries.slice(0, n)) }));
}

function inOrder(entries: readonly TimelineEntry[]): TimelineEntry[] {
  return entries.toSorted((one, other) => one.time.localeCompare(other.time));
}

/** Without a time an event has no place in the order. */
function eventEntry(event: EventsV1Event): TimelineEntry[] {
  const { note = '', reason = '', type } = event;
  const { first, last, count } = occurrencesOf(event);
  const location = /^([a-z][a-z0-9]*): /.exec(note)?.[1];
  if (!first) return [];
  return [
    {
      time: isoSeconds(first),
      ...(location !== undefined && { location }),
      reason,
      type: type === 'Warning' ? 'Warning' : 'Normal',
      source: 'event',
      message: location === undefined ? note : note.slice(location.length + 2),
      ...(count > 1 && { count, ...(last && { lastTime: isoSeconds(last) }) }),
    },
  ];
}

/** What the status tells of a region, with its beginning. */
interface StateSince {
  readonly location: string;
  readonly reason: string;
  readonly since: string | undefined;
  readonly message: string;
  /** The reason of the event about its beginning. */
  readonly event: string | undefined;
  /** It ends by itself. */
  readonly isShort: boolean;
}

function statesOf({ spec, status }: RegistryReplication): StateSince[] {
  return (status?.regions ?? []).flatMap((row): StateSince[] => {
    const { location, state, since } = row;
    const { unusedSince, keptFor } = unusedIn(spec, row);
    const isShort = state !== 'Ready' && state !== 'Failed';
    const own = { location, reason: state, since, message: stateMessage(row), event: eventReasons[state], isShort };
    if (unusedSince === undefined) return [own];
    const message = `no source names it any more${keptFor ? `; kept for ${keptFor}` : ''}`;
    const reason = 'RegionUnused';
    return [own, { location, reason, since: unusedSince, message, event: reason, isShort: keptFor !== undefined }];
  });
}

function statusEntries(
  { metadata, spec, status }: RegistryReplication,
  states: readonly StateSince[],
  events: readonly TimelineEntry[],
  now: Date,
): TimelineEntry[] {
  const entry = (time: string | Date | undefined, reason: string, message: string): TimelineEntry[] =>
    isTime(time) ? [{ time: isoSeconds(new Date(time)), reason, type: 'Normal', source: 'status', message }] : [];
  return [
    ...entry(metadata.creationTimestamp, 'Created', `for registry ${spec.registry.name}`),
    ...entry(status?.claim?.since, 'Claimed', 'the object acquired the registry'),
    ...entry(metadata.deletionTimestamp, 'Deleted', 'the deletion of the object was requested'),
    ...states
      .filter((state) => !events.some((event) => announces(event, state)))
      .flatMap(({ location, since, reason, message }) =>
        entry(since, reason, message).map((one) => ({ ...one, location, ...lasting(one, now) })),
      ),
  ];
}

/** The API server takes texts for times that are none, such as `2026-11-22T12:00:00x5Z`. */
function isTime(time: string | Date | undefined): time is string | Date {
  return time !== undefined && !Number.isNaN(new Date(time).getTime());
}

function announces(event: TimelineEntry, state: StateSince): boolean {
  return (
    event.location === state.location &&
    event.reason === state.event &&
    Math.abs(Date.parse(event.time) - Date.parse(state.since ?? '')) <= sameMomentMs
  );
}

function stateMessage({ state, home, message }: RegionStatus): string {
  return message || `${home ? 'the home region' : 'the region'} is ${state}`;
}

function lasting({ time }: TimelineEntry, now: Date): Pick<TimelineEntry, 'seconds' | 'took'> {
  const ms = now.getTime() - Date.parse(time);
  return { seconds: wholeSeconds(ms), took: `${humanDuration(ms)} so far` };
}

/** Cut, as humanDuration cuts. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

function durationOf(entry: TimelineEntry, earlier: readonly TimelineEntry[]): Pick<TimelineEntry, 'seconds' | 'took'> {
  const begins = endings[entry.reason] ?? {};
  // What has ended before began no second time.
  const beginning = earlier.findLast(
    ({ location, reason }) => location === entry.location && (reason === entry.reason || begins[reason]),
  );
  const what = begins[beginning?.reason ?? ''];
  if (!beginning || !what || entry.location === undefined) return {};
  const ms = Date.parse(entry.time) - Date.parse(beginning.time);
  const took = `${what}: ${humanDuration(ms)}`;
  if (entry.took === undefined) return { seconds: wholeSeconds(ms), took };
  return { took: `${took}, ${entry.took}` };
}
