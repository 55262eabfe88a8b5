// A registry and its replicas as the emulated Azure keeps them. They know how to go through their stages; whether a
// request may make them do so is provider.ts's to say.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import { History, type ReplicaValues } from './history.ts';
import type { Operation, Outcome } from './operation.ts';
import { following, isPassing, type Stage, stageAt } from './replica-lifecycle.ts';

/** Who did something, as `systemData` names them. */
export interface Author {
  readonly id: string;
  readonly type: 'User' | 'Application';
}

/** Times are ms since the epoch. */
export interface SystemData {
  readonly createdBy: Author;
  readonly createdAt: number;
  readonly lastModifiedBy: Author;
  readonly lastModifiedAt: number;
}

export function authored(author: Author, at: number): SystemData {
  return { createdBy: author, createdAt: at, lastModifiedBy: author, lastModifiedAt: at };
}

export type Tags = Readonly<Record<string, string>>;

/** A replica at one moment; one that is Awaited or Gone has no snapshot, since nobody can see it. */
export interface ReplicaSnapshot {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly home: boolean;
  readonly tags: Tags;
  /** ARM's regionEndpointEnabled. */
  readonly routing: boolean;
  readonly zoneRedundancy: ZoneRedundancy;
  readonly stage: Exclude<Stage, { kind: 'Awaited' | 'Gone' }>;
  readonly systemData: SystemData;
}

export type ZoneRedundancy = 'Enabled' | 'Disabled';

export class Replica {
  readonly registry: Registry;
  readonly name: string;
  readonly location: string;
  readonly zoneRedundancy: ZoneRedundancy;
  tags: Tags;
  routing: boolean;
  systemData: SystemData;
  #stage: Stage;
  /** Those that end when the present stage does. */
  #operations: Operation[] = [];

  constructor(
    registry: Registry,
    values: {
      name: string;
      location: string;
      zoneRedundancy: ZoneRedundancy;
      tags: Tags;
      routing: boolean;
      systemData: SystemData;
      stage: Stage;
    },
  ) {
    this.registry = registry;
    this.name = values.name;
    this.location = values.location;
    this.zoneRedundancy = values.zoneRedundancy;
    this.tags = values.tags;
    this.routing = values.routing;
    this.systemData = values.systemData;
    this.#stage = values.stage;
  }

  get id(): string {
    return `${this.registry.id}/replications/${this.name}`;
  }

  get stage(): Stage {
    return this.#stage;
  }

  get home(): boolean {
    return this.location === this.registry.location;
  }

  get values(): ReplicaValues {
    const { id, name, location, home, tags, routing, zoneRedundancy, systemData, stage } = this;
    return { id, name, location, home, tags, routing, zoneRedundancy, systemData, stage };
  }

  /** Enters a stage at someone's will. */
  enter(stage: Stage, at: number): void {
    this.#pass(stage);
    this.registry.remember(at);
  }

  /** New values and nothing else. */
  write({ routing, tags }: { routing?: boolean; tags?: Tags }, author: Author, at: number): void {
    this.routing = routing ?? this.routing;
    this.tags = tags ?? this.tags;
    this.systemData = { ...this.systemData, lastModifiedBy: author, lastModifiedAt: at };
    this.registry.remember(at);
  }

  /** Enters a stage, which ends the operations that were about the one before. */
  #pass(stage: Stage): void {
    const left = this.#stage;
    if (left === stage) return;
    this.#stage = stage;
    for (const operation of this.#operations) operation.end(outcomeOf(left, stage));
    this.#operations = [];
    if (stage.kind === 'Gone') this.registry.drop(this, stage.since);
    else if (left.kind === 'Awaited' && 'since' in stage) {
      this.systemData = authored(this.systemData.createdBy, stage.since);
    }
  }

  /** The operation ends when the present stage does. */
  follow(operation: Operation): void {
    this.#operations.push(operation);
  }

  settle(now: number): void {
    this.#pass(stageAt(this.#stage, now));
  }

