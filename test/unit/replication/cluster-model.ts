// Runs the reconciler on several objects without Kubernetes: an API server with optimistic concurrency, a cache that is always
// up to date, an unordered queue, and passes that may run in parallel.
import {
  allowedRegistries,
  finalizer,
  type RegistryReplication,
  type Status,
} from '../../../src/api/registryreplication.ts';
import type { Arm } from '../../../src/azure/arm.ts';
import type { NamespaceReading, Rules } from '../../../src/replication/authorization.ts';
import { Claims } from '../../../src/replication/claims.ts';
import type { Context, Objects } from '../../../src/replication/context.ts';
import type { ObjectEvent } from '../../../src/replication/events.ts';
import { ProcessState } from '../../../src/replication/process-state.ts';
import { reconcile } from '../../../src/replication/reconcile.ts';
import type { FakeClock } from '../../fake-clock.ts';
import { anObject, type ObjectParts } from './fixtures.ts';

/** The API server rejected a write. */
class WriteRejected extends Error {}

class Killed extends Error {}

export class ClusterModel {
  readonly objects = new Map<string, RegistryReplication>();
  /** Recorded events by object name. */
  readonly events = new Map<string, ObjectEvent[]>();
  rules: Rules = { defaultIdentity: 'allow', defaultRegistries: 'allow' };
  /** Namespace readings by name; a missing one has no annotations. */
  namespaces: Record<string, NamespaceReading> = {};
  /** Called before and after each write to Kubernetes is stored. */
  interrupt: (name: string, when: 'before' | 'after') => void = () => undefined;
  /** The monotonic time in ms of each object's next pass, by name. */
  readonly due = new Map<string, number>();
  readonly #armFor: (name: string) => Arm;
  readonly #clock: FakeClock;
  #claims: Claims;
  #memory: ProcessState;
  #created = 0;
  #isKilled = false;

  constructor(clock: FakeClock, armFor: (name: string) => Arm) {
    this.#clock = clock;
    this.#armFor = armFor;
    this.#claims = this.#newClaims();
    this.#memory = new ProcessState(clock);
  }

