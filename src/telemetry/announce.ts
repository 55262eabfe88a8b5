// Announces what has happened to an object: as an event, as a log line, and in the metrics. It cannot fail a pass.
import { findCondition } from '../api/conditions.ts';
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ObjectEvent } from '../replication/events.ts';
import type { ObjectMetrics } from './object-metrics.ts';

export interface Listeners {
  readonly events: { record(object: RegistryReplication, happening: ObjectEvent): void };
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly metrics: ObjectMetrics;
  readonly clock: Clock;
}

/** The fields of a transition's log line, besides its message. */
interface Line {
  readonly reason?: string;
  readonly action?: string;
  /** One region, or several separated by commas. */
  readonly region?: string;
  /** The previous and the new state. */
  readonly from?: string;
  readonly to?: string;
  /** For an action in Azure: until it was accepted or refused. Otherwise: how long the previous state had lasted. */
  readonly durationMs?: number;
  /** ARM's id of the request, which Azure's support asks for. */
  readonly correlationId?: string;
}

/** `object` is as it was before the pass; `after` is the status after it, if the pass has computed one. */
export type Announce = (object: RegistryReplication, happenings: readonly ObjectEvent[], after?: Status) => void;

export function announceTo({ events, log, metrics, clock }: Listeners): Announce {
  const since = (time: string | undefined) =>
    time === undefined ? {} : { durationMs: Math.max(0, clock.now().getTime() - Date.parse(time)) };

  return (object, happenings, after) => {
    const subject = { object: namespacedName(object), registry: object.spec.registry.name };
    const say = (type: ObjectEvent['type'], line: Line, sentence: string) =>
      log[type === 'Warning' ? 'warn' : 'info']({ ...subject, ...line }, sentence);
    const moves = new Map(
      movesIn(object, after).map(({ region, since: time, ...move }) => [region, { ...move, ...since(time) }]),
    );

    for (const happening of happenings) {
      const { type, reason, action, note, locations = [], request } = happening;
      events.record(object, happening);
      count(happening, metrics);
      const [first] = locations;
      const move = first !== undefined && locations.length === 1 ? moves.get(first) : undefined;
      for (const location of locations) moves.delete(location);
      const region = locations.join(',');
      const sent = request && {
        durationMs: Math.round(request.durationMs),
        ...(request.correlationId !== undefined && { correlationId: request.correlationId }),
      };
      say(type, { reason, action, ...(region && { region }), ...move, ...sent }, note);
    }
    for (const [region, move] of moves) say('Normal', { region, ...move }, `${region}: ${move.from} → ${move.to}`);

    const was = findCondition(object.status?.conditions, 'Ready');
    const is = findCondition(after?.conditions, 'Ready');
    if (!is || is.status === was?.status) return;
    const lasted = since(was?.lastTransitionTime);
    // A refusal is both an event and the message of Ready.
    const isTold = happenings.some(({ reason, note }) => reason === is.reason || note.includes(is.message));
    if (!isTold) say('Normal', { reason: is.reason, ...lasted }, `Ready is ${is.status}: ${is.message}`);
    if (is.status === 'True' && was?.status === 'False' && lasted.durationMs !== undefined)
      metrics.becameReady(lasted.durationMs / 1_000);
  };
}

function count({ reason, action }: ObjectEvent, metrics: ObjectMetrics): void {
  if (reason === 'DriftCorrected') metrics.driftCorrected(action === 'Create' ? 'create' : 'update');
  if (reason === 'RegistryClaimed') metrics.claimLost();
}

/** The regions whose state has changed. */
function movesIn({ status }: RegistryReplication, after: Status | undefined) {
  return (after?.regions ?? []).flatMap(({ location: region, state: to }) => {
    const before = status?.regions?.find(({ location }) => location === region);
    return before && before.state !== to ? [{ region, from: before.state, to, since: before.since }] : [];
  });
}
