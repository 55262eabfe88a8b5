// ARM's documented rate limits, and how the operator divides them between people's edits and background checks, and between
// namespaces.

/** ARM keeps one token bucket of each kind per subscription and principal. Polls of operations are reads. */
export type Operation = (typeof operations)[number];
export const operations = ['reads', 'writes', 'deletes'] as const;

/** `user`: a person waits for the request. `background`: drift checks and progress polls. */
export type Priority = (typeof priorities)[number];
export const priorities = ['user', 'background'] as const;

/** Numbers of tokens. */
export interface RateLimit {
  readonly size: number;
  readonly refillPerSecond: number;
  /** Assumed maximum until ARM reports the remaining count: other clients may have spent the rest. */
  readonly unknown: number;
  /** Left to users by background requests. */
  readonly reserve: number;
  /** Left to other namespaces by a namespace whose turn it is not: their first pass then need not wait. */
  readonly others: number;
  /** Left by a pass that begins to passes that have begun: a pass that cannot finish wastes its requests. */
  readonly margin: number;
  /** Required by a pass that begins. */
  readonly need: number;
}

/**
 * Sizes and refills: Microsoft's article on request limits and throttling, confirmed by the headers of Azure/azure-powershell
 * (2025-09-09: 249 reads and 199 writes after the first). A subscription may have more or less; more is not used.
 */
export const armRateLimits: Readonly<Record<Operation, RateLimit>> = {
  reads: { size: 250, refillPerSecond: 25, unknown: 40, reserve: 20, others: 4, margin: 5, need: 2 },
  writes: { size: 200, refillPerSecond: 10, unknown: 20, reserve: 10, others: 2, margin: 2, need: 1 },
  deletes: { size: 200, refillPerSecond: 10, unknown: 20, reserve: 10, others: 2, margin: 2, need: 1 },
};
