// Builds one status row per region: the observed state, what this object owns there, and what blocks it. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import { reconcileRequestHint, replicaDeletion } from './messages.ts';
import { dueSteps, type Plan } from './plan.ts';
import { needsIntervention } from './reasons.ts';
import { isLeftToPerson, keptBecause, maxAttempts, restAfter } from './recovery.ts';
import { isoSeconds, isRefusal, isRetryRequested, type Region, restsUntil } from './regions.ts';
import { isIntentStored, nextWholeSecond } from './replica-history.ts';
import type { Result } from './report.ts';
import { keysOwned } from './tags.ts';
import { progressPollInterval, stalledPollInterval, untilRetry } from './waiting.ts';

/** A region that is neither listed nor home is shown until its replica is gone. */
export function isWorthARow({ spec, home, state, replica, failedGet }: Region): boolean {
  return spec !== undefined || home || replica !== undefined || failedGet !== undefined || state !== 'Absent';
}

export function rowFor(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): RegionStatus {
  const { location, name, replica, spec, home, state, since, readyOnce, deletedAt, failure, previous, pruneEvidence } =
    region;
  const isUnderWay = isCreationUnderWay(object, region, plan, results, now);
  // If LIST shows a replica that this object did not delete, the PUT may create nothing.
  const mayBeThere = region.contradicted && previous?.deletedAt === undefined;
  const createdHere = region.createdHere || (isUnderWay && !mayBeThere);
  const sentAt = isIntentStored(previous, now) ? previous.createdAt : isoSeconds(now);
  const createdAt = state === 'Absent' && isUnderWay ? sentAt : region.createdAt;
  const owned = tagsOwned(object, region);
  const attempts = attemptsOf(region, results);
  const provisioningState = provisioningStateOf(region);
  return {
    location,
    ...((replica || (!home && state !== 'Absent')) && { replica: name }),
    desired: spec !== undefined,
    home,
    state,
    ...(provisioningState !== undefined && { provisioningState }),
    ...(replica?.displayStatus !== undefined && { displayStatus: replica.displayStatus }),
    ...(replica && { routing: replica.routing ? 'Enabled' : 'Disabled' }),
    since,
    // Kept for replicas that this object created, in case the region is listed again.
    ...((spec || (createdHere && readyOnce)) && { readyOnce }),
    ...(createdHere && { createdHere }),
    ...(createdAt !== undefined && { createdAt }),
    ...(deletedAt !== undefined && { deletedAt }),
    ...(pruneEvidence.wasListed && { wasListed: true }),
    ...(!pruneEvidence.wasListed && !spec && !home && { firstSeen: pruneEvidence.firstSeen }),
    ...(owned.length > 0 && { managedTags: [...owned] }),
    ...(attempts > 0 && { attempts }),
    ...(failure !== undefined && { failure }),
    ...blockerOf(object, region, plan, results, now),
  };
}

/**
 * True if ARM may have accepted a creation by this object that it does not show yet: the PUT is about to be sent, or its
 * response was lost. Any other refusal means that no replica was created.
 */
function isCreationUnderWay(
  { spec }: RegistryReplication,
  { location, previous, spec: asked, state }: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): boolean {
  if (spec.mode === 'Observe') return false;
  const step = dueSteps(plan).find((one) => one.action === 'create' && one.location === location);
  if (!step) {
    const isInDoubt =
      previous?.state === 'Absent' && previous.createdAt !== undefined && previous.reason === 'AzureUnreachable';
    return state === 'Absent' && asked !== undefined && isInDoubt && restsUntil(previous, now) !== undefined;
  }
  const answer = results.find((result) => result.step === step)?.answer;
  return !answer || !('error' in answer) || answer.error.unsent || answer.error.kind === 'Transient';
}

/** Keeps ARM's last state of a pending creation while ARM does not return the replica. */
function provisioningStateOf({ replica, state, previous }: Region): string | undefined {
  if (replica || state !== 'Creating' || previous?.state !== 'Creating') return replica?.provisioningState;
  return previous.provisioningState;
}

