// Derives one state per region from the spec, the last status and the observation of ARM. Pure.
import {
  listedRegions,
  type RegionSpec,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { isoSeconds } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { isTemporaryRefusal } from './backoff.ts';
import type { FollowingObject, Need } from './follow.ts';
import { normalise } from './location.ts';
import type { Observation } from './observation.ts';
import { type PruneEvidence, pruneEvidence } from './prune-delay.ts';
import { isRetryRequested, isSynchronized, says, stateOf } from './region-state.ts';
import { type ReplicaHistory, replicaHistory } from './replica-history.ts';
import { replicaNames } from './replica-names.ts';

export interface Region extends ReplicaHistory {
  /** Normalised. */
  readonly location: string;
  /** The region's entry in the spec, or what its source makes of it; undefined if the object does not want the region. */
  readonly spec: RegionSpec | undefined;
  /** Why sources want the region, or wanted it. */
  readonly need: Need | undefined;
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
  readonly pastDeadline: boolean;
  /** ms until the progress deadline; undefined if it already is, or cannot become so. */
  readonly dueInMs: number | undefined;
}

/** The home region and all regions from spec, ARM and status. Listed regions come first, in the spec's order. */
export function regionsOf(object: FollowingObject, observation: Observation, now: Date): Region[] {
  const { registry } = observation;
  const home = registry && normalise(registry.location);
  const rows = isSameRegistry(object, registry) ? (object.status?.regions ?? []) : [];
  const previous = new Map(rows.map((row) => [row.location, row]));
  const specs = new Map(listedRegions(object.spec).map((region) => [normalise(region.location), region]));
  const others = [...observation.replicas.keys(), ...previous.keys()].sort();
  const locations = new Set([...specs.keys(), ...(home === undefined ? [] : [home]), ...others]);
  const names = replicaNames(locations, observation, previous);
  const seenAt = isoSeconds(now);
  return [...locations].map((location) =>
    regionAt(
      { location, name: names.get(location) ?? location, home: location === home },
      {
        object,
        spec: specs.get(location),
        need: object.following?.needs.get(location),
        previous: previous.get(location),
        observation,
        now,
        seenAt,
      },
    ),
  );
}

interface Sources {
  readonly object: RegistryReplication;
  readonly spec: RegionSpec | undefined;
  readonly need: Need | undefined;
  readonly previous: RegionStatus | undefined;
  readonly observation: Observation;
  readonly now: Date;
  /** `now`, as ISO time. */
  readonly seenAt: string;
}

function regionAt(identity: Pick<Region, 'location' | 'name' | 'home'>, sources: Sources): Region {
  const { location, name, home } = identity;
  const { object, spec, need, previous, observation, now, seenAt } = sources;
  const key = name.toLowerCase();
  const observed = observation.replicas.get(location);
  const replica = observed?.replica;
  const failedGet = observation.failedGets.get(key);
  const confirmed = observed ? observed.by === 'GET' : observation.missing.has(key);
  const { registry } = observation;
  const state = stateOf({ object, spec, replica, previous, home, registry, failedGet, now });
  // Without an entry, the home region's state comes from the GET of the registry, not from LIST.
  const ready = state === 'Ready' && (confirmed || (home && !observed));
  const since = previous?.state === state && isPast(previous.since, now) ? previous.since : seenAt;
  const isListed = spec !== undefined;
  const history = replicaHistory({
    previous,
    replica,
    state,
    isListed,
    home,
    ready,
    isUnknown: failedGet !== undefined,
    now,
  });
  const mayBeCreated = isListed && !home;
  const tries = attemptsOf(object, { previous, state, confirmed, mayBeCreated });
  // The stored text still describes the failure that the region is in.
  const keepsFailure = !tries.failedJustNow && (state === 'Failed' ? previous?.state === 'Failed' : tries.attempts > 0);
  return {
    ...identity,
    spec,
    need,
    replica,
    confirmed,
    contradicted: observation.contradicted.has(key),
    failedGet,
    previous,
    state,
    since,
    // A new replica starts a new prune delay.
    pruneEvidence: pruneEvidence(object, spec, history.lives ? previous : undefined, seenAt),
    ...history,
    ...tries,
    failure: observation.failures?.get(key) ?? (keepsFailure ? previous?.failure : undefined),
    ...deadlineOf(object, { state, previous, mayBeCreated }, since, now),
  };
}

/** False for a missing time, and for a future one, which means that the clock was set back since. */
function isPast(time: string | undefined, now: Date): time is string {
  return time !== undefined && Date.parse(time) <= now.getTime();
}

function attemptsOf(
  object: RegistryReplication,
  {
    previous,
    state,
    confirmed,
    mayBeCreated,
  }: Pick<Region, 'previous' | 'state' | 'confirmed'> & { mayBeCreated: boolean },
): Pick<Region, 'attempts' | 'failedJustNow'> {
  if (isRetryRequested(object)) return { attempts: 0, failedJustNow: false };
  const failedJustNow = mayBeCreated && hasJustFailed(state, confirmed, previous);
  const isSuccess = state === 'Ready' || state === 'Syncing';
  return { attempts: (isSuccess ? 0 : (previous?.attempts ?? 0)) + (failedJustNow ? 1 : 0), failedJustNow };
}

/** Progress deadline of a region in motion, Failed, or waiting for a creation that Azure refuses. */
function deadlineOf(
  object: RegistryReplication,
  { state, previous, mayBeCreated }: Pick<Region, 'state' | 'previous'> & { mayBeCreated: boolean },
  since: string,
  now: Date,
): Pick<Region, 'pastDeadline' | 'dueInMs'> {
  const isUnfinished = state === 'Creating' || state === 'Updating' || state === 'Deleting' || state === 'Failed';
  const isRefused =
    mayBeCreated && state === 'Absent' && previous?.state === 'Absent' && isTemporaryRefusal(previous.reason);
  if (!isUnfinished && !isRefused) return { pastDeadline: false, dueInMs: undefined };
  const leftMs = Date.parse(since) + deadlineMs(object) - now.getTime();
  return leftMs < 0 ? { pastDeadline: true, dueInMs: undefined } : { pastDeadline: false, dueInMs: leftMs };
}

/** True if no source names the region any more: it is kept as it is, and nothing is written to it. */
export function isUnused({ need }: Region): boolean {
  return need?.isKept === true;
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
  // A listed region that turns Ready for the first time, or loses readyOnce: prunes depend on it.
  if (spec && (state === 'Ready' || (previous?.desired && previous.readyOnce)) && !readyOnce) return true;
  if (previous?.state === state) return false;
  const isVerdict = (one: RegionState | undefined) => one === 'Ready' || one === 'Failed';
  return isVerdict(state) || isVerdict(previous?.state);
}

/** False for a recreated registry: its id is the same, but its creation date differs, and the old status is void. */
function isSameRegistry({ status }: RegistryReplication, registry: Registry | undefined): boolean {
  return registry === undefined || status?.registry?.creationDate === registry.creationDate;
}

/** True for a replica that has become Failed, or a creation that ARM had accepted (it showed a state) and whose replica is gone. */
function hasJustFailed(state: RegionState, confirmed: boolean, previous: RegionStatus | undefined): boolean {
  if (state === 'Failed') return previous?.state !== 'Failed';
  return state === 'Absent' && confirmed && previous?.state === 'Creating' && previous.provisioningState !== undefined;
}

/** The CRD's default, for servers that do not apply it. */
const defaultDeadlineMs = 3_600_000;

function deadlineMs({ spec }: RegistryReplication): number {
  return (spec.progressDeadline !== undefined && parseDuration(spec.progressDeadline)) || defaultDeadlineMs;
}
