// Plans the changes to a registry's replicas for one pass. Pure and total: every combination of object and observation has
// one plan. No decision rests on LIST alone: the plan names the replicas to confirm by a GET first.
import type { RegionSpec, RegistryReplication } from '../api/registryreplication.ts';
import { isoSeconds, timeOfDay } from '../lib/clock.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { backoffUntil } from './backoff.ts';
import { type FollowingObject, pruneHold } from './follow.ts';
import { normalise } from './location.ts';
import { whyUnwanted } from './needs.ts';
import type { Observation } from './observation.ts';
import { type AgeOf, prunableFrom, pruneDelayOf } from './prune-delay.ts';
import type { Reason } from './reasons.ts';
import { holdAfterDeletion, holdOfAttempt, recoveryOf } from './recovery.ts';
import { isRetryRequested } from './region-state.ts';
import { isInMotion, isUnused, needsConfirmation, type Region, regionsOf } from './regions.ts';
import { theReplica } from './replica-names.ts';
import { schedule } from './schedule.ts';
import type { Step } from './step.ts';
import { tagsToSet } from './tags.ts';

export interface RegistryObstacle {
  readonly reason: Reason;
  readonly message: string;
}

export interface Plan {
  readonly regions: readonly Region[];
  /** All remaining steps, in order. */
  readonly steps: readonly Step[];
  /** ARM names that need a GET first; empty in a plan that may be carried out. */
  readonly confirm: readonly string[];
  /** Blocks all steps; `steps` is empty then. */
  readonly obstacle?: RegistryObstacle;
  /** The object is being deleted and needs no more work in Azure: its finalizer may be removed. */
  readonly isCleanedUp: boolean;
}

export interface Limits {
  /** Maximum number of replicas of one registry in motion at a time. */
  readonly maxParallelActions: number;
  /** Until when a contended region is left alone; undefined if it is not contended. */
  readonly pausedUntil?: (location: string) => Date | undefined;
  /** Measures ages per region; by default with the wall clock. */
  readonly ageOf?: AgeOf;
}

export function planFor(object: FollowingObject, observed: Observation, now: Date, limits: Limits): Plan {
  const regions = regionsOf(object, observed, now);
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const hearsay = regions.filter(needsConfirmation);
  const obstacle = leaving ? undefined : obstacleOf(object, observed);
  if (obstacle)
    return { regions, steps: [], confirm: observed.registry ? namesOf(hearsay) : [], isCleanedUp: false, obstacle };
  if (!observed.registry) return { regions, steps: [], confirm: [], isCleanedUp: true };

  const prunableFromOf = ({ location, pruneEvidence }: Region) =>
    prunableFrom(object, location, pruneEvidence, now, limits.ageOf);
  const departing = leaving ? replicasToCleanUp(object, regions, prunableFromOf) : [];
  const wanted = leaving ? cleanupSteps(departing, regions) : convergenceSteps(object, regions, prunableFromOf, now);
  const possible = wanted.map((step) => holdUnknownRegion(step, object, observed));
  const peaceful = leaving ? possible : possible.map((step) => holdContended(object, step, limits, now));
  const patient = peaceful.map((step) => holdBackingOff(step, regions, isRetryRequested(object), now));
  const { steps, confirm } = schedule(patient, regions, limits.maxParallelActions);
  const unproven = departing.filter(({ replica, confirmed, failedGet }) => !replica && !confirmed && !failedGet);
  const relied = leaving ? [] : reliedUponBy(steps, regions);
  const names = [...new Set([...namesOf(hearsay), ...namesOf(unproven), ...namesOf(relied), ...confirm])];
  return { regions, steps, confirm: names, isCleanedUp: leaving && names.length === 0 && departing.every(isDeleted) };
}

function namesOf(regions: readonly Region[]): string[] {
  return regions.map(({ name }) => name);
}

/** The steps without a hold, which this pass carries out. */
export function dueSteps({ steps }: Plan): Step[] {
  return steps.filter(({ hold }) => !hold);
}

// --- obstacles

function obstacleOf(
  { spec }: RegistryReplication,
  { registry, isGroupMissing }: Observation,
): RegistryObstacle | undefined {
  const { name, resourceGroup, subscriptionId } = spec.registry;
  if (isGroupMissing)
    return {
      reason: 'ResourceGroupNotFound',
      message: `resource group ${resourceGroup} does not exist in subscription ${subscriptionId}. Name the registry's own resource group in a new object; this object goes on once the resource group and the registry exist`,
    };
  if (!registry)
    return {
      reason: 'RegistryNotFound',
      message: `registry ${name} does not exist in resource group ${resourceGroup} of subscription ${subscriptionId}. Correct spec.registry in a new object, or create the registry with: az acr create --name ${shellQuote(name)} --resource-group ${shellQuote(resourceGroup)} --sku Premium --subscription ${shellQuote(subscriptionId)}`,
    };
  if (registry.sku.toLowerCase() !== 'premium')
    return {
      reason: 'RegistryNotPremium',
      message: `registry ${name} is ${registry.sku || 'of an unknown SKU'}; geo-replication needs Premium: az acr update --name ${shellQuote(name)} --sku Premium --subscription ${shellQuote(subscriptionId)}`,
    };
  if (registry.provisioningState?.toLowerCase() !== 'succeeded')
    return {
      reason: 'RegistryNotReady',
      message: `registry ${name} is ${registry.provisioningState ?? 'in an unknown state'}; its replicas stay as they are until it is Succeeded. If it lasts, look at it with: az acr show --name ${shellQuote(name)} --resource-group ${shellQuote(resourceGroup)} --subscription ${shellQuote(subscriptionId)}`,
    };
  return undefined;
}

