// Decides, once per pass and region, what is in the way of the region. Its row (the entry in status.regions), plan entry, conditions,
// requeue time and events follow from that. Pure.
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import { nextWholeSecond, timeOfDay } from '../lib/clock.ts';
import { backoffUntil, isTemporaryRefusal, retryDelayMs } from './backoff.ts';
import { delayMessage, failureMessage, longSyncing, refusedMessage, withClause } from './messages.ts';
import type { Result } from './pass.ts';
import { needsIntervention } from './reasons.ts';
import { backoffAfter, isBeyondRepair, maxAttempts } from './recovery.ts';
import { isRetryRequested } from './region-state.ts';
import type { Region } from './regions.ts';
import type { Step } from './step.ts';

/** What the row says about what is in the way. `retryAfter`: ISO time of the next attempt. */
interface RowNote {
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfter?: string;
}

export type Progress = RowNote &
  (
    | { readonly kind: 'ready' }
    /** In motion or synchronizing, or the next pass will write. */
    | { readonly kind: 'moving' }
    /** A step waits for other regions or for a time. */
    | { readonly kind: 'held' }
    /** Refused, failed or unanswered; the operator tries again by itself. */
    | { readonly kind: 'retrying' }
    /** A user must act. */
    | { readonly kind: 'blocked'; readonly reason: string; readonly message?: string }
  );

export interface RuleInput {
  readonly object: RegistryReplication;
  /** As it is after this pass acted. */
  readonly region: Region;
  /** `region.attempts`, plus one if a repeated change was accepted and the replica is still Failed. */
  readonly attemptsNow: number;
  /** What is still to be done there. */
  readonly steps: readonly Step[];
  /** The plan has a step to send there in this pass. */
  readonly isDue: boolean;
  readonly results: readonly Result[];
  readonly now: Date;
}

export function progressOf(input: RuleInput): Progress {
  const note = noteFor(input) ?? {};
  const { region, steps } = input;
  const { reason } = note;
  if (reason !== undefined && needsIntervention(reason)) return { ...note, kind: 'blocked', reason };
  if (note.retryAfter !== undefined || region.failedGet) return { ...note, kind: 'retrying' };
  if (steps.some(({ hold }) => hold)) return { ...note, kind: 'held' };
  return { ...note, kind: region.state === 'Ready' && steps.length === 0 ? 'ready' : 'moving' };
}

type Rule = (input: RuleInput) => RowNote | undefined;

/** By precedence: outcomes of this pass, failures, waits, lateness, then hints. The first that applies counts. */
const rules: readonly Rule[] = [
  notAcceptedNow,
  keepLastWhileWriting,
  givenUp,
  attemptFailed,
  backingOff,
  unanswered,
  heldWithReason,
  overdue,
  stillFailed,
  syncingForLong,
  homeWithoutEntry,
  statusMessage,
];

function noteFor(input: RuleInput): RowNote | undefined {
  for (const rule of rules) {
    const note = rule(input);
    if (note) return note;
  }
  return undefined;
}

/** A step of this pass was not accepted: ARM refused it or did not answer, or our rate limiter held it back. */
function notAcceptedNow({ object, region, results, now }: RuleInput): RowNote | undefined {
  const [result] = results;
  const note = result?.outcome.kind === 'notAccepted' && noteOfError(object, result.outcome.error, region, now);
  if (!note) return undefined;
  // In other states a later pass says so: backingOff() or overdue().
  const isForTooLong = region.state === 'Absent' && region.pastDeadline && isTemporaryRefusal(note.reason);
  return isForTooLong ? { ...note, ...refusedForTooLong(region, note, now) } : note;
}

/**
 * The row's note for an error. A request held back by our own rate limiter (NotSent) adds none, and
 * keeps only an earlier refusal that needs a user.
 */
function noteOfError(object: RegistryReplication, error: ArmError, region: Region, now: Date): RowNote | undefined {
  const { kind, reason, message } = error;
  // Throttling does not clear an earlier refusal: it stays until ARM has evaluated such a write again.
  const isThrottled = kind === 'Throttled' || kind === 'NotSent';
  const earlier = isThrottled && !isRetryRequested(object) ? earlierRefusal(region) : undefined;
  if (kind === 'NotSent') return earlier;
  const retryAfter = nextWholeSecond(now.getTime() + retryDelayMs(object, error, region, now));
  const told = needsIntervention(reason)
    ? message
    : withClause(message, `next attempt at ${timeOfDay(retryAfter, now)}`);
  return { ...(earlier ?? { reason, message: told }), retryAfter };
}

/** The refusal in the row, without the time of its next attempt; undefined unless a user must act on it. */
function earlierRefusal({ previous }: Region): RowNote | undefined {
  if (!previous || !needsIntervention(previous.reason)) return undefined;
  const { reason, message } = previous;
  return { ...(reason && { reason }), ...(message && { message }) };
}

