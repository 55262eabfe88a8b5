// Caches reads of objects that rarely change. Each caller gives the maximum age it accepts, and concurrent callers share one request.
// While the API server is unavailable, a read of the last 10 minutes is returned.
import type { Clock } from '../../lib/clock.ts';
import { isUnavailable } from './errors.ts';

interface Reading<T> {
  readonly value: T;
  /** When the read began, in ms since the epoch: it may lack later changes. */
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
   * Resolves to a read that began less than `maxAgeMs` ago. Rejects as `read` does, except while the API server is unavailable and
   * there is a read of the last 10 minutes.
   */
  async get(key: string, maxAgeMs: number, read: () => Promise<T>): Promise<T> {
    const kept = this.#readings.get(key);
    if (kept && this.#ageMs(kept.at) < maxAgeMs) return kept.value;
    const inFlight = this.#inFlight.get(key);
    // Callers in the same millisecond share a read, even with a maximum age of 0.
    const isYoungEnough = inFlight && this.#ageMs(inFlight.at) <= maxAgeMs;
    try {
      return await (isYoungEnough ? inFlight.value : this.#begin(key, read));
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

  /** Infinite if the clock was set back: the age is unknown then. */
  #ageMs(at: number): number {
    const ageMs = this.#now - at;
    return ageMs >= 0 ? ageMs : Number.POSITIVE_INFINITY;
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}