function tagsOwned(
  { spec }: RegistryReplication,
  { spec: asked, replica, confirmed, previous }: Region,
): readonly string[] {
  const owned = previous?.managedTags ?? [];
  if (!asked || spec.mode === 'Observe') return owned;
  // Without a confirmed absence, no tag is known to be gone.
  const present = replica ? replica.tags : confirmed ? {} : Object.fromEntries(owned.map((key) => [key, '']));
  return keysOwned(present, asked.tags ?? {}, owned);
}

type Blocker = Pick<RegionStatus, 'reason' | 'message' | 'retryAfter'>;

/** ms of Syncing before the row gets a message. Azure documents no bound: the time grows with the registry's content. */
const longSyncing = 3_600_000;

/** What blocks the region, checked from the newest to the oldest evidence. */
function blockerOf(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): Blocker {
  const { location, name, spec: asked, home, state, since, replica, failedGet, overdue, previous } = region;
  const { spec } = object;
  const answer = results.find(({ step }) => step.location === location)?.answer;
  const trouble = answer && 'error' in answer && troubleOfError(object, answer.error, region, now);
  if (trouble) return isForTooLong(region, trouble) ? { ...trouble, ...refusedForTooLong(region, trouble) } : trouble;
  // The last refusal stays until ARM has responded to the new write.
  const isAboutToBeTried =
    !answer && spec.mode !== 'Observe' && dueSteps(plan).some((step) => step.location === location);
  if (isAboutToBeTried && previous?.reason !== undefined && !isRetryRequested(object)) return lastTrouble(previous);
  const attempts = attemptsOf(region, results);
  const held = plan.steps.find((step) => step.location === location && step.hold)?.hold;
  if (isLeftToPerson(region)) return { reason: 'RegionFailed', message: wordsOfFailure(object, region, attempts) };
  if (asked && attempts >= maxAttempts && (state === 'Failed' || state === 'Absent'))
    return { reason: 'RegionFailed', message: wordsOfFailure(object, region, attempts) };
  if (attempts > region.attempts || region.failedJustNow)
    return {
      message: wordsOfFailure(object, region, attempts),
      retryAfter: nextWholeSecond(now.getTime() + restAfter(attempts)),
    };
  const tooLate = overdue && (asked !== undefined || (held !== undefined && state === 'Deleting'));
  const delay =
    state === 'Absent' && previous
      ? refusedForTooLong(region, previous)
      : ({ reason: 'ProgressDeadlineExceeded', message: wordsOfDelay(object, region) } as const);
  if (held && previous && restsUntil(previous, now))
    return tooLate && !needsIntervention(previous.reason)
      ? { ...lastTrouble(previous), ...delay }
      : lastTrouble(previous);
  if (failedGet)
    return { ...(needsIntervention(failedGet.reason) && { reason: failedGet.reason }), message: failedGet.message };
  if (held?.reason) return { reason: held.reason, message: `${name} ${held.message}` };
  if (tooLate && state !== 'Absent') return delay;
  if (state === 'Failed')
    return { ...(home && asked && { reason: 'RegionFailed' }), message: wordsOfFailure(object, region, attempts) };
  if (state === 'Syncing' && now.getTime() - Date.parse(since) > longSyncing)
    return { message: `has been Syncing since ${since}; a large registry takes hours, and Azure shows no progress` };
  if (home && !replica && (asked?.tags || asked?.routing === 'Disabled'))
    return { message: 'Azure has made no entry for the home region yet; routing and tags are set once it has' };
  return replica?.statusMessage ? { message: replica.statusMessage } : {};
}

