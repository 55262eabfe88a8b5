// Delays: how often regions are polled, and how long refused writes rest. Each grows with the time already waited. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegionState, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import { clamp } from '../lib/clamp.ts';

const second = 1_000;
const minute = 60 * second;

/**
 * Poll delay in ms for regions in motion: an eighth of the time since `since` (ISO), between 2 s and 60 s. A 60 s
 * synchronization is seen at most 8 s late. `hintMs`: ARM's hint for the first poll. Earlier polls are useless, so the first one
 * waits for 1.25 times that. Each later one waits for at least a third of it: closer polls cost reads and show little more.
 */
export function progressPollInterval(since: string | undefined, now: Date, hintMs = 0): number {
  const passed = elapsed(since, now);
  return clamp(Math.max(passed / 8, 1.25 * hintMs - passed, Math.round(hintMs / 3)), 2 * second, minute);
}

/**
 * Poll delay in ms for a new replica: a fortieth of the time since its creation began (ISO), so that it is seen Ready about 3 %
 * late at most. That is the time from read to read: `passMs`, which the pass has taken, counts. It starts after 10 s, and after ARM's
 * hint (creations of 8.2 to 19 s are on record). It can be negative.
 */
export function creationPollInterval(
  createdAt: string | undefined,
  now: Date,
  { hintMs, passMs }: { readonly hintMs: number; readonly passMs: number },
): number {
  const passed = elapsed(createdAt, now);
  return Math.max(passed / 40 - passMs, Math.max(10 * second, hintMs) - passed);
}

/** Retry delay in ms of a request without a usable answer: a quarter of the time since `since` (ISO), between 2 s and 60 s. */
export function unansweredRetryInterval(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now) / 4, 2 * second, minute);
}

/** Retry delay in ms of a refused creation: a quarter of the time since the first refusal (ISO), between 5 s and 10 minutes. */
export function refusedRetryInterval(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now) / 4, 5 * second, 10 * minute);
}

/** Delay in ms for problems that need a user: the time since `since` (ISO), between 1 and 10 minutes. */
export function stalledPollInterval(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now), minute, 10 * minute);
}

function elapsed(since: string | undefined, now: Date): number {
  // Whole seconds, like `since`, so that no age is overstated. An unparsable time (NaN) counts as now, so that the delay is
  // never NaN.
  return since === undefined ? 0 : Math.floor(now.getTime() / second) * second - Date.parse(since) || 0;
}

/** Backoff in ms of a refused write: short if it may resolve itself, long if a user must act. */
export function retryDelayMs(
  { status }: RegistryReplication,
  error: ArmError,
  { state, previous }: { readonly state: RegionState; readonly previous: RegionStatus | undefined },
  now: Date,
): number {
  switch (error.kind) {
    case 'Throttled':
    case 'NotSent':
      return error.retryAfter ?? 10_000;
    case 'Conflict':
    case 'NotFound':
      if (state === 'Absent')
        return refusedRetryInterval(isTemporaryRefusal(previous?.reason) ? previous?.since : undefined, now);
      return Math.max(5_000, unansweredRetryInterval(previous?.since, now));
    case 'Transient':
      return Math.max(error.retryAfter ?? 5_000, unansweredRetryInterval(previous?.since, now));
    case 'Denied':
    case 'Invalid':
      return stalledPollInterval(findCondition(status?.conditions, 'Stalled')?.lastTransitionTime, now);
    default:
      return error.kind satisfies never;
  }
}

/**
 * ISO time until which a refused write of this row backs off; undefined if it is over. A time beyond the maximum for the
 * row's reason comes from another clock and is ignored.
 */
export function backoffUntil(row: RegionStatus | undefined, now: Date): string | undefined {
  const left = row?.retryAfter === undefined ? 0 : Date.parse(row.retryAfter) - now.getTime();
  return left > 0 && left <= maxBackoffMs(row?.reason) ? row?.retryAfter : undefined;
}

const longBackoffs: ReadonlySet<string> = new Set(['AzureUnreachable', 'RegionFailed', 'ProgressDeadlineExceeded']);

/** Maximum backoff: a day after a 429; an hour for any other Retry-After or a failed replica; 10 minutes for a refusal. */
function maxBackoffMs(reason: RegionStatus['reason']): number {
  // Stored times are rounded up to whole seconds.
  const roundingMs = 1_000;
  if (reason === 'Throttled') return 24 * 60 * minute + roundingMs;
  // A failed replica backs off up to an hour, also after the progress deadline.
  const isLong = reason === undefined || longBackoffs.has(reason);
  return (isLong ? 60 : 10) * minute + roundingMs;
}

/**
 * True if Azure answered and does not do it now. Throttling and outages (of the home region, for instance) do not count: no
 * user can end them.
 */
export function isTemporaryRefusal(reason: string | undefined): boolean {
  return reason === 'Conflict' || reason === 'NotFound' || reason === 'ProgressDeadlineExceeded';
}
