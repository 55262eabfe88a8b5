// Limits what followers may ask: each query costs memory and CPU for each object of its kind, each kind costs requests, and users may
// write any number of them.
import type { Failure } from './kind-watcher.ts';
import type { CompiledQuery } from './value-query.ts';

/** Different selectors and paths of one kind: most followers ask the same. */
const maxQueriesPerNamespace = 50;
const maxQuestions = 500;
/** A kind that does not exist is looked for again and again. */
const maxKindsPerNamespace = 16;

type Asked = Pick<CompiledQuery, 'kindLabel' | 'namespace' | 'question'>;

export class QueryLimits {
  readonly #questions = new Counters();
  readonly #kinds = new Counters();

  /** Why no more queries like this one are taken; undefined if they are. */
  refusalOf({ kindLabel, namespace, question }: Asked): Failure | undefined {
    const kinds = this.#kinds.of(namespace);
    const questions = this.#questions.of(kindLabel);
    if (!kinds.has(kindLabel) && kinds.size >= maxKindsPerNamespace)
      return refusal(`${maxKindsPerNamespace} kinds are followed in namespace ${namespace}`);
    if ((kinds.get(kindLabel) ?? 0) >= maxQueriesPerNamespace)
      return refusal(`${different(maxQueriesPerNamespace, kindLabel)} in namespace ${namespace}`);
    if (!questions.has(question) && questions.size >= maxQuestions) return refusal(different(maxQuestions, kindLabel));
    return undefined;
  }

  add({ kindLabel, namespace, question }: Asked): void {
    this.#kinds.change(namespace, kindLabel, 1);
    this.#questions.change(kindLabel, question, 1);
  }

  remove({ kindLabel, namespace, question }: Asked): void {
    this.#kinds.change(namespace, kindLabel, -1);
    this.#questions.change(kindLabel, question, -1);
  }
}

function different(max: number, kindLabel: string): string {
  return `${max} different selectors and paths of ${kindLabel} are followed`;
}

function refusal(limit: string): Failure {
  return { state: 'NotAllowed', message: `at most ${limit}: ask what another object asks` };
}

/** How often each item is in each group. */
class Counters {
  readonly #groups = new Map<string, Map<string, number>>();

  of(group: string): ReadonlyMap<string, number> {
    return this.#groups.get(group) ?? new Map();
  }

  change(group: string, item: string, by: 1 | -1): void {
    const counts = this.#groups.get(group) ?? new Map<string, number>();
    const count = (counts.get(item) ?? 0) + by;
    if (count > 0) counts.set(item, count);
    else counts.delete(item);
    if (counts.size > 0) this.#groups.set(group, counts);
    else this.#groups.delete(group);
  }
}