// --- convergence steps

/** When the prune delay allows a prune; undefined: now. */
type PrunableFrom = (region: Region) => Date | undefined;

function convergenceSteps(
  object: FollowingObject,
  regions: readonly Region[],
  prunableFromOf: PrunableFrom,
  now: Date,
): Step[] {
  const listed = regions.filter((region) => region.spec && !isUnused(region));
  const creations = listed
    .filter(({ home, state, need }) => !home && state === 'Absent' && need?.settings !== 'unknown')
    .map((region) => creation(region, now));
  const settled = listed.filter(({ need }) => need?.settings === undefined);
  const updates = [...settled.flatMap(updatesOf), ...settled.flatMap(recoveryOf)];
  if (object.spec.prune === 'Retain') return [...creations, ...updates];
  const notYet = listed.filter(({ readyOnce, failedGet }) => !readyOnce || failedGet).map(({ location }) => location);
  const prunes = regions.filter((region) => !region.spec && !region.home && !isDeleted(region));
  const pruningOf = (region: Region) => pruning(object, region, notYet, prunableFromOf(region), now);
  return [...creations, ...updates, ...prunes.map(pruningOf)];
}

function creation(region: Region, now: Date): Step {
  const { location, name, spec, attempts, failedJustNow, deletedAt } = region;
  const routing = spec?.routing === undefined ? undefined : spec.routing === 'Enabled';
  const hold = holdOfAttempt(attempts, failedJustNow) ?? holdAfterDeletion(deletedAt, now);
  return {
    ...(hold && { hold }),
    action: 'create',
    location,
    name,
    replica: { location, ...(routing !== undefined && { routing }), ...(spec?.tags && { tags: spec.tags }) },
    message: `create ${theReplica(region)}${routing === false ? ' with routing off' : ''}`,
  };
}

function updatesOf(region: Region): Step[] {
  const { replica, spec, state, location, name, previous } = region;
  if (!replica || !spec || (state !== 'Ready' && state !== 'Syncing')) return [];
  const routing = routingWanted(spec, state === 'Ready');
  const tags = tagsToSet(replica.tags, spec.tags ?? {}, previous?.managedTags ?? []);
  const reroutes = routing !== undefined && routing !== replica.routing;
  if (!reroutes && !tags) return [];
  const words = [...(reroutes ? [`turn routing ${routing ? 'on' : 'off'}`] : []), ...(tags ? ['set tags'] : [])];
  return [
    {
      action: 'update',
      location,
      name,
      change: { ...(reroutes && { routing }), ...(tags && { tags }) },
      message: words.join(' and '),
    },
  ];
}

/** WhenReady turns routing on once the content is synchronized, and never off. */
function routingWanted({ routing }: RegionSpec, ready: boolean): boolean | undefined {
  switch (routing) {
    case undefined:
      return undefined;
    case 'Enabled':
      return true;
    case 'Disabled':
      return false;
    case 'WhenReady':
      return ready ? true : undefined;
    default:
      return routing satisfies never;
  }
}

/** Make before break: a prune waits for every listed region, so that images never move farther away. */
function pruning(
  object: FollowingObject,
  region: Region,
  notYet: readonly string[],
  from: Date | undefined,
  now: Date,
): Step {
  const since = region.need?.unusedSince;
  const heldBySource = pruneHold(object, region.pruneEvidence.wasListed);
  const why = since ? `unused since ${timeOfDay(since, now)}` : whyUnwanted(object.spec, heldBySource !== undefined);
  const step = deletion(region, why);
  if (heldBySource !== undefined) return { ...step, hold: { waitsFor: [], message: heldBySource } };
  if (region.state === 'Failed' && region.createdHere) return step;
  if (from !== undefined) {
    const notBefore = isoSeconds(from);
    const message = `waits until ${timeOfDay(notBefore, now)}: spec.${pruneDelayOf(object.spec).field} leaves time to list the region`;
    return { ...step, hold: { waitsFor: notYet, notBefore, message } };
  }
  if (step.hold || notYet.length === 0) return step;
  const message = `waits until ${notYet.join(' and ')} ${notYet.length === 1 ? 'has' : 'have'} been ready`;
  return { ...step, hold: { waitsFor: notYet, message } };
}