/** A request held back by our own rate limiter is no error: it stays in the plan and is not shown on the region. */
function troubleOfError(object: RegistryReplication, error: ArmError, region: Region, now: Date): Blocker | undefined {
  const { kind, unsent, reason, message } = error;
  const { previous } = region;
  const retryAfter = nextWholeSecond(now.getTime() + patience(object, error, region, now));
  // Throttling does not clear an earlier refusal: it stays until ARM has evaluated such a write again.
  if (kind === 'Throttled' && previous && needsIntervention(previous.reason) && !isRetryRequested(object)) {
    const { retryAfter: _over, ...refusal } = lastTrouble(previous);
    return unsent ? refusal : { ...refusal, retryAfter };
  }
  return unsent ? undefined : { reason, message, retryAfter };
}

/** An accepted repetition that leaves the replica Failed counts as one more failed attempt. */
function attemptsOf({ state, location, attempts }: Region, results: readonly Result[]): number {
  const repeated = results.some(({ step, answer }) => step.location === location && 'replica' in answer);
  return state === 'Failed' && repeated ? attempts + 1 : attempts;
}

function lastTrouble({ reason, message, retryAfter }: RegionStatus): Blocker {
  return { ...(reason && { reason }), ...(message && { message }), ...(retryAfter && { retryAfter }) };
}

function wordsOfFailure(object: RegistryReplication, region: Region, attempts: number): string {
  const { name, spec, home, replica, failure } = region;
  const why = failure ?? replica?.statusMessage;
  const words = why ? ` (${why})` : '';
  const fact = replica
    ? `Azure reports replica ${name} as ${replica.provisioningState}${words}`
    : `the creation of replica ${name} came to nothing: Azure has dropped it again${words}`;
  if (home) return `${fact}; only Azure can mend the home region: open a support request`;
  if (!spec) return fact;
  const kept = replica && keptBecause(region);
  const replace = `replace it with: ${replicaDeletion(object, name)}, upon which it is made again`;
  if (isLeftToPerson(region))
    return `${fact}. The operator does not replace it, because ${kept}. Mend what is in its way, then ${replace}`;
  if (attempts < maxAttempts) return `${fact} (attempt ${Math.max(1, attempts)} of ${maxAttempts})`;
  const over = `${fact}. It failed ${attempts} times and is left as it is, for you to look at. Mend what is in its way, then edit the spec or start over with: ${reconcileRequestHint(object)}`;
  return kept === undefined ? over : `${over}; or ${replace}`;
}

function wordsOfDelay(object: RegistryReplication, { name, state, since }: Region): string {
  const delay = `replica ${name} has been ${state} since ${since}, longer than spec.progressDeadline`;
  if (state === 'Deleting') return `${delay}. If that lasts, open a support request with Azure`;
  return `${delay}. Mend what is in its way (a private endpoint's rights or addresses, for instance) and delete it, upon which it is made again: ${replicaDeletion(object, name)}`;
}

function isForTooLong({ state, overdue }: Region, { reason }: Blocker): boolean {
  return state === 'Absent' && overdue && isRefusal(reason);
}

function refusedForTooLong(
  { name, since }: Region,
  { message }: Blocker,
): Required<Pick<Blocker, 'reason' | 'message'>> {
  const words = `the creation of replica ${name} has been refused since ${since}, longer than spec.progressDeadline`;
  return { reason: 'ProgressDeadlineExceeded', message: `${words}: ${message}` };
}

/** Backoff in ms of a refused write: short if it may resolve itself, long if a user must act. */
function patience({ status }: RegistryReplication, error: ArmError, { state, previous }: Region, now: Date): number {
  switch (error.kind) {
    case 'Throttled':
      return error.retryAfter ?? 10_000;
    case 'Conflict':
    case 'NotFound':
      if (state === 'Absent') return untilRetry(isRefusal(previous?.reason) ? previous?.since : undefined, now);
      return Math.max(5_000, progressPollInterval(previous?.since, now));
    case 'Transient':
      return Math.max(error.retryAfter ?? 5_000, progressPollInterval(previous?.since, now));
    case 'Denied':
    case 'Invalid':
      return stalledPollInterval(findCondition(status?.conditions, 'Stalled')?.lastTransitionTime, now);
    default:
      return error.kind satisfies never;
  }
}
