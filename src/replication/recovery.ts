// What becomes of a listed replica that failed. Only one that this object created and that never was Ready is replaced; on any
// other the change that the spec asks for is repeated, or a person is asked. Pure.
import type { RegionSpec } from '../api/registryreplication.ts';
import type { Replica, ReplicaChange } from '../azure/arm.ts';
import { nextWholeSecond, pauseAfterDeletionMs } from './latches.ts';
import type { Hold, Step } from './plan.ts';
import { isFullOfContent, type Region } from './regions.ts';
import { tagsToSet } from './tags.ts';

/** So often a failed creation is tried again; then the evidence is left in place. */
export const mostAttempts = 5;

const minute = 60_000;

/** ms that the evidence of the nth failed attempt is left in place: 1, 4, 16 minutes, then an hour. */
export function restAfter(attempts: number): number {
  return Math.min(60, 4 ** Math.max(0, attempts - 1)) * minute;
}

/**
 * The step that would mend a Failed replica. None for the home region's, which only Azure can mend, and none for a replica
 * that is left to a person.
 */
export function recoveryOf(region: Region): Step[] {
  const { state, asked, home, replica, location, name, attempts } = region;
  if (state !== 'Failed' || !asked || home || !replica) return [];
  const change = repetition(region, asked, replica);
  const step: Step | undefined = isReplaceable(region)
    ? { action: 'delete', location, name, message: `replace replica ${name}, whose creation failed` }
    : change && { action: 'update', location, name, change, message: `repeat the last change of replica ${name}` };
  if (!step) return [];
  const hold = holdOfAttempt(attempts, region.failedJustNow);
  return [hold ? { ...step, hold } : step];
}

/** Why a Failed replica is not replaced by the operator, as the end of a sentence; undefined where it is. */
export function keptBecause({ createdHere, readyOnce, replica }: Region): string | undefined {
  if (!createdHere) return 'this object did not create it';
  if (readyOnce) return 'it had been ready';
  return replica && isFullOfContent(replica) ? 'it holds the content' : undefined;
}

/** Whether nothing that the operator may do can mend the Failed replica. */
export function isLeftToPerson(region: Region): boolean {
  return region.state === 'Failed' && region.asked !== undefined && !region.home && recoveryOf(region).length === 0;
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

/** Why the creation after a deletion waits, if it still does. ARM commands this pause, so no person can cut it short. */
export function holdAfterDeletion(deletedAt: string | undefined): Hold | undefined {
  if (deletedAt === undefined) return undefined;
  const notBefore = nextWholeSecond(Date.parse(deletedAt) + pauseAfterDeletionMs);
  const message = `waits until ${notBefore}: Azure fails a creation that begins right after a deletion`;
  return { waitsFor: [], notBefore, message };
}

/** Only a replica that this object created and that never was Ready holds nothing that could be lost. */
function isReplaceable(region: Region): boolean {
  return keptBecause(region) === undefined;
}

/** What the spec asks for, once more; undefined where it asks for nothing. */
function repetition({ before }: Region, { routing, tags }: RegionSpec, replica: Replica): ReplicaChange | undefined {
  if (routing === undefined && !tags) return undefined;
  // WhenReady never routes clients to a replica without content.
  const keeps = routing === 'WhenReady' && !isFullOfContent(replica);
  return {
    ...(routing !== undefined && { routing: keeps ? replica.routing : routing !== 'Disabled' }),
    ...(tags && { tags: tagsToSet(replica.tags, tags, before?.managedTags ?? []) ?? replica.tags }),
  };
}
