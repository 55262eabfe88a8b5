// Keeps one token bucket per key. The caller passes the time.

export interface Allowance {
  /** Capacity (burst). */
  readonly burst: number;
  /** Refill interval per token, in ms. */
  readonly refill: number;
  /** Maximum number of keys; the least recently used is evicted first and starts again with a full bucket. */
  readonly keys: number;
}

export class TokenBuckets {
  readonly #allowance: Allowance;
  /** When each bucket will be full again, in ms of the caller's clock. */
  readonly #fullAt = new Map<string, number>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** Takes one token if available. */
  take(key: string, now: number): boolean {
    const { burst, refill, keys } = this.#allowance;
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? now);
    const taken = fullAt + refill <= now + burst * refill;
    this.#fullAt.delete(key); // keeps the map in order of last use
    this.#fullAt.set(key, taken ? fullAt + refill : fullAt);
    for (const [oldest, full] of this.#fullAt) {
      if (full > now && this.#fullAt.size <= keys) break;
      this.#fullAt.delete(oldest);
    }
    return taken;
  }

  /** Number of keys. */
  get size(): number {
    return this.#fullAt.size;
  }
}
