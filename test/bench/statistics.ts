// Summary statistics of samples.
import type { Figure } from './scenario.ts';

/** Nearest rank: the smallest sample that at least this share (0 to 1) of all samples does not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Two figures: the median, and the percentile or maximum to which the bound applies. */
export function spread(
  what: string,
  samples: readonly number[],
  { unit, top, atMost }: Pick<Figure, 'unit' | 'atMost'> & { readonly top: 'p99' | 'max' },
): Figure[] {
  const highest = percentile(samples, top === 'p99' ? 0.99 : 1);
  return [
    { what: `${what}, p50`, value: percentile(samples, 0.5), unit },
    { what: `${what}, ${top}`, value: highest, unit, ...(atMost !== undefined && { atMost }) },
  ];
}
