// How long to wait until the next look. All in ms; a person's patience grows with the time already waited, and so do these.
import { clamp } from '../clamp.ts';

const second = 1_000;
const minute = 60 * second;

/**
 * A quarter of the time since `since` (ISO), between 2 s and 60 s: for what is in motion. A 10 s creation is seen 3 s late.
 * `askAfter`: ms that ARM takes it to last at least. Before that, and the quarter by which every look may be late, to ask is
 * to ask in vain: the first look comes then, also within 60 s.
 */
export function quarterOf(since: string | undefined, now: Date, askAfter = 0): number {
  const passed = elapsed(since, now);
  return clamp(Math.max(passed / 4, 1.25 * askAfter - passed), 2 * second, minute);
}

/** A quarter of the time since the first refusal (ISO), between 5 s and 10 minutes: for a creation that Azure goes on refusing. */
export function untilRetry(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now) / 4, 5 * second, 10 * minute);
}

/** As long as it has lasted since `since` (ISO), between 1 and 10 minutes: for what a person has to mend. */
export function slowly(since: string | undefined, now: Date): number {
  return clamp(elapsed(since, now), minute, 10 * minute);
}

export function earliest(waits: readonly number[]): number | undefined {
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function elapsed(since: string | undefined, now: Date): number {
  // To the second, as `since` is: nothing shall seem older than it is. A time that nobody can read (NaN) counts as now:
  // waiting must never come to nothing.
  return since === undefined ? 0 : Math.floor(now.getTime() / second) * second - Date.parse(since) || 0;
}
