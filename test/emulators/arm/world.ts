// The state of the emulated Azure: subscriptions, resource groups and registries, and how they change over time.
// provider.ts holds the API's rules; azure.ts lets tests bypass them.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Faults } from './faults/faults.ts';
import { Operation } from './operation.ts';
import { failingCreation, homeEntryDelayMs, stageAfterUpdate } from './provisioning-outcome.ts';
import type { Random } from './random.ts';
import { publicRegions, type Region } from './regions.ts';
import { Registry, Replica } from './registry.ts';
import type { Stage } from './replica-lifecycle.ts';
import { type Author, authored, type Tags, type ZoneRedundancy } from './replica-snapshot.ts';
import { draw, syncTime, type Timings } from './timings.ts';

/** ACR's own application, which makes the home region's entry (recorded in 2021, 2023 and 2026). */
const acr: Author = { id: '6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26', type: 'Application' };

export interface NewReplica {
  readonly name: string;
  readonly location: string;
  readonly routing: boolean;
  readonly zoneRedundancy: ZoneRedundancy;
  readonly tags: Tags;
}

export interface NewRegistry {
  readonly location: string;
  readonly sku: string;
  readonly provisioningState: string;
  readonly zoneRedundancy: ZoneRedundancy;
  readonly tags: Tags;
  readonly contentBytes: number;
  readonly hasRegionalEndpoints: boolean;
}

/** A resource group's registries, by name in lower case. */
type Group = Map<string, Registry>;

export class World {
  readonly clock: Clock;
  /** May be replaced at any time; operations in progress keep their duration. */
  timings: Timings;
  regions: readonly Region[] = publicRegions;
  /** The faults that are on. */
  readonly faults: Faults;
  /** By id in lower case. */
  readonly operations = new Map<string, Operation>();
  readonly #random: Random;
  /** Resource groups by subscription; both in lower case. */
  readonly #subscriptions = new Map<string, Map<string, Group>>();

  constructor(clock: Clock, random: Random, timings: Timings, faults: Faults) {
    this.clock = clock;
    this.faults = faults;
    this.#random = random;
    this.timings = timings;
  }

  get now(): number {
    return this.clock.now().getTime();
  }

  /** Short names of the regions that accept registries and replicas, unless a fault withdraws them. */
  get offered(): string[] {
    return this.regions.flatMap(({ kind, name }) => (kind === 'Physical' ? name : []));
  }

