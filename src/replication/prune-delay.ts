// Computes when an unlisted replica may be pruned. Pure, except for DelayTimers, whose delays do not shorten when the wall
// clock is set forward.
import type { RegionSpec, RegionStatus, RegistryReplication, Spec } from '../api/registryreplication.ts';
import { parseDuration } from '../lib/duration.ts';

/** The CRD's defaults, for servers that do not apply them. */
const defaultDelayMs = 600_000;
const defaultKeepMs = 24 * 3_600_000;

/** Facts in a region's status from which later passes compute the prune delay. */
export interface PruneEvidence {
  /** This object has listed the region while holding the registry. */
  readonly wasListed: boolean;
  /** ISO time at which this object first saw a replica in a region that it has not listed. */
  readonly firstSeen: string;
}

/** Carries the evidence forward. A missing `firstSeen`, or a future one from another clock, counts as now. */
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

/** `time`, or `now` if `time` is missing or in the future. */
export function earlier(time: string | undefined, now: string): string {
  return time !== undefined && Date.parse(time) <= Date.parse(now) ? time : now;
}

/** Age in ms of what `key` names and began at `since` (ms since the epoch). */
export type AgeOf = (key: string, since: number) => number;

/** How long a region stays that no source names any more. */
export function keepUnusedMs({ keepUnused }: Pick<Spec, 'keepUnused'>): number {
  return (keepUnused === undefined ? undefined : parseDuration(keepUnused)) ?? defaultKeepMs;
}

/** The field that decides how long a replica stays that the object never listed. Sources may have named it: the last status may be lost. */
export function pruneDelayOf(spec: Spec): { readonly field: 'pruneDelay' | 'keepUnused'; readonly ms: number } {
  const ms = spec.pruneDelay === undefined ? defaultDelayMs : (parseDuration(spec.pruneDelay) ?? defaultDelayMs);
  const keepMs = spec.regionsFrom?.length ? keepUnusedMs(spec) : 0;
  return keepMs > ms ? { field: 'keepUnused', ms: keepMs } : { field: 'pruneDelay', ms };
}

/** When the object's prune delay allows the prune; undefined: now. */
export function prunableFrom(
  { spec, status }: RegistryReplication,
  location: string,
  { wasListed, firstSeen }: PruneEvidence,
  now: Date,
  ageOf: AgeOf = (_, since) => now.getTime() - since,
): Date | undefined {
  const delayMs = pruneDelayOf(spec).ms;
  if (wasListed || delayMs === 0) return undefined;
  const since = Math.max(Date.parse(firstSeen), status?.claim ? Date.parse(status.claim.since) : 0);
  // `since` has no fractions and may be up to 1 s too early.
  const leftMs = delayMs + 1_000 - ageOf(location, since);
  // Whole seconds, like all times in a status: two clocks differ by fractions.
  return leftMs > 0 ? new Date(Math.floor((now.getTime() + leftMs) / 1_000) * 1_000) : undefined;
}

/**
 * Measures ages by the wall clock and a monotonic clock and returns the smaller, so that setting the wall clock forward ages
 * nothing. Kept in memory; after a restart only the wall clock counts.
 */
export class DelayTimers {
  /** The monotonic time (ms) of age 0 for this `since`, by object and location. */
  readonly #began = new Map<string, { readonly since: number; readonly at: number }>();

  age(uid: string, location: string, since: number, now: Date, monotonicMs: number): number {
    const key = `${uid} ${location}`;
    const wallMs = Math.max(0, now.getTime() - since);
    const last = this.#began.get(key);
    const began = last?.since === since ? last : { since, at: monotonicMs - wallMs };
    this.#began.set(key, began);
    return Math.min(wallMs, monotonicMs - began.at);
  }

  /** Drops the timers of an object that is gone. */
  forget(uid: string): void {
    for (const key of this.#began.keys()) if (key.startsWith(`${uid} `)) this.#began.delete(key);
  }
}
