// Summary statistics of samples.

/** Nearest rank: the smallest sample that at least this share (0 to 1) of all samples does not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Milliseconds in one line. */
export function summary(samples: readonly number[]): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => ms(percentile(samples, share)));
  return `p50 ${p50}   p90 ${p90}   p99 ${p99}   max ${max}   (${samples.length} samples)`;
}
