// A registry and its replicas in the emulated Azure, and their transitions between stages. provider.ts decides which
// requests may cause them.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import { History, type ReplicaValues } from './history.ts';
import type { Operation, Outcome } from './operation.ts';
import { isTemporary, nextStage, type Stage, stageAt } from './replica-lifecycle.ts';
import {
  type Author,
  authored,
  type ReplicaSnapshot,
  type SystemData,
  type Tags,
  type ZoneRedundancy,
} from './replica-snapshot.ts';

export class Replica {
  readonly registry: Registry;
  readonly name: string;
  readonly location: string;
  readonly zoneRedundancy: ZoneRedundancy;
  tags: Tags;
  routing: boolean;
  systemData: SystemData;
  #stage: Stage;
  /** Operations that end with the present stage. */
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

  /** Enters a stage because of a request or a test, not by time. */
  enter(stage: Stage, at: number): void {
    this.#pass(stage);
    this.registry.remember(at);
  }

  /** Changes values without an operation. */
  write({ routing, tags }: { routing?: boolean; tags?: Tags }, author: Author, at: number): void {
    this.routing = routing ?? this.routing;
    this.tags = tags ?? this.tags;
    this.systemData = { ...this.systemData, lastModifiedBy: author, lastModifiedAt: at };
    this.registry.remember(at);
  }

  /** Enters a stage and ends the operations of the previous one. */
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

  /** The operation ends with the present stage. */
  follow(operation: Operation): void {
    this.#operations.push(operation);
  }

  settle(now: number): void {
    this.#pass(stageAt(this.#stage, now));
  }

  /** Enters the next stage regardless of the time left. False if the stage is final. */
  advance(now: number): boolean {
    if (!isTemporary(this.#stage)) return false;
    this.enter(nextStage(this.#stage, now), now);
    return true;
  }

  /** Undefined if not visible. `stage` replaces the present stage to show an earlier moment. */
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
  /** One for each region while they are enabled. */
  readonly regionalEndpointHostNames: readonly string[];
}

export class Registry {
  /** As spelt at its creation. */
  readonly reference: RegistryReference;
  readonly id: string;
  readonly location: string;
  readonly zoneRedundancy: ZoneRedundancy;
  sku: string;
  provisioningState: string;
  tags: Tags;
  contentBytes: number;
  hasRegionalEndpoints: boolean;
  systemData: SystemData;
  /** By name in lower case. */
  readonly replicas = new Map<string, Replica>();
  readonly history = new History();
  /** When the last replica at a location was gone, in ms since the epoch. */
  readonly freedAt = new Map<string, number>();
  /** What LIST shows instead of the true state, while set. */
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
      hasRegionalEndpoints: boolean;
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
    this.hasRegionalEndpoints = values.hasRegionalEndpoints;
    this.systemData = values.systemData;
  }

  /** Whether its deletion is complete. */
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

  /** Includes a replica that is not visible yet. */
  replicaAt(location: string): Replica | undefined {
    return [...this.replicas.values()].find((replica) => replica.location === location);
  }

  /** The visible replicas, in order of creation. */
  visible(): ReplicaSnapshot[] {
    return [...this.replicas.values()].flatMap((replica) => replica.snapshot() ?? []);
  }

  snapshot(): RegistrySnapshot {
    const { id, location, sku, tags, zoneRedundancy, systemData } = this;
    const provisioningState = this.deletion ? 'Deleting' : this.provisioningState;
    return {
      id,
      name: this.reference.name,
      location,
      sku,
      provisioningState,
      tags,
      zoneRedundancy,
      systemData,
      regionalEndpointHostNames: this.hasRegionalEndpoints ? this.#regionalHostNames() : [],
    };
  }

  /** The home region has one, with or without an entry (recorded: Azure/azure-cli, 2026-04-03: a registry without replicas). */
  #regionalHostNames(): string[] {
    const locations = new Set([this.location, ...this.visible().map(({ location }) => location)]);
    return [...locations].map((location) => `${this.reference.name.toLowerCase()}.${location}.geo.azurecr.io`);
  }
}
