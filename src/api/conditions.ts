// Conditions as Kubernetes' API conventions want them: each answers one generation, and lastTransitionTime moves only when
// the status does.
import { sanitize } from '../lib/sanitize.ts';
import type { Condition } from './registryreplication.ts';

export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Characters of a message; the API's own bound is twice that. */
const longestMessage = 16_384;

/**
 * The conditions after these statements were made: exactly the types stated, in their order, in words that do no harm to whoever
 * reads them, whatever a spec had in it. `now` is ISO time.
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
      message: sanitize(statement.message, longestMessage),
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: last?.status === statement.status ? last.lastTransitionTime : now,
    };
  });
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
