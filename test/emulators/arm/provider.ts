// The API's rules: what ARM and ACR do for each request and which ones they refuse, independent of HTTP.
import type { RegistryReference } from '../../../src/azure/arm.ts';
import { policyTags } from './access.ts';
import { selectsRegistry } from './faults/fault.ts';
import type { Operation } from './operation.ts';
import * as refusal from './refusal.ts';
import { shortForm } from './regions.ts';
import type { Registry, RegistrySnapshot, Replica } from './registry.ts';
import { isMoving, isStuck } from './replica-lifecycle.ts';
import type { Author, ReplicaSnapshot } from './replica-snapshot.ts';
import { checkName, type RegistryPut, type ReplicaPatch, type ReplicaPut } from './requests.ts';
import { visibleToGet, visibleToList } from './visibility.ts';
import type { World } from './world.ts';

/** The client, and its x-ms-client-request-id, which becomes the operation's guid (recorded). */
export interface Caller {
  readonly author: Author;
  readonly requestId: string;
}

export interface ReplicaReference {
  readonly registry: RegistryReference;
  readonly name: string;
}

/** An accepted write, with an operation while ACR is still working on it. */
export interface Written {
  readonly replica: ReplicaSnapshot;
  readonly operation?: Operation;
}

const replicationType = 'Microsoft.ContainerRegistry/registries/replications';
const registryType = 'Microsoft.ContainerRegistry/registries';

export function getRegistry(world: World, reference: RegistryReference): RegistrySnapshot {
  return existingRegistry(world, reference).snapshot();
}

/** Synchronous since 2026 (recorded: Azure/azure-cli test_acr_create_replication.yaml). */
export function putRegistry(
  world: World,
  reference: RegistryReference,
  put: RegistryPut,
  { author }: Caller,
): RegistrySnapshot {
  checkResourceGroup(world, reference);
  const existing = world.find(reference);
  if (existing && existing.location !== put.location) {
    throw refusal.invalidResourceLocation(
      existing.reference.name,
      reference.resourceGroup,
      existing.location,
      put.location,
    );
  }
  checkOffered(world, put.location, registryType);
  checkName('registry', reference.name);
  if (!existing) {
    const { location, sku, tags, zoneRedundancy = 'Disabled' } = put;
    const made = {
      location,
      sku,
      tags,
      zoneRedundancy,
      provisioningState: 'Succeeded',
      contentBytes: 0,
      hasRegionalEndpoints: false,
    };
    return world.addRegistry(reference, made, author).snapshot();
  }
  checkAtRest(existing);
  existing.sku = put.sku;
  existing.tags = put.tags;
  existing.systemData = { ...existing.systemData, lastModifiedBy: author, lastModifiedAt: world.now };
  return existing.snapshot();
}

/** Undefined if there was nothing to delete. Deletes the replicas too (recorded: ASO, 2025-11-18). */
export function deleteRegistry(
  world: World,
  reference: RegistryReference,
  { requestId }: Caller,
): { registry: RegistrySnapshot; operation: Operation } | undefined {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  if (!registry) return undefined;
  if (!registry.deletion) {
    const { id: resourceId, location } = registry;
    const subject = { id: `registries-${requestId}`, doing: 'Deleting', resourceId, location } as const;
    world.removeRegistry(registry, world.startOperation(subject, registry));
  }
  const { operation } = registry.deletion ?? {};
  return operation && { registry: registry.snapshot(), operation };
}

/** In order of creation; without a group, all of the subscription. */
export function listRegistries(
  world: World,
  subscriptionId: string,
  resourceGroup: string | undefined,
): RegistrySnapshot[] {
  if (!world.hasSubscription(subscriptionId)) throw refusal.subscriptionNotFound(subscriptionId);
  if (resourceGroup !== undefined && !world.hasResourceGroup(subscriptionId, resourceGroup))
    throw refusal.resourceGroupNotFound(resourceGroup);
  const isAsked = ({ reference }: Registry) =>
    reference.subscriptionId.toLowerCase() === subscriptionId.toLowerCase() &&
    (resourceGroup === undefined || reference.resourceGroup.toLowerCase() === resourceGroup.toLowerCase());
  return world
    .registries()
    .filter(isAsked)
    .map((registry) => registry.snapshot());
}

