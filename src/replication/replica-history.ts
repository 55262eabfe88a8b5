// Facts in the status that hold only for the lifetime of one replica: it was Ready, or this object created it. Pure.
// In doubt a latch is reset; at worst a prune comes later, or a user must run a command.
import type { RegionState, RegionStatus } from '../api/registryreplication.ts';
import type { Replica } from '../azure/arm.ts';
import { nextWholeSecond } from '../lib/clock.ts';

export interface ReplicaHistory {
  /** The replica of the row still exists, as far as is known. */
  readonly lives: boolean;
  /** The replica has been Ready since the region was listed. */
  readonly readyOnce: boolean;
  /** This object sent the PUT that created the replica. */
  readonly createdHere: boolean;
  /** This object created the replica and dropped `createdHere`, because the replica had been Ready before `readyOnce` ended. */
  readonly hadBeenReady: boolean;
  /** ISO time of creation, from ARM. While a creation is under way, the time of the PUT. */
  readonly createdAt: string | undefined;
  /** ISO time at which a deleted replica was first seen to be gone; undefined once a new one may be created. */
  readonly deletedAt: string | undefined;
}

export interface HistoryEvidence {
  readonly previous: RegionStatus | undefined;
  readonly replica: Replica | undefined;
  readonly state: RegionState;
  /** The spec lists the region. */
  readonly isListed: boolean;
  readonly home: boolean;
  /** The region is confirmed Ready. */
  readonly ready: boolean;
  /** ARM did not answer about the region. */
  readonly isUnknown: boolean;
  readonly now: Date;
}

/**
 * Minimum ms between a deletion and the next creation in the same region. ACR accepts an earlier creation and then fails it
 * (Azure/azure-rest-api-specs, issue 18934).
 */
export const pauseAfterDeletionMs = 30_000;

/** ARM's precision of one time varies between responses; no replica is deleted and recreated within this. */
const toleranceMs = 2_000;

/** Tolerance for clock skew when matching a new replica to a PUT whose response was lost. */
const clockSkewMs = 300_000;

/** An older creation intent is stored again before its PUT is sent. */
const freshMs = 60_000;

/** True if the status already records a recent intent to send a PUT. */
export function isIntentStored(row: RegionStatus | undefined, now: Date): row is RegionStatus {
  if (row?.state !== 'Absent' || row.createdAt === undefined) return false;
  return Math.abs(now.getTime() - Date.parse(row.createdAt)) < freshMs;
}

export function replicaHistory(evidence: HistoryEvidence): ReplicaHistory {
  const { previous, replica, state, isListed, home, ready } = evidence;
  const lives = isSameReplica(evidence);
  const wasReady = previous?.readyOnce === true && (previous.desired || !isListed) && isBeyondCreation(previous.state);
  const createdAt = replica?.createdAt ?? (lives ? previous?.createdAt : undefined);
  // The home region always has the content, with or without an entry of its own.
  const readyOnce = ready || (wasReady && (home || (lives && isBeyondCreation(state))));
  // Goes with readyOnce, or a replica with content might be replaced: one that is listed again, or whose deletion failed.
  const losesReadyOnce = previous?.readyOnce === true && !readyOnce;
  const wasCreatedHere = !home && lives && previous?.createdHere !== undefined;
  const createdHere = wasCreatedHere && previous.createdHere === true && !losesReadyOnce;
  return {
    lives,
    readyOnce,
    createdHere,
    hadBeenReady: wasCreatedHere && !createdHere,
    createdAt,
    deletedAt: deletedAtOf(evidence),
  };
}

function isBeyondCreation(state: RegionState): boolean {
  return state !== 'Absent' && state !== 'Creating' && state !== 'Deleting';
}

function isSameReplica({ previous, replica, state, isUnknown }: HistoryEvidence): boolean {
  if (!previous) return false;
  if (isUnknown) return true;
  if (!replica) return state !== 'Absent';
  if (previous.createdAt !== undefined && replica.createdAt !== undefined) {
    const apart = Math.abs(Date.parse(previous.createdAt) - Date.parse(replica.createdAt));
    if (!(apart <= (previous.state === 'Absent' ? clockSkewMs : toleranceMs))) return false;
  }
  // Only a creation makes a replica Creating: a change makes it Updating (recorded: azure-cli, 2026-09-10).
  return state !== 'Creating' || previous.state === 'Creating' || previous.state === 'Absent';
}

function deletedAtOf({ previous, state, now }: HistoryEvidence): string | undefined {
  if (state !== 'Absent' || !previous) return undefined;
  if (previous.state === 'Deleting') return nextWholeSecond(now.getTime());
  if (previous.deletedAt === undefined) return undefined;
  const passed = now.getTime() - Date.parse(previous.deletedAt);
  // A future time means that the clock was set back since: the pause restarts.
  if (passed < -1_000) return nextWholeSecond(now.getTime());
  return passed < pauseAfterDeletionMs ? previous.deletedAt : undefined;
}
