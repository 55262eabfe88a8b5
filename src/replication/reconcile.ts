// One pass for one object: observe, plan, act, report. The only file of this room that has effects, and the one place to
// read the operator's whole behaviour. Whatever it needs from outside is in its Context.
import { isDeepStrictEqual } from 'node:util';
import { annotation, finalizer, type RegistryReplication, type Status } from '../api/registryreplication.ts';
import { type Arm, ArmError } from '../azure/arm.ts';
import type { Clock } from '../clock.ts';
import { parseDuration } from '../duration.ts';
import { type Happening, happeningsOf, happeningsOnRelease } from './happenings.ts';
import { type Answer, confirmed, listed, type Observed, registryGone } from './observed.ts';
import { dueSteps, type Limits, type Plan, planFor, type Step } from './plan.ts';
import { type Report, type Result, report, type Submitted } from './progress.ts';
import { reportInvalid, reportSuspended, reportUnseen } from './standstill.ts';
import { problemsOf } from './validation.ts';

/** What a pass may do to the object in Kubernetes. Each resolves to the object as written. */
export interface Objects {
  /** Stores our finalizer. */
  hold(object: RegistryReplication): Promise<RegistryReplication>;
  /** Drops our finalizer; the object may be gone then. */
  release(object: RegistryReplication): Promise<void>;
  writeStatus(object: RegistryReplication, status: Status): Promise<RegistryReplication>;
  /** Never rejects, never waits. */
  announce(object: RegistryReplication, happenings: readonly Happening[]): void;
  /** Whether the CRD itself is being deleted, read anew. */
  isCrdTerminating(): Promise<boolean>;
}

export interface Context {
  readonly arm: Arm;
  readonly objects: Objects;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly limits: Limits;
  /** ms between drift checks, where the object does not say. */
  readonly interval: number;
  /** By uid, since when (ms) ARM has not shown the object's registry. Lost on restart, which only prolongs the patience. */
  readonly silentSince: Map<string, number>;
}

export interface Outcome {
  /** ms; undefined: not until the object changes. */
  readonly lookAgainAfter?: number;
}

const shortestGrace = 15 * 60_000;

/**
 * Runs one pass. Rejects only when Kubernetes does not take a write, and then the pass may be repeated at any time: the
 * finalizer and the ownership of tags are stored before the ARM write they are about, and all else is read anew from ARM.
 */
export async function reconcile(object: RegistryReplication, context: Context): Promise<Outcome> {
  const { objects, clock } = context;
  const leaving = object.metadata.deletionTimestamp !== undefined;
  const problems = problemsOf(object);
  if (leaving) {
    if (!isHeld(object)) return {};
    if (problems.length > 0 || isLetGo(object) || (await objects.isCrdTerminating())) {
      await objects.release(object);
      return {};
    }
  }
  if (problems.length > 0) return conclude(object, object, reportInvalid(object, problems, clock.now()), [], context);
  if (object.spec.suspend) return conclude(object, object, reportSuspended(object, clock.now()), [], context);

  const first = await look(object, context);
  if (first instanceof ArmError) return conclude(object, object, unseen(object, first, context), [], context);
  const manages = object.spec.mode !== 'Observe';
  const mustHold = manages && !leaving && first.registry !== undefined && !isHeld(object);
  const [held, { observed, plan }] = await Promise.all([
    mustHold ? objects.hold(object) : object,
    confirm(object, first, context),
  ]);
  if (plan.release) {
    objects.announce(held, happeningsOnRelease(held));
    await objects.release(held);
    return {};
  }
  const owner = manages ? await ownTags(held, observed, plan, context) : held;
  const results = manages ? await carryOut(object, plan, context.arm) : [];
  return conclude(object, owner, report(owner, observed, plan, results, clock.now()), results, context);
}

function isHeld({ metadata }: RegistryReplication): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether an object that is being deleted leaves Azure as it is. */
function isLetGo({ spec, metadata }: RegistryReplication): boolean {
  const forced = metadata.annotations?.[annotation.forceDetach] === 'true';
  return forced || spec.deletionPolicy === 'Retain' || spec.mode === 'Observe' || spec.suspend === true;
}

// --- observe

