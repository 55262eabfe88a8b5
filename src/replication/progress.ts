// Decides, once per pass and region, what is in the way of the region. Row, plan entry, condition, requeue time and event follow
// from it. Pure.
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import { nextWholeSecond } from '../lib/clock.ts';
import { backoffUntil, isRefusal, retryDelayMs } from './backoff.ts';
import { delayMessage, failureMessage, refusedMessage } from './messages.ts';
import type { Result } from './pass.ts';
import { needsIntervention } from './reasons.ts';
import { backoffAfter, maxAttempts, needsPerson } from './recovery.ts';
import { isRetryRequested } from './region-state.ts';
import type { Region } from './regions.ts';
import type { Step } from './step.ts';

/** What the row says about an obstacle. `retryAfter`: ISO time of the next attempt. */
interface Obstacle {
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfter?: string;
}

export type Progress = Obstacle &
  (
    | { readonly kind: 'ready' }
    /** ARM works on it, or the next pass will write. */
    | { readonly kind: 'moving' }
    /** A step waits for other regions or for a time. */
    | { readonly kind: 'held' }
    /** Refused, failed or unanswered; tried again without a user. */
    | { readonly kind: 'retrying' }
    /** A user must act. */
    | { readonly kind: 'blocked'; readonly reason: string; readonly message?: string }
  );

export interface Evidence {
  readonly object: RegistryReplication;
  readonly region: Region;
  /** Failed attempts, this pass included. */
  readonly attempts: number;
  /** What is still to be done there. */
  readonly steps: readonly Step[];
  /** The plan has a step for this pass there. */
  readonly isDue: boolean;
  readonly results: readonly Result[];
  readonly now: Date;
}

export function progressOf(evidence: Evidence): Progress {
  const obstacle = obstacleTo(evidence) ?? {};
  const { region, steps } = evidence;
  const { reason } = obstacle;
  if (reason !== undefined && needsIntervention(reason)) return { ...obstacle, kind: 'blocked', reason };
  if (obstacle.retryAfter !== undefined || region.failedGet) return { ...obstacle, kind: 'retrying' };
  if (steps.some(({ hold }) => hold)) return { ...obstacle, kind: 'held' };
  return { ...obstacle, kind: region.state === 'Ready' && steps.length === 0 ? 'ready' : 'moving' };
}

type Rule = (evidence: Evidence) => Obstacle | undefined;

/** From the newest evidence to the oldest; the first that applies counts. */
const rules: readonly Rule[] = [
  refusedNow,
  refusedBefore,
  failedForGood,
  failedNow,
  resting,
  unanswered,
  heldWithReason,
  overdue,
  failed,
  longSyncing,
  homeWithoutEntry,
  statusMessage,
];

function obstacleTo(evidence: Evidence): Obstacle | undefined {
  for (const rule of rules) {
    const obstacle = rule(evidence);
    if (obstacle) return obstacle;
  }
  return undefined;
}

/** ARM refused a step of this pass. */
function refusedNow({ object, region, results, now }: Evidence): Obstacle | undefined {
  const [result] = results;
  const obstacle = result?.outcome.kind === 'refused' && obstacleOfError(object, result.outcome.error, region, now);
  if (!obstacle) return undefined;
  const isForTooLong = region.state === 'Absent' && region.overdue && isRefusal(obstacle.reason);
  return isForTooLong ? { ...obstacle, ...refusedForTooLong(region, obstacle) } : obstacle;
}

/** A request held back by our own rate limiter is no error: it stays in the plan and is not shown on the region. */
function obstacleOfError(
  object: RegistryReplication,
  error: ArmError,
  region: Region,
  now: Date,
): Obstacle | undefined {
  const { kind, reason, message } = error;
  const { previous } = region;
  const retryAfter = nextWholeSecond(now.getTime() + retryDelayMs(object, error, region, now));
  // Throttling does not clear an earlier refusal: it stays until ARM has evaluated such a write again.
  const isThrottled = kind === 'Throttled' || kind === 'NotSent';
  if (isThrottled && previous && needsIntervention(previous.reason) && !isRetryRequested(object)) {
    const { retryAfter: _replaced, ...refusal } = lastObstacle(previous);
    return kind === 'NotSent' ? refusal : { ...refusal, retryAfter };
  }
  return kind === 'NotSent' ? undefined : { reason, message, retryAfter };
}

