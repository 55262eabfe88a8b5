// Caches reads of rarely changing objects. Callers share one read where it is young enough for each of
// them, and get a reading of up to 10 minutes ago while the API server is unavailable. It has no timer.
import type { Clock } from '../../lib/clock.ts';
import { isUnavailable } from './errors.ts';

interface Reading<T> {
  readonly value: T;
  /** ms since the epoch at which the read began: a later change may not be in it. */
  readonly at: number;
}

interface InFlight<T> {
  readonly value: Promise<T>;
  readonly at: number;
}

/** While the API server is unavailable. Authorization depends on these readings, so older ones are not used. */
const maxStaleMs = 10 * 60_000;

export class ReadCache<T> {
  readonly #clock: Clock;
  readonly #readings = new Map<string, Reading<T>>();
  /** The most recently started read, by key. */
  readonly #inFlight = new Map<string, InFlight<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A reading that began less than `age` ms ago. Rejects as `read` does; while the API server is unavailable, only where
   * there is no reading of the last 10 minutes.
   */
  async get(key: string, age: number, read: () => Promise<T>): Promise<T> {
    const kept = this.#readings.get(key);
    if (kept && this.#ageMs(kept.at) < age) return kept.value;
    const underway = this.#inFlight.get(key);
    // Callers in the same millisecond share a read, even with `age` 0.
    const isYoungEnough = underway && this.#ageMs(underway.at) <= age;
    try {
      return await (isYoungEnough ? underway.value : this.#begin(key, read));
    } catch (error) {
      const last = this.#readings.get(key);
      if (last && isUnavailable(error) && this.#ageMs(last.at) < maxStaleMs) return last.value;
      throw error;
    }
  }

  #begin(key: string, read: () => Promise<T>): Promise<T> {
    const at = this.#now;
    const value = this.#read(key, at, read).finally(() => {
      if (this.#inFlight.get(key)?.value === value) this.#inFlight.delete(key);
    });
    this.#inFlight.set(key, { value, at });
    return value;
  }

  async #read(key: string, at: number, read: () => Promise<T>): Promise<T> {
    const value = await read();
    for (const [other, reading] of this.#readings) {
      if (this.#ageMs(reading.at) >= maxStaleMs) this.#readings.delete(other);
    }
    const kept = this.#readings.get(key);
    // Reads may finish out of order.
    if (!kept || this.#ageMs(kept.at) >= this.#ageMs(at)) this.#readings.set(key, { value, at });
    return value;
  }

  /** Infinite after the clock was set back: the age is then unknown. */
  #ageMs(at: number): number {
    const passed = this.#now - at;
    return passed >= 0 ? passed : Number.POSITIVE_INFINITY;
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}