/** The registry and its LIST: two reads, side by side. */
async function look({ spec, metadata }: RegistryReplication, context: Context): Promise<Observed | ArmError> {
  const { arm, silentSince } = context;
  const [registry, replicas] = await Promise.all([
    attempt(arm.registry(spec.registry)),
    attempt(arm.replicas(spec.registry)),
  ]);
  if (registry instanceof ArmError) {
    if (registry.kind !== 'NotFound') return registry;
    silentSince.delete(metadata.uid ?? '');
    return registryGone;
  }
  if (replicas instanceof ArmError) {
    if (replicas.kind !== 'NotFound') return replicas;
    return new ArmError('Transient', 'AzureUnreachable', `ARM shows registry ${registry.id} but not its replicas`);
  }
  silentSince.delete(metadata.uid ?? '');
  return listed(registry, replicas);
}

/** Plans again and again, each time with the GETs that the last plan asked for, until it rests on nothing else. */
async function confirm(
  object: RegistryReplication,
  first: Observed,
  context: Context,
): Promise<{ observed: Observed; plan: Plan }> {
  const asked = new Set<string>();
  for (let observed = first; ; ) {
    const plan = planFor(object, observed, context.clock.now(), context.limits);
    const names = plan.confirm.filter((name) => !asked.has(name));
    if (names.length < plan.confirm.length) throw new Error(`ARM contradicts itself about ${plan.confirm.join(', ')}`);
    if (names.length === 0) return { observed, plan };
    const answers = await Promise.all(names.map((name) => ask(object, name, context.arm)));
    for (const name of names) asked.add(name);
    observed = confirmed(observed, answers);
  }
}

async function ask({ spec }: RegistryReplication, name: string, arm: Arm): Promise<Answer> {
  const answer = await attempt(arm.replica(spec.registry, name));
  if (!(answer instanceof ArmError)) return { name, replica: answer };
  return answer.kind === 'NotFound' ? { name, missing: true } : { name, error: answer };
}

function unseen(object: RegistryReplication, error: ArmError, { clock, silentSince, interval }: Context): Report {
  const now = clock.now();
  const uid = object.metadata.uid ?? '';
  const since = silentSince.get(uid) ?? now.getTime();
  silentSince.set(uid, since);
  const grace = Math.max(shortestGrace, 3 * intervalOf(object, interval));
  return reportUnseen(object, error, { silentFor: now.getTime() - since, grace }, now);
}

// --- act

/** Stores which tag keys are ours before the first write that sets them. */
async function ownTags(
  object: RegistryReplication,
  observed: Observed,
  plan: Plan,
  { objects, clock }: Context,
): Promise<RegistryReplication> {
  const claims = dueSteps(plan).some(({ location }) => {
    const region = plan.regions.find((one) => one.location === location);
    const owned = region?.before?.managedTags ?? [];
    return Object.keys(region?.asked?.tags ?? {}).some((key) => !owned.includes(key));
  });
  if (!claims) return object;
  return objects.writeStatus(object, report(object, observed, plan, [], clock.now()).status);
}

/** Submits every due step at once; the failure of one region never stops another. */
function carryOut(object: RegistryReplication, plan: Plan, arm: Arm): Promise<Result[]> {
  return Promise.all(
    dueSteps(plan).map(async (step): Promise<Result> => {
      const answer = await attempt(submit(object, step, arm));
      return { step, answer: answer instanceof ArmError ? { error: answer } : answer };
    }),
  );
}

async function submit({ spec: { registry } }: RegistryReplication, step: Step, arm: Arm): Promise<Submitted> {
  switch (step.action) {
    case 'create':
      return { replica: await arm.create(registry, step.name, step.replica) };
    case 'update':
      return { replica: await arm.update(registry, step.name, step.change) };
    case 'delete':
      await arm.remove(registry, step.name);
      return { deleting: true };
    default:
      return step satisfies never;
  }
}

// --- report

/** `latest` is `object` after the writes of this pass. */
async function conclude(
  object: RegistryReplication,
  latest: RegistryReplication,
  { status, lookAgainAfter }: Report,
  results: readonly Result[],
  context: Context,
): Promise<Outcome> {
  const { objects, random, interval } = context;
  if (!isDeepStrictEqual(status, latest.status)) await objects.writeStatus(latest, status);
  objects.announce(object, happeningsOf(object, status, results));
  if (lookAgainAfter !== undefined) return { lookAgainAfter };
  if (status.phase === 'Suspended' || isStuckOnSpec(status)) return {};
  return { lookAgainAfter: intervalOf(object, interval) * (0.9 + 0.2 * random()) };
}

/** An invalid spec is not looked at again until somebody edits it. */
function isStuckOnSpec({ conditions }: Status): boolean {
  return conditions?.some(({ type, reason }) => type === 'Stalled' && reason === 'InvalidSpec') ?? false;
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
