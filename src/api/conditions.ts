// Conditions after Kubernetes' API conventions: each has an observedGeneration, and lastTransitionTime changes only with the
// status.
import { sanitize } from '../lib/sanitize.ts';
import type { Condition } from './registryreplication.ts';

export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Characters of a message; the API's own bound is twice that. */
const longestMessage = 16_384;

/**
 * Updates the conditions to exactly the stated ones, in their order, with sanitized messages, whatever a spec contains. `now` is
 * ISO time.
 */
export function stateConditions(
  before: readonly Condition[],
  statements: readonly Statement[],
  generation: number | undefined,
  now: string,
): Condition[] {
  return statements.map((statement) => {
    const last = findCondition(before, statement.type);
    return {
      ...statement,
      // A stored message is sanitized.
      message: last?.message === statement.message ? last.message : sanitize(statement.message, longestMessage),
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: last?.status === statement.status ? last.lastTransitionTime : now,
    };
  });
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
