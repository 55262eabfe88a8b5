// Computes the delay after the n-th failure in a row: exponential, bounded, with jitter. Pure.

export interface Backoff {
  /** Delay after the first failure, in ms. */
  readonly firstMs: number;
  /** Maximum delay in ms. */
  readonly maxMs: number;
  /** The share of each delay that jitter may remove: 0 removes nothing, 0.5 at most half. */
  readonly jitter: number;
}

/** A number in [0, 1), as `Math.random` gives. */
export type Random = () => number;

/** Delay in ms after `failures` (1, 2, …) failures in a row; doubles each time. */
export function delayAfter(failures: number, { firstMs, maxMs, jitter }: Backoff, random: Random): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 60));
  return Math.round(whole * (1 - jitter * random()));
}