  /** To the next stage, whatever time is left in this one. False when time alone takes it nowhere. */
  advance(now: number): boolean {
    if (!isPassing(this.#stage)) return false;
    this.enter(following(this.#stage, now), now);
    return true;
  }

  /** Undefined while nobody can see it. `stage` stands in for the present one where an answer shows an earlier moment. */
  snapshot(stage: Stage = this.#stage): ReplicaSnapshot | undefined {
    if (stage.kind === 'Awaited' || stage.kind === 'Gone') return undefined;
    const { id, name, location, home, tags, routing, zoneRedundancy, systemData } = this;
    return { id, name, location, home, tags, routing, zoneRedundancy, stage, systemData };
  }
}

function outcomeOf(left: Stage, entered: Stage): Outcome {
  if (entered.kind === 'Failed') return { status: 'Failed', failure: entered.failure };
  const ending = left.kind === 'Creating' ? left.ending : undefined;
  if (entered.kind === 'Gone' && ending?.kind === 'Gone') return { status: 'Failed', failure: ending.failure };
  const cutShort = left.kind !== 'Deleting' && (entered.kind === 'Gone' || entered.kind === 'Deleting');
  return cutShort ? { status: 'Canceled' } : { status: 'Succeeded' };
}

/** A registry at one moment. */
export interface RegistrySnapshot {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly sku: string;
  readonly provisioningState: string;
  readonly tags: Tags;
  readonly zoneRedundancy: ZoneRedundancy;
  readonly systemData: SystemData;
}

export class Registry {
  /** As spelt when it was made. */
  readonly reference: RegistryReference;
  readonly id: string;
  readonly location: string;
  readonly zoneRedundancy: ZoneRedundancy;
  sku: string;
  provisioningState: string;
  tags: Tags;
  contentBytes: number;
  systemData: SystemData;
  /** By name in lower case. */
  readonly replicas = new Map<string, Replica>();
  readonly history = new History();
  /** When the last replica at a location was gone, in ms since the epoch. */
  readonly freedAt = new Map<string, number>();
  /** What LIST says instead of what is, while set. */
  frozenList: readonly ReplicaSnapshot[] | undefined;
  deletion: { readonly until: number; readonly operation: Operation } | undefined;

  constructor(
    reference: RegistryReference,
    values: {
      location: string;
      zoneRedundancy: ZoneRedundancy;
      sku: string;
      provisioningState: string;
      tags: Tags;
      contentBytes: number;
      systemData: SystemData;
    },
  ) {
    this.reference = reference;
    this.id = `/subscriptions/${reference.subscriptionId}/resourceGroups/${reference.resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${reference.name}`;
    this.location = values.location;
    this.zoneRedundancy = values.zoneRedundancy;
    this.sku = values.sku;
    this.provisioningState = values.provisioningState;
    this.tags = values.tags;
    this.contentBytes = values.contentBytes;
    this.systemData = values.systemData;
  }

  /** Whether nobody can see the registry any more. */
  gone(now: number): boolean {
    return this.deletion !== undefined && this.deletion.until <= now;
  }

  settle(now: number): void {
    for (const replica of [...this.replicas.values()]) replica.settle(now);
  }

  replicaNamed(name: string): Replica | undefined {
    return this.replicas.get(name.toLowerCase());
  }

  add(replica: Replica, at: number): void {
    this.replicas.set(replica.name.toLowerCase(), replica);
    this.remember(at);
  }

  drop({ name, location }: Replica, at: number): void {
    this.replicas.delete(name.toLowerCase());
    this.freedAt.set(location, at);
  }

  remember(at: number): void {
    this.history.remember(
      at,
      [...this.replicas.values()].map((replica) => replica.values),
    );
  }

  /** Also one that nobody can see yet. */
  replicaAt(location: string): Replica | undefined {
    return [...this.replicas.values()].find((replica) => replica.location === location);
  }

  /** Those that can be seen, in the order in which they were made. */
  visible(): ReplicaSnapshot[] {
    return [...this.replicas.values()].flatMap((replica) => replica.snapshot() ?? []);
  }

  snapshot(): RegistrySnapshot {
    const { id, location, sku, tags, zoneRedundancy, systemData } = this;
    const provisioningState = this.deletion ? 'Deleting' : this.provisioningState;
    return { id, name: this.reference.name, location, sku, provisioningState, tags, zoneRedundancy, systemData };
  }
}
