// Remembers how often this operator has had to put something right, so that it does not wrestle with whoever undoes it:
// what others undo a third time within a day is left as it is for a while. Kept in memory only: a restart forgives once.

const day = 86_400_000;
const hour = 3_600_000;
const longestRest = 8 * hour;

/** What puts it right: a replica had vanished, or one that is not listed had returned, or routing or tags were others. */
const corrections = ['create', 'delete', 'update'] as const;
type Correction = (typeof corrections)[number];

/** So often within a day. A change costs nobody a replica, so it has one attempt more. */
const tolerated: Readonly<Record<Correction, number>> = { create: 2, delete: 2, update: 3 };

export class Contention {
  /** By object, location and what it was, when (ms) something was put right there. */
  readonly #corrections = new Map<string, number[]>();
  readonly #pruned = new Map<string, number>();

  /** What had been as asked was changed by others, and has just been put right. */
  corrected(uid: string, location: string, what: Correction, now: Date): void {
    const key = keyOf(uid, location, what);
    this.#corrections.set(key, [...this.#recent(key, now), now.getTime()]);
  }

  /** A replica that is not listed was deleted; one that was deleted before has returned. */
  pruned(uid: string, location: string, now: Date): void {
    const key = keyOf(uid, location, 'delete');
    const last = this.#pruned.get(key);
    if (last !== undefined && now.getTime() - last < day) this.corrected(uid, location, 'delete', now);
    this.#pruned.set(key, now.getTime());
  }

  /** Until when the region is left as it is; undefined while others have not undone it too often. */
  restsUntil(uid: string, location: string, now: Date): Date | undefined {
    const rests = corrections.map((what) => this.#restFor(what, keyOf(uid, location, what), now));
    const until = Math.max(...rests);
    return until > now.getTime() ? new Date(until) : undefined;
  }

  /** The object is gone, or a person asks to begin anew. */
  forget(uid: string): void {
    for (const map of [this.#corrections, this.#pruned])
      for (const key of map.keys()) if (key.startsWith(`${uid} `)) map.delete(key);
  }

  /** ms since the epoch. */
  #restFor(what: Correction, key: string, now: Date): number {
    const times = this.#recent(key, now);
    const excess = times.length - tolerated[what];
    return excess < 0 ? 0 : (times.at(-1) ?? 0) + Math.min(longestRest, hour * 2 ** excess);
  }

  #recent(key: string, now: Date): number[] {
    return (this.#corrections.get(key) ?? []).filter((time) => now.getTime() - time < day);
  }
}

function keyOf(uid: string, location: string, what: Correction): string {
  return `${uid} ${location} ${what}`;
}
