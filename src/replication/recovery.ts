// What becomes of a listed replica that failed: replaced where it never served, mended where it did, and left to a person
// after five attempts. Pure. The home region's is never touched.
import type { Hold, Step } from './plan.ts';
import { isFullOfContent, type Region } from './regions.ts';

/** So often a failed creation is tried again; then the evidence is left in place. */
export const mostAttempts = 5;

const minute = 60_000;

/** ms that the evidence of the nth failed attempt is left in place: 1, 4, 16 minutes, then an hour. */
export function restAfter(attempts: number): number {
  return Math.min(60, 4 ** Math.max(0, attempts - 1)) * minute;
}

/** The step that would mend a Failed replica; none for the home region's, which only Azure can mend. */
export function recoveryOf(region: Region): Step[] {
  const { state, asked, home, replica, location, name, attempts } = region;
  if (state !== 'Failed' || !asked || home || !replica) return [];
  const step: Step = isReplaceable(region)
    ? { action: 'delete', location, name, message: `replace replica ${name}, whose creation failed` }
    : {
        action: 'update',
        location,
        name,
        change: { routing: asked.routing === undefined ? replica.routing : asked.routing !== 'Disabled' },
        message: `repeat the last change of replica ${name}, which failed`,
      };
  const hold = holdOfAttempt(attempts, region.failedJustNow);
  return [hold ? { ...step, hold } : step];
}

/** Why the next attempt waits, if it does: just failed, it rests; failed too often, it is left to a person. */
export function holdOfAttempt(attempts: number, failedJustNow: boolean): Hold | undefined {
  if (attempts >= mostAttempts)
    return {
      waitsFor: [],
      reason: 'RegionFailed',
      message: `failed ${attempts} times and is left as it is, for you to look at`,
    };
  return failedJustNow ? { waitsFor: [], message: `attempt ${attempts + 1} of ${mostAttempts} follows` } : undefined;
}

/** What had been Ready, or still serves, holds something that is not thrown away. */
function isReplaceable({ readyOnce, replica }: Region): boolean {
  return !readyOnce && !(replica?.routing && isFullOfContent(replica));
}
