// What a pass needs from outside.
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import type { Arm } from '../azure/arm.ts';
import type { Clock } from '../clock.ts';
import type { Claims } from './claims.ts';
import type { Happening } from './happenings.ts';
import type { Memory } from './memory.ts';
import type { NamespaceReading, Rules } from './permission.ts';
import type { Limits } from './plan.ts';

/** What a pass may do to the object in Kubernetes. Each resolves to the object as written. */
export interface Objects {
  /** Stores our finalizer. */
  hold(object: RegistryReplication): Promise<RegistryReplication>;
  /** Drops our finalizer; the object may be gone then. */
  release(object: RegistryReplication): Promise<void>;
  writeStatus(object: RegistryReplication, status: Status): Promise<RegistryReplication>;
  /** `after`: the status that the pass has come to, where the object stays. Never throws, never waits. */
  announce(object: RegistryReplication, happenings: readonly Happening[], after?: Status): void;
  /** Whether the CRD itself is being deleted, read anew. */
  isCrdTerminating(): Promise<boolean>;
}

export interface Context {
  readonly arm: Arm;
  readonly objects: Objects;
  readonly clock: Clock;
  /** ms of a clock that is never set. */
  readonly monotonic: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly limits: Pick<Limits, 'maxParallelActions'>;
  readonly claims: Claims;
  /** The object of this namespace and name as it is in the cache now; undefined: it is gone. */
  readonly current: (object: RegistryReplication) => RegistryReplication | undefined;
  readonly rules: Rules;
  /** The object's namespace, as it was less than `ageMs` ago. Rejects when Kubernetes does not answer. */
  readonly namespaceOf: (object: RegistryReplication, ageMs: number) => Promise<NamespaceReading>;
  /** ms between drift checks, where the object does not say. */
  readonly interval: number;
  readonly memory: Memory;
}
