// ARM's token buckets, as its rate-limit headers show them. They refuse requests only if `enforced` is set.

/** The bucket of a request: polls of operations count as reads. */
export type QuotaKind = 'reads' | 'writes' | 'deletes';

/** Capacity in tokens and refill in tokens per second. */
export interface BucketSize {
  readonly size: number;
  readonly refill: number;
}

/**
 * Per subscription, principal and region, and 15 times that for all principals together (Microsoft's article on request
 * limits; confirmed by the headers of Azure/azure-powershell, 2025-09-09, which start at 199 and 2999).
 */
export const realSizes: Readonly<Record<QuotaKind, BucketSize>> = {
  reads: { size: 250, refill: 25 },
  writes: { size: 200, refill: 10 },
  deletes: { size: 200, refill: 10 },
};
const globalShare = 15;

export interface QuotaOptions {
  /** ARM's real sizes by default. */
  readonly sizes?: Readonly<Record<QuotaKind, BucketSize>>;
  /** Seconds in the Retry-After of a 429 (10 and 6 were seen); no request is refused if unset. */
  readonly enforced?: number;
}

interface Bucket {
  tokens: number;
  /** ms since the epoch. */
  at: number;
}

export class Quota {
  readonly #buckets = new Map<string, Bucket>();
  readonly #sizes: Readonly<Record<QuotaKind, BucketSize>>;
  readonly #enforced: number | undefined;

  constructor({ sizes = realSizes, enforced }: QuotaOptions = {}) {
    this.#sizes = sizes;
    this.#enforced = enforced;
  }

  /** Undefined: the request may proceed; else the seconds in its Retry-After. */
  retryAfterSeconds(subscriptionId: string, principal: string, spending: QuotaKind, now: number): number | undefined {
    const { size, refill } = this.#sizes[spending];
    const left = this.#tokens(`${subscriptionId}/${principal}/${spending}`, { size, refill }, now);
    return left < 1 ? this.#enforced : undefined;
  }

  /** Takes one token each from the principal's and the subscription's bucket; returns the headers with what is left. */
  takeToken(subscriptionId: string, principal: string, spending: QuotaKind, now: number): Record<string, string> {
    const { size, refill } = this.#sizes[spending];
    const own = this.#take(`${subscriptionId}/${principal}/${spending}`, { size, refill }, now);
    const all = this.#take(
      `${subscriptionId}/${spending}`,
      { size: size * globalShare, refill: refill * globalShare },
      now,
    );
    return {
      [`x-ms-ratelimit-remaining-subscription-${spending}`]: String(own),
      [`x-ms-ratelimit-remaining-subscription-global-${spending}`]: String(all),
    };
  }

  /** Tokens left afterwards, at least 0. */
  #take(key: string, size: BucketSize, now: number): number {
    const tokens = Math.max(0, this.#tokens(key, size, now) - 1);
    this.#buckets.set(key, { tokens, at: now });
    return Math.floor(tokens);
  }

  #tokens(key: string, { size, refill }: BucketSize, now: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: size, at: now };
    return Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * refill);
  }
}
