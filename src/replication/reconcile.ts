// Reconciles one object in one pass: observe, plan, act, report. This file orchestrates the whole behaviour of the operator;
// its dependencies are in Context.
import { isDeepStrictEqual } from 'node:util';
import type { RegionState, RegistryReplication, Status } from '../api/registryreplication.ts';
import { type Arm, ArmError } from '../azure/arm.ts';
import { parseDuration } from '../lib/duration.ts';
import { type Acted, attempt, carryOut, isUnchanged, planToShow } from './act.ts';
import type { Context } from './context.ts';
import {
  detachedEvent,
  eventsFor,
  eventsOnRelease,
  happeningsOfActions,
  happeningsUnlooked,
  isDrift,
} from './events.ts';
import { checkGate, hasFinalizer } from './gate.ts';
import { normalise } from './location.ts';
import { type Answer, listed, noRegistry, type Observation, withAnswers } from './observation.ts';
import { dueSteps, type Plan, planFor } from './plan.ts';
import type { AgeOf } from './prune-delay.ts';
import { isRetryRequested } from './regions.ts';
import { isIntentStored } from './replica-history.ts';
import { type Report, type Result, report } from './report.ts';
import { reportUnreachable } from './standstill.ts';

export interface Outcome {
  /** ms until the next pass; undefined: not until the object changes. */
  readonly requeueAfterMs?: number;
}

const shortestGrace = 15 * 60_000;

/**
 * Runs one pass. Rejects only on a failed Kubernetes write or namespace read; the pass may then be repeated at any time.
 * Finalizer, claim, creation intents and tag ownership are stored before the ARM write that they concern. All else is read
 * from ARM again.
 */
export async function reconcile(object: RegistryReplication, context: Context): Promise<Outcome> {
  try {
    return await pass(object, context);
  } finally {
    context.claims.settle(object);
  }
}

async function pass(stored: RegistryReplication, context: Context): Promise<Outcome> {
  const { objects, clock } = context;
  const gate = await checkGate(stored, context);
  if (gate.kind === 'released') return {};
  if (gate.kind === 'detach') return release(stored, stored, [detachedEvent(stored, gate.why)], context);
  if (gate.kind === 'closed') return finish(stored, stored, gate.report, undefined, context);

  const { object } = gate;
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const manages = object.spec.mode !== 'Observe';
  if (isRetryRequested(object)) context.memory.contention.forget(uidOf(object));
  const seen = (await glance(object, context)) ?? (await observe(object, context));
  if (seen instanceof ArmError) return finish(object, stored, unseen(object, seen, context), undefined, context);
  const { registry } = 'plan' in seen ? seen.observed : seen;
  const mustHold = manages && !leaving && registry !== undefined && !hasFinalizer(object);
  const [held, planned] = await Promise.all([
    mustHold ? objects.hold(stored) : stored,
    'plan' in seen ? seen : planWithConfirmation(object, seen, context),
  ]);
  if (planned instanceof ArmError) return finish(object, held, unseen(object, planned, context), undefined, context);
  const { observed, plan } = planned;
  if (plan.obstacle) context.memory.registries.forget(object.spec.registry);
  if (plan.release) return release(object, held, eventsOnRelease(object), context);
  const latest = manages ? await persistIntent(object, held, planned, context) : held;
  const acted = manages ? await carryOut(object, plan, context) : nothingDone;
  const { results } = acted;
  remember(object, results, context);
  // The report is for the planned spec, even if the object was edited meanwhile.
  const told = latest === held ? object : { ...object, ...(latest.status && { status: latest.status }) };
  const said = report(told, observed, planToShow(plan, acted), results, clock.now(), context.memory.creationTime);
  // Settled registries are not cached: there may be 10,000 of them.
  if (!isInMotion(said.status)) context.memory.registries.forget(object.spec.registry);
  const outcome = await finish(object, latest, said, results, context);
  if (acted.failure !== undefined) throw acted.failure;
  return acted.withheld.length > 0 ? lookAgainNow : outcome;
}

const nothingDone: Acted = { results: [], withheld: [] };
const lookAgainNow: Outcome = { requeueAfterMs: 0 };

function uidOf({ metadata }: RegistryReplication): string {
  return metadata.uid ?? '';
}

