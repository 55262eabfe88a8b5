// Decides, for one pass, what is to be done about a registry's replicas. Pure and total: every combination of object and
// observation has one answer. It never decides on a LIST alone: what must first be confirmed by a GET is part of the plan.
import type { RegionSpec, RegistryReplication } from '../api/registryreplication.ts';
import type { NewReplica, Registry, ReplicaChange } from '../azure/arm.ts';
import { shellQuote } from '../shell-quote.ts';
import { didYouMean } from '../spelling.ts';
import { normalise } from './location.ts';
import type { Observed } from './observed.ts';
import { type AgeOf, prunableFrom } from './prune-delay.ts';
import type { Reason } from './reasons.ts';
import { holdAfterDeletion, holdOfAttempt, recoveryOf } from './recovery.ts';
import { isHearsay, isInMotion, isoSeconds, type Region, regionsOf, restsUntil, startsOver } from './regions.ts';
import { schedule } from './schedule.ts';
import { tagsToSet } from './tags.ts';

export type Step = {
  /** Normalised. */
  readonly location: string;
  /** The replica's ARM name. */
  readonly name: string;
  /** What is done and why, for people. */
  readonly message: string;
  /** What it waits for; a step without a hold is due in this pass. */
  readonly hold?: Hold;
} & (
  | { readonly action: 'create'; readonly replica: NewReplica }
  | { readonly action: 'update'; readonly change: ReplicaChange }
  | { readonly action: 'delete' }
);

export interface Hold {
  /** The regions that must come first, if it is regions that it waits for. */
  readonly waitsFor: readonly string[];
  readonly message: string;
  /** ISO time until which it lasts at least. */
  readonly notBefore?: string;
  /** Set when time alone will not lift it: a person has to act. */
  readonly reason?: Reason;
}

export interface Obstacle {
  readonly reason: Reason;
  readonly message: string;
}

export interface Plan {
  readonly regions: readonly Region[];
  /** Everything still to be done, in order. */
  readonly steps: readonly Step[];
  /** ARM names to GET before any of this may be believed; empty in a plan that may be carried out. */
  readonly confirm: readonly string[];
  /** What stands in the way of every step, so that there are none. */
  readonly obstacle?: Obstacle;
  /** The object is being deleted and nothing is left to do in Azure: it may go. */
  readonly release: boolean;
}

export interface Limits {
  /** How many replicas of one registry may be in motion at a time. */
  readonly maxParallelActions: number;
  /** Until when a region rests because others keep undoing what is done there; undefined: it does not. */
  readonly leftAloneUntil?: (location: string) => Date | undefined;
  /** How old what began in a region is; left out: as the wall clock says. */
  readonly ageOf?: AgeOf;
}

export function planFor(object: RegistryReplication, observed: Observed, now: Date, limits: Limits): Plan {
  const regions = regionsOf(object, observed, now);
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const hearsay = regions.filter(isHearsay);
  const obstacle = leaving ? undefined : obstacleOf(object, observed.registry);
  if (obstacle)
    return { regions, steps: [], confirm: observed.registry ? namesOf(hearsay) : [], release: false, obstacle };
  if (!observed.registry) return { regions, steps: [], confirm: [], release: true };

  const delayOf = ({ location, pruneEvidence }: Region) =>
    prunableFrom(object, location, pruneEvidence, now, limits.ageOf);
  const departing = leaving ? toLeave(object, regions, delayOf) : [];
  const wanted = leaving ? stepsToLeave(departing, regions) : stepsToAgree(object, regions, delayOf);
  const possible = wanted.map((step) => heldByMap(step, object, observed));
  const peaceful = leaving ? possible : possible.map((step) => heldByContention(step, limits));
  const patient = peaceful.map((step) => heldByBackoff(step, regions, startsOver(object), now));
  const { steps, confirm } = schedule(patient, regions, limits);
  const unproven = departing.filter(({ replica, proven, unseen }) => !replica && !proven && !unseen);
  const relied = leaving ? [] : reliedUponBy(steps, regions);
  const names = [...new Set([...namesOf(hearsay), ...namesOf(unproven), ...namesOf(relied), ...confirm])];
  return { regions, steps, confirm: names, release: leaving && names.length === 0 && departing.every(isGone) };
}

