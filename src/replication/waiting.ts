// Computes requeue delays in ms. Each grows with the time already waited.
import { clamp } from '../lib/clamp.ts';

const second = 1_000;
const minute = 60 * second;

/**
 * Poll delay for regions in motion: a quarter of the time since `since` (ISO), between 2 s and 60 s. A 10 s creation is seen
 * 3 s late. `askAfter`: minimum ms of the operation as ARM reported it. Earlier polls are useless, so the first one waits
 * for 1.25 times that, at most 60 s.
 */
export function progressPollInterval(since: string | undefined, now: Date, askAfter = 0): number {
  const passed = elapsed(since, now);
  return clamp(Math.max(passed / 4, 1.25 * askAfter - passed), 2 * second, minute);
}

/** Retry delay of a refused creation: a quarter of the time since the first refusal (ISO), between 5 s and 10 minutes. */
export function untilRetry(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now) / 4, 5 * second, 10 * minute);
}

/** Delay for problems that need a user: the time since `since` (ISO), between 1 and 10 minutes. */
export function stalledPollInterval(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now), minute, 10 * minute);
}

export function earliest(waits: readonly number[]): number | undefined {
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function elapsed(since: string | undefined, now: Date): number {
  // Whole seconds, like `since`, so that no age is overstated. An unparsable time (NaN) counts as now, so that the delay is
  // never NaN.
  return since === undefined ? 0 : Math.floor(now.getTime() / second) * second - Date.parse(since) || 0;
}
