// One pass for one object: observe, plan, act, report. The only file of this room that has effects, and the one place to
// read the operator's whole behaviour. Whatever it needs from outside is in its Context.
import { isDeepStrictEqual } from 'node:util';
import {
  annotation,
  finalizer,
  type RegionState,
  type RegistryReplication,
  type Status,
} from '../api/registryreplication.ts';
import { type Arm, ArmError, type Replica, type ReplicaChange } from '../azure/arm.ts';
import { tracing } from '../azure/trace.ts';
import type { Clock } from '../clock.ts';
import { parseDuration } from '../duration.ts';
import { holderOf } from './claims.ts';
import {
  type Happening,
  happeningOnLetGo,
  happeningsOf,
  happeningsOfActions,
  happeningsOnRelease,
  isDrift,
} from './happenings.ts';
import { normalise } from './location.ts';
import type { Memory } from './memory.ts';
import { type Answer, listed, type Observed, registryGone, withAnswers } from './observed.ts';
import { type NamespaceReading, type Refusal, type Rules, refusalOf } from './permission.ts';
import { dueSteps, type Limits, type Plan, planFor, type Step } from './plan.ts';
import { isCreationStored, startsOver } from './regions.ts';
import { type Report, type Result, report, type Submitted } from './report.ts';
import { reportClaimed, reportInvalid, reportRefused, reportSuspended, reportUnseen } from './standstill.ts';
import { tagsToSet } from './tags.ts';
import { problemsOf } from './validation.ts';

/** What a pass may do to the object in Kubernetes. Each resolves to the object as written. */
export interface Objects {
  /** Stores our finalizer. */
  hold(object: RegistryReplication): Promise<RegistryReplication>;
  /** Drops our finalizer; the object may be gone then. */
  release(object: RegistryReplication): Promise<void>;
  writeStatus(object: RegistryReplication, status: Status): Promise<RegistryReplication>;
  /** `after`: the status that the pass has come to, where the object stays. Never throws, never waits. */
  announce(object: RegistryReplication, happenings: readonly Happening[], after?: Status): void;
  /** Whether the CRD itself is being deleted, read anew. */
  isCrdTerminating(): Promise<boolean>;
}

export interface Context {
  readonly arm: Arm;
  readonly objects: Objects;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly limits: Pick<Limits, 'maxParallelActions'>;
  /** Every object known that names the same registry as this one, itself among them. */
  readonly naming: (object: RegistryReplication) => readonly RegistryReplication[];
  readonly rules: Rules;
  /** The object's namespace, as it was a minute ago at the most. Rejects when Kubernetes does not answer. */
  readonly namespaceOf: (object: RegistryReplication) => Promise<NamespaceReading>;
  /** ms between drift checks, where the object does not say. */
  readonly interval: number;
  readonly memory: Memory;
}

export interface Outcome {
  /** ms; undefined: not until the object changes. */
  readonly lookAgainAfter?: number;
}

const shortestGrace = 15 * 60_000;

/**
 * Runs one pass. Rejects only when Kubernetes does not take a write, or does not show a namespace, and then the pass may be
 * repeated at any time: the finalizer, the creations that begin and the ownership of tags are stored before the ARM write they
 * are about, and all else is read anew from ARM.
 */
export async function reconcile(object: RegistryReplication, context: Context): Promise<Outcome> {
  const { objects, clock } = context;
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const manages = object.spec.mode !== 'Observe';
  const problems = problemsOf(object);
  const refusal = await refusalFor(object, context);
  const others = await permittedOthers(object, context);
  const holder = holderOf(refusal ? others : [...others, object]);
  const isClaimed = holder !== undefined && !isSame(holder, object);
  if (leaving) {
    if (!hasFinalizer(object)) return {};
    const why = await whyLetGo(object, { problems, refusal, isClaimed, objects });
    if (why !== undefined) {
      objects.announce(object, [happeningOnLetGo(object, why)]);
      await objects.release(object);
      return {};
    }
  }
  if (problems.length > 0) return conclude(object, object, reportInvalid(object, problems, clock.now()), [], context);
  if (object.spec.suspend) return conclude(object, object, reportSuspended(object, clock.now()), [], context);

  if (refusal) return conclude(object, object, reportRefused(object, refusal, clock.now()), [], context);
  if (manages && isClaimed) return conclude(object, object, reportClaimed(object, holder, clock.now()), [], context);

  if (startsOver(object)) context.memory.contention.forget(uidOf(object));
  const seen = (await glance(object, context)) ?? (await look(object, context));
  if (seen instanceof ArmError) return conclude(object, object, unseen(object, seen, context), [], context);
  const { registry } = 'plan' in seen ? seen.observed : seen;
  const mustHold = manages && !leaving && registry !== undefined && !hasFinalizer(object);
  const [held, planned] = await Promise.all([
    mustHold ? objects.hold(object) : object,
    'plan' in seen ? seen : planOnProof(object, seen, context),
  ]);
  if (planned instanceof ArmError) return conclude(object, held, unseen(object, planned, context), [], context);
  const { observed, plan } = planned;
  if (plan.obstacle) context.memory.registries.forget(object.spec.registry);
  if (plan.release) {
    objects.announce(object, happeningsOnRelease(object));
    await objects.release(held);
    return {};
  }
  const latest = manages ? await storeIntentions(object, held, planned, context) : held;
  const results = manages ? await carryOut(object, plan, context.arm) : [];
  remember(object, results, context);
  // The report answers the spec that was planned for, even where somebody has edited it meanwhile.
  const told = { ...object, ...(latest.status && { status: latest.status }) };
  const said = report(told, observed, plan, results, clock.now(), context.memory.creationTime);
  // Of 10,000 registries that are settled nobody recalls any.
  if (!isInMotion(said.status)) context.memory.registries.forget(object.spec.registry);
  return conclude(object, latest, said, results, context);
}

