// Remembers the state of a registry's replicas after each change, so that a read can show an earlier moment.
// visibility.ts decides which moment a read shows.

import { type Stage, stageAt } from './replica-lifecycle.ts';
import { authored, type ReplicaSnapshot } from './replica-snapshot.ts';

/** A replica in any stage. */
export type ReplicaValues = Omit<ReplicaSnapshot, 'stage'> & { readonly stage: Stage };

/** Older changes are dropped. */
const maxMoments = 1_000;

export class History {
  readonly #moments: { readonly at: number; readonly replicas: readonly ReplicaValues[] }[] = [];

  /** Called after each change; `asOf` works out what time alone has changed since. */
  remember(at: number, replicas: readonly ReplicaValues[]): void {
    if (this.#moments.at(-1)?.at === at) this.#moments.pop();
    this.#moments.push({ at, replicas });
    if (this.#moments.length > maxMoments) this.#moments.shift();
  }

  /** The replicas that were visible then; none before the first change on record. */
  asOf(at: number): ReplicaSnapshot[] {
    const moment = this.#moments.findLast((moment) => moment.at <= at);
    return moment?.replicas.flatMap((replica) => snapshotAt(replica, at) ?? []) ?? [];
  }
}

/** Undefined if the replica was not visible. */
function snapshotAt(replica: ReplicaValues, at: number): ReplicaSnapshot | undefined {
  const stage = stageAt(replica.stage, at);
  if (stage.kind === 'Awaited' || stage.kind === 'Gone') return undefined;
  const appeared = replica.stage.kind === 'Awaited';
  const { systemData } = replica;
  return { ...replica, stage, systemData: appeared ? authored(systemData.createdBy, stage.since) : systemData };
}