  /** Creates an object in a namespace of the same name. Objects age in order of creation, whatever the clock shows. */
  create(name: string, parts: ObjectParts = {}): void {
    const object = anObject({ claimed: false, ...parts });
    const creationTimestamp = new Date(Date.parse('2026-11-01T00:00:00Z') + ++this.#created * 1_000);
    const metadata = { ...object.metadata, name, namespace: name, uid: `${name}-${this.#created}`, creationTimestamp };
    this.#store({ ...object, metadata: { ...metadata, resourceVersion: '0' } });
    this.due.set(name, this.#clock.monotonic());
  }

  edit(name: string, spec: Partial<RegistryReplication['spec']>): void {
    const object = this.objects.get(name);
    if (!object) return;
    const generation = (object.metadata.generation ?? 0) + 1;
    this.#store({ ...object, spec: { ...object.spec, ...spec }, metadata: { ...object.metadata, generation } });
    this.due.set(name, this.#clock.monotonic());
  }

  annotate(name: string, annotations: Record<string, string>): void {
    const object = this.objects.get(name);
    if (!object) return;
    this.#store({ ...object, metadata: { ...object.metadata, annotations } });
    this.due.set(name, this.#clock.monotonic());
  }

  delete(name: string): void {
    const object = this.objects.get(name);
    if (!object) return;
    const generation = (object.metadata.generation ?? 0) + 1;
    const deletionTimestamp = this.#clock.now();
    this.#store({ ...object, metadata: { ...object.metadata, generation, deletionTimestamp } });
    if (!object.metadata.finalizers?.length) this.#remove(name);
    this.due.set(name, this.#clock.monotonic());
  }

  loseStatus(name: string): void {
    const object = this.objects.get(name);
    if (!object) return;
    const { status: _, ...rest } = object;
    this.#store(rest);
    this.due.set(name, this.#clock.monotonic());
  }

  /** Makes the namespace allow this object's registry, or none. */
  allow(name: string, isAllowed: boolean): void {
    this.namespaces[name] = { annotations: isAllowed ? {} : { [allowedRegistries]: '' } };
  }

  /** Names of the objects that have a claim. */
  get holders(): string[] {
    return [...this.objects].filter(([, { status }]) => status?.claim).map(([name]) => name);
  }

  status(name: string): Status {
    return this.objects.get(name)?.status ?? {};
  }

  ready(name: string) {
    return this.status(name).conditions?.find(({ type }) => type === 'Ready');
  }

  /** Runs passes when they are due, two in parallel, for `ms` or until `done`. */
  async run(ms: number, done: () => boolean = () => false): Promise<void> {
    const end = this.#clock.monotonic() + ms;
    while (!done()) {
      const [first, second] = [...this.due].sort(([, one], [, other]) => one - other);
      if (!first || first[1] > end) break;
      await this.#clock.advance(Math.max(0, first[1] - this.#clock.monotonic()));
      const isDue = second && second[1] <= this.#clock.monotonic();
      await Promise.all([this.#pass(first[0]), ...(isDue ? [this.#pass(second[0])] : [])]);
      if (this.#isKilled) this.#restart();
    }
    if (!done()) await this.#clock.advance(Math.max(0, end - this.#clock.monotonic()));
  }

  /** Kills the process: every pass aborts at its next request, and a new process starts after all have. */
  kill(): void {
    this.#isKilled = true;
  }

  /** Call at each request. @throws Killed once the process has been killed. */
  assertAlive(): void {
    if (this.#isKilled) throw new Killed();
  }

  /** Requeues the object after the time that the pass returns, or a second after a pass that rejects. */
  async #pass(name: string): Promise<void> {
    const object = this.objects.get(name);
    this.due.delete(name);
    if (!object) return;
    try {
      const { requeueAfterMs } = await reconcile(structuredClone(object), this.#context(name));
      if (requeueAfterMs !== undefined) this.#addAfter(name, requeueAfterMs);
    } catch (error) {
      if (!(error instanceof WriteRejected || error instanceof Killed)) throw error;
      this.#addAfter(name, 1_000);
    }
  }

  /** Starts a new process without the in-memory state and queues every object. */
  #restart(): void {
    this.#isKilled = false;
    this.#memory = new ProcessState(this.#clock);
    this.#claims = this.#newClaims();
    for (const object of this.objects.values()) this.#claims.put(object);
    for (const name of this.objects.keys()) this.due.set(name, this.#clock.monotonic());
  }

  #newClaims(): Claims {
    return new Claims((keys) => {
      for (const key of keys) this.#addAfter(key.split('/')[1] ?? '', 0);
    });
  }

  #addAfter(name: string, ms: number): void {
    const at = this.#clock.monotonic() + ms;
    this.due.set(name, Math.min(at, this.due.get(name) ?? at));
  }

  #context(name: string): Context {
    const objects: Objects = {
      addFinalizer: async (object) =>
        this.#write(object, ({ metadata }) => ({ metadata: { ...metadata, finalizers: [finalizer] } })),
      removeFinalizer: async (object) => {
        this.#write(object, ({ metadata: { finalizers: _, ...metadata } }) => ({ metadata }));
        if (this.objects.get(name)?.metadata.deletionTimestamp !== undefined) this.#remove(name);
      },
      writeStatus: async (object, status) =>
        this.#write(object, (latest) => {
          if (JSON.stringify(latest.status) !== JSON.stringify(object.status)) throw new WriteRejected('conflict');
          return { status: structuredClone(status) };
        }),
      recordEvents: (_, events) => void this.events.set(name, [...(this.events.get(name) ?? []), ...events]),
      isCrdTerminating: async () => false,
    };
    return {
      arm: this.#armFor(name),
      objects,
      clock: this.#clock,
      monotonic: () => this.#clock.monotonic(),
      random: () => 0.5,
      limits: { maxParallelActions: 3 },
      overLimit: () => undefined,
      claims: this.#claims,
      current: ({ metadata }) => this.objects.get(metadata.name),
      rules: this.rules,
      namespaceOf: async ({ metadata }) => this.namespaces[metadata.namespace] ?? { annotations: {} },
      sourcesOf: () => [],
      defaultIntervalMs: 600_000,
      state: this.#memory,
    };
  }

  #write(
    object: RegistryReplication,
    change: (latest: RegistryReplication) => Partial<RegistryReplication>,
  ): RegistryReplication {
    const { name, uid } = object.metadata;
    this.assertAlive();
    this.interrupt(name, 'before');
    this.assertAlive();
    const latest = this.objects.get(name);
    if (!latest || latest.metadata.uid !== uid) throw new WriteRejected('not found');
    const written = { ...latest, ...change(latest) };
    this.#store(written);
    this.interrupt(name, 'after');
    this.assertAlive();
    return written;
  }

  #store(object: RegistryReplication): void {
    this.objects.set(object.metadata.name, object);
    this.#claims.put(object);
  }

  #remove(name: string): void {
    const object = this.objects.get(name);
    if (!object) return;
    this.objects.delete(name);
    this.#claims.drop(object);
    this.#memory.forget(object);
  }
}
