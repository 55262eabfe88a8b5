// Counts drift corrections per region, to avoid endless fights with another actor. A region that others revert three times
// within a day is left alone for a while. Kept in memory only: a restart resets the counts.

const day = 86_400_000;
const hour = 3_600_000;
const maxPauseMs = 8 * hour;

/** Corrects a vanished replica, an unlisted one that returned, or changed routing or tags. */
const corrections = ['create', 'delete', 'update'] as const;
type Correction = (typeof corrections)[number];

/** Corrections tolerated within a day. An update destroys no replica, so it gets one more. */
const tolerated: Readonly<Record<Correction, number>> = { create: 2, delete: 2, update: 3 };

export class Contention {
  /** Times of corrections (ms since the epoch) by object, location and action. */
  readonly #corrections = new Map<string, number[]>();
  readonly #pruned = new Map<string, number>();

  /** Records that drift caused by others has just been corrected. */
  recordCorrection(uid: string, location: string, what: Correction, now: Date): void {
    const key = keyOf(uid, location, what);
    this.#corrections.set(key, [...this.#recent(key, now), now.getTime()]);
  }

  /** Records a prune. A second one within a day means that the replica returned, and counts as a correction. */
  recordPrune(uid: string, location: string, now: Date): void {
    const key = keyOf(uid, location, 'delete');
    const last = this.#pruned.get(key);
    if (last !== undefined && now.getTime() - last < day) this.recordCorrection(uid, location, 'delete', now);
    this.#pruned.set(key, now.getTime());
  }

  /** Records that the object creates the replica itself: a later prune of it does not mean that others brought it back. */
  recordCreation(uid: string, location: string): void {
    this.#pruned.delete(keyOf(uid, location, 'delete'));
  }

  /** Until when the region is left alone; undefined while corrections are within the limits. */
  pausedUntil(uid: string, location: string, now: Date): Date | undefined {
    const rests = corrections.map((what) => this.#restFor(what, keyOf(uid, location, what), now));
    const until = Math.max(...rests);
    return until > now.getTime() ? new Date(until) : undefined;
  }

  /** Resets the counts when the object is gone or a user requests a retry. */
  forget(uid: string): void {
    for (const map of [this.#corrections, this.#pruned])
      for (const key of map.keys()) if (key.startsWith(`${uid} `)) map.delete(key);
  }

  /** ms since the epoch. */
  #restFor(what: Correction, key: string, now: Date): number {
    const times = this.#recent(key, now);
    const excess = times.length - tolerated[what];
    return excess < 0 ? 0 : (times.at(-1) ?? 0) + Math.min(maxPauseMs, hour * 2 ** excess);
  }

  #recent(key: string, now: Date): number[] {
    return (this.#corrections.get(key) ?? []).filter((time) => now.getTime() - time < day);
  }
}

function keyOf(uid: string, location: string, what: Correction): string {
  return `${uid} ${location} ${what}`;
}
