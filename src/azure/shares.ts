// What ARM grants of each kind of request, and how the operator divides it. Numbers only.
import type { BucketSize } from './bucket.ts';

/** ARM keeps one bucket for each, by subscription and credential. Polls of operations are reads. */
export type Operation = (typeof operations)[number];
export const operations = ['reads', 'writes', 'deletes'] as const;

export interface Share extends BucketSize {
  /** Tokens that upkeep leaves to people's edits. */
  readonly reserve: number;
  /** Tokens that a visit leaves, when it begins, to those that have begun: a look that cannot be finished was in vain. */
  readonly margin: number;
  /** Tokens that a visit is taken to need before it has shown it. */
  readonly need: number;
}

/**
 * Sizes and refills: Microsoft's article on request limits and throttling, which the headers of Azure/azure-powershell confirm
 * (2025-09-09: 249 reads and 199 writes after the first). ARM may give a subscription more or less; more is not used.
 */
export const armShares: Readonly<Record<Operation, Share>> = {
  reads: { size: 250, refill: 25, unknown: 40, reserve: 20, margin: 5, need: 2 },
  writes: { size: 200, refill: 10, unknown: 20, reserve: 10, margin: 2, need: 1 },
  deletes: { size: 200, refill: 10, unknown: 20, reserve: 10, margin: 2, need: 1 },
};
