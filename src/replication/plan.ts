// Decides, for one pass, what is to be done about a registry's replicas. Pure and total: every combination of object and
// observation has one answer. It never decides on a LIST alone: what must first be confirmed by a GET is part of the plan.
import type { RegionSpec, RegistryReplication } from '../api/registryreplication.ts';
import { annotation } from '../api/registryreplication.ts';
import type { NewReplica, Registry, ReplicaChange } from '../azure/arm.ts';
import type { Observed } from './observed.ts';
import type { Reason } from './reasons.ts';
import { isHearsay, isInMotion, isServing, type Region, regionsOf } from './regions.ts';
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
}

export function planFor(object: RegistryReplication, observed: Observed, now: Date, limits: Limits): Plan {
  const regions = regionsOf(object, observed, now);
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const obstacle = leaving ? undefined : obstacleOf(object, observed.registry);
  if (obstacle || !observed.registry)
    return { regions, steps: [], confirm: [], release: leaving, ...(obstacle && { obstacle }) };

  const wanted = leaving ? stepsToLeave(object, regions) : stepsToAgree(object, regions);
  const patient = wanted.map((step) => heldByBackoff(step, regions, startsOver(object), now));
  const { steps, confirm } = schedule(patient, regions, limits);
  const doubted = regions.filter((region) => isHearsay(region) && !rests(region, object, now)).map(({ name }) => name);
  const names = [...new Set([...doubted, ...confirm])];
  const gone = leaving && names.length === 0 && toLeave(object, regions).every(isGone);
  return { regions, steps, confirm: names, release: gone };
}

/** The steps that this pass carries out. */
export function dueSteps({ steps }: Plan): Step[] {
  return steps.filter(({ hold }) => !hold);
}

/** Whether a person asks to begin anew: a spec edit or a new reconcile request forgets every backoff. */
export function startsOver({ metadata, status }: RegistryReplication): boolean {
  return (
    status?.observedGeneration !== metadata.generation ||
    metadata.annotations?.[annotation.reconcileRequestedAt] !== status?.lastHandledReconcileAt
  );
}

// --- what stands in the way of everything

function obstacleOf({ spec }: RegistryReplication, registry: Registry | undefined): Obstacle | undefined {
  const { name, resourceGroup, subscriptionId } = spec.registry;
  if (!registry)
    return {
      reason: 'RegistryNotFound',
      message: `Registry ${name} does not exist in resource group ${resourceGroup} of subscription ${subscriptionId}. Correct spec.registry in a new object, or create the registry with: az acr create --name ${name} --resource-group ${resourceGroup} --sku Premium`,
    };
  if (registry.sku.toLowerCase() !== 'premium')
    return {
      reason: 'RegistryNotPremium',
      message: `Registry ${name} is ${registry.sku}; geo-replication needs Premium. Upgrade it with: az acr update --name ${name} --sku Premium`,
    };
  if (registry.provisioningState?.toLowerCase() !== 'succeeded')
    return {
      reason: 'RegistryNotReady',
      message: `Registry ${name} is ${registry.provisioningState ?? 'in an unknown state'}; its replicas are left alone until it is Succeeded.`,
    };
  return undefined;
}

// --- what is to be done

function stepsToAgree({ spec }: RegistryReplication, regions: readonly Region[]): Step[] {
  const listed = regions.filter(({ asked }) => asked);
  const creations = listed.filter((region) => !region.home && region.state === 'Absent').map(creation);
  const updates = listed.flatMap(updatesOf);
  if (spec.prune === 'Retain') return [...creations, ...updates];
  const notYet = listed.filter(({ readyOnce }) => !readyOnce).map(({ location }) => location);
  const prunes = regions.filter((region) => !region.asked && !region.home && !isGone(region));
  return [...creations, ...updates, ...prunes.map((region) => pruning(region, notYet))];
}

