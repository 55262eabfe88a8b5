// One pass for one object: gate, observe, plan, persist intent, act, report. The operator's whole behaviour begins here;
// each step is a function of its own file, and everything outside comes from the Context.
import { isDeepStrictEqual } from 'node:util';
import type { RegistryReplication } from '../api/registryreplication.ts';
import { ArmError } from '../azure/arm.ts';
import { type ActResult, carryOut, isUnchanged, persistIntent, withoutWithheldCreations } from './act.ts';
import type { Context } from './context.ts';
import { detachedEvent, eventsFor, eventsOfResults, eventsOnRelease, isDrift, type ObjectEvent } from './events.ts';
import { withNeedsRenewed } from './follow.ts';
import { checkGate, hasFinalizer } from './gate.ts';
import { observe, planWithConfirmation, withSources } from './observe.ts';
import { isAccepted, type Pass } from './pass.ts';
import { isAtRest, isRetryRequested } from './region-state.ts';
import { isInMotion } from './regions.ts';
import { delayOf, intervalMs, isPolled } from './requeue.ts';
import { type Report, reportPass } from './status.ts';
import { reportUnreachable } from './unobserved-status.ts';

export interface Outcome {
  /** ms; undefined: not until the object changes. */
  readonly requeueAfterMs?: number;
}

const requeueNow: Outcome = { requeueAfterMs: 0 };

/**
 * Runs one pass. Rejects on any failure other than an ArmError, such as a refused write to Kubernetes. The pass may then be
 * repeated at any time, because the finalizer, the claim, begun creations and tag ownership are stored before the ARM write they are about.
 */
export async function reconcile(object: RegistryReplication, context: Context): Promise<Outcome> {
  try {
    const gate = await checkGate(object, context);
    switch (gate.kind) {
      case 'released':
        return {};
      case 'detach':
        return await release(object, object, [detachedEvent(object, gate.why)], context);
      case 'closed':
        return await finish({ object, stored: object }, gate.report, context);
      case 'open':
        return await runPass(gate.object, object, context);
      default:
        return gate satisfies never;
    }
  } finally {
    context.claims.endReservation(object);
    // The informer drops the state of an object that is gone, but this pass may have added some after that.
    if (context.current(object)?.metadata.uid !== object.metadata.uid) context.state.forget(object);
  }
}

/**
 * `stored`: as Kubernetes has it. `permitted`: the same with the claim that was decided now and the regions that it followed;
 * decisions use this one, with the regions that it follows now.
 */
async function runPass(
  permitted: RegistryReplication,
  stored: RegistryReplication,
  context: Context,
): Promise<Outcome> {
  const began = context.monotonic();
  if (isRetryRequested(permitted)) context.state.contention.forget(uidOf(permitted));
  const observation = await observe(permitted, context);
  if (observation instanceof ArmError)
    return finish({ object: permitted, stored }, reportFailedObservation(permitted, observation, context), context);
  const object = await withSources({ ...permitted, spec: stored.spec }, observation, context);

  // Both take a round trip, and neither needs the other.
  const needsFinalizer = manages(object) && observation.registry !== undefined && !hasFinalizer(object);
  const [withFinalizer, planned] = await Promise.all([
    needsFinalizer ? context.objects.addFinalizer(stored) : stored,
    planWithConfirmation(object, observation, context),
  ]);
  if (planned instanceof ArmError)
    return finish({ object, stored: withFinalizer }, reportFailedObservation(object, planned, context), context);
  // ARM answered all that this plan rests on.
  context.state.unreachableSince.delete(uidOf(object));
  if (planned.plan.isCleanedUp) return release(object, withFinalizer, eventsOnRelease(object), context);

  const pass = await persistIntent({ object, stored: withFinalizer, previous: object.status, ...planned }, context);
  const acted = await carryOut(pass, context);
  const mayGoOn = remember(pass, acted, context);
  const shown = { ...pass, plan: withoutWithheldCreations(pass.plan, acted) };
  const { clock, monotonic, state } = context;
  const polling = {
    passMs: monotonic() - began,
    firstPollHintMs: state.firstPollHintMs,
    minCreationPollMs: state.pollPacing.minIntervalMs(monotonic()),
  };
  const report = reportPass(shown, acted.results, clock.now(), polling);
  const outcome = await finish(pass, report, context, acted);
  // Thrown only now, so that the status shows what was done.
  if (acted.failure !== undefined) throw acted.failure;
  return acted.withheld.length > 0 || mayGoOn ? requeueNow : outcome;
}

