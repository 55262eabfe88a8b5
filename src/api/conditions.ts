// Conditions as Kubernetes' API conventions want them: each answers one generation, and lastTransitionTime moves only when
// the status does.
import type { Condition } from './registryreplication.ts';

export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The API's own bound on a condition's message. */
const longestMessage = 32_768;

/** The conditions after these statements were made: exactly the types stated, in their order. `now` is ISO time. */
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
      message: statement.message.slice(0, longestMessage),
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: last?.status === statement.status ? last.lastTransitionTime : now,
    };
  });
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
