// What a registry's replicas were: their state after each change, so that a read can show an earlier moment. Only memory:
// who is shown what, and when, is sight.ts's.

import { authored, type ReplicaSnapshot } from './registry.ts';
import { type Stage, stageAt } from './replica-lifecycle.ts';

/** A replica in any stage. */
export type ReplicaValues = Omit<ReplicaSnapshot, 'stage'> & { readonly stage: Stage };

/** Changes that are remembered; what was before the first of them is lost. */
const longest = 1_000;

export class History {
  readonly #moments: { readonly at: number; readonly replicas: readonly ReplicaValues[] }[] = [];

  /** After each change; time alone changes nothing that `asOf` cannot work out. */
  remember(at: number, replicas: readonly ReplicaValues[]): void {
    if (this.#moments.at(-1)?.at === at) this.#moments.pop();
    this.#moments.push({ at, replicas });
    if (this.#moments.length > longest) this.#moments.shift();
  }

  /** Those that could be seen then; none before the first that is remembered. */
  asOf(at: number): ReplicaSnapshot[] {
    const moment = this.#moments.findLast((moment) => moment.at <= at);
    return moment?.replicas.flatMap((replica) => seenAt(replica, at) ?? []) ?? [];
  }
}

/** Undefined where nobody can see it. */
function seenAt(replica: ReplicaValues, at: number): ReplicaSnapshot | undefined {
  const stage = stageAt(replica.stage, at);
  if (stage.kind === 'Awaited' || stage.kind === 'Gone') return undefined;
  const appeared = replica.stage.kind === 'Awaited';
  const { systemData } = replica;
  return { ...replica, stage, systemData: appeared ? authored(systemData.createdBy, stage.since) : systemData };
}