function namesOf(regions: readonly Region[]): string[] {
  return regions.map(({ name }) => name);
}

/** The steps that this pass carries out. */
export function dueSteps({ steps }: Plan): Step[] {
  return steps.filter(({ hold }) => !hold);
}

// --- what stands in the way of everything

function obstacleOf({ spec }: RegistryReplication, registry: Registry | undefined): Obstacle | undefined {
  const { name, resourceGroup, subscriptionId } = spec.registry;
  if (!registry)
    return {
      reason: 'RegistryNotFound',
      message: `Registry ${name} does not exist in resource group ${resourceGroup} of subscription ${subscriptionId}. Correct spec.registry in a new object, or create the registry with: az acr create --name ${shellQuote(name)} --resource-group ${shellQuote(resourceGroup)} --sku Premium`,
    };
  if (registry.sku.toLowerCase() !== 'premium')
    return {
      reason: 'RegistryNotPremium',
      message: `Registry ${name} is ${registry.sku || 'of an unknown SKU'}; geo-replication needs Premium. Upgrade it with: az acr update --name ${shellQuote(name)} --sku Premium`,
    };
  if (registry.provisioningState?.toLowerCase() !== 'succeeded')
    return {
      reason: 'RegistryNotReady',
      message: `Registry ${name} is ${registry.provisioningState ?? 'in an unknown state'}; its replicas are left alone until it is Succeeded. If that lasts, see what is wrong with: az acr show --name ${shellQuote(name)} --resource-group ${shellQuote(resourceGroup)}`,
    };
  return undefined;
}

// --- what is to be done

/** From when on spec.pruneDelay lets a replica be pruned; undefined: now. */
type DelayOf = (region: Region) => Date | undefined;

function stepsToAgree({ spec }: RegistryReplication, regions: readonly Region[], delayOf: DelayOf): Step[] {
  const listed = regions.filter(({ asked }) => asked);
  const creations = listed.filter((region) => !region.home && region.state === 'Absent').map(creation);
  const updates = [...listed.flatMap(updatesOf), ...listed.flatMap(recoveryOf)];
  if (spec.prune === 'Retain') return [...creations, ...updates];
  const notYet = listed.filter(({ readyOnce, unseen }) => !readyOnce || unseen).map(({ location }) => location);
  const prunes = regions.filter((region) => !region.asked && !region.home && !isGone(region));
  return [...creations, ...updates, ...prunes.map((region) => pruning(region, notYet, delayOf(region)))];
}

function creation({ location, name, asked, attempts, failedJustNow, deletedAt }: Region): Step {
  const routing = asked?.routing === undefined ? undefined : asked.routing === 'Enabled';
  const unrouted = routing === false ? ', unrouted' : '';
  const hold = holdOfAttempt(attempts, failedJustNow) ?? holdAfterDeletion(deletedAt);
  return {
    ...(hold && { hold }),
    action: 'create',
    location,
    name,
    replica: { location, ...(routing !== undefined && { routing }), ...(asked?.tags && { tags: asked.tags }) },
    message: `create replica ${name}${unrouted}`,
  };
}

