// How long to wait after the n-th failure in a row: exponential, bounded, spread by chance. Pure; it owns no timer.

export interface Backoff {
  /** ms after the first failure. */
  readonly first: number;
  /** ms that no wait exceeds. */
  readonly max: number;
  /** The share of each wait that chance may take off: 0 keeps it whole, 0.5 leaves at least half. */
  readonly jitter: number;
}

/** A number in [0, 1), as `Math.random` gives. */
export type Random = () => number;

/** ms to wait after `failures` (1, 2, …) failures in a row: doubled each time. */
export function delayAfter(failures: number, { first, max, jitter }: Backoff, random: Random): number {
  const whole = Math.min(max, first * 2 ** Math.min(failures - 1, 60));
  return Math.round(whole * (1 - jitter * random()));
}