export function getReplica(world: World, { registry: reference, name }: ReplicaReference): ReplicaSnapshot {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  const replica = registry && visibleToGet(world, registry, name);
  if (!replica) throw replicaNotFound(reference, name);
  return replica;
}

/** What LIST shows, in arbitrary order (recorded). */
export function listReplicas(world: World, reference: RegistryReference): ReplicaSnapshot[] {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  if (!registry) throw refusal.parentResourceNotFound(reference);
  return visibleToList(world, registry).sort((a, b) => scramble(a.name) - scramble(b.name));
}

export function putReplica(
  world: World,
  { registry: reference, name }: ReplicaReference,
  put: ReplicaPut,
  caller: Caller,
): Written {
  const registry = parentRegistry(world, reference);
  const named = registry.replicaNamed(name);
  if (named?.snapshot() && named.location !== put.location) {
    const { resourceGroup } = reference;
    const full = `${registry.reference.name}/${named.name}`;
    throw refusal.invalidResourceLocation(full, resourceGroup, named.location, put.location);
  }
  checkOffered(world, put.location, replicationType);
  checkName('replication', name);
  if (registry.sku !== 'Premium') throw refusal.replicationNotSupported(registry.sku);
  checkAtRest(registry);
  // Reported: a PUT at the home region is no error (Azure/azure-rest-api-specs issue 10233, 2020). Assumed: it makes ACR
  // write the home entry at once, and then counts as a PUT on that.
  const there = put.location === registry.location ? world.homeEntry(registry) : registry.replicaAt(put.location);
  if (there && there.name.toLowerCase() !== name.toLowerCase()) {
    throw refusal.locationAlreadyReplicated(registry.reference.name, put.location, there.name);
  }
  if (there) return rewrite(world, there, put, caller);
  checkNotCrowded(world, registry);
  const { location, routing, zoneRedundancy = 'Disabled' } = put;
  const id = `replications-${caller.requestId}`;
  const resourceId = `${registry.id}/replications/${name}`;
  const tags = { ...put.tags, ...policyTags(world.faults, resourceId) };
  const operation = world.startOperation({ id, doing: 'Creating', resourceId, location }, registry);
  const created = world.create(registry, { name, location, routing, zoneRedundancy, tags }, caller.author, operation);
  return { replica: visible(created), operation };
}

export function patchReplica(
  world: World,
  { registry: reference, name }: ReplicaReference,
  patch: ReplicaPatch,
  caller: Caller,
): Written {
  const registry = parentRegistry(world, reference);
  const replica = registry.replicaNamed(name);
  if (!replica?.snapshot()) throw replicaNotFound(reference, name);
  checkAtRest(registry);
  checkReplicaAtRest(replica);
  checkNotCrowded(world, registry);
  return change(world, replica, patch, caller);
}

/**
 * Undefined if there was nothing to delete (204 in the specification; not recorded). Deleting a replica that is being
 * deleted adds an operation (assumed). Any other write to a replica in motion is refused (assumed), except the deletion
 * of a stuck creation: that is ACR's own remedy (Microsoft's article on geo-replication).
 */
export function deleteReplica(
  world: World,
  { registry: reference, name }: ReplicaReference,
  { requestId }: Caller,
): Operation | undefined {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  const replica = registry?.replicaNamed(name);
  if (!registry || !replica?.snapshot()) return undefined;
  checkAtRest(registry);
  // Reported: refused while there are others (Azure/acr issue 294), allowed for the last one (Azure/acr issue 729, 2024).
  if (replica.home && registry.visible().length > 1) throw refusal.homeReplicationCannotBeDeleted(replica.name);
  const id = `replications-${requestId}`;
  if (replica.stage.kind === 'Deleting') return world.joinRemoval(replica, id);
  if (!isStuck(replica.stage)) checkReplicaAtRest(replica);
  checkNotCrowded(world, registry);
  const { id: resourceId, location } = replica;
  const operation = world.startOperation({ id, doing: 'Deleting', resourceId, location }, registry);
  world.remove(replica, operation);
  return operation;
}

