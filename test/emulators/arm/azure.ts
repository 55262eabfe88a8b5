// Direct access to the emulated Azure for tests and demos: sets up resources, reads the true state, and makes changes as
// another client would. Nothing here is a request, so neither the journal nor the quota sees it.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import type { Faults, RequestFilter, Undo } from './faults/faults.ts';
import { defaultFailure } from './provisioning-outcome.ts';
import type { RefusalDetails } from './refusal.ts';
import { shortForm } from './regions.ts';
import type { Registry, RegistrySnapshot, Replica } from './registry.ts';
import { type Failure, isStuck, isTemporary, type Stage } from './replica-lifecycle.ts';
import type { Author, ReplicaSnapshot, Tags, ZoneRedundancy } from './replica-snapshot.ts';
import type { Timings } from './timings.ts';
import type { World } from './world.ts';

/** The author of existing resources and of changes from outside the operator. */
const otherClient: Author = { id: 'someone.else@example.com', type: 'User' };

export interface RegistrySettings {
  /** The home region. */
  readonly location?: string;
  /** `Basic`, `Standard` or `Premium`. */
  readonly sku?: string;
  readonly provisioningState?: string;
  readonly zoneRedundancy?: ZoneRedundancy;
  readonly tags?: Tags;
  /** A new replica copies this much before it is Ready. */
  readonly contentBytes?: number;
  /** Each region has an endpoint of its own, `NAME.REGION.geo.azurecr.io`; default: off, as in Azure. */
  readonly regionalEndpoints?: boolean;
}

export interface ReplicaSettings {
  /** The ARM name; default: the location's short form. */
  readonly name?: string;
  readonly routing?: boolean;
  readonly tags?: Tags;
  readonly zoneRedundancy?: ZoneRedundancy;
  /** Creating proceeds as the timings say; Syncing lasts until `advance` or `finish`. */
  readonly state?: 'Creating' | 'Syncing' | 'Ready' | 'Failed';
}

/** A change is impossible: its subject does not exist, or exists already. */
export class ImpossibleChange extends Error {
  override readonly name = 'ImpossibleChange';
}

export class Azure {
  readonly #world: World;
  readonly #defaults: RegistrySettings;

  constructor(world: World, defaults: RegistrySettings = {}) {
    this.#world = world;
    this.#defaults = defaults;
  }

  /** The faults that are on, also under `/emulator/faults`. */
  get faults(): Faults {
    return this.#world.faults;
  }

  /** How long operations take from now on; operations in progress keep their duration. */
  get timings(): Timings {
    return this.#world.timings;
  }

  set timings(timings: Timings) {
    this.#world.timings = timings;
  }

  // Setup.

  addSubscription(id: string): void {
    this.#world.addSubscription(id);
  }

  removeSubscription(id: string): void {
    this.#world.removeSubscription(id);
  }

  addResourceGroup(subscriptionId: string, name: string): void {
    this.#world.addResourceGroup(subscriptionId, name);
  }

  removeResourceGroup(subscriptionId: string, name: string): void {
    this.#world.removeResourceGroup(subscriptionId, name);
  }

  /** Adds a registry, and its subscription and resource group if missing; replaces a registry of that name. */
  addRegistry(reference: RegistryReference, settings: RegistrySettings = {}): RegistrySnapshot {
    this.removeRegistry(reference);
    const wanted = { ...this.#defaults, ...settings };
    const registry = this.#world.addRegistry(
      reference,
      {
        location: shortForm(wanted.location ?? 'eastus'),
        sku: wanted.sku ?? 'Premium',
        provisioningState: wanted.provisioningState ?? 'Succeeded',
        zoneRedundancy: wanted.zoneRedundancy ?? 'Disabled',
        tags: wanted.tags ?? {},
        contentBytes: wanted.contentBytes ?? 0,
        hasRegionalEndpoints: wanted.regionalEndpoints ?? false,
      },
      otherClient,
    );
    return registry.snapshot();
  }

  /** The home region and zone redundancy of a registry are fixed: remove it and add another. */
  changeRegistry(
    reference: RegistryReference,
    change: Pick<RegistrySettings, 'sku' | 'provisioningState' | 'tags' | 'contentBytes' | 'regionalEndpoints'>,
  ): void {
    const registry = this.#registry(reference);
    registry.sku = change.sku ?? registry.sku;
    registry.provisioningState = change.provisioningState ?? registry.provisioningState;
    registry.tags = change.tags ?? registry.tags;
    registry.contentBytes = change.contentBytes ?? registry.contentBytes;
    registry.hasRegionalEndpoints = change.regionalEndpoints ?? registry.hasRegionalEndpoints;
  }

  /** Removes it at once, with its replicas; does nothing if there is none. */
  removeRegistry(reference: RegistryReference): void {
    const registry = this.#world.find(reference);
    if (registry) this.#world.dropRegistry(registry);
  }

  /** All registries. */
  references(): RegistryReference[] {
    return this.#world.registries().map(({ reference }) => reference);
  }

  registry(reference: RegistryReference): RegistrySnapshot | undefined {
    return this.#world.find(reference)?.snapshot();
  }

  // Replicas: their true state, and changes that another client would make.

  /** The true state, whatever LIST shows; empty if there is no such registry. */
  replicas(reference: RegistryReference): ReplicaSnapshot[] {
    return this.#world.find(reference)?.visible() ?? [];
  }

  replica(reference: RegistryReference, location: string): ReplicaSnapshot | undefined {
    return this.#world.find(reference)?.replicaAt(shortForm(location))?.snapshot();
  }

