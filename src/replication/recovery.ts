// Plans the recovery of a failed, listed replica. Only one that this object created and that never was Ready is replaced.
// For any other, the spec's change is repeated or a user must act. Pure.
import type { RegionSpec } from '../api/registryreplication.ts';
import type { Replica, ReplicaChange } from '../azure/arm.ts';
import { nextWholeSecond, timeOfDay } from '../lib/clock.ts';
import { isSynchronized } from './region-state.ts';
import type { Region } from './regions.ts';
import { pauseAfterDeletionMs } from './replica-history.ts';
import { theReplica } from './replica-names.ts';
import type { Hold, Step } from './step.ts';
import { tagsToSet } from './tags.ts';

/** Maximum attempts of a failed creation; then the failed replica is left in place as evidence. */
export const maxAttempts = 5;

const minute = 60_000;

/** Backoff in ms after the nth failed attempt: 1, 4, 16 minutes, then an hour. The failed replica stays meanwhile. */
export function backoffAfter(attempts: number): number {
  return Math.min(60, 4 ** Math.max(0, attempts - 1)) * minute;
}

/**
 * The step that may repair a Failed replica. None for the home region, which only Azure can repair, and none for a replica
 * that needs a user.
 */
export function recoveryOf(region: Region): Step[] {
  const { state, spec, home, replica, location, name, attempts } = region;
  if (state !== 'Failed' || !spec || home || !replica) return [];
  const change = repetition(region, spec, replica);
  const step: Step | undefined = isReplaceable(region)
    ? { action: 'delete', location, name, message: `replace ${theReplica(region)}, whose creation failed` }
    : change && {
        action: 'update',
        location,
        name,
        change,
        message: `repeat the last change of ${theReplica(region)}`,
      };
  if (!step) return [];
  const hold = holdOfAttempt(attempts, region.failedJustNow);
  return [hold ? { ...step, hold } : step];
}

/** Why the operator does not replace a Failed replica, as the end of a sentence; undefined if it does. */
export function keptBecause({ createdHere, readyOnce, hadBeenReady, replica }: Region): string | undefined {
  if (hadBeenReady || (createdHere && readyOnce)) return 'it had been ready';
  if (!createdHere) return 'this object is not known to have created it';
  return replica && isSynchronized(replica) ? 'it holds the content' : undefined;
}

/** True if the operator has no step to repair the Failed replica. */
export function isBeyondRepair(region: Region): boolean {
  return region.state === 'Failed' && region.spec !== undefined && !region.home && recoveryOf(region).length === 0;
}

/** Holds the next attempt right after a failure, and after too many failures until the user requests a retry. */
export function holdOfAttempt(attempts: number, failedJustNow: boolean): Hold | undefined {
  if (attempts >= maxAttempts)
    return {
      waitsFor: [],
      reason: 'RegionFailed',
      message: `stopped after ${attempts} failed attempts`,
    };
  return failedJustNow ? { waitsFor: [], message: `attempt ${attempts + 1} of ${maxAttempts} follows` } : undefined;
}

/** Holds a creation during the pause after a deletion. ARM requires the pause, so a retry request does not skip it. */
export function holdAfterDeletion(deletedAt: string | undefined, now: Date): Hold | undefined {
  if (deletedAt === undefined) return undefined;
  const notBefore = nextWholeSecond(Date.parse(deletedAt) + pauseAfterDeletionMs);
  const message = `waits until ${timeOfDay(notBefore, now)}: Azure fails a creation that begins right after a deletion`;
  return { waitsFor: [], notBefore, message };
}

/** A replica that this object created and that never was Ready has no content to lose. */
function isReplaceable(region: Region): boolean {
  return keptBecause(region) === undefined;
}

/** Repeats the spec's routing and tags; undefined if it sets neither. */
function repetition({ previous }: Region, { routing, tags }: RegionSpec, replica: Replica): ReplicaChange | undefined {
  if (routing === undefined && !tags) return undefined;
  // WhenReady never routes clients to a replica without content.
  const keeps = routing === 'WhenReady' && !isSynchronized(replica);
  return {
    ...(routing !== undefined && { routing: keeps ? replica.routing : routing !== 'Disabled' }),
    ...(tags && { tags: tagsToSet(replica.tags, tags, previous?.managedTags ?? []) ?? replica.tags }),
  };
}
