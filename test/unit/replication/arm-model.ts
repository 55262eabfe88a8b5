// An in-process model of ARM on a fake clock. It implements the operator's ARM interface, follows the rules of real ARM,
// returns stale LISTs as real ARM does, and records every write that the operator must never send.
import {
  type Accepted,
  type Arm,
  ArmError,
  type Created,
  type Location,
  type NewReplica,
  type Registry,
  type Replica,
  type ReplicaChange,
  type Updated,
} from '../../../src/azure/arm.ts';

import { normalise } from '../../../src/replication/location.ts';
import type { FakeClock } from '../../fake-clock.ts';
import { aRegistry } from './fixtures.ts';

const second = 1_000;
const durations = {
  creating: 12 * second,
  syncing: 30 * second,
  updating: second,
  deleting: 20 * second,
  homeEntry: 4 * second,
};

interface ReplicaLifecycle {
  replica: Replica;
  /** Creation time in ms since the epoch. */
  createdAt?: number;
  /** The times at which it appears, is provisioned, synchronised and deleted, in ms since the epoch. */
  appearsAt?: number;
  provisionedAt: number;
  syncedAt: number;
  deletedAt: number;
}

export class ArmModel implements Arm {
  readonly writes: string[] = [];
  /** Descriptions of writes that the operator must never send. */
  readonly forbiddenWrites: string[] = [];
  /** Whether the next LIST shows a replica as it is, shows an outdated state, or omits it. */
  listVisibility: () => 'current' | 'stale' | 'omit' = () => 'current';
  /** How long neither LIST nor GET shows a new replica. */
  visibilityDelayMs = 0;
  /** The regions of the subscription. */
  regions = ['eastus', 'japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];
  /** How long a replica takes to be created and synchronised, in ms. */
  durationsFor: (location: string) => { creating: number; syncing: number } = () => durations;
  /** Why the last operation on a replica failed, by name. */
  readonly failures = new Map<string, string>();
  /** The Retry-After of an accepted creation, in ms. */
  askAfter: number | undefined;
  /** Called before each request is processed; a thrown error becomes the response. */
  beforeRequest: (request: string) => void = () => undefined;
  /** Called after each write has taken effect; a thrown error becomes the response. */
  afterWrite: (request: string) => void = () => undefined;

  /** Azure's time, which a step of the operator's clock does not change. */
  readonly #clock: Pick<FakeClock, 'monotonic'>;
  #registry: Registry;
  readonly #replicas = new Map<string, ReplicaLifecycle>();
  readonly #shown = new Set<string>();
  #home: string;

  constructor(clock: Pick<FakeClock, 'monotonic'>, replicas: readonly Replica[], registry = aRegistry()) {
    this.#clock = clock;
    this.#registry = registry;
    this.#home = normalise(registry.location);
    for (const replica of replicas) this.#replicas.set(replica.name, settledLifecycle(replica));
  }

  /** Replaces the registry; another creation date means a new registry without the previous replicas. */
  set currentRegistry(registry: Registry) {
    if (registry.creationDate !== this.#registry.creationDate) this.#replicas.clear();
    this.#registry = registry;
    this.#home = normalise(registry.location);
  }

  /** The actual replicas, by normalised location. */
  get actualReplicas(): Map<string, Replica> {
    return new Map(
      [...this.#replicas.keys()].flatMap((name) => {
        const replica = this.#now(name);
        return replica ? [[normalise(replica.location), replica] as const] : [];
      }),
    );
  }

  async registry(): Promise<Registry> {
    this.beforeRequest('GET registry');
    return this.#registry;
  }

  async replicas(): Promise<Replica[]> {
    this.beforeRequest('LIST');
    return [...this.actualReplicas.values()].flatMap((replica) => {
      if (this.#isHidden(replica.name)) return [];
      const visibility = this.listVisibility();
      // The operator cannot find a replica with a custom name that no LIST has ever shown.
      const isKnown = replica.name === normalise(replica.location) || this.#shown.has(replica.name);
      if (visibility === 'omit' && isKnown) return [];
      this.#shown.add(replica.name);
      return visibility === 'stale'
        ? [{ ...replica, provisioningState: 'Updating', displayStatus: 'Syncing' }]
        : [replica];
    });
  }

  async replica(_: unknown, name: string): Promise<Replica> {
    this.beforeRequest(`GET ${name}`);
    const replica = this.#now(name);
    if (!replica || this.#isHidden(name))
      throw new ArmError('NotFound', 'NotFound', `${name} was not found`, { code: 'ResourceNotFound' });
    return replica;
  }

  async create(_: unknown, name: string, { location, routing = true, tags = {} }: NewReplica): Promise<Created> {
    this.beforeRequest(`PUT ${name}`);
    this.#checkRegistryWritable();
    this.writes.push(`create ${normalise(location)}`);
    if (normalise(location) === this.#home) this.forbiddenWrites.push('created the home replica');
    if (this.actualReplicas.has(normalise(location)))
      this.forbiddenWrites.push(`created ${location}, which already has a replica`);
    const now = this.#clock.monotonic();
    const { creating, syncing } = this.durationsFor(normalise(location));
    this.#replicas.set(name, {
      replica: { name, location, routing, tags, createdAt: new Date(now).toISOString() },
      createdAt: now,
      provisionedAt: now + creating,
      syncedAt: now + creating + syncing,
      deletedAt: Number.POSITIVE_INFINITY,
    });
    if (!this.#replicas.has(this.#home)) {
      const replica = { name: this.#home, location: this.#home, routing: true, tags: {} };
      this.#replicas.set(this.#home, { ...settledLifecycle(replica), appearsAt: now + durations.homeEntry });
    }
    this.afterWrite(`PUT ${name}`);
    return { replica: this.#shownNow(name), ...(this.askAfter !== undefined && { askAfter: this.askAfter }) };
  }

  async update(_: unknown, name: string, { routing, tags }: ReplicaChange): Promise<Updated> {
    this.beforeRequest(`PATCH ${name}`);
    this.#checkRegistryWritable();
    const { lifecycle, replica } = this.#writable(name, 'update');
    if (routing === false) this.#checkStillServing(name, 'unrouted');
    lifecycle.replica = { ...replica, routing: routing ?? replica.routing, tags: tags ?? replica.tags };
    if (routing !== undefined) lifecycle.provisionedAt = this.#clock.monotonic() + durations.updating;
    this.afterWrite(`PATCH ${name}`);
    return { replica: this.#shownNow(name) };
  }

  async remove(_: unknown, name: string): Promise<Accepted> {
    this.beforeRequest(`DELETE ${name}`);
    const { lifecycle, replica } = this.#writable(name, 'delete');
    if (normalise(replica.location) === this.#home) this.forbiddenWrites.push('deleted the home replica');
    this.#checkStillServing(name, 'deleted');
    lifecycle.deletedAt = this.#clock.monotonic() + durations.deleting;
    this.afterWrite(`DELETE ${name}`);
    return {};
  }

  /** Deletes a replica immediately, as if by another client. */
  vanish(name: string): void {
    this.#replicas.delete(name);
  }

  #isHidden(name: string): boolean {
    const createdAt = this.#replicas.get(name)?.createdAt;
    return createdAt !== undefined && this.#clock.monotonic() < createdAt + this.visibilityDelayMs;
  }

  async failure(_: unknown, name: string): Promise<string | undefined> {
    return this.failures.get(name);
  }

  async locations(): Promise<Location[]> {
    this.beforeRequest('GET locations');
    return [...this.regions].map((name) => ({ name }));
  }

  #checkRegistryWritable(): void {
    const { sku, provisioningState } = this.#registry;
    if (sku !== 'Premium' || provisioningState !== 'Succeeded')
      this.forbiddenWrites.push(`wrote to a registry that is ${sku} and ${provisioningState}`);
  }

  #shownNow(name: string): Replica {
    const replica = this.#now(name);
    if (!replica) throw new Error(`${name} does not exist right after it was written`);
    return replica;
  }

  #writable(name: string, verb: string): { lifecycle: ReplicaLifecycle; replica: Replica } {
    const lifecycle = this.#replicas.get(name);
    const replica = this.#now(name);
    if (!lifecycle || !replica) throw new ArmError('NotFound', 'NotFound', `${name} was not found`);
    this.writes.push(`${verb} ${normalise(replica.location)}`);
    if (replica.provisioningState !== 'Succeeded' && replica.provisioningState !== 'Failed')
      this.forbiddenWrites.push(`${verb} of ${name} while ${replica.provisioningState}`);
    return { lifecycle, replica };
  }

  #checkStillServing(name: string, how: string): void {
    const others = [...this.actualReplicas.values()].filter((other) => other.name !== name);
    const serves = ({ provisioningState, displayStatus, routing }: Replica) =>
      provisioningState === 'Succeeded' && displayStatus === 'Ready' && routing;
    if (this.actualReplicas.has(this.#home) && !others.some(serves))
      this.forbiddenWrites.push(`${name} was ${how} although no other replica serves`);
  }

  #now(name: string): Replica | undefined {
    const lifecycle = this.#replicas.get(name);
    const now = this.#clock.monotonic();
    if (!lifecycle || now < (lifecycle.appearsAt ?? 0) || now >= lifecycle.deletedAt) return undefined;
    if (lifecycle.replica.provisioningState === 'Failed') return lifecycle.replica;
    if (lifecycle.deletedAt !== Number.POSITIVE_INFINITY)
      return { ...lifecycle.replica, provisioningState: 'Deleting' };
    const displayStatus = now >= lifecycle.syncedAt ? 'Ready' : 'Syncing';
    if (now >= lifecycle.provisionedAt) return { ...lifecycle.replica, provisioningState: 'Succeeded', displayStatus };
    return lifecycle.syncedAt > lifecycle.provisionedAt
      ? { ...lifecycle.replica, provisioningState: 'Creating' }
      : { ...lifecycle.replica, provisioningState: 'Updating', displayStatus };
  }
}

function settledLifecycle(replica: Replica): ReplicaLifecycle {
  const syncedAt = replica.displayStatus === 'Syncing' ? Number.POSITIVE_INFINITY : 0;
  return { replica, provisionedAt: 0, syncedAt, deletedAt: Number.POSITIVE_INFINITY };
}
