// What changes seldom and is asked for often, read anew when it is too old: once however many ask, and kept on while the API
// server does not answer. It has no timer, and forgets what nobody asks for any more.
import type { Clock } from '../clock.ts';
import { isUnavailable } from './errors.ts';

interface Reading<T> {
  readonly value: T;
  /** ms since the epoch. */
  readonly at: number;
}

/** ms after which a reading that nobody has renewed is dropped. */
const forgotten = 60 * 60_000;

export class RecentReadings<T> {
  readonly #clock: Clock;
  readonly #readings = new Map<string, Reading<T>>();
  readonly #underway = new Map<string, Promise<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Younger than `age` ms. Rejects as `read` does, but for an API server that does not answer where there is something older. */
  async get(key: string, age: number, read: () => Promise<T>): Promise<T> {
    const kept = this.#readings.get(key);
    const passed = kept ? this.#now - kept.at : Number.NaN;
    if (kept && passed >= 0 && passed < age) return kept.value;
    let underway = this.#underway.get(key);
    if (!underway) {
      underway = this.#read(key, read).finally(() => this.#underway.delete(key));
      this.#underway.set(key, underway);
    }
    try {
      return await underway;
    } catch (error) {
      if (kept && isUnavailable(error)) return kept.value;
      throw error;
    }
  }

  async #read(key: string, read: () => Promise<T>): Promise<T> {
    // As old as the question: what changed while the answer was on its way is not in it.
    const at = this.#now;
    const value = await read();
    for (const [other, reading] of this.#readings) if (at - reading.at > forgotten) this.#readings.delete(other);
    this.#readings.set(key, { value, at });
    return value;
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}
