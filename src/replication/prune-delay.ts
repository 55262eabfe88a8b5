// Decides from when on a replica that is not listed may be pruned. Pure, but for DelayTimers, which keeps time that a step of
// the wall clock cannot shorten.
import type { RegionSpec, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { parseDuration } from '../duration.ts';

const defaultDelayMs = 600_000;

/** What the status keeps about a region, so that a later pass can tell how long its replica must stay. */
export interface PruneEvidence {
  /** This object has listed the region since it holds the registry. */
  readonly wasListed: boolean;
  /** ISO time at which this object first saw a replica in a region that it has not listed. */
  readonly firstSeen: string;
}

/** Without evidence in the row, the replica is seen for the first time now. A time in the future was written by another clock: it counts as now. */
export function pruneEvidence(
  { status }: RegistryReplication,
  asked: RegionSpec | undefined,
  row: RegionStatus | undefined,
  now: string,
): PruneEvidence {
  const isHolder = status?.claim !== undefined;
  return {
    wasListed: isHolder && (asked !== undefined || row?.wasListed === true),
    firstSeen: earlier(row?.firstSeen, now),
  };
}

/** The claim as it is stored from now on. A time in the future counts as now. */
export function earlier(time: string | undefined, now: string): string {
  return time !== undefined && Date.parse(time) <= Date.parse(now) ? time : now;
}

/** The age in ms of something that began at `since` (ms since the epoch); of what `key` names. */
export type AgeOf = (key: string, since: number) => number;

/** When the replica may be pruned; undefined: now, as far as spec.pruneDelay goes. */
export function prunableFrom(
  { spec, status }: RegistryReplication,
  location: string,
  { wasListed, firstSeen }: PruneEvidence,
  now: Date,
  ageOf: AgeOf = (_, since) => now.getTime() - since,
): Date | undefined {
  const delayMs = spec.pruneDelay === undefined ? defaultDelayMs : (parseDuration(spec.pruneDelay) ?? defaultDelayMs);
  if (wasListed || delayMs === 0) return undefined;
  const since = Math.max(Date.parse(firstSeen), status?.claim ? Date.parse(status.claim.since) : 0);
  // `since` has no fractions of a second, and may be nearly one too early.
  const leftMs = delayMs + 1_000 - ageOf(location, since);
  // To the second, as times in a status are: two clocks differ by fractions.
  return leftMs > 0 ? new Date(Math.floor((now.getTime() + leftMs) / 1_000) * 1_000) : undefined;
}

/**
 * Ages by the wall clock or by a monotonic one, whichever is less: when the wall clock is set forward, nothing becomes older.
 * Kept in memory; after a restart the wall clock alone is known.
 */
export class DelayTimers {
  /** By object and location, the monotonic time (ms) at which its age was 0, for this beginning. */
  readonly #began = new Map<string, { readonly since: number; readonly at: number }>();

  age(uid: string, location: string, since: number, now: Date, monotonicMs: number): number {
    const key = `${uid} ${location}`;
    const wallMs = Math.max(0, now.getTime() - since);
    const last = this.#began.get(key);
    const began = last?.since === since ? last : { since, at: monotonicMs - wallMs };
    this.#began.set(key, began);
    return Math.min(wallMs, monotonicMs - began.at);
  }

  /** The object is gone. */
  forget(uid: string): void {
    for (const key of this.#began.keys()) if (key.startsWith(`${uid} `)) this.#began.delete(key);
  }
}