/** The listed regions that serve clients after a prune and are known from LIST only. */
function reliedUponBy(steps: readonly Step[], regions: readonly Region[]): Region[] {
  const isPrune = ({ action, location, hold }: Step) =>
    action === 'delete' && !hold && regions.some((region) => region.location === location && !region.spec);
  if (!steps.some(isPrune)) return [];
  return regions.filter(({ spec, home, confirmed, failedGet }) => spec && !home && !confirmed && !failedGet);
}

/** An overdue replica is deleted even in motion, which is ACR's own remedy (its geo-replication article). */
function deletion(region: Region, why: string): Step {
  const { location, name, state, pastDeadline } = region;
  const step = { action: 'delete', location, name, message: `delete ${theReplica(region)}: ${why}` } as const;
  if (!isInMotion(region) || (pastDeadline && state !== 'Deleting')) return step;
  return { ...step, hold: { waitsFor: [location], message: `waits until it is no longer ${state}` } };
}

// --- cleanup steps of a deleted object

/** Includes unlisted replicas only if the status names them and they are due: a lost status deletes nothing extra. */
function replicasToCleanUp(
  { spec }: RegistryReplication,
  regions: readonly Region[],
  prunableFromOf: PrunableFrom,
): Region[] {
  const isDue = (region: Region) => region.previous && spec.prune !== 'Retain' && prunableFromOf(region) === undefined;
  return regions.filter((region) => !region.home && (region.spec || isDue(region)));
}

function isDeleted(region: Region): boolean {
  const { replica, state, failedGet } = region;
  return !replica && state === 'Absent' && (!failedGet || wasNeverCreated(region));
}

/** True if Azure rejects the name, LIST shows no replica, and no PUT for it can have been accepted. */
function wasNeverCreated({ failedGet, previous }: Region): boolean {
  return (
    failedGet?.kind === 'Invalid' &&
    (previous === undefined || (previous.state === 'Absent' && previous.createdAt === undefined))
  );
}

function cleanupSteps(departing: readonly Region[], regions: readonly Region[]): Step[] {
  const deletions = departing
    .filter((region) => region.replica)
    .map((region) => deletion(region, 'the object is being deleted'));
  const home = regions.find((region) => region.home);
  if (!home?.replica || home.replica.routing || home.state === 'Failed' || deletions.length === 0) return deletions;
  const { location, name, state } = home;
  const routeHome: Step = {
    action: 'update',
    location,
    name,
    change: { routing: true },
    message: 'turn routing on before the other replicas go',
    ...(isInMotion(home) && { hold: { waitsFor: [location], message: `waits until it is no longer ${state}` } }),
  };
  const hold = { waitsFor: [location], message: `waits until the home region ${location} is routed` };
  return [routeHome, ...deletions.map((step) => (step.hold ? step : { ...step, hold }))];
}

// --- holds

/**
 * Reports a misspelt region before the PUT. The list holds all regions that accept resources of the subscription
 * (Microsoft's REST reference). A list without the registry's home region is ignored.
 */
function holdUnknownRegion(step: Step, { spec }: RegistryReplication, { registry, locations }: Observation): Step {
  const { location } = step;
  if (step.action !== 'create' || step.hold || !registry || !locations) return step;
  if (locations.has(location) || !locations.has(normalise(registry.location))) return step;
  const meant = didYouMean(location, locations);
  const remedy = `Correct it in spec.regions${meant ? '' : "; az account list-locations --query '[].name' lists the regions"}`;
  const message = `no such region in subscription ${spec.registry.subscriptionId}${meant ? `; ${meant}` : '.'} ${remedy}`;
  return { ...step, hold: { waitsFor: [], reason: 'RegionNotAvailable', message } };
}

/** Holds steps in a contended region: a user must find out which actor reverts them. */
function holdContended({ spec }: RegistryReplication, step: Step, { pausedUntil }: Limits, now: Date): Step {
  const until = step.hold ? undefined : pausedUntil?.(step.location);
  if (until === undefined) return step;
  const { subscriptionId, resourceGroup } = spec.registry;
  const next = timeOfDay(isoSeconds(until), now);
  const find = `az monitor activity-log list --resource-group ${shellQuote(resourceGroup)} --subscription ${shellQuote(subscriptionId)} --offset 1d`;
  const message = `others reverted the same change (${step.message}) three times within a day; next attempt at ${next}. Change the spec, or find out who reverts it: ${find}`;
  return { ...step, hold: { waitsFor: [], reason: 'Contended', message } };
}

/** Holds a refused write until `retryAfter`. A user's retry request skips the wait, except after throttling by ARM. */
function holdBackingOff(step: Step, regions: readonly Region[], asksAgain: boolean, now: Date): Step {
  const before = regions.find(({ location }) => location === step.location)?.previous;
  const until = backoffUntil(before, now);
  if (step.hold || until === undefined || (asksAgain && before?.reason !== 'Throttled')) return step;
  return { ...step, hold: { waitsFor: [], message: `next attempt at ${timeOfDay(until, now)}` } };
}
