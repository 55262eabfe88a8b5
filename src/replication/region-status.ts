// Reports each region once per pass: its progress, and the status row that follows from it. Pure.
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { isoSeconds } from '../lib/clock.ts';
import { backoffUntil } from './backoff.ts';
import type { Result } from './pass.ts';
import { dueSteps, type Plan } from './plan.ts';
import { type Progress, progressOf } from './progress.ts';
import type { Region } from './regions.ts';
import { isIntentStored } from './replica-history.ts';
import type { Step } from './step.ts';
import { keysOwned } from './tags.ts';

export interface RegionReport {
  readonly region: Region;
  /** What is still to be done there. */
  readonly steps: readonly Step[];
  readonly progress: Progress;
  /** Undefined for a region that the status does not show: neither listed nor home, and without a replica. */
  readonly row: RegionStatus | undefined;
}

/** `region`: as it is after this pass has acted. `pending`: the steps still to be done, in all regions. */
export function reportRegion(
  object: RegistryReplication,
  region: Region,
  plan: Plan,
  pending: readonly Step[],
  results: readonly Result[],
  now: Date,
): RegionReport {
  const isHere = ({ location }: Step) => location === region.location;
  const own = results.filter(({ step }) => isHere(step));
  const steps = pending.filter(isHere);
  const isDue = dueSteps(plan).some(isHere);
  const attempts = attemptsAfter(region, own);
  const progress = progressOf({ object, region, attemptsNow: attempts, steps, isDue, results: own, now });
  const row = isShown(region) ? rowFor(object, region, { progress, attempts, results: own, plan }, now) : undefined;
  return { region, steps, progress, row };
}

/** An accepted repetition that leaves the replica Failed counts as one more failed attempt. */
function attemptsAfter({ state, attempts }: Region, results: readonly Result[]): number {
  const isRepeated = results.some(({ outcome }) => outcome.kind === 'written');
  return state === 'Failed' && isRepeated ? attempts + 1 : attempts;
}

/** A region that is neither listed nor home is shown until its replica is gone. */
function isShown({ spec, home, state, replica, failedGet }: Region): boolean {
  return spec !== undefined || home || replica !== undefined || failedGet !== undefined || state !== 'Absent';
}

interface Parts {
  readonly progress: Progress;
  readonly attempts: number;
  readonly plan: Plan;
  readonly results: readonly Result[];
}

function rowFor(object: RegistryReplication, region: Region, parts: Parts, now: Date): RegionStatus {
  const { location, name, replica, spec, home, state, since, readyOnce, deletedAt, failure, pruneEvidence } = region;
  const { progress, attempts } = parts;
  const { neededBy = [], unusedSince } = region.need ?? {};
  const { createdHere, createdAt } = creationOf(object, region, parts, now);
  const managedTags = tagsOwned(object, region);
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
    ...(neededBy.length > 0 && { neededBy: [...neededBy] }),
    ...(unusedSince !== undefined && { unusedSince }),
    // Kept for replicas that this object created, in case the region is listed again.
    ...((spec || (createdHere && readyOnce)) && { readyOnce }),
    ...((createdHere || region.hadBeenReady) && { createdHere }),
    ...(createdAt !== undefined && { createdAt }),
    ...(deletedAt !== undefined && { deletedAt }),
    ...(pruneEvidence.wasListed && { wasListed: true }),
    ...(!pruneEvidence.wasListed && !spec && !home && { firstSeen: pruneEvidence.firstSeen }),
    ...(managedTags.length > 0 && { managedTags: [...managedTags] }),
    ...(attempts > 0 && { attempts }),
    ...(failure !== undefined && { failure }),
    ...(progress.reason !== undefined && { reason: progress.reason }),
    ...(progress.message && { message: progress.message }),
    ...(progress.retryAfter !== undefined && { retryAfter: progress.retryAfter }),
  };
}

/** Whether this object created the replica, and when; for a creation under way, when its PUT was sent. */
function creationOf(object: RegistryReplication, region: Region, { plan, results }: Parts, now: Date) {
  const { previous, state, contradicted } = region;
  const isUnderWay = isCreationUnderWay(object, region, plan, results, now);
  // If LIST shows a replica that this object did not delete, the PUT may create nothing.
  const mayBeThere = contradicted && previous?.deletedAt === undefined;
  return {
    createdHere: region.createdHere || (isUnderWay && !mayBeThere),
    createdAt: state === 'Absent' && isUnderWay ? sentAt(previous, now) : region.createdAt,
  };
}

/** When the PUT of a creation was sent, or is sent now. */
function sentAt(previous: RegionStatus | undefined, now: Date): string | undefined {
  return isIntentStored(previous, now) ? previous.createdAt : isoSeconds(now);
}

/**
 * True if ARM may have accepted a creation by this object that it does not show yet: the PUT is about to be sent, or its
 * response was lost. Any other refusal means that no replica was created.
 */
function isCreationUnderWay(
  { spec }: RegistryReplication,
  { location, previous, spec: listed, state }: Region,
  plan: Plan,
  results: readonly Result[],
  now: Date,
): boolean {
  if (spec.mode === 'Observe') return false;
  const step = dueSteps(plan).find((one) => one.action === 'create' && one.location === location);
  if (!step) {
    const isInDoubt =
      previous?.state === 'Absent' && previous.createdAt !== undefined && previous.reason === 'AzureUnreachable';
    return state === 'Absent' && listed !== undefined && isInDoubt && backoffUntil(previous, now) !== undefined;
  }
  const outcome = results.find((result) => result.step === step)?.outcome;
  return outcome?.kind !== 'notAccepted' || outcome.error.kind === 'NotSent' || outcome.error.kind === 'Transient';
}

/** Keeps ARM's last state of a pending creation while ARM does not return the replica. */
function provisioningStateOf({ replica, state, previous }: Region): string | undefined {
  if (replica || state !== 'Creating' || previous?.state !== 'Creating') return replica?.provisioningState;
  return previous.provisioningState;
}

function tagsOwned(
  { spec }: RegistryReplication,
  { spec: listed, replica, confirmed, previous }: Region,
): readonly string[] {
  const owned = previous?.managedTags ?? [];
  if (!listed || spec.mode === 'Observe') return owned;
  // Without a confirmed absence, no tag is known to be gone.
  const present = replica ? replica.tags : confirmed ? {} : Object.fromEntries(owned.map((key) => [key, '']));
  return keysOwned(present, listed.tags ?? {}, owned);
}
