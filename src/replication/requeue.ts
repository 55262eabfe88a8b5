// When the next pass runs. Each delay grows with the time already waited. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import { parseDuration } from '../lib/duration.ts';
import { creationPollInterval, progressPollInterval, stalledPollInterval, unansweredRetryInterval } from './backoff.ts';
import { isAccepted, type Pass, type Result } from './pass.ts';
import { needsIntervention } from './reasons.ts';
import type { RegionReport } from './region-status.ts';
import { isInMotion, type Region } from './regions.ts';
import type { Hold } from './step.ts';

export type Requeue =
  /** When the object is edited. */
  | { readonly kind: 'edit' }
  /** At the next drift check. */
  | { readonly kind: 'driftCheck' }
  /** After so many ms, but no later than the next drift check. */
  | { readonly kind: 'within'; readonly ms: number }
  /** After so many ms, even beyond the next drift check: ARM commands it. */
  | { readonly kind: 'notBefore'; readonly ms: number };

/** `driftCheckMs`: until the next drift check. */
export function delayOf(requeue: Requeue, driftCheckMs: number): { readonly requeueAfterMs?: number } {
  switch (requeue.kind) {
    case 'edit':
      return {};
    case 'driftCheck':
      return { requeueAfterMs: driftCheckMs };
    case 'within':
      return { requeueAfterMs: Math.min(requeue.ms, driftCheckMs) };
    case 'notBefore':
      return { requeueAfterMs: requeue.ms };
    default:
      return requeue satisfies never;
  }
}

/** ms between drift checks: spec.interval, or the operator's default. */
export function intervalMs({ spec }: RegistryReplication, defaultMs: number): number {
  return (spec.interval !== undefined && parseDuration(spec.interval)) || defaultMs;
}

export interface Polling {
  /** ms that the pass has taken so far. */
  readonly passMs: number;
  /** ARM's hint for the first poll of a creation; 0 if unknown. */
  readonly firstPollHintMs: number;
  /** New replicas are polled no sooner than this, because others are polled too. */
  readonly minCreationPollMs: number;
}

/** After a pass that observed ARM. */
export function requeueAfter(
  { object, plan }: Pass,
  reports: readonly RegionReport[],
  results: readonly Result[],
  status: Status,
  now: Date,
  polling: Polling,
): Requeue {
  const since = (type: string) => findCondition(status.conditions, type)?.lastTransitionTime;
  if (plan.obstacle?.reason === 'RegistryNotReady')
    return { kind: 'within', ms: progressPollInterval(since('Ready'), now) };
  if (plan.obstacle) return { kind: 'within', ms: stalledPollInterval(since('Stalled'), now) };

  const awaited = new Set(plan.steps.flatMap(({ hold }) => hold?.waitsFor ?? []));
  const matters = ({ location, spec, home }: Region) =>
    spec !== undefined || (!home && object.spec.prune !== 'Retain') || awaited.has(location);
  const polled = reports.filter(({ region }) => matters(region) && isPolled(region)).map(({ region }) => region);
  const delays = [
    ...reports.flatMap((report) => delaysOf(report, matters(report.region), now, polling)),
    ...results.flatMap(({ outcome }) => postponement(outcome)),
    ...(mayUnblock(reports, results, polled) ? [progressPollInterval(undefined, now)] : []),
    ...(since('Stalled') === undefined ? [] : [stalledPollInterval(since('Stalled'), now)]),
  ];
  return delays.length > 0 ? { kind: 'within', ms: Math.min(...delays) } : { kind: 'driftCheck' };
}

/** Everything that one region waits for, in ms. */
function delaysOf({ region, row, steps }: RegionReport, matters: boolean, now: Date, polling: Polling): number[] {
  const { since, failedGet, dueInMs, need } = region;
  const until = (time: string) => Math.max(1_000, Date.parse(time) - now.getTime());
  const isUnanswered = failedGet !== undefined && !needsIntervention(failedGet.reason);
  return [
    ...(matters && isPolled(region) && !failedGet ? [pollInterval(region, now, polling)] : []),
    ...(row?.retryAfter === undefined ? [] : [until(row.retryAfter)]),
    // One second later, because `since` has no fractions.
    ...(matters && dueInMs !== undefined ? [dueInMs + 1_000] : []),
    ...(isUnanswered ? [failedGet.retryAfter ?? Math.max(5_000, unansweredRetryInterval(since, now))] : []),
    ...(need?.keptUntil === undefined ? [] : [until(need.keptUntil)]),
    ...steps.flatMap(({ hold }) => (hold?.notBefore === undefined ? [] : [until(hold.notBefore)])),
  ];
}

/** New replicas are polled more often than others in motion, because a user waits for them. */
function pollInterval(region: Region, now: Date, { passMs, firstPollHintMs, minCreationPollMs }: Polling): number {
  const { state, since, createdAt = since, readyOnce } = region;
  const hintMs = state === 'Creating' ? firstPollHintMs : 0;
  const interval = progressPollInterval(since, now, hintMs);
  const isNew = (state === 'Creating' || state === 'Syncing') && !readyOnce;
  if (!isNew) return interval;
  return Math.min(interval, Math.max(creationPollInterval(createdAt, now, { hintMs, passMs }), minCreationPollMs));
}

/** True if only polls show how the region goes on. */
export function isPolled(region: Region): boolean {
  return isInMotion(region) || region.state === 'Syncing';
}

/** ms until the rate limiter has a token for a step that it held back. */
function postponement(outcome: Result['outcome']): number[] {
  const isHeldBack = outcome.kind === 'notAccepted' && outcome.error.kind === 'NotSent';
  return isHeldBack && outcome.error.retryAfter !== undefined ? [outcome.error.retryAfter] : [];
}

/** An accepted step may unblock the rest. Steps that wait only for polled regions need no extra pass. */
function mayUnblock(reports: readonly RegionReport[], results: readonly Result[], polled: readonly Region[]): boolean {
  const waitsOnlyForPolled = ({ waitsFor }: Hold) =>
    waitsFor.every((awaited) => polled.some(({ location }) => location === awaited));
  return (
    results.some(isAccepted) && reports.some(({ steps }) => steps.some(({ hold }) => hold && !waitsOnlyForPolled(hold)))
  );
}