function creation({ location, name, asked }: Region): Step {
  const routing = asked?.routing === undefined ? undefined : asked.routing === 'Enabled';
  const unrouted = routing === false ? ', unrouted' : '';
  return {
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
function pruning(region: Region, notYet: readonly string[]): Step {
  const step = deletion(region, 'the spec does not list it');
  if (step.hold || region.state === 'Failed' || notYet.length === 0) return step;
  const message = `waits until ${notYet.join(', ')} has been ready; delist that region to prune without it`;
  return { ...step, hold: { waitsFor: notYet, message } };
}

function deletion(region: Region, why: string): Step {
  const { location, name, state } = region;
  const step = { action: 'delete', location, name, message: `delete replica ${name}: ${why}` } as const;
  if (!isInMotion(region)) return step;
  return { ...step, hold: { waitsFor: [location], message: `waits until it is no longer ${state}` } };
}

// --- what is to be done before the object may go

function toLeave({ spec }: RegistryReplication, regions: readonly Region[]): Region[] {
  return regions.filter(({ asked, home }) => !home && (asked || spec.prune !== 'Retain'));
}

function isGone({ replica, state, unseen }: Region): boolean {
  return !replica && !unseen && state === 'Absent';
}

function stepsToLeave(object: RegistryReplication, regions: readonly Region[]): Step[] {
  const deletions = toLeave(object, regions)
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

// --- which of it may be done now

/** A refused write rests until `retryAfter`, unless a person asks again; but what ARM commands, nobody can hurry. */
function heldByBackoff(step: Step, regions: readonly Region[], asksAgain: boolean, now: Date): Step {
  const before = regions.find(({ location }) => location === step.location)?.before;
  if (step.hold || !before?.retryAfter || Date.parse(before.retryAfter) <= now.getTime()) return step;
  if (asksAgain && before.reason !== 'Throttled') return step;
  const message = `is tried again at ${before.retryAfter}`;
  return { ...step, hold: { waitsFor: [], message } };
}

/** A creation that rests after a refusal needs no GET each look to say that there is still nothing. */
function rests({ before }: Region, object: RegistryReplication, now: Date): boolean {
  if (object.metadata.deletionTimestamp !== undefined || startsOver(object)) return false;
  return before?.state === 'Absent' && before.retryAfter !== undefined && Date.parse(before.retryAfter) > now.getTime();
}

/**
 * Holds back what may not be done in this pass: what there is no slot for, what ARM did not answer about, and what would
 * leave the registry without a replica that a GET shows serving.
 */
function schedule(
  wanted: readonly Step[],
  regions: readonly Region[],
  limits: Limits,
): { steps: Step[]; confirm: string[] } {
  const moving = regions.filter(isInMotion).map(({ location }) => location);
  const enabling = wanted.filter((step) => !step.hold && enables(step)).map(({ location }) => location);
  const confirm: string[] = [];
  const touched: string[] = [];

  const holdFor = (step: Step): Hold | undefined => {
    const region = regions.find(({ location }) => location === step.location);
    if (region?.unseen) return { waitsFor: [], message: `waits for an answer: ${region.unseen.message}` };
    if (moving.length >= limits.maxParallelActions)
      return {
        waitsFor: [...moving],
        message: `waits: at most ${limits.maxParallelActions} replicas of a registry move at a time`,
      };
    if (!reduces(step)) return undefined;
    if (enabling.length > 0) return { waitsFor: enabling, message: `waits until ${enabling.join(', ')} is routed` };
    const others = regions.filter(({ location }) => location !== step.location && !touched.includes(location));
    const serving = others.filter((region) => isServing(region) && !region.unseen);
    if (serving.some(({ confirmed }) => confirmed)) return undefined;
    const [candidate] = serving;
    if (candidate) {
      confirm.push(candidate.name);
      return { waitsFor: [candidate.location], message: `waits until a GET shows ${candidate.location} serving` };
    }
    if (region && !region.confirmed) confirm.push(step.name);
    return whileNoneServes(step, others, wanted);
  };

  const admit = (step: Step): Step[] => {
    if (step.hold) return [step];
    const hold = holdFor(step);
    if (hold)
      return withoutRouting(step)
        .flatMap(admit)
        .concat({ ...step, hold });
    if (!isConfirmed(step, regions)) confirm.push(step.name);
    moving.push(step.location);
    touched.push(step.location);
    return [step];
  };
  const steps = wanted.flatMap(admit);
  return { steps, confirm };
}

function isConfirmed(step: Step, regions: readonly Region[]): boolean {
  return regions.some(({ location, confirmed }) => location === step.location && confirmed);
}

function enables(step: Step): boolean {
  return step.action === 'update' && step.change.routing === true;
}

/** Whether the step takes a replica out of service. */
function reduces(step: Step): boolean {
  return step.action === 'delete' || (step.action === 'update' && step.change.routing === false);
}

/** The tags need not wait for what routing waits for. */
function withoutRouting(step: Step): Step[] {
  if (step.action !== 'update' || step.change.routing !== false || !step.change.tags) return [];
  return [{ ...step, change: { tags: step.change.tags }, message: 'set tags' }];
}

/** No other replica serves: wait for those that will, or say that a person must choose. */
function whileNoneServes(step: Step, others: readonly Region[], wanted: readonly Step[]): Hold {
  const reduced = new Set(wanted.filter(reduces).map(({ location }) => location));
  const coming = others.filter(
    ({ location, asked, replica, state }) =>
      !reduced.has(location) &&
      state !== 'Failed' &&
      state !== 'Deleting' &&
      (asked
        ? asked.routing !== 'Disabled' && (asked.routing !== undefined || replica?.routing !== false)
        : replica?.routing),
  );
  const waitsFor = coming.map(({ location }) => location);
  if (waitsFor.length > 0)
    return {
      waitsFor,
      message: `waits until ${waitsFor.join(', ')} serves: the registry must keep a routed replica that is ready`,
    };
  const verb = step.action === 'delete' ? 'deleted' : 'unrouted';
  return {
    waitsFor: [],
    reason: 'LastRoutedRegion',
    message: `is not ${verb}: no other replica is routed and ready, and clients would be cut off. Set routing: Enabled for another region, the home region for instance`,
  };
}
