// A token bucket for each of many keys: so many at once, and one more each so often. It is told the time, and never waits.

export interface Allowance {
  /** How many at once. */
  readonly burst: number;
  /** ms until one more. */
  readonly refill: number;
  /** How many keys are remembered; the one that asked longest ago is forgotten first, and starts with a full bucket again. */
  readonly keys: number;
}

export class TokenBuckets {
  readonly #allowance: Allowance;
  /** When each bucket will be full again, in ms of the caller's clock: all that a bucket has to remember. */
  readonly #fullAt = new Map<string, number>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** Takes one token where there is one. */
  take(key: string, now: number): boolean {
    const { burst, refill, keys } = this.#allowance;
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? now);
    const taken = fullAt + refill <= now + burst * refill;
    this.#fullAt.delete(key); // the map's order is that of the last asking
    this.#fullAt.set(key, taken ? fullAt + refill : fullAt);
    for (const [oldest, full] of this.#fullAt) {
      if (full > now && this.#fullAt.size <= keys) break;
      this.#fullAt.delete(oldest);
    }
    return taken;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }
}