function manages({ spec, metadata }: RegistryReplication): boolean {
  return spec.mode !== 'Observe' && metadata.deletionTimestamp === undefined;
}

/** Removes our finalizer, unless the object changed since the pass began. */
async function release(
  object: RegistryReplication,
  stored: RegistryReplication,
  events: readonly ObjectEvent[],
  context: Context,
): Promise<Outcome> {
  if (!isUnchanged(object, context)) return requeueNow;
  context.objects.recordEvents(object, events);
  await context.objects.removeFinalizer(stored);
  return {};
}

/** The outage is measured from its first failure in this process. A refusal is an answer, and ends it. */
function reportFailedObservation(
  object: RegistryReplication,
  error: ArmError,
  { clock, state, defaultIntervalMs }: Context,
): Report {
  const now = clock.now();
  const since = state.unreachableSince.get(uidOf(object)) ?? now.getTime();
  if (error.kind === 'Denied' || error.kind === 'Invalid') state.unreachableSince.delete(uidOf(object));
  else state.unreachableSince.set(uidOf(object), since);
  return reportUnreachable(object, error, now.getTime() - since, intervalMs(object, defaultIntervalMs), now);
}

/**
 * Updates the in-memory state: ARM's hint for polls, their pacing, how many replicas ARM lets change at a time, and what was
 * corrected or pruned, in case others revert it. True if steps that waited for their turn may go on.
 */
function remember(
  { object, plan }: Pass,
  { results }: ActResult,
  { state, clock, monotonic, limits }: Context,
): boolean {
  const [uid, now] = [uidOf(object), clock.now()];
  if (plan.regions.some(isPolled)) state.pollPacing.polled(monotonic());
  const inMotion = plan.regions.filter(isInMotion).length;
  const isRaised = state.parallelism.record(object.spec.registry, inMotion, results, limits.maxParallelActions);
  const unlisted = new Set(plan.regions.filter(({ spec }) => !spec).map(({ location }) => location));
  for (const { step, outcome } of results.filter(isAccepted)) {
    if (outcome.kind === 'written' && outcome.pollAfterMs !== undefined) state.firstPollHintMs = outcome.pollAfterMs;
    if (isDrift(object, step)) state.contention.recordCorrection(uid, step.location, step.action, now);
    if (step.action === 'create') state.contention.recordCreation(uid, step.location);
    if (step.action === 'delete' && unlisted.has(step.location)) state.contention.recordPrune(uid, step.location, now);
  }
  return isRaised && plan.steps.some(({ hold }) => hold);
}

/** Writes the status if it changed, and emits events. `acted`: undefined if the pass ended before acting. */
async function finish(
  { object, stored }: Pick<Pass, 'object' | 'stored'>,
  { status: reported, requeue }: Report,
  { objects, sourcesOf, state, defaultIntervalMs, random }: Context,
  acted?: ActResult,
): Promise<Outcome> {
  const isFollowing = acted === undefined && object.metadata.deletionTimestamp === undefined;
  const status = isFollowing ? withNeedsRenewed(object, reported, sourcesOf(object)) : reported;
  // Registries at rest are not cached: there may be 10,000 of them.
  if (isAtRest(status)) state.registries.forget(object.spec.registry);
  try {
    if (!isDeepStrictEqual(status, stored.status)) await objects.writeStatus(stored, status);
  } catch (error) {
    // The next pass derives the transitions again, but cannot know which steps this one took.
    if (acted) objects.recordEvents(object, eventsOfResults(object, acted.results));
    throw error;
  }
  objects.recordEvents(object, eventsFor(object, status, acted?.results), status);
  // Spread, so that 10,000 objects are not checked at once.
  return delayOf(requeue, intervalMs(object, defaultIntervalMs) * (0.9 + 0.2 * random()));
}

function uidOf({ metadata }: RegistryReplication): string {
  return metadata.uid ?? '';
}
