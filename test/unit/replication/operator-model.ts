// Runs the reconciler on one object without Kubernetes: one pass after another, on a clock that advances by each requeue time.
import { finalizer, type RegistryReplication, type Status } from '../../../src/api/registryreplication.ts';
import type { Arm } from '../../../src/azure/arm.ts';
import type { NamespaceReading, Rules } from '../../../src/replication/authorization.ts';
import { Claims } from '../../../src/replication/claims.ts';
import type { Context, Objects } from '../../../src/replication/context.ts';
import type { ObjectEvent } from '../../../src/replication/events.ts';
import { ProcessState } from '../../../src/replication/process-state.ts';
import { reconcile } from '../../../src/replication/reconcile.ts';
import type { SourceReading } from '../../../src/replication/sources.ts';
import type { FakeClock } from '../../fake-clock.ts';

export class OperatorModel {
  object: RegistryReplication;
  /** The object was deleted and its finalizer removed. */
  isGone = false;
  passes = 0;
  statusWrites = 0;
  crdTerminating = false;
  maxParallelActions = 3;

  intervalMs = 600_000;
  rules: Rules = { defaultIdentity: 'allow', defaultRegistries: 'allow' };
  /** What each entry of spec.regionsFrom says. */
  sources: SourceReading[] = [];
  /** Namespace readings by name; a missing one has no annotations. */
  namespaces: Record<string, NamespaceReading> = {};
  /** namespace/name of every object that was requeued because the claim on its registry may change. */
  readonly requeued: string[] = [];
  readonly claims = new Claims((keys) => void this.requeued.push(...keys));
  #others: RegistryReplication[] = [];
  readonly events: ObjectEvent[] = [];
  /** Called before and after each write to Kubernetes is stored; a thrown error becomes the result of the write. */
  interrupt: (when: 'before' | 'after') => void = () => undefined;
  /** The number of objects that are worked on, if this one is over it. */
  overLimit: (object: RegistryReplication) => number | undefined = () => undefined;
  /** The ARM client that a pass of this object uses. */
  armFor: (object: RegistryReplication) => Arm;
  readonly #clock: FakeClock;
  #context: Omit<Context, 'arm' | 'limits' | 'rules' | 'defaultIntervalMs'>;

  constructor(object: RegistryReplication, arm: Arm, clock: FakeClock) {
    this.object = object;
    this.armFor = () => arm;
    this.#clock = clock;
    const objects: Objects = {
      addFinalizer: async () => this.#write({ metadata: { ...this.object.metadata, finalizers: [finalizer] } }),
      removeFinalizer: async () => {
        const { finalizers: _, ...metadata } = this.object.metadata;
        this.interrupt('before');
        this.isGone = this.object.metadata.deletionTimestamp !== undefined;
        this.#store({ metadata });
        this.claims.put(this.object);
      },
      writeStatus: async (_, status: Status) => {
        this.statusWrites++;
        return this.#write({ status: structuredClone(status) });
      },
      recordEvents: (_, events) => void this.events.push(...events),
      isCrdTerminating: async () => this.crdTerminating,
    };
    this.#context = {
      objects,
      clock,
      random: () => 0.5,
      monotonic: () => clock.monotonic(),
      overLimit: (object) => this.overLimit(object),
      claims: this.claims,
      current: () => (this.isGone ? undefined : this.object),
      namespaceOf: async ({ metadata }) => this.namespaces[metadata.namespace] ?? { annotations: {} },
      state: new ProcessState(clock),
      sourcesOf: ({ spec }) => (spec.regionsFrom ?? []).map((_, index) => this.sources[index] ?? { state: 'Listing' }),
    };
  }

  /** Sets the other objects that name the same registry. */
  set otherObjects(others: RegistryReplication[]) {
    for (const other of this.#others) this.claims.drop(other);
    for (const other of others) this.claims.put(other);
    this.#others = others;
  }

  get status(): Status {
    return this.object.status ?? {};
  }

  get reasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }

  condition(type: string) {
    return this.status.conditions?.find((condition) => condition.type === type);
  }

  edit(spec: Partial<RegistryReplication['spec']>): void {
    const generation = (this.object.metadata.generation ?? 0) + 1;
    this.#store({ spec: { ...this.object.spec, ...spec }, metadata: { ...this.object.metadata, generation } });
  }

  delete(): void {
    const generation = (this.object.metadata.generation ?? 0) + 1;
    this.#store({ metadata: { ...this.object.metadata, generation, deletionTimestamp: this.#clock.now() } });
    this.isGone = !this.object.metadata.finalizers?.length;
  }

  /** Runs one pass; resolves to the ms until the next one, or undefined if none was requested. */
  async pass(): Promise<number | undefined> {
    this.passes++;
    this.claims.put(this.object);
    const limits = { maxParallelActions: this.maxParallelActions };
    const { rules, intervalMs } = this;
    const context = { ...this.#context, arm: this.armFor(this.object), limits, rules, defaultIntervalMs: intervalMs };
    return (await reconcile(structuredClone(this.object), context)).requeueAfterMs;
  }

  /** Runs passes at their requeue times until `done`. @throws after `maxPasses`. */
  async runUntil(done: () => boolean, maxPasses = 300): Promise<void> {
    for (let n = 0; n < maxPasses; n++) {
      const wait = await this.pass();
      if (done()) return;
      if (wait === undefined) break;
      await this.#clock.advance(wait);
    }
    throw new Error(`not done after ${this.passes} passes: ${JSON.stringify(this.status, null, 1)}`);
  }

  get processState(): ProcessState {
    return this.#context.state;
  }

  /** Restarts the process, which loses its in-memory state. */
  restart(): void {
    this.#context = { ...this.#context, state: new ProcessState(this.#clock) };
  }

  #write(change: Partial<RegistryReplication>): RegistryReplication {
    this.interrupt('before');
    const written = this.#store(change);
    this.interrupt('after');
    return written;
  }

  #store(change: Partial<RegistryReplication>): RegistryReplication {
    this.object = { ...this.object, ...change };
    this.claims.put(this.object);
    return this.object;
  }
}
