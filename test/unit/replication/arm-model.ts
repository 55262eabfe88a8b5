// An in-process model of ARM on a clock that tests move: it implements the operator's own interface, keeps the rules that
// real ARM keeps, lies in LIST as real ARM does, and remembers every write that the operator must never send.
import {
  type Arm,
  ArmError,
  type Created,
  type NewReplica,
  type Registry,
  type Replica,
  type ReplicaChange,
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

interface Life {
  replica: Replica;
  /** When it was made, as ms since the epoch. */
  made?: number;
  /** When it appears, is provisioned, synchronised, and gone, as ms since the epoch. */
  appears?: number;
  provisioned: number;
  synced: number;
  gone: number;
}

export class ArmModel implements Arm {
  readonly writes: string[] = [];
  /** Sentences about writes that must never have been sent. */
  readonly violations: string[] = [];
  /** Whether the next LIST shows this replica as it is, shows it as it was, or omits it. */
  lie: () => 'truth' | 'stale' | 'omit' = () => 'truth';
  /** ms for which neither LIST nor GET shows a new replica. */
  lag = 0;
  /** What the subscription has. */
  regions = ['eastus', 'japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];
  /** ms that a replica takes here. */
  lasts: (location: string) => { creating: number; syncing: number } = () => durations;
  /** Why the last operation on a replica failed, by name. */
  readonly failures = new Map<string, string>();
  /** ms; what it says on accepting a creation. */
  askAfter: number | undefined;
  /** Told of every request before it is answered; what it throws is the answer. */
  before: (request: string) => void = () => undefined;
  /** Told of every write once it has taken effect; what it throws is the answer. */
  after: (request: string) => void = () => undefined;

  /** Azure's own time: a step of the operator's clock does not move it. */
  readonly #clock: Pick<FakeClock, 'monotonic'>;
  #registry: Registry;
  readonly #lives = new Map<string, Life>();
  readonly #shown = new Set<string>();
  #home: string;

  constructor(clock: Pick<FakeClock, 'monotonic'>, replicas: readonly Replica[], registry = aRegistry()) {
    this.#clock = clock;
    this.#registry = registry;
    this.#home = normalise(registry.location);
    for (const replica of replicas) this.#lives.set(replica.name, settledLife(replica));
  }

  /** From now on it is this one; another creation date means another registry, without the replicas of the one before. */
  set registryNow(registry: Registry) {
    if (registry.creationDate !== this.#registry.creationDate) this.#lives.clear();
    this.#registry = registry;
    this.#home = normalise(registry.location);
  }

  /** What is so, by normalised location. */
  get truth(): Map<string, Replica> {
    return new Map(
      [...this.#lives.keys()].flatMap((name) => {
        const replica = this.#now(name);
        return replica ? [[normalise(replica.location), replica] as const] : [];
      }),
    );
  }

  async registry(): Promise<Registry> {
    this.before('GET registry');
    return this.#registry;
  }

  async replicas(): Promise<Replica[]> {
    this.before('LIST');
    return [...this.truth.values()].flatMap((replica) => {
      if (this.#isHidden(replica.name)) return [];
      const lie = this.lie();
      // Of a replica with a name of its own that no LIST has ever shown, only ARM can know.
      const isKnown = replica.name === normalise(replica.location) || this.#shown.has(replica.name);
      if (lie === 'omit' && isKnown) return [];
      this.#shown.add(replica.name);
      return lie === 'stale' ? [{ ...replica, provisioningState: 'Updating', displayStatus: 'Syncing' }] : [replica];
    });
  }

  async replica(_: unknown, name: string): Promise<Replica> {
    this.before(`GET ${name}`);
    const replica = this.#now(name);
    if (!replica || this.#isHidden(name))
      throw new ArmError('NotFound', 'NotFound', `${name} was not found`, { code: 'ResourceNotFound' });
    return replica;
  }

  async create(_: unknown, name: string, { location, routing = true, tags = {} }: NewReplica): Promise<Created> {
    this.before(`PUT ${name}`);
    this.#mustTakeWrites();
    this.writes.push(`create ${normalise(location)}`);
    if (normalise(location) === this.#home) this.violations.push('created the home replica');
    if (this.truth.has(normalise(location))) this.violations.push(`created ${location} where there is a replica`);
    const now = this.#clock.monotonic();
    const { creating, syncing } = this.lasts(normalise(location));
    this.#lives.set(name, {
      replica: { name, location, routing, tags, createdAt: new Date(now).toISOString() },
      made: now,
      provisioned: now + creating,
      synced: now + creating + syncing,
      gone: Number.POSITIVE_INFINITY,
    });
    if (!this.#lives.has(this.#home)) {
      const replica = { name: this.#home, location: this.#home, routing: true, tags: {} };
      this.#lives.set(this.#home, { ...settledLife(replica), appears: now + durations.homeEntry });
    }
    this.after(`PUT ${name}`);
    return { replica: this.#shownNow(name), ...(this.askAfter !== undefined && { askAfter: this.askAfter }) };
  }

  async update(_: unknown, name: string, { routing, tags }: ReplicaChange): Promise<Replica> {
    this.before(`PATCH ${name}`);
    this.#mustTakeWrites();
    const { life, replica } = this.#writable(name, 'update');
    if (routing === false) this.#mustKeepServing(name, 'unrouted');
    life.replica = { ...replica, routing: routing ?? replica.routing, tags: tags ?? replica.tags };
    if (routing !== undefined) life.provisioned = this.#clock.monotonic() + durations.updating;
    this.after(`PATCH ${name}`);
    return this.#shownNow(name);
  }

  async remove(_: unknown, name: string): Promise<void> {
    this.before(`DELETE ${name}`);
    const { life, replica } = this.#writable(name, 'delete');
    if (normalise(replica.location) === this.#home) this.violations.push('deleted the home replica');
    this.#mustKeepServing(name, 'deleted');
    life.gone = this.#clock.monotonic() + durations.deleting;
    this.after(`DELETE ${name}`);
  }

  /** Others have deleted it, and it is gone. */
  vanish(name: string): void {
    this.#lives.delete(name);
  }

  #isHidden(name: string): boolean {
    const made = this.#lives.get(name)?.made;
    return made !== undefined && this.#clock.monotonic() < made + this.lag;
  }

  async failure(_: unknown, name: string): Promise<string | undefined> {
    return this.failures.get(name);
  }

  async locations(): Promise<string[]> {
    this.before('GET locations');
    return [...this.regions];
  }

  #mustTakeWrites(): void {
    const { sku, provisioningState } = this.#registry;
    if (sku !== 'Premium' || provisioningState !== 'Succeeded')
      this.violations.push(`wrote to a registry that is ${sku} and ${provisioningState}`);
  }

  #shownNow(name: string): Replica {
    const replica = this.#now(name);
    if (!replica) throw new Error(`${name} is not there right after it was written`);
    return replica;
  }

  #writable(name: string, verb: string): { life: Life; replica: Replica } {
    const life = this.#lives.get(name);
    const replica = this.#now(name);
    if (!life || !replica) throw new ArmError('NotFound', 'NotFound', `${name} was not found`);
    this.writes.push(`${verb} ${normalise(replica.location)}`);
    if (replica.provisioningState !== 'Succeeded' && replica.provisioningState !== 'Failed')
      this.violations.push(`${verb} of ${name} while ${replica.provisioningState}`);
    return { life, replica };
  }

  #mustKeepServing(name: string, how: string): void {
    const others = [...this.truth.values()].filter((other) => other.name !== name);
    const serves = ({ provisioningState, displayStatus, routing }: Replica) =>
      provisioningState === 'Succeeded' && displayStatus === 'Ready' && routing;
    if (this.truth.has(this.#home) && !others.some(serves))
      this.violations.push(`${name} was ${how} though no other serves`);
  }

  #now(name: string): Replica | undefined {
    const life = this.#lives.get(name);
    const now = this.#clock.monotonic();
    if (!life || now < (life.appears ?? 0) || now >= life.gone) return undefined;
    if (life.replica.provisioningState === 'Failed') return life.replica;
    if (life.gone !== Number.POSITIVE_INFINITY) return { ...life.replica, provisioningState: 'Deleting' };
    const displayStatus = now >= life.synced ? 'Ready' : 'Syncing';
    if (now >= life.provisioned) return { ...life.replica, provisioningState: 'Succeeded', displayStatus };
    return life.synced > life.provisioned
      ? { ...life.replica, provisioningState: 'Creating' }
      : { ...life.replica, provisioningState: 'Updating', displayStatus };
  }
}

function settledLife(replica: Replica): Life {
  const synced = replica.displayStatus === 'Syncing' ? Number.POSITIVE_INFINITY : 0;
  return { replica, provisioned: 0, synced, gone: Number.POSITIVE_INFINITY };
}