/** The row keeps its last reason until ARM answers the write about to be sent; storing the intent must not clear it. */
function keepLastWhileWriting({ object, region: { previous }, isDue, results }: RuleInput): RowNote | undefined {
  const isAboutToBeTried = isDue && results.length === 0 && object.spec.mode !== 'Observe';
  if (!isAboutToBeTried || previous?.reason === undefined || isRetryRequested(object)) return undefined;
  return lastNote(previous);
}

function givenUp({ object, region, attemptsNow, now }: RuleInput): RowNote | undefined {
  const { spec, state } = region;
  const isGivenUp = spec && attemptsNow >= maxAttempts && (state === 'Failed' || state === 'Absent');
  if (!isGivenUp && !isBeyondRepair(region)) return undefined;
  return { reason: 'RegionFailed', message: failureMessage(object, region, attemptsNow, now) };
}

/** The replica has become Failed, or a repeated change has left it so. */
function attemptFailed({ object, region, attemptsNow, now }: RuleInput): RowNote | undefined {
  if (attemptsNow <= region.attempts && !region.failedJustNow) return undefined;
  const retryAfter = nextWholeSecond(now.getTime() + backoffAfter(attemptsNow));
  return { message: failureMessage(object, region, attemptsNow, now, retryAfter), retryAfter };
}

/** The backoff of an earlier refusal or failure is not over. */
function backingOff(input: RuleInput): RowNote | undefined {
  const { region, now } = input;
  const { previous } = region;
  if (!holdOf(input) || !previous || backoffUntil(previous, now) === undefined) return undefined;
  const last = lastNote(previous);
  return isTooLate(input) && !needsIntervention(previous.reason) ? { ...last, ...deadlineNote(input) } : last;
}

/** A passing read error is only a message; it needs no user. */
function unanswered({ region: { failedGet } }: RuleInput): RowNote | undefined {
  if (!failedGet) return undefined;
  const { reason, message } = failedGet;
  return { ...(needsIntervention(reason) && { reason }), message };
}

/** A hold with a reason needs a user; any other one is shown in the plan only. */
function heldWithReason(input: RuleInput): RowNote | undefined {
  const hold = holdOf(input);
  return hold?.reason && { reason: hold.reason, message: hold.message };
}

function overdue(input: RuleInput): RowNote | undefined {
  return isTooLate(input) && input.region.state !== 'Absent' ? deadlineNote(input) : undefined;
}

function stillFailed({ object, region, attemptsNow, now }: RuleInput): RowNote | undefined {
  if (region.state !== 'Failed') return undefined;
  // Only Azure can repair the home region. Other failed replicas have a repair step, or are pruned.
  const isListedHome = region.home && region.spec !== undefined;
  return { ...(isListedHome && { reason: 'RegionFailed' }), message: failureMessage(object, region, attemptsNow, now) };
}

/** ms of Syncing before the row gets a message. Azure documents no bound: the time grows with the registry's content. */
const longSyncingMs = 3_600_000;

function syncingForLong({ region: { state, since }, now }: RuleInput): RowNote | undefined {
  if (state !== 'Syncing' || now.getTime() - Date.parse(since) <= longSyncingMs) return undefined;
  return {
    message: `${longSyncing} ${timeOfDay(since, now)}; a large registry takes hours, and Azure shows no progress`,
  };
}

function homeWithoutEntry({ region: { home, replica, spec } }: RuleInput): RowNote | undefined {
  if (!home || replica || !(spec?.tags || spec?.routing === 'Disabled')) return undefined;
  return { message: 'Azure has no entry for the home region yet; routing and tags are set once it has' };
}

function statusMessage({ region: { replica } }: RuleInput): RowNote | undefined {
  return replica?.statusMessage ? { message: replica.statusMessage } : undefined;
}

// --- shared by the rules

function holdOf({ steps }: RuleInput) {
  return steps.find(({ hold }) => hold)?.hold;
}

/** True if spec.progressDeadline is over. An unlisted region counts while it is being deleted and a step waits for it. */
function isTooLate(input: RuleInput): boolean {
  const { spec, state, pastDeadline } = input.region;
  return pastDeadline && (spec !== undefined || (holdOf(input) !== undefined && state === 'Deleting'));
}

function deadlineNote({ object, region, now }: RuleInput): RowNote {
  if (region.state === 'Absent' && region.previous) return refusedForTooLong(region, region.previous, now);
  return { reason: 'ProgressDeadlineExceeded', message: delayMessage(object, region, now) };
}

function refusedForTooLong({ since }: Region, { message }: RowNote, now: Date): RowNote {
  return { reason: 'ProgressDeadlineExceeded', message: refusedMessage(since, message, now) };
}

function lastNote({ reason, message, retryAfter }: RegionStatus): RowNote {
  return { ...(reason && { reason }), ...(message && { message }), ...(retryAfter && { retryAfter }) };
}
