// Remembers how often this operator has had to put something right, so that it does not wrestle with whoever undoes it:
// after three times within a day a region is left as it is for a while. Kept in memory only: a restart forgives once.

const day = 86_400_000;
const hour = 3_600_000;
const tolerated = 3;
const longestRest = 8 * hour;

export class Contention {
  /** By object and location, when (ms) something was put right there. */
  readonly #corrections = new Map<string, number[]>();
  readonly #pruned = new Map<string, number>();

  /** What had been as asked was changed by others, and has just been put right. */
  corrected(uid: string, location: string, now: Date): void {
    const key = keyOf(uid, location);
    this.#corrections.set(key, [...this.#recent(key, now), now.getTime()]);
  }

  /** A replica that is not listed was deleted; one that was deleted before has returned. */
  pruned(uid: string, location: string, now: Date): void {
    const key = keyOf(uid, location);
    const last = this.#pruned.get(key);
    if (last !== undefined && now.getTime() - last < day) this.corrected(uid, location, now);
    this.#pruned.set(key, now.getTime());
  }

  /** Until when the region is left as it is; undefined while others have not undone it too often. */
  restsUntil(uid: string, location: string, now: Date): Date | undefined {
    const times = this.#recent(keyOf(uid, location), now);
    const last = times.at(-1);
    if (last === undefined || times.length < tolerated) return undefined;
    const until = last + Math.min(longestRest, hour * 2 ** (times.length - tolerated));
    return until > now.getTime() ? new Date(until) : undefined;
  }

  /** The object is gone, or a person asks to begin anew. */
  forget(uid: string): void {
    for (const map of [this.#corrections, this.#pruned])
      for (const key of map.keys()) if (key.startsWith(`${uid} `)) map.delete(key);
  }

  #recent(key: string, now: Date): number[] {
    return (this.#corrections.get(key) ?? []).filter((time) => now.getTime() - time < day);
  }
}

function keyOf(uid: string, location: string): string {
  return `${uid} ${location}`;
}