function uidOf({ metadata }: RegistryReplication): string {
  return metadata.uid ?? '';
}

function isSame(one: RegistryReplication, other: RegistryReplication): boolean {
  return uidOf(one) === uidOf(other);
}

function hasFinalizer({ metadata }: RegistryReplication): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

async function refusalFor(object: RegistryReplication, { rules, namespaceOf }: Context): Promise<Refusal | undefined> {
  return refusalOf(object, rules, await namespaceOf(object));
}

/** The others that name the same registry, and may. */
async function permittedOthers(object: RegistryReplication, context: Context): Promise<RegistryReplication[]> {
  const others = context.naming(object).filter((other) => !isSame(other, object));
  const refusals = await Promise.all(others.map((other) => refusalFor(other, context)));
  return others.filter((_, n) => refusals[n] === undefined);
}

interface LettingGo {
  readonly problems: readonly string[];
  readonly refusal: Refusal | undefined;
  readonly isClaimed: boolean;
  readonly objects: Objects;
}

/** Why an object that is being deleted goes at once and leaves Azure as it is; undefined when its replicas go first. */
async function whyLetGo(
  { spec, metadata }: RegistryReplication,
  { problems, refusal, isClaimed, objects }: LettingGo,
): Promise<string | undefined> {
  if (metadata.annotations?.[annotation.forceDetach] === 'true')
    return `it is annotated with ${annotation.forceDetach}`;
  if (spec.deletionPolicy === 'Retain') return 'its deletionPolicy is Retain';
  if (spec.mode === 'Observe') return 'its mode is Observe';
  if (spec.suspend) return 'it is suspended';
  if (problems.length > 0) return 'its spec is invalid';
  if (refusal?.reason === 'DefaultIdentityDenied') return 'it had no identity to act with';
  if (refusal?.reason === 'RegistryNotAllowed') return 'its namespace may not name the registry';
  if (isClaimed) return 'another object manages the registry';
  return (await objects.isCrdTerminating()) ? 'the CRD itself is being deleted' : undefined;
}

// --- observe

/**
 * A look between two others, at replicas in motion: LIST alone, beside the registry as it was a short while ago. What would be
 * done in Azure on the strength of that, or is gone from there, is believed only if the registry is still exactly that one.
 * Undefined where nothing is remembered or it no longer holds: then the whole look is due.
 */
async function glance(object: RegistryReplication, context: Context): Promise<Planned | ArmError | undefined> {
  const { arm, clock, interval } = context;
  const { registries } = context.memory;
  const { registry: of, mode } = object.spec;
  const age = Math.min(longestGlancing, intervalOf(object, interval) / 2);
  const remembered = registries.recall(of, age, clock.now());
  // Where a person waits, both are asked side by side.
  const isAwaited = startsOver(object) || object.metadata.deletionTimestamp !== undefined;
  if (!remembered || isAwaited || !isInMotion(object.status)) return undefined;
  const replicas = await attempt(arm.replicas(of));
  if (replicas instanceof ArmError) return replicas.kind === 'NotFound' ? undefined : replicas;
  const planned = await planOnProof(object, listed(remembered, replicas), context);
  if (planned instanceof ArmError) return planned;
  const acts = mode !== 'Observe' && dueSteps(planned.plan).length > 0;
  if (acts || planned.observed.missing.size > 0) {
    const registry = await attempt(arm.registry(of));
    if (registry instanceof ArmError) return provesAbsence(registry) ? undefined : registry;
    if (!isDeepStrictEqual(registry, remembered)) return undefined;
    registries.keep(of, registry, clock.now());
  }
  context.memory.silentSince.delete(uidOf(object));
  return planned;
}