function updatesOf(region: Region): Step[] {
  const { replica, asked, state, location, name, before } = region;
  if (!replica || !asked || (state !== 'Ready' && state !== 'Syncing')) return [];
  const routing = routingWanted(asked, state === 'Ready');
  const tags = tagsToSet(replica.tags, asked.tags ?? {}, before?.managedTags ?? []);
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

/** WhenReady turns routing on once the content is there, and never off. */
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

/** Make before break: images must never become farther away, so a prune waits for every listed region. */
function pruning(region: Region, notYet: readonly string[], from: Date | undefined): Step {
  const step = deletion(region, 'the spec does not list it');
  const isOwnFailure = region.state === 'Failed' && region.createdHere;
  if (isOwnFailure) return step;
  if (from !== undefined) {
    const notBefore = isoSeconds(from);
    const message = `waits until ${notBefore}: spec.pruneDelay leaves time to list it`;
    return { ...step, hold: { waitsFor: notYet, notBefore, message } };
  }
  if (step.hold || notYet.length === 0) return step;
  const message = `waits until ${notYet.join(' and ')} ${notYet.length === 1 ? 'has' : 'have'} been ready`;
  return { ...step, hold: { waitsFor: notYet, message } };
}

/** The listed regions that a prune leaves clients to, and of which only LIST says that they have a replica. */
function reliedUponBy(steps: readonly Step[], regions: readonly Region[]): Region[] {
  const isPrune = ({ action, location, hold }: Step) =>
    action === 'delete' && !hold && regions.some((region) => region.location === location && !region.asked);
  if (!steps.some(isPrune)) return [];
  return regions.filter(({ asked, home, proven, unseen }) => asked && !home && !proven && !unseen);
}

/** What does not come to an end is deleted while it is in motion: that is ACR's own remedy (its geo-replication article). */
function deletion(region: Region, why: string): Step {
  const { location, name, state, overdue } = region;
  const step = { action: 'delete', location, name, message: `delete replica ${name}: ${why}` } as const;
  if (!isInMotion(region) || (overdue && state !== 'Deleting')) return step;
  return { ...step, hold: { waitsFor: [location], message: `waits until it is no longer ${state}` } };
}

// --- what is to be done before the object may go

/** Of what is not listed only what is due to be pruned: with a status lost, nothing is deleted that it did not name. */
function toLeave({ spec }: RegistryReplication, regions: readonly Region[], delayOf: DelayOf): Region[] {
  const isDue = (region: Region) => region.before && spec.prune !== 'Retain' && delayOf(region) === undefined;
  return regions.filter((region) => !region.home && (region.asked || isDue(region)));
}

function isGone(region: Region): boolean {
  const { replica, state, unseen } = region;
  return !replica && state === 'Absent' && (!unseen || wasNeverCreated(region));
}

/** Azure refuses to answer about such a name, LIST shows no replica, and no PUT for it was accepted or may have been. */
function wasNeverCreated({ unseen, before }: Region): boolean {
  return (
    unseen?.kind === 'Invalid' &&
    (before === undefined || (before.state === 'Absent' && before.createdAt === undefined))
  );
}

function stepsToLeave(departing: readonly Region[], regions: readonly Region[]): Step[] {
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
    message: 'turn routing on in the home region before its replicas go',
    ...(isInMotion(home) && { hold: { waitsFor: [location], message: `waits until it is no longer ${state}` } }),
  };
  const hold = { waitsFor: [location], message: `waits until the home region ${location} is routed` };
  return [routeHome, ...deletions.map((step) => (step.hold ? step : { ...step, hold }))];
}

// --- what a refusal holds back

/**
 * A misspelt region is told before anything is sent. That a region is not in the list is taken for proof: the list has all
 * that take resources of the subscription (Microsoft's REST reference), and one without the registry's home is none.
 */
function heldByMap(step: Step, { spec }: RegistryReplication, { registry, locations }: Observed): Step {
  const { location } = step;
  if (step.action !== 'create' || step.hold || !registry || !locations) return step;
  if (locations.has(location) || !locations.has(normalise(registry.location))) return step;
  const meant = didYouMean(location, locations);
  const remedy = `Correct it in spec.regions${meant ? '' : "; az account list-locations --query '[].name' lists them"}`;
  const message = `is not created: subscription ${spec.registry.subscriptionId} has no region ${location}${meant ? `; ${meant}` : '.'} ${remedy}`;
  return { ...step, hold: { waitsFor: [], reason: 'RegionNotAvailable', message } };
}

/** Wrestling with whoever undoes it helps nobody: a person has to find out who that is. */
function heldByContention(step: Step, { leftAloneUntil }: Limits): Step {
  const until = step.hold ? undefined : leftAloneUntil?.(step.location);
  if (until === undefined) return step;
  const message = `is left as it is until ${isoSeconds(until)}: others have undone what was done there three times within a day. Find out who changes it (az monitor activity-log list), or change the spec`;
  return { ...step, hold: { waitsFor: [], reason: 'Contended', message } };
}

/** A refused write rests until `retryAfter`, unless a person asks again; but what ARM commands, nobody can hurry. */
function heldByBackoff(step: Step, regions: readonly Region[], asksAgain: boolean, now: Date): Step {
  const before = regions.find(({ location }) => location === step.location)?.before;
  const until = restsUntil(before, now);
  if (step.hold || until === undefined || (asksAgain && before?.reason !== 'Throttled')) return step;
  return { ...step, hold: { waitsFor: [], message: `is tried again at ${until}` } };
}