/** Removes our finalizer, unless the object changed since the pass began. */
async function release(
  object: RegistryReplication,
  latest: RegistryReplication,
  happenings: Parameters<Context['objects']['announce']>[1],
  context: Context,
): Promise<Outcome> {
  if (!isUnchanged(object, context)) return lookAgainNow;
  context.objects.announce(object, happenings);
  await context.objects.release(latest);
  return {};
}

// --- observe

/**
 * Polls replicas in motion with a LIST and the cached registry. Before writes, or if a GET finds a replica missing, it reads
 * the registry again. Returns undefined if the cached registry is unusable or outdated: a full observation is due then.
 */
async function glance(object: RegistryReplication, context: Context): Promise<Planned | ArmError | undefined> {
  const { arm, clock, interval } = context;
  const { registries } = context.memory;
  const { registry: of, mode } = object.spec;
  const age = Math.min(longestGlancing, intervalOf(object, interval) / 2);
  const remembered = registries.recall(of, age, clock.now());
  // While a user waits, `look` reads registry and LIST concurrently.
  const isAwaited = isRetryRequested(object) || object.metadata.deletionTimestamp !== undefined;
  if (!remembered || isAwaited || !isInMotion(object.status)) return undefined;
  const replicas = await attempt(arm.replicas(of));
  if (replicas instanceof ArmError) return replicas.kind === 'NotFound' ? undefined : replicas;
  const planned = await planWithConfirmation(object, listed(remembered, replicas), context);
  if (planned instanceof ArmError) return planned;
  const acts = mode !== 'Observe' && dueSteps(planned.plan).length > 0;
  if (acts || planned.observed.missing.size > 0) {
    const registry = await attempt(arm.registry(of));
    if (registry instanceof ArmError) return isProvenAbsent(registry) ? undefined : registry;
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

/** Maximum cache age of a registry in ms, or half the interval if that is less. */
const longestGlancing = 5 * 60_000;

/** Reads the registry and its LIST concurrently. */
async function observe({ spec, metadata }: RegistryReplication, context: Context): Promise<Observation | ArmError> {
  const { arm, clock } = context;
  const { silentSince, registries } = context.memory;
  registries.forget(spec.registry);
  const [registry, replicas] = await Promise.all([
    attempt(arm.registry(spec.registry)),
    attempt(arm.replicas(spec.registry)),
  ]);
  if (registry instanceof ArmError && !isProvenAbsent(registry)) return registry;
  if (replicas instanceof ArmError && replicas.kind !== 'NotFound') return replicas;
  if (registry instanceof ArmError) {
    if (!(replicas instanceof ArmError) && replicas.length > 0) return contradiction('replicas, but no registry');
    silentSince.delete(metadata.uid ?? '');
    return noRegistry;
  }
  if (replicas instanceof ArmError) return contradiction('a registry, but no list of its replicas');
  silentSince.delete(metadata.uid ?? '');
  registries.keep(spec.registry, registry, clock.now());
  return listed(registry, replicas);
}

/** True for the two codes by which ARM reports the resource itself missing; any other 404 proves nothing. */
function isProvenAbsent({ kind, code }: ArmError): boolean {
  return kind === 'NotFound' && (code === 'ResourceNotFound' || code === 'ResourceGroupNotFound');
}

function contradiction(what: string): ArmError {
  return new ArmError('Transient', 'AzureUnreachable', `Azure contradicts itself: it shows ${what}`);
}

interface Planned {
  readonly observed: Observation;
  readonly plan: Plan;
}

/** Plans repeatedly, adding the GETs that the last plan requested, until no confirmation is missing. */
async function planWithConfirmation(
  object: RegistryReplication,
  first: Observation,
  context: Context,
): Promise<Planned | ArmError> {
  const asked = new Set<string>();
  let hasMap = false;
  let observed = first;
  for (;;) {
    const now = context.clock.now();
    const leftAloneUntil = (location: string) => context.memory.contention.restsUntil(uidOf(object), location, now);
    const plan = planFor(object, observed, now, {
      ...context.limits,
      leftAloneUntil,
      ageOf: ageOf(object, now, context),
    });
    const needsMap: boolean = !hasMap && dueSteps(plan).some(({ action }) => action === 'create');
    if (plan.confirm.length === 0 && !needsMap)
      return { observed: { ...observed, failures: await failuresIn(object, plan, context.arm) }, plan };
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

function ageOf(object: RegistryReplication, now: Date, { memory, monotonic }: Context): AgeOf {
  return (location, since) => memory.delays.age(uidOf(object), location, since, now, monotonic());
}

/** Reads ARM's messages for failed replicas, once per failure. An ARM error does not stop the pass. */
async function failuresIn({ spec }: RegistryReplication, { regions }: Plan, arm: Arm): Promise<Map<string, string>> {
  const failed = regions.filter(
    ({ state, home, failure, failedJustNow }) =>
      !home && (failedJustNow || (state === 'Failed' && failure === undefined)),
  );
  const failures = new Map<string, string>();
  await Promise.all(
    failed.map(async ({ name }) => {
      const failure = await attempt(arm.failure(spec.registry, name));
      if (typeof failure === 'string') failures.set(name.toLowerCase(), failure);
    }),
  );
  return failures;
}

/** The subscription's regions; undefined if unknown. */
function locationsFor({ spec }: RegistryReplication, { arm, memory }: Context) {
  const wanted = spec.regions.map(({ location }) => normalise(location));
  return memory.locations.known(arm, spec.registry.subscriptionId, wanted);
}

async function ask({ spec }: RegistryReplication, name: string, arm: Arm): Promise<Answer> {
  const answer = await attempt(arm.replica(spec.registry, name));
  if (!(answer instanceof ArmError)) return { name, replica: answer };
  return isProvenAbsent(answer) ? { name, missing: true } : { name, error: answer };
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
  return reportUnreachable(object, error, { silentFor: now.getTime() - since, grace }, now);
}

// --- act

/** Stores the claim, creation intents and owned tag keys before the ARM writes, so that they survive a crash. */
async function persistIntent(
  object: RegistryReplication,
  latest: RegistryReplication,
  { observed, plan }: Planned,
  { objects, clock }: Context,
): Promise<RegistryReplication> {
  const isNew = dueSteps(plan).some(({ action, location }) => {
    if (latest.status?.claim === undefined) return true;
    const region = plan.regions.find((one) => one.location === location);
    if (action === 'create' && !isIntentStored(region?.previous, clock.now())) return true;
    const owned = region?.previous?.managedTags ?? [];
    return Object.keys(region?.spec?.tags ?? {}).some((key) => !owned.includes(key));
  });
  if (!isNew) return latest;
  // lastHandledReconcileAt is updated only at the end of the pass.
  const { lastHandledReconcileAt: _, ...intended } = report(object, observed, plan, [], clock.now()).status;
  const handled = object.status?.lastHandledReconcileAt;
  return objects.writeStatus(latest, {
    ...intended,
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
  });
}

/** Records ARM's creation time, and corrections and prunes for the detection of contention. */
function remember(object: RegistryReplication, results: readonly Result[], context: Context): void {
  const { memory, clock } = context;
  const [uid, now] = [uidOf(object), clock.now()];
  const listed = new Set(object.spec.regions.map(({ location }) => normalise(location)));
  for (const { step, answer } of results) {
    if ('error' in answer) continue;
    if ('askAfter' in answer && answer.askAfter !== undefined) memory.creationTime = answer.askAfter;
    if (isDrift(object, step)) memory.contention.recordCorrection(uid, step.location, step.action, now);
    if (step.action === 'delete' && !listed.has(step.location)) memory.contention.recordPrune(uid, step.location, now);
  }
}

// --- report

/** `latest` is `object` after the writes of this pass. `results` is undefined if the pass did not observe ARM. */
async function finish(
  object: RegistryReplication,
  latest: RegistryReplication,
  { status, next }: Report,
  results: readonly Result[] | undefined,
  context: Context,
): Promise<Outcome> {
  const { objects, random, interval } = context;
  try {
    if (!isDeepStrictEqual(status, latest.status)) await objects.writeStatus(latest, status);
  } catch (error) {
    // The next pass derives the same transitions again, but cannot know the actions of this one.
    if (results) objects.announce(object, happeningsOfActions(object, results));
    throw error;
  }
  const happenings = results ? eventsFor(object, status, results) : happeningsUnlooked(object, status);
  objects.announce(object, happenings, status);
  const drift = intervalOf(object, interval) * (0.9 + 0.2 * random());
  if (next === 'edit') return {};
  if (next === 'drift check') return { requeueAfterMs: drift };
  return { requeueAfterMs: 'within' in next ? Math.min(next.within, drift) : next.notBefore };
}

function intervalOf({ spec }: RegistryReplication, fallback: number): number {
  return (spec.interval !== undefined && parseDuration(spec.interval)) || fallback;
}
