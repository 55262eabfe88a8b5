// What the status remembers about one replica, and holds only while that replica lives: that it was Ready, that this object
// created it, why it failed. Pure. In doubt a latch falls: the worst that follows is a later prune, or a command for a person.
import type { RegionState, RegionStatus } from '../api/registryreplication.ts';
import type { Replica } from '../azure/arm.ts';

export interface Latches {
  /** The replica that the row speaks of is still there, as far as can be told. */
  readonly lives: boolean;
  /** The replica has been Ready since the region was listed. */
  readonly readyOnce: boolean;
  /** This object sent the PUT that created the replica. */
  readonly createdHere: boolean;
  /** ISO time at which the replica was created, as ARM says. While a creation is under way, when the PUT went out. */
  readonly createdAt: string | undefined;
  /** ISO time at which a deleted replica was first seen to be gone; undefined once a new one may be created. */
  readonly deletedAt: string | undefined;
}

export interface Sight {
  readonly row: RegionStatus | undefined;
  readonly replica: Replica | undefined;
  readonly state: RegionState;
  /** The spec lists the region. */
  readonly listed: boolean;
  readonly home: boolean;
  /** The region is Ready, and that is proven. */
  readonly ready: boolean;
  /** ARM did not answer about the region. */
  readonly unseen: boolean;
  readonly now: Date;
}

/**
 * ms between a deletion and the next creation at the same place. ACR accepts an earlier creation and then fails it
 * (Azure/azure-rest-api-specs, issue 18934).
 */
export const pauseAfterDeletionMs = 30_000;

/** ARM's digits of one time vary between answers; no replica is deleted and created again within this. */
const toleranceMs = 2_000;

/** A replica that appears after a PUT without an answer is that PUT's only if ARM created it about then: clocks differ. */
const clockSkewMs = 300_000;

/** An intent to create that is older is stored again before its PUT goes out. */
const freshMs = 60_000;

/** Whether the status tells already that a PUT is about to go out. */
export function isIntentStored(row: RegionStatus | undefined, now: Date): row is RegionStatus {
  if (row?.state !== 'Absent' || row.createdAt === undefined) return false;
  return Math.abs(now.getTime() - Date.parse(row.createdAt)) < freshMs;
}

export function latchesOf(sight: Sight): Latches {
  const { row, replica, state, listed, home, ready } = sight;
  const lives = isSameReplica(sight);
  const wasReady = row?.readyOnce === true && (row.desired || !listed) && isSettled(row.state);
  const createdAt = replica?.createdAt ?? (lives ? row?.createdAt : undefined);
  return {
    lives,
    // The home region always has the content, with or without an entry of its own.
    readyOnce: ready || (wasReady && (home || (lives && isSettled(state)))),
    createdHere: !home && lives && row?.createdHere === true && !isListedAnew(row, listed),
    createdAt,
    deletedAt: deletedAtOf(sight),
  };
}

function isSettled(state: RegionState): boolean {
  return state !== 'Absent' && state !== 'Creating' && state !== 'Deleting';
}

function isSameReplica({ row, replica, state, unseen }: Sight): boolean {
  if (!row) return false;
  if (unseen) return true;
  if (!replica) return state !== 'Absent';
  if (row.createdAt !== undefined && replica.createdAt !== undefined) {
    const apart = Math.abs(Date.parse(row.createdAt) - Date.parse(replica.createdAt));
    if (!(apart <= (row.state === 'Absent' ? clockSkewMs : toleranceMs))) return false;
  }
  // Only a creation makes a replica Creating: a change makes it Updating (recorded: azure-cli, 2026-09-10).
  return state !== 'Creating' || row.state === 'Creating' || row.state === 'Absent';
}

/** That it had been Ready ends with the listing, so this object could no longer know that the replica held content. */
function isListedAnew(row: RegionStatus, listed: boolean): boolean {
  return listed && !row.desired && row.readyOnce === true;
}

function deletedAtOf({ row, state, now }: Sight): string | undefined {
  if (state !== 'Absent' || !row) return undefined;
  if (row.state === 'Deleting') return nextWholeSecond(now.getTime());
  if (row.deletedAt === undefined) return undefined;
  const passed = now.getTime() - Date.parse(row.deletedAt);
  // A time to come was written by a clock that has been set back since: the pause begins again.
  if (passed < -1_000) return nextWholeSecond(now.getTime());
  return passed < pauseAfterDeletionMs ? row.deletedAt : undefined;
}

/** ISO time; rounded up, so that nothing that is counted from it comes early. */
export function nextWholeSecond(ms: number): string {
  return `${new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().slice(0, 19)}Z`;
}
