// Derives one state per region from the spec, the last status and the observation of ARM. Pure.
import {
  annotation,
  type RegionSpec,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { parseDuration } from '../lib/duration.ts';
import { normalise } from './location.ts';
import type { Observation } from './observation.ts';
import { type PruneEvidence, pruneEvidence } from './prune-delay.ts';
import { type ReplicaHistory, replicaHistory } from './replica-history.ts';
import { replicaNames } from './replica-names.ts';

export interface Region extends ReplicaHistory {
  /** Normalised. */
  readonly location: string;
  /** The region's entry in the spec; undefined if not listed. */
  readonly spec: RegionSpec | undefined;
  readonly home: boolean;
  /** The replica that ARM returned for the region. */
  readonly replica: Replica | undefined;
  /** The ARM name of the replica, or of the last or next one if there is none; unique per region. */
  readonly name: string;
  /** True if a GET by id confirms `replica` or its absence. */
  readonly confirmed: boolean;
  /** GET by id returned 404 although LIST shows a replica. */
  readonly contradicted: boolean;
  /** Why the GET by id failed; the region must be left alone then. */
  readonly failedGet: ArmError | undefined;
  /** The row of the last status, unless it describes another registry of the same name. */
  readonly previous: RegionStatus | undefined;
  readonly state: RegionState;
  /** ISO time at which the state was entered. */
  readonly since: string;
  readonly pruneEvidence: PruneEvidence;
  /** Failed creations and repeated changes since the last success, spec edit or reconcile request. */
  readonly attempts: number;
  /** The last attempt was first seen to fail in this pass. */
  readonly failedJustNow: boolean;
  /** ARM's message for the last failed creation or change, if known. */
  readonly failure: string | undefined;
  /** In motion, Failed or refused for longer than the object's progressDeadline. */
  readonly overdue: boolean;
  /** ms until the region becomes overdue; undefined if it already is, or cannot become so. */
  readonly dueIn: number | undefined;
}

/**
 * For this many ms after a write, ARM may still return the old state: 404 after a PUT, Succeeded after a DELETE (seen by
 * Terraform's and Crossplane's providers, which wait for it too).
 */
const eventualConsistencyMs = 60_000;

/** The home region and all regions from spec, ARM and status. Listed regions come first, in the spec's order. */
export function regionsOf(object: RegistryReplication, observed: Observation, now: Date): Region[] {
  const { registry } = observed;
  const home = registry && normalise(registry.location);
  const before = new Map(
    (isSameRegistry(object, registry) ? (object.status?.regions ?? []) : []).map((row) => [row.location, row]),
  );
  const specs = new Map(object.spec.regions.map((region) => [normalise(region.location), region]));
  const others = [...observed.replicas.keys(), ...before.keys()].sort();
  const locations = new Set([...specs.keys(), ...(home === undefined ? [] : [home]), ...others]);
  const names = replicaNames(locations, observed, before);

  return [...locations].map((location): Region => {
    const sighting = observed.replicas.get(location);
    const row = before.get(location);
    const name = names.get(location) ?? location;
    const isHome = location === home;
    const asked = specs.get(location);
    const unseen = observed.failedGets.get(name.toLowerCase());
    const proven = sighting ? sighting.by === 'GET' : observed.missing.has(name.toLowerCase());
    const replica = sighting?.replica;
    const state = stateOf({ object, asked, replica, row, home: isHome, registry, unseen, now });
    // Without an entry, the home region's state comes from the GET of the registry, not from LIST.
    const ready = state === 'Ready' && (proven || (isHome && !sighting));
    const since = row?.state === state && isPast(row.since, now) ? row.since : isoSeconds(now);
    const latches = replicaHistory({
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
      spec: asked,
      home: isHome,
      replica,
      name,
      confirmed: proven,
      contradicted: observed.contradicted.has(name.toLowerCase()),
      failedGet: unseen,
      previous: row,
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

/** False for a missing time, and for a future one, which means that the clock was set back since. */
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
  if (isRetryRequested(object)) return { attempts: 0, failedJustNow: false };
  const failedJustNow = isTried && hasJustFailed(state, proven, row);
  const isSuccess = state === 'Ready' || state === 'Syncing';
  return { attempts: (isSuccess ? 0 : (row?.attempts ?? 0)) + (failedJustNow ? 1 : 0), failedJustNow };
}

/** Applies the progress deadline to regions that are in motion, Failed, or whose creation Azure refuses. */
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
 * True if Azure answered and does not do it now. Throttling and outages (of the home region, for instance) do not count: no
 * user can end them.
 */
export function isRefusal(reason: string | undefined): boolean {
  return reason === 'Conflict' || reason === 'NotFound' || reason === 'ProgressDeadlineExceeded';
}

/** True while the replica is being created, updated or deleted; writes wait until that is over. */
export function isInMotion({ state }: Region): boolean {
  return state === 'Creating' || state === 'Updating' || state === 'Deleting';
}

/**
 * True if the region can serve clients of the registry's global endpoint. The home region has the content from the start, so
 * it serves once provisioned. Without an entry in ACR it always serves.
 */
export function isServing({ replica, home, state }: Region): boolean {
  if (!replica) return home;
  if (state === 'Deleting' || !replica.routing || !says(replica.provisioningState, 'Succeeded')) return false;
  return home || isSynchronized(replica);
}

/**
 * True if a change to or from Ready or Failed, or a disappearance, is known from LIST only and must be confirmed by a GET.
 * Continued absence needs none: a creation requests its own GET.
 */
export function needsConfirmation({
  confirmed,
  failedGet,
  replica,
  home,
  spec,
  previous,
  state,
  readyOnce,
}: Region): boolean {
  if (confirmed || failedGet) return false;
  // The home region needs no entry, unless it had one or the spec sets its routing or tags.
  if (!replica && home)
    return previous?.replica !== undefined || spec?.routing !== undefined || spec?.tags !== undefined;
  if (!replica) return previous !== undefined && previous.state !== 'Absent';
  if (spec && (state === 'Ready' || (previous?.desired && previous.readyOnce)) && !readyOnce) return true;
  if (previous?.state === state) return false;
  const isVerdict = (one: RegionState | undefined) => one === 'Ready' || one === 'Failed';
  return isVerdict(state) || isVerdict(previous?.state);
}

/**
 * ISO time until which a refused write of this row backs off; undefined if it is over. A time beyond the maximum for the
 * row's reason comes from another clock and is ignored.
 */
export function restsUntil(row: RegionStatus | undefined, now: Date): string | undefined {
  const left = row?.retryAfter === undefined ? 0 : Date.parse(row.retryAfter) - now.getTime();
  return left > 0 && left <= maxRestMs(row?.reason) ? row?.retryAfter : undefined;
}

const longRests: ReadonlySet<string> = new Set(['AzureUnreachable', 'RegionFailed', 'ProgressDeadlineExceeded']);

/** Maximum backoff: a day after a 429; an hour for any other Retry-After or a failed replica; 10 minutes for a refusal. */
function maxRestMs(reason: RegionStatus['reason']): number {
  const minuteMs = 60_000;
  // Stored times are rounded up to whole seconds.
  const roundingMs = 1_000;
  if (reason === 'Throttled') return 24 * 60 * minuteMs + roundingMs;
  // A failed replica backs off up to an hour, also after the progress deadline.
  const isLong = reason === undefined || longRests.has(reason);
  return (isLong ? 60 : 10) * minuteMs + roundingMs;
}

/** True if the user requests a retry: a spec edit or a new reconcile request resets every backoff. */
export function isRetryRequested(object: RegistryReplication): boolean {
  const { metadata, status } = object;
  return status?.observedGeneration !== metadata.generation || isLookRequested(object);
}

/** True if ACR reports the content as synchronized. */
export function isSynchronized({ displayStatus }: Replica): boolean {
  return says(displayStatus, 'Ready');
}

/** ISO time to the second, as Kubernetes writes it. */
export function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** False for a recreated registry: its id is the same, but its creation date differs, and the old status is void. */
function isSameRegistry({ status }: RegistryReplication, registry: Registry | undefined): boolean {
  return registry === undefined || status?.registry?.creationDate === registry.creationDate;
}

/** True for a replica that has become Failed, or an accepted creation whose replica is gone. */
function hasJustFailed(state: RegionState, proven: boolean, row: RegionStatus | undefined): boolean {
  if (state === 'Failed') return row?.state !== 'Failed';
  return state === 'Absent' && proven && row?.state === 'Creating' && row.provisioningState !== undefined;
}

/** True if the replica, present or coming, is meant to stay. */
function isKept({ metadata, spec }: RegistryReplication, asked: RegionSpec | undefined): boolean {
  return metadata.deletionTimestamp === undefined && (asked !== undefined || spec.prune === 'Retain');
}

/**
 * True if ARM may have accepted a creation that the status does not show: the operator was killed, or the response was lost.
 * `createdAt` is stored before the PUT and removed when ARM refuses it.
 */
function mayHaveBegun({ spec }: RegistryReplication, row: RegionStatus | undefined): boolean {
  return spec.mode !== 'Observe' && row?.state === 'Absent' && row.createdAt !== undefined;
}

/** True if a reconcile request is not handled yet. */
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
  const justNow = row?.since !== undefined && Math.abs(now.getTime() - Date.parse(row.since)) < eventualConsistencyMs;
  // LIST is no substitute for a failed GET: the last known state stays.
  if (unseen) return row?.state ?? (replica ? 'Updating' : 'Absent');
  if (!replica) {
    if (home) return says(registry?.provisioningState, 'Succeeded') ? 'Ready' : 'Updating';
    if (!isKept(object, asked) && mayHaveBegun(object, row)) return 'Creating';
    // A reconcile request skips the wait, because the only possible next step is another creation.
    const isHurried = asked !== undefined && isKept(object, asked) && isLookRequested(object);
    return row?.state === 'Creating' && justNow && !isHurried ? 'Creating' : 'Absent';
  }
  // A replica that is Creating was created after the deletion.
  if (row?.state === 'Deleting' && justNow && !says(replica.provisioningState, 'Creating')) return 'Deleting';
  switch (replica.provisioningState?.toLowerCase()) {
    case 'succeeded':
      return home || isSynchronized(replica) ? 'Ready' : 'Syncing';
    case 'failed':
    case 'canceled':
      return 'Failed';
    case 'creating':
      return 'Creating';
    case 'deleting':
      return 'Deleting';
    default: // Updating, and states that ARM may add
      return 'Updating';
  }
}

function says(word: string | undefined, expected: string): boolean {
  return word?.toLowerCase() === expected.toLowerCase();
}
