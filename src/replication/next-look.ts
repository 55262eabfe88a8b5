// Computes when to requeue after a pass that observed ARM, from regions in motion, refused writes and holds. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegionStatus, RegistryReplication, Status } from '../api/registryreplication.ts';
import type { Hold, Plan, Step } from './plan.ts';
import { needsIntervention } from './reasons.ts';
import { isInMotion, type Region } from './regions.ts';
import type { Result } from './report.ts';
import { earliest, progressPollInterval, stalledPollInterval } from './waiting.ts';

export interface Seen {
  readonly regions: readonly Region[];
  readonly rows: readonly RegionStatus[];
  readonly left: readonly Step[];
  readonly results: readonly Result[];
  readonly status: Status;
  /** Minimum ms of a creation as ARM reported it; 0 if unknown. */
  readonly askAfter: number;
}

/** ms until the next pass; undefined if the drift check is soon enough. */
export function requeueAfter(object: RegistryReplication, plan: Plan, seen: Seen, now: Date): number | undefined {
  const { regions, rows, left, results, status, askAfter } = seen;
  const since = (type: string) => findCondition(status.conditions, type)?.lastTransitionTime;
  if (plan.obstacle?.reason === 'RegistryNotReady') return progressPollInterval(since('Ready'), now);
  if (plan.obstacle) return stalledPollInterval(since('Stalled'), now);

  const awaited = new Set(plan.steps.flatMap(({ hold }) => hold?.waitsFor ?? []));
  const matters = ({ location, spec, home }: Region) =>
    spec !== undefined || (!home && object.spec.prune !== 'Retain') || awaited.has(location);
  const moving = regions.filter((region) => matters(region) && (isInMotion(region) || region.state === 'Syncing'));
  const resting = rows.flatMap(({ retryAfter }) => (retryAfter === undefined ? [] : [Date.parse(retryAfter)]));
  const postponed = results.flatMap(({ answer }) => ('error' in answer && answer.error.unsent ? [answer.error] : []));
  const unanswered = regions.filter(({ failedGet }) => failedGet && !needsIntervention(failedGet.reason));
  return earliest([
    ...moving
      .filter(({ failedGet }) => !failedGet)
      .map(({ since, state }) => progressPollInterval(since, now, state === 'Creating' ? askAfter : 0)),
    ...resting.map((time) => Math.max(1_000, time - now.getTime())),
    // One second later, because `since` has no fractions.
    ...regions.filter(matters).flatMap(({ dueIn }) => (dueIn === undefined ? [] : [dueIn + 1_000])),
    ...unanswered.map(
      (region) => region.failedGet?.retryAfter ?? Math.max(5_000, progressPollInterval(region.since, now)),
    ),
    ...left.flatMap(({ hold }) =>
      hold?.notBefore === undefined ? [] : [Math.max(1_000, Date.parse(hold.notBefore) - now.getTime())],
    ),
    ...postponed.flatMap(({ retryAfter }) => retryAfter ?? []),
    // An accepted step may unblock the rest. Steps that wait only for polled regions need no extra pass.
    ...(results.some(({ answer }) => !('error' in answer)) &&
    left.some(({ hold }) => hold && !waitsOnlyFor(hold, moving))
      ? [progressPollInterval(undefined, now)]
      : []),
    ...(since('Stalled') === undefined ? [] : [stalledPollInterval(since('Stalled'), now)]),
  ]);
}

/** True if the hold waits for no region outside `regions`. */
function waitsOnlyFor({ waitsFor }: Hold, regions: readonly Region[]): boolean {
  return waitsFor.every((awaited) => regions.some(({ location }) => location === awaited));
}