/** An operation under its subscription's or its replica's path; ids are case-insensitive. */
export function findOperation(world: World, id: string): Operation | undefined {
  return world.operations.get(id.toLowerCase());
}

/** A PUT on an existing replica: a routing change works as with PATCH (assumed), anything less is synchronous (recorded: ASO). */
function rewrite(world: World, replica: Replica, put: ReplicaPut, caller: Caller): Written {
  checkReplicaAtRest(replica);
  if (put.zoneRedundancy && put.zoneRedundancy !== replica.zoneRedundancy) {
    throw refusal.zoneRedundancyIsFixed(replica.name);
  }
  return change(world, replica, put, caller);
}

/** A Failed replica is accepted and fails again (Azure/ARO-HCP pull request 2366: only deletion helps). */
function change(world: World, replica: Replica, { routing, tags: sent }: ReplicaPatch, caller: Caller): Written {
  const added = policyTags(world.faults, replica.id);
  const tags = added ? { ...(sent ?? replica.tags), ...added } : sent;
  const wanted = { ...(routing !== undefined && { routing }), ...(tags && { tags }) };
  const flips = routing !== undefined && routing !== replica.routing;
  if (!flips && replica.stage.kind !== 'Failed') {
    world.write(replica, wanted, caller.author);
    return { replica: visible(replica) };
  }
  const id = `replications-${caller.requestId}`;
  const { id: resourceId, location, registry } = replica;
  const operation = world.startOperation({ id, doing: 'Updating', resourceId, location }, registry);
  world.update(replica, wanted, caller.author, operation);
  return { replica: visible(replica), operation };
}

function checkResourceGroup(world: World, { subscriptionId, resourceGroup }: RegistryReference): void {
  if (!world.hasSubscription(subscriptionId)) throw refusal.subscriptionNotFound(subscriptionId);
  if (!world.hasResourceGroup(subscriptionId, resourceGroup)) throw refusal.resourceGroupNotFound(resourceGroup);
}

function existingRegistry(world: World, reference: RegistryReference): Registry {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  if (!registry) throw refusal.resourceNotFound(reference.resourceGroup, reference.name);
  return registry;
}

function parentRegistry(world: World, reference: RegistryReference): Registry {
  checkResourceGroup(world, reference);
  const registry = world.find(reference);
  if (!registry) throw refusal.parentResourceNotFound(reference);
  return registry;
}

function checkOffered(world: World, location: string, type: string): void {
  const { offered, faults } = world;
  const withdrawn = faults.consume('withdrawnRegion', (fault) => shortForm(fault.location) === location);
  if (withdrawn || !offered.includes(location))
    throw refusal.locationNotAvailable(
      location,
      type,
      offered.filter((other) => other !== location),
    );
}

function checkAtRest(registry: Registry): void {
  const { name, provisioningState } = registry.snapshot();
  if (provisioningState !== 'Succeeded') throw refusal.busy(`The registry '${name}'`, provisioningState);
}

function checkNotCrowded({ faults }: World, registry: Registry): void {
  const inMotion = [...registry.replicas.values()].filter(({ stage }) => isMoving(stage)).length;
  const crowded = faults.consume(
    'crowded',
    (fault) => selectsRegistry(fault, registry.reference) && inMotion >= fault.most,
  );
  if (crowded) throw refusal.busy(`The registry '${registry.reference.name}'`, 'Updating');
}

function checkReplicaAtRest({ name, stage }: Replica): void {
  if (isMoving(stage)) throw refusal.busy(`The replication '${name}'`, stage.kind);
}

function replicaNotFound({ resourceGroup, name: registry }: RegistryReference, name: string): refusal.Refusal {
  return refusal.resourceNotFound(resourceGroup, `${registry}/replications/${name}`);
}

function visible(replica: Replica): ReplicaSnapshot {
  const snapshot = replica.snapshot();
  if (!snapshot) throw new Error(`${replica.id} was written to and cannot be seen`);
  return snapshot;
}

/** FNV-1a: an order without meaning that is the same for every page. */
function scramble(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}