  /**
   * Adds a replica of any name at any location, at once, and with it the home entry (recorded: it comes with the first
   * replica). Throws if the location or the name is taken: that is a mistake in the test.
   */
  addReplica(reference: RegistryReference, location: string, settings: ReplicaSettings = {}): ReplicaSnapshot {
    const registry = this.#registry(reference);
    const at = shortForm(location);
    const name = settings.name ?? at;
    const taken = registry.replicaAt(at) ?? registry.replicaNamed(name);
    if (taken) throw new ImpossibleChange(`${registry.id} already has ${taken.name} at ${taken.location}`);
    const { routing = true, zoneRedundancy = 'Disabled', tags = {}, state = 'Ready' } = settings;
    const replica = { name, location: at, routing, zoneRedundancy, tags };
    const added =
      state === 'Creating'
        ? this.#world.create(registry, replica, otherClient)
        : this.#world.addReplica(registry, replica, otherClient, this.#stageOf(state));
    this.#world.homeEntry(registry);
    return visibleSnapshot(added);
  }

  changeReplica(
    reference: RegistryReference,
    location: string,
    change: { readonly routing?: boolean; readonly tags?: Tags },
  ): void {
    this.#world.write(this.#replica(reference, location), change, otherClient);
  }

  /** Removes it at once, whatever its stage. */
  removeReplica(reference: RegistryReference, location: string): void {
    const since = this.#world.now;
    this.#replica(reference, location).enter({ kind: 'Gone', since }, since);
  }

  failReplica(reference: RegistryReference, location: string, failure: Failure = defaultFailure): void {
    const since = this.#world.now;
    this.#replica(reference, location).enter({ kind: 'Failed', since, failure }, since);
  }

  /** The next `times` creations at this location fail; Infinity: all until undone. */
  failCreations(reference: RegistryReference, location: string, failure: Failure = defaultFailure, times = 1): Undo {
    const { code, message } = failure;
    return this.faults.add({
      kind: 'failedCreation',
      ...selectorOf(reference),
      location,
      code,
      message,
      ...limitOf(times),
    });
  }

  // Time, where a test holds it.

  /** Moves a replica (or the awaited home entry) to its next stage; throws if its stage is final: a mistake in the test. */
  advance(reference: RegistryReference, location: string): void {
    const replica = this.#replica(reference, location);
    if (!replica.advance(this.#world.now))
      throw new ImpossibleChange(`${replica.id} is ${replica.stage.kind} and stays so`);
  }

  /** Moves a replica (or the awaited home entry) to its final stage. */
  finish(reference: RegistryReference, location: string): void {
    finish(this.#replica(reference, location), this.#world.now);
  }

  /** Moves every resource to its final stage. */
  settle(): void {
    for (const registry of this.#world.registries()) {
      if (registry.deletion) this.#world.dropRegistry(registry);
      else for (const replica of [...registry.replicas.values()]) finish(replica, this.#world.now);
    }
  }

  /** Removes every stuck creation, as a user would. */
  removeStuck(): void {
    const since = this.#world.now;
    for (const registry of this.#world.registries()) {
      const stuck = [...registry.replicas.values()].filter(({ stage }) => isStuck(stage));
      for (const replica of stuck) replica.enter({ kind: 'Gone', since }, since);
    }
  }

  // Faults.

  /** The region accepts no new replicas or registries: LocationNotAvailableForResourceType. */
  withdrawRegion(location: string): Undo {
    return this.faults.add({ kind: 'withdrawnRegion', location });
  }

  /** LIST keeps showing the present state (reported: Azure/ARO-HCP pull request 2585); GET shows the true one. */
  freezeList(reference: RegistryReference): Undo {
    const registry = this.#registry(reference);
    registry.frozenList = registry.visible();
    return () => {
      registry.frozenList = undefined;
    };
  }

  /** LIST leaves out this location's replica; GET shows it. */
  omitFromList(reference: RegistryReference, location: string): Undo {
    return this.faults.add({ kind: 'omission', ...selectorOf(reference), location });
  }

  /** Answers the matching requests with an error, `times` often or until undone. */
  refuse(which: RequestFilter, refusal: RefusalDetails, times?: number): Undo {
    return this.faults.refuse(which, refusal, times);
  }

  #stageOf(state: 'Syncing' | 'Ready' | 'Failed'): Stage {
    const since = this.#world.now;
    switch (state) {
      case 'Syncing':
        return { kind: 'Syncing', since, until: Number.POSITIVE_INFINITY };
      case 'Ready':
        return { kind: 'Ready', since };
      case 'Failed':
        return { kind: 'Failed', since, failure: defaultFailure };
      default:
        return state satisfies never;
    }
  }

  #registry(reference: RegistryReference): Registry {
    const registry = this.#world.find(reference);
    if (!registry) throw new ImpossibleChange(`No registry ${reference.name} in ${reference.resourceGroup}`);
    return registry;
  }

  #replica(reference: RegistryReference, location: string): Replica {
    const replica = this.#registry(reference).replicaAt(shortForm(location));
    if (!replica) throw new ImpossibleChange(`${reference.name} has no replica at ${location}`);
    return replica;
  }
}

function selectorOf({ subscriptionId, resourceGroup, name: registry }: RegistryReference) {
  return { subscriptionId, resourceGroup, registry };
}

function limitOf(times: number): { times?: number } {
  return Number.isFinite(times) ? { times } : {};
}

function finish(replica: Replica, now: number): void {
  while (isTemporary(replica.stage)) replica.advance(now);
}

function visibleSnapshot(replica: Replica): ReplicaSnapshot {
  const snapshot = replica.snapshot();
  if (!snapshot) throw new Error(`${replica.id} cannot be seen`);
  return snapshot;
}