function isInMotion(status: Status | undefined): boolean {
  return status?.regions?.some(({ state }) => !atRest.has(state)) ?? false;
}

const atRest: ReadonlySet<RegionState> = new Set(['Absent', 'Ready', 'Failed']);

/** ms for which a registry is remembered at most: long enough for what lasts, and never for as long as an interval. */
const longestGlancing = 5 * 60_000;

/** The registry and its LIST: two reads, side by side. */
async function look({ spec, metadata }: RegistryReplication, context: Context): Promise<Observed | ArmError> {
  const { arm, clock } = context;
  const { silentSince, registries } = context.memory;
  registries.forget(spec.registry);
  const [registry, replicas] = await Promise.all([
    attempt(arm.registry(spec.registry)),
    attempt(arm.replicas(spec.registry)),
  ]);
  if (registry instanceof ArmError && !provesAbsence(registry)) return registry;
  if (replicas instanceof ArmError && replicas.kind !== 'NotFound') return replicas;
  if (registry instanceof ArmError) {
    if (!(replicas instanceof ArmError) && replicas.length > 0) return contradiction('replicas, but no registry');
    silentSince.delete(metadata.uid ?? '');
    return registryGone;
  }
  if (replicas instanceof ArmError) return contradiction('a registry, but no list of its replicas');
  silentSince.delete(metadata.uid ?? '');
  registries.keep(spec.registry, registry, clock.now());
  return listed(registry, replicas);
}

/** Not there, by the two codes that say so of the thing itself; any other 404 is no proof. */
function provesAbsence({ kind, code }: ArmError): boolean {
  return kind === 'NotFound' && (code === 'ResourceNotFound' || code === 'ResourceGroupNotFound');
}

function contradiction(what: string): ArmError {
  return new ArmError('Transient', 'AzureUnreachable', `Azure contradicts itself: it shows ${what}`);
}

interface Planned {
  readonly observed: Observed;
  readonly plan: Plan;
}

/** Plans again and again, each time with the GETs that the last plan asked for, until it rests on nothing else. */
async function planOnProof(
  object: RegistryReplication,
  first: Observed,
  context: Context,
): Promise<Planned | ArmError> {
  const asked = new Set<string>();
  let hasMap = false;
  let observed = first;
  for (;;) {
    const now = context.clock.now();
    const leftAloneUntil = (location: string) => context.memory.contention.restsUntil(uidOf(object), location, now);
    const plan = planFor(object, observed, now, { ...context.limits, leftAloneUntil });
    const needsMap: boolean = !hasMap && dueSteps(plan).some(({ action }) => action === 'create');
    if (plan.confirm.length === 0 && !needsMap) return { observed, plan };
    const names = plan.confirm.filter((name) => !asked.has(name));
    if (names.length < plan.confirm.length) return contradiction(`${plan.confirm.join(', ')} in more than one way`);
    for (const name of names) asked.add(name);
    const [answers, locations] = await Promise.all([
      Promise.all(names.map((name) => ask(object, name, context.arm))),
      needsMap ? locationsFor(object, context) : observed.locations,
    ]);
    hasMap ||= needsMap;
    observed = { ...withAnswers(observed, answers), locations };
  }
}

/** The regions that there are, where ARM tells. */
function locationsFor({ spec }: RegistryReplication, { arm, memory }: Context) {
  const wanted = spec.regions.map(({ location }) => normalise(location));
  return memory.locations.known(arm, spec.registry.subscriptionId, wanted);
}

async function ask({ spec }: RegistryReplication, name: string, arm: Arm): Promise<Answer> {
  const answer = await attempt(arm.replica(spec.registry, name));
  if (!(answer instanceof ArmError)) return { name, replica: answer };
  return provesAbsence(answer) ? { name, missing: true } : { name, error: answer };
}

function unseen(
  object: RegistryReplication,
  error: ArmError,
  { clock, memory: { silentSince }, interval }: Context,
): Report {
  const now = clock.now();
  const uid = object.metadata.uid ?? '';
  const since = silentSince.get(uid) ?? now.getTime();
  silentSince.set(uid, since);
  const grace = Math.max(shortestGrace, 3 * intervalOf(object, interval));
  return reportUnseen(object, error, { silentFor: now.getTime() - since, grace }, now);
}

// --- act