  /** Ids, in lower case. */
  get subscriptions(): string[] {
    return [...this.#subscriptions.keys()];
  }

  addSubscription(id: string): void {
    this.#groupsOf(id);
  }

  removeSubscription(id: string): void {
    const key = id.toLowerCase();
    for (const group of this.#subscriptions.get(key)?.keys() ?? []) this.removeResourceGroup(id, group);
    this.#subscriptions.delete(key);
  }

  hasSubscription(id: string): boolean {
    return this.#subscriptions.has(id.toLowerCase());
  }

  addResourceGroup(subscriptionId: string, name: string): void {
    const groups = this.#groupsOf(subscriptionId);
    if (!groups.has(name.toLowerCase())) groups.set(name.toLowerCase(), new Map());
  }

  /** Takes effect at once and removes everything in the group. */
  removeResourceGroup(subscriptionId: string, name: string): void {
    for (const registry of this.#group(subscriptionId, name)?.values() ?? []) this.dropRegistry(registry);
    this.#subscriptions.get(subscriptionId.toLowerCase())?.delete(name.toLowerCase());
  }

  hasResourceGroup(subscriptionId: string, name: string): boolean {
    return this.#group(subscriptionId, name) !== undefined;
  }

  /** The registry as of now; names are case-insensitive. */
  find(reference: RegistryReference): Registry | undefined {
    const group = this.#group(reference.subscriptionId, reference.resourceGroup);
    const key = reference.name.toLowerCase();
    const registry = group?.get(key);
    if (!registry) return undefined;
    const { now } = this;
    if (registry.gone(now)) {
      this.#end(registry);
      group?.delete(key);
      return undefined;
    }
    registry.settle(now);
    return registry;
  }

  /** All registries. */
  registries(): Registry[] {
    const all = [...this.#subscriptions.values()].flatMap((groups) =>
      [...groups.values()].flatMap((group) => [...group.values()]),
    );
    return all.flatMap((registry) => this.find(registry.reference) ?? []);
  }

  addRegistry(reference: RegistryReference, values: NewRegistry, author: Author): Registry {
    const { now } = this;
    const registry = new Registry(reference, { ...values, systemData: authored(author, now) });
    this.addResourceGroup(reference.subscriptionId, reference.resourceGroup);
    this.#group(reference.subscriptionId, reference.resourceGroup)?.set(reference.name.toLowerCase(), registry);
    // Recorded: Azure/azure-cli test_acr_with_zone_redundancy.yaml (2021), 2.5 s after the registry.
    if (values.zoneRedundancy === 'Enabled') this.#addHomeEntry(registry, { kind: 'Ready', since: now });
    return registry;
  }

  removeRegistry(registry: Registry, operation: Operation): void {
    registry.deletion = { until: this.now + draw(this.timings.removeRegistry, this.#random), operation };
  }

  /** Takes effect at once and removes its replicas. */
  dropRegistry(registry: Registry): void {
    const { subscriptionId, resourceGroup, name } = registry.reference;
    this.#end(registry);
    this.#group(subscriptionId, resourceGroup)?.delete(name.toLowerCase());
  }

  /** Starts a creation; the first one also makes ACR create the home region's entry. */
  create(registry: Registry, replica: NewReplica, author: Author, operation?: Operation): Replica {
    const { now } = this;
    const ending = failingCreation(this, registry, replica.location);
    const stuck = ending?.kind === 'Never';
    const created = this.addReplica(registry, replica, author, {
      kind: 'Creating',
      since: now,
      until: stuck ? Number.POSITIVE_INFINITY : now + draw(this.timings.create, this.#random),
      sync: syncTime(this.timings, registry.contentBytes),
      ...(ending && { ending }),
    });
    if (operation) created.follow(operation);
    if (!registry.replicaAt(registry.location)) {
      const until = now + draw(this.timings.homeEntry, this.#random) + homeEntryDelayMs(this, registry);
      this.#addHomeEntry(registry, { kind: 'Awaited', until });
    }
    return created;
  }

  /** Adds a replica in any stage, at once. */
  addReplica(registry: Registry, replica: NewReplica, author: Author, stage: Stage): Replica {
    const added = new Replica(registry, { ...replica, stage, systemData: authored(author, this.now) });
    registry.add(added, this.now);
    return added;
  }

  /** The home entry, added at once if ACR has not made it yet. */
  homeEntry(registry: Registry): Replica {
    const there = registry.replicaAt(registry.location);
    if (!there) return this.#addHomeEntry(registry, { kind: 'Ready', since: this.now });
    if (there.stage.kind === 'Awaited') there.advance(this.now);
    return there;
  }

  /** New values are visible at once (recorded: Azure/azure-cli, 2026-09-10), while the replica is Updating. */
  update(replica: Replica, change: { routing?: boolean; tags?: Tags }, author: Author, operation: Operation): void {
    const { now } = this;
    const { stage } = replica;
    if (stage.kind !== 'Ready' && stage.kind !== 'Syncing' && stage.kind !== 'Failed') {
      throw new Error(`${replica.id} is ${stage.kind}: only one at rest can be updated`);
    }
    this.write(replica, change, author);
    const until = now + draw(this.timings.update, this.#random);
    replica.enter({ kind: 'Updating', since: now, until, rest: stageAfterUpdate(this, replica, stage) }, now);
    replica.follow(operation);
  }

  /** Changes values without an operation. */
  write(replica: Replica, change: { routing?: boolean; tags?: Tags }, author: Author): void {
    replica.write(change, author, this.now);
  }

  remove(replica: Replica, operation: Operation): void {
    const { now } = this;
    replica.enter({ kind: 'Deleting', since: now, until: now + draw(this.timings.remove, this.#random) }, now);
    replica.follow(operation);
  }

  /** Starts another operation that ends with the deletion in progress. */
  joinRemoval(replica: Replica, id: string): Operation {
    const { id: resourceId, location, registry } = replica;
    const operation = this.startOperation({ id, doing: 'Deleting', resourceId, location }, registry);
    replica.follow(operation);
    return operation;
  }

  /** Starts an operation on a registry or a replica that clients can poll. */
  startOperation(
    subject: Pick<Operation, 'id' | 'doing' | 'resourceId' | 'location'>,
    { reference }: Registry,
  ): Operation {
    const operation = new Operation(subject, () => this.find(reference));
    this.operations.set(subject.id.toLowerCase(), operation);
    return operation;
  }

  #groupsOf(subscriptionId: string): Map<string, Group> {
    const key = subscriptionId.toLowerCase();
    const groups = this.#subscriptions.get(key) ?? new Map<string, Group>();
    this.#subscriptions.set(key, groups);
    return groups;
  }

  #group(subscriptionId: string, resourceGroup: string): Group | undefined {
    return this.#subscriptions.get(subscriptionId.toLowerCase())?.get(resourceGroup.toLowerCase());
  }

  #addHomeEntry(registry: Registry, stage: Stage): Replica {
    const { location, zoneRedundancy } = registry;
    // Recorded: named after its region. ACR's behaviour if another replica has that name is assumed.
    const name = registry.replicaNamed(location) ? `${location}home` : location;
    return this.addReplica(registry, { name, location, routing: true, zoneRedundancy, tags: {} }, acr, stage);
  }

  #end(registry: Registry): void {
    for (const replica of [...registry.replicas.values()]) replica.enter({ kind: 'Gone', since: this.now }, this.now);
    registry.deletion?.operation.end({ status: 'Succeeded' });
  }
}