/** The last refusal stays until ARM has responded to the new write. */
function refusedBefore({ object, region: { previous }, isDue, results }: Evidence): Obstacle | undefined {
  const isAboutToBeTried = isDue && results.length === 0 && object.spec.mode !== 'Observe';
  if (!isAboutToBeTried || previous?.reason === undefined || isRetryRequested(object)) return undefined;
  return lastObstacle(previous);
}

function failedForGood({ object, region, attempts }: Evidence): Obstacle | undefined {
  const { spec, state } = region;
  const isGivenUp = spec && attempts >= maxAttempts && (state === 'Failed' || state === 'Absent');
  if (!isGivenUp && !needsPerson(region)) return undefined;
  return { reason: 'RegionFailed', message: failureMessage(object, region, attempts) };
}

function failedNow({ object, region, attempts, now }: Evidence): Obstacle | undefined {
  if (attempts <= region.attempts && !region.failedJustNow) return undefined;
  const retryAfter = nextWholeSecond(now.getTime() + backoffAfter(attempts));
  return { message: failureMessage(object, region, attempts), retryAfter };
}

/** The backoff of an earlier refusal or failure is not over. */
function resting(evidence: Evidence): Obstacle | undefined {
  const { region, now } = evidence;
  const { previous } = region;
  if (!holdOf(evidence) || !previous || backoffUntil(previous, now) === undefined) return undefined;
  const last = lastObstacle(previous);
  return isTooLate(evidence) && !needsIntervention(previous.reason) ? { ...last, ...delayOf(evidence) } : last;
}

function unanswered({ region: { failedGet } }: Evidence): Obstacle | undefined {
  if (!failedGet) return undefined;
  const { reason, message } = failedGet;
  return { ...(needsIntervention(reason) && { reason }), message };
}

function heldWithReason(evidence: Evidence): Obstacle | undefined {
  const hold = holdOf(evidence);
  return hold?.reason && { reason: hold.reason, message: `${evidence.region.name} ${hold.message}` };
}

function overdue(evidence: Evidence): Obstacle | undefined {
  return isTooLate(evidence) && evidence.region.state !== 'Absent' ? delayOf(evidence) : undefined;
}

function failed({ object, region, attempts }: Evidence): Obstacle | undefined {
  if (region.state !== 'Failed') return undefined;
  const isListedHome = region.home && region.spec !== undefined;
  return { ...(isListedHome && { reason: 'RegionFailed' }), message: failureMessage(object, region, attempts) };
}

/** ms of Syncing before the row gets a message. Azure documents no bound: the time grows with the registry's content. */
const longSyncingMs = 3_600_000;

function longSyncing({ region: { state, since }, now }: Evidence): Obstacle | undefined {
  if (state !== 'Syncing' || now.getTime() - Date.parse(since) <= longSyncingMs) return undefined;
  return { message: `has been Syncing since ${since}; a large registry takes hours, and Azure shows no progress` };
}

function homeWithoutEntry({ region: { home, replica, spec } }: Evidence): Obstacle | undefined {
  if (!home || replica || !(spec?.tags || spec?.routing === 'Disabled')) return undefined;
  return { message: 'Azure has made no entry for the home region yet; routing and tags are set once it has' };
}

function statusMessage({ region: { replica } }: Evidence): Obstacle | undefined {
  return replica?.statusMessage ? { message: replica.statusMessage } : undefined;
}

// --- shared by the rules

function holdOf({ steps }: Evidence) {
  return steps.find(({ hold }) => hold)?.hold;
}

/** True if spec.progressDeadline is over for something that this object waits for. */
function isTooLate(evidence: Evidence): boolean {
  const { spec, state, overdue } = evidence.region;
  return overdue && (spec !== undefined || (holdOf(evidence) !== undefined && state === 'Deleting'));
}

function delayOf({ object, region }: Evidence): Obstacle {
  if (region.state === 'Absent' && region.previous) return refusedForTooLong(region, region.previous);
  return { reason: 'ProgressDeadlineExceeded', message: delayMessage(object, region) };
}

function refusedForTooLong({ name, since }: Region, { message }: Obstacle): Obstacle {
  return { reason: 'ProgressDeadlineExceeded', message: refusedMessage(name, since, message) };
}

function lastObstacle({ reason, message, retryAfter }: RegionStatus): Obstacle {
  return { ...(reason && { reason }), ...(message && { message }), ...(retryAfter && { retryAfter }) };
}