/** Stores what must survive a crash before the writes that it is about: which creations begin, and which tag keys are ours. */
async function storeIntentions(
  object: RegistryReplication,
  latest: RegistryReplication,
  { observed, plan }: Planned,
  { objects, clock }: Context,
): Promise<RegistryReplication> {
  const isNew = dueSteps(plan).some(({ action, location }) => {
    const region = plan.regions.find((one) => one.location === location);
    // A status from before a person asked anew tells of refusals that no longer hold back a creation.
    if (action === 'create' && (startsOver(object) || !isCreationStored(object, region?.before))) return true;
    const owned = region?.before?.managedTags ?? [];
    return Object.keys(region?.asked?.tags ?? {}).some((key) => !owned.includes(key));
  });
  if (!isNew) return latest;
  // That the look which a person asked for was had is said once it is over.
  const { lastHandledReconcileAt: _, ...intended } = report(object, observed, plan, [], clock.now()).status;
  const handled = object.status?.lastHandledReconcileAt;
  return objects.writeStatus(latest, {
    ...intended,
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
  });
}

/** Submits every due step at once; the failure of one region never stops another. */
function carryOut(object: RegistryReplication, plan: Plan, arm: Arm): Promise<Result[]> {
  return Promise.all(
    dueSteps(plan).map(async (step): Promise<Result> => {
      const { answer, requests } = await tracing(() => attempt(submit(object, step, arm)));
      const request = requests.at(-1);
      return { step, answer: answer instanceof ArmError ? { error: answer } : answer, ...(request && { request }) };
    }),
  );
}

async function submit({ spec: { registry } }: RegistryReplication, step: Step, arm: Arm): Promise<Submitted> {
  switch (step.action) {
    case 'create':
      return arm.create(registry, step.name, step.replica);
    case 'update': {
      const replica = await arm.update(registry, step.name, step.change);
      if (!isTaken(step.change, replica)) throw notTaken(step);
      return { replica };
    }
    case 'delete':
      await arm.remove(registry, step.name);
      return { deleting: true };
    default:
      return step satisfies never;
  }
}

/** How long ARM takes creations to last; and what was put right, and what was pruned, in case others undo it. */
function remember(object: RegistryReplication, results: readonly Result[], context: Context): void {
  const { memory, clock } = context;
  const [uid, now] = [uidOf(object), clock.now()];
  const listed = new Set(object.spec.regions.map(({ location }) => normalise(location)));
  for (const { step, answer } of results) {
    if ('error' in answer) continue;
    if ('askAfter' in answer && answer.askAfter !== undefined) memory.creationTime = answer.askAfter;
    if (isDrift(object, step)) memory.contention.corrected(uid, step.location, step.action, now);
    if (step.action === 'delete' && !listed.has(step.location)) memory.contention.pruned(uid, step.location, now);
  }
}

/** ARM's answer to a PATCH shows the new values at once (recorded: Azure/azure-cli, test_acr_create_replication.yaml, 2026-09-10). */
function isTaken({ routing, tags }: ReplicaChange, replica: Replica): boolean {
  return (
    (routing === undefined || replica.routing === routing) && tagsToSet(replica.tags, tags ?? {}, []) === undefined
  );
}

function notTaken({ name, message }: Step): ArmError {
  const words = `Azure took the request to ${message} of replica ${name}, but did not do so: an Azure Policy that modifies it, for instance. Ask for the same values, or change the policy`;
  return new ArmError('Denied', 'PolicyDenied', words);
}

// --- report

/** `latest` is `object` after the writes of this pass. */
async function conclude(
  object: RegistryReplication,
  latest: RegistryReplication,
  { status, next }: Report,
  results: readonly Result[],
  context: Context,
): Promise<Outcome> {
  const { objects, random, interval } = context;
  try {
    if (!isDeepStrictEqual(status, latest.status)) await objects.writeStatus(latest, status);
  } catch (error) {
    // The next pass finds the same transitions again, but does not know what this one did.
    objects.announce(object, happeningsOfActions(object, results));
    throw error;
  }
  objects.announce(object, happeningsOf(object, status, results), status);
  const drift = intervalOf(object, interval) * (0.9 + 0.2 * random());
  if (next === 'edit') return {};
  if (next === 'drift check') return { lookAgainAfter: drift };
  return { lookAgainAfter: 'within' in next ? Math.min(next.within, drift) : next.notBefore };
}

function intervalOf({ spec }: RegistryReplication, fallback: number): number {
  return (spec.interval !== undefined && parseDuration(spec.interval)) || fallback;
}

/** ARM's failures as values: a pass takes them into its report. */
async function attempt<T>(answer: Promise<T>): Promise<T | ArmError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
}
