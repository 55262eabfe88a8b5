// What is so in each region: the spec, the last status and what ARM showed, brought together into one state each.
// Pure; it decides nothing.
import {
  annotation,
  type RegionSpec,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { parseDuration } from '../duration.ts';
import { type Latches, latchesOf } from './latches.ts';
import { normalise } from './location.ts';
import type { Observed } from './observed.ts';
import { type PruneEvidence, pruneEvidence } from './prune-delay.ts';
import { replicaNames } from './replica-names.ts';

export interface Region extends Latches {
  /** Normalised. */
  readonly location: string;
  /** What the spec says of it; undefined when it is not listed. */
  readonly asked: RegionSpec | undefined;
  readonly home: boolean;
  /** The replica that ARM shows there. */
  readonly replica: Replica | undefined;
  /** The replica's ARM name or, where there is none, the one it had, or would be made with; no two regions share one. */
  readonly name: string;
  /** Whether a GET by id stands behind `replica` or its absence. */
  readonly proven: boolean;
  /** GET by id shows no replica here, and LIST shows one. */
  readonly contradicted: boolean;
  /** Why the GET by id gave no answer: then nothing may be done here. */
  readonly unseen: ArmError | undefined;
  /** What the status last said, unless that was about another registry of the same name. */
  readonly before: RegionStatus | undefined;
  readonly state: RegionState;
  /** ISO time at which the state was entered. */
  readonly since: string;
  readonly pruneEvidence: PruneEvidence;
  /** Failed creations, and failed repetitions of a change, since the last success, spec edit or reconcile request. */
  readonly attempts: number;
  /** The last of them was not known before. */
  readonly failedJustNow: boolean;
  /** ARM's words for why the last creation or change failed, where it told. */
  readonly failure: string | undefined;
  /** In motion, Failed or refused for longer than the object's progressDeadline. */
  readonly overdue: boolean;
  /** ms until it is that, if nothing changes; undefined where it is, or cannot become so. */
  readonly dueIn: number | undefined;
}

/**
 * For this long after a write of ours, ARM may still answer as if it had not happened: 404 after a PUT, Succeeded after a
 * DELETE (seen by Terraform's and Crossplane's providers, which wait for it too).
 */
const settling = 60_000;

/** The home region, and every region that the spec lists, ARM shows, or the status remembers. Listed ones first, in the spec's order. */
export function regionsOf(object: RegistryReplication, observed: Observed, now: Date): Region[] {
  const { registry } = observed;
  const home = registry && normalise(registry.location);
  const before = new Map(
    (isSameRegistry(object, registry) ? (object.status?.regions ?? []) : []).map((row) => [row.location, row]),
  );
  const specs = new Map(object.spec.regions.map((region) => [normalise(region.location), region]));
  const others = [...observed.sightings.keys(), ...before.keys()].sort();
  const locations = new Set([...specs.keys(), ...(home === undefined ? [] : [home]), ...others]);
  const names = replicaNames(locations, observed, before);

  return [...locations].map((location): Region => {
    const sighting = observed.sightings.get(location);
    const row = before.get(location);
    const name = names.get(location) ?? location;
    const isHome = location === home;
    const asked = specs.get(location);
    const unseen = observed.unseen.get(name.toLowerCase());
    const proven = sighting ? sighting.by === 'GET' : observed.missing.has(name.toLowerCase());
    const replica = sighting?.replica;
    const state = stateOf({ object, asked, replica, row, home: isHome, registry, unseen, now });
    // A home region without an entry is Ready by the registry's word, which no LIST is behind.
    const ready = state === 'Ready' && (proven || (isHome && !sighting));
    const since = row?.state === state && isPast(row.since, now) ? row.since : isoSeconds(now);
    const latches = latchesOf({
      row,
      replica,
      state,
      listed: asked !== undefined,
      home: isHome,
      ready,
      unseen: unseen !== undefined,
      now,
    });
    const isTried = asked !== undefined && !isHome;
    const tries = attemptsOf(object, { row, state, proven, isTried });
    const isOldFailure = !tries.failedJustNow && (state === 'Failed' ? row?.state === 'Failed' : tries.attempts > 0);
    return {
      location,
      asked,
      home: isHome,
      replica,
      name,
      proven,
      contradicted: observed.contradicted.has(name.toLowerCase()),
      unseen,
      before: row,
      state,
      since,
      pruneEvidence: pruneEvidence(object, asked, latches.lives ? row : undefined, isoSeconds(now)),
      ...latches,
      ...tries,
      failure: observed.failures?.get(name.toLowerCase()) ?? (isOldFailure ? row?.failure : undefined),
      ...progressOf(object, { state, row, isTried }, since, now),
    };
  });
}

/** A time to come was written by a clock that has been set back since, and counts no more than none. */
function isPast(time: string | undefined, now: Date): time is string {
  return time !== undefined && Date.parse(time) <= now.getTime();
}

function attemptsOf(
  object: RegistryReplication,
  {
    row,
    state,
    proven,
    isTried,
  }: { row: RegionStatus | undefined; state: RegionState; proven: boolean; isTried: boolean },
): Pick<Region, 'attempts' | 'failedJustNow'> {
  if (startsOver(object)) return { attempts: 0, failedJustNow: false };
  const failedJustNow = isTried && hasJustFailed(state, proven, row);
  const isSuccess = state === 'Ready' || state === 'Syncing';
  return { attempts: (isSuccess ? 0 : (row?.attempts ?? 0)) + (failedJustNow ? 1 : 0), failedJustNow };
}

/** In motion, Failed, or waiting for a creation that Azure refuses: how long that may last before a person is asked. */
function progressOf(
  object: RegistryReplication,
  { state, row, isTried }: { state: RegionState; row: RegionStatus | undefined; isTried: boolean },
  since: string,
  now: Date,
): Pick<Region, 'overdue' | 'dueIn'> {
  const isAtWork = state === 'Creating' || state === 'Updating' || state === 'Deleting' || state === 'Failed';
  const isRefused = isTried && state === 'Absent' && row?.state === 'Absent' && isRefusal(row.reason);
  if (!isAtWork && !isRefused) return { overdue: false, dueIn: undefined };
  const left = Date.parse(since) + deadlineOf(object) - now.getTime();
  return left < 0 ? { overdue: true, dueIn: undefined } : { overdue: false, dueIn: left };
}

/**
 * Azure has answered, and will not do it now. A budget that is spent and an outage (of the home region, say) are no refusal:
 * no person can end them.
 */
export function isRefusal(reason: string | undefined): boolean {
  return reason === 'Conflict' || reason === 'NotFound' || reason === 'ProgressDeadlineExceeded';
}

/** Whether the region's replica is on its way somewhere: nothing is written to it until it has arrived. */
export function isInMotion({ state }: Region): boolean {
  return state === 'Creating' || state === 'Updating' || state === 'Deleting';
}

/**
 * Whether clients that come through the registry's global endpoint can be served here. The home region holds the content
 * from the start, so it serves as soon as it is provisioned; and while ACR has made no entry for it, it serves always.
 */
export function isServing({ replica, home, state }: Region): boolean {
  if (!replica) return home;
  if (state === 'Deleting' || !replica.routing || !says(replica.provisioningState, 'Succeeded')) return false;
  return home || isFullOfContent(replica);
}

/**
 * Whether it rests on LIST alone that the region has stepped to or from a verdict, or that what was here is gone. That
 * there is still nothing where nothing was is no news: a creation asks for its own GET.
 */
export function isHearsay({ proven, unseen, replica, home, asked, before, state, readyOnce }: Region): boolean {
  if (proven || unseen) return false;
  // The home region may do without an entry, but not without one that was there, or whose routing or tags are asked for.
  if (!replica && home)
    return before?.replica !== undefined || asked?.routing !== undefined || asked?.tags !== undefined;
  if (!replica) return before !== undefined && before.state !== 'Absent';
  if (asked && (state === 'Ready' || (before?.desired && before.readyOnce)) && !readyOnce) return true;
  if (before?.state === state) return false;
  const isVerdict = (one: RegionState | undefined) => one === 'Ready' || one === 'Failed';
  return isVerdict(state) || isVerdict(before?.state);
}

/**
 * Until when (ISO) a refused write of this row rests, if it still does. A time farther away than the longest wait that is
 * written for the row's reason comes from another clock, and is ignored.
 */
export function restsUntil(row: RegionStatus | undefined, now: Date): string | undefined {
  const left = row?.retryAfter === undefined ? 0 : Date.parse(row.retryAfter) - now.getTime();
  return left > 0 && left <= maxRestMs(row?.reason) ? row?.retryAfter : undefined;
}

const longRests: ReadonlySet<string> = new Set(['AzureUnreachable', 'RegionFailed', 'ProgressDeadlineExceeded']);

/** A Retry-After counts up to a day in a 429, up to an hour elsewhere, as the backoff of a failed replica; a refusal rests up to 10 minutes. */
function maxRestMs(reason: RegionStatus['reason']): number {
  const minuteMs = 60_000;
  // Times are rounded up to the whole second.
  const roundingMs = 1_000;
  if (reason === 'Throttled') return 24 * 60 * minuteMs + roundingMs;
  // A failed replica rests up to an hour, also once it is Failed for longer than the progress deadline.
  const isLong = reason === undefined || longRests.has(reason);
  return (isLong ? 60 : 10) * minuteMs + roundingMs;
}

/** Whether a person asks to begin anew: a spec edit or a new reconcile request forgets every backoff. */
export function startsOver(object: RegistryReplication): boolean {
  const { metadata, status } = object;
  return status?.observedGeneration !== metadata.generation || isLookRequested(object);
}

/** Whether ACR says that the content is there. */
export function isFullOfContent({ displayStatus }: Replica): boolean {
  return says(displayStatus, 'Ready');
}

/** ISO time to the second, as Kubernetes writes it. */
export function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** A registry that was deleted and made again has the same id, but another creation date: nothing remembered holds for it. */
function isSameRegistry({ status }: RegistryReplication, registry: Registry | undefined): boolean {
  return registry === undefined || status?.registry?.creationDate === registry.creationDate;
}

/** A replica that is Failed and was not before, or a creation that ARM had taken on and that came to nothing. */
function hasJustFailed(state: RegionState, proven: boolean, row: RegionStatus | undefined): boolean {
  if (state === 'Failed') return row?.state !== 'Failed';
  return state === 'Absent' && proven && row?.state === 'Creating' && row.provisioningState !== undefined;
}

/** Whether a replica that is there, or comes, stays there. */
function isKept({ metadata, spec }: RegistryReplication, asked: RegionSpec | undefined): boolean {
  return metadata.deletionTimestamp === undefined && (asked !== undefined || spec.prune === 'Retain');
}

/**
 * Whether ARM may have accepted a creation that the status does not show yet, because the operator was killed or heard no
 * answer: `createdAt` is stored before the PUT, and goes when ARM refuses it.
 */
function mayHaveBegun({ spec }: RegistryReplication, row: RegionStatus | undefined): boolean {
  return spec.mode !== 'Observe' && row?.state === 'Absent' && row.createdAt !== undefined;
}

/** Whether a person asks for a look that has not been had yet. */
function isLookRequested({ metadata, status }: RegistryReplication): boolean {
  return metadata.annotations?.[annotation.reconcileRequestedAt] !== status?.lastHandledReconcileAt;
}

const usualDeadline = 3_600_000;

/** ms */
function deadlineOf({ spec }: RegistryReplication): number {
  return (spec.progressDeadline !== undefined && parseDuration(spec.progressDeadline)) || usualDeadline;
}

interface Evidence {
  object: RegistryReplication;
  asked: RegionSpec | undefined;
  replica: Replica | undefined;
  row: RegionStatus | undefined;
  home: boolean;
  registry: Registry | undefined;
  unseen: ArmError | undefined;
  now: Date;
}

function stateOf({ object, asked, replica, row, home, registry, unseen, now }: Evidence): RegionState {
  const justNow = row?.since !== undefined && Math.abs(now.getTime() - Date.parse(row.since)) < settling;
  // Where ARM did not answer about it, LIST is no substitute: what was known stays.
  if (unseen) return row?.state ?? (replica ? 'Updating' : 'Absent');
  if (!replica) {
    if (home) return says(registry?.provisioningState, 'Succeeded') ? 'Ready' : 'Updating';
    if (!isKept(object, asked) && mayHaveBegun(object, row)) return 'Creating';
    // A person who asks for a look need not wait where all that can follow is another creation.
    const isHurried = asked !== undefined && isKept(object, asked) && isLookRequested(object);
    return row?.state === 'Creating' && justNow && !isHurried ? 'Creating' : 'Absent';
  }
  // What is Creating was made after the deletion.
  if (row?.state === 'Deleting' && justNow && !says(replica.provisioningState, 'Creating')) return 'Deleting';
  switch (replica.provisioningState?.toLowerCase()) {
    case 'succeeded':
      return home || isFullOfContent(replica) ? 'Ready' : 'Syncing';
    case 'failed':
    case 'canceled':
      return 'Failed';
    case 'creating':
      return 'Creating';
    case 'deleting':
      return 'Deleting';
    default: // Updating, and every word that ARM may yet learn
      return 'Updating';
  }
}

function says(word: string | undefined, expected: string): boolean {
  return word?.toLowerCase() === expected.toLowerCase();
}
