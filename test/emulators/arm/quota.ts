// ARM's token buckets, as its answers show them. They only count: nobody is refused here.

/** Which bucket pays: polls of operations count as reads. */
export type Spending = 'reads' | 'writes' | 'deletes';

/** Tokens at most, and tokens per second. */
interface Size {
  readonly size: number;
  readonly refill: number;
}

/**
 * Per subscription, principal and region, and 15 times that for all principals together (Microsoft's article on request
 * limits; confirmed by the headers of Azure/azure-powershell, 2025-09-09, which start at 199 and 2999).
 */
const sizes: Readonly<Record<Spending, Size>> = {
  reads: { size: 250, refill: 25 },
  writes: { size: 200, refill: 10 },
  deletes: { size: 200, refill: 10 },
};
const globalShare = 15;

interface Bucket {
  tokens: number;
  /** ms since the epoch. */
  at: number;
}

export class Quota {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one token each from the principal's and the subscription's bucket; the headers that tell what is left. */
  spend(subscriptionId: string, principal: string, spending: Spending, now: number): Record<string, string> {
    const { size, refill } = sizes[spending];
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

  /** Tokens left afterwards, never below 0. */
  #take(key: string, { size, refill }: Size, now: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: size, at: now };
    const refilled = Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * refill);
    const tokens = Math.max(0, refilled - 1);
    this.#buckets.set(key, { tokens, at: now });
    return Math.floor(tokens);
  }
}
