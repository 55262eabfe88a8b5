// The dependencies of a reconcile pass.
import type { RegistryReplication, Status } from '../api/registryreplication.ts';
import type { Arm } from '../azure/arm.ts';
import type { Clock } from '../lib/clock.ts';
import type { NamespaceReading, Rules } from './authorization.ts';
import type { Claims } from './claims.ts';
import type { ObjectEvent } from './events.ts';
import type { Limits } from './plan.ts';
import type { ProcessState } from './process-state.ts';
import type { SourceReading } from './sources.ts';

/** Kubernetes operations on the object. Writes that keep it resolve to the object as written. */
export interface Objects {
  /** Adds our finalizer. */
  addFinalizer(object: RegistryReplication): Promise<RegistryReplication>;
  /** Removes our finalizer; the object may be gone afterwards. */
  removeFinalizer(object: RegistryReplication): Promise<void>;
  writeStatus(object: RegistryReplication, status: Status): Promise<RegistryReplication>;
  /** Records events. `after`: the new status, unless the object is released. Never throws or blocks. */
  recordEvents(object: RegistryReplication, happenings: readonly ObjectEvent[], after?: Status): void;
  /** Whether the CRD itself is being deleted; not cached. */
  isCrdTerminating(): Promise<boolean>;
}

export interface Context {
  readonly arm: Arm;
  readonly objects: Objects;
  readonly clock: Clock;
  /** ms of a monotonic clock. */
  readonly monotonic: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly limits: Pick<Limits, 'maxParallelActions'>;
  /** How many objects the operator works on, if this one is over that number; undefined for an object that holds a claim. */
  readonly overLimit: (object: RegistryReplication) => number | undefined;
  readonly claims: Claims;
  /** The cached object of this namespace and name; undefined if it is gone. */
  readonly current: (object: RegistryReplication) => RegistryReplication | undefined;
  readonly rules: Rules;
  /** Reads the object's namespace, at most `ageMs` old. Rejects when the API server does not answer. */
  readonly namespaceOf: (object: RegistryReplication, ageMs: number) => Promise<NamespaceReading>;
  /** What the object's sources say now: one reading for each entry of spec.regionsFrom. */
  readonly sourcesOf: (object: RegistryReplication) => readonly SourceReading[];
  /** Default ms between drift checks, for objects without spec.interval. */
  readonly defaultIntervalMs: number;
  readonly state: ProcessState;
}
