// Derives Kubernetes events from status transitions and accepted actions. A pass without either emits no event. Pure.
import { findCondition } from '../api/conditions.ts';
import type { PlanEntry, RegionStatus, RegistryReplication, Status } from '../api/registryreplication.ts';
import type { FollowingObject } from './follow.ts';
import { listing, longSyncing, summarizeRegions } from './messages.ts';
import { describeNeed, keptFor, whyUnwanted } from './needs.ts';
import { isAccepted, type Result, type SentRequest } from './pass.ts';
import { needsIntervention } from './reasons.ts';
import { theReplica } from './replica-names.ts';
import type { Step } from './step.ts';

export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** The action of an events.k8s.io Event: a verb in upper camel case. */
  readonly action: string;
  readonly note: string;
  /** The affected regions; omitted for the object as a whole. */
  readonly locations?: readonly string[];
  /** The ARM request that was accepted or refused; of several, the first. */
  readonly request?: SentRequest;
}

/** Maximum events of one type at once: begun, synchronising, ready, routed, deleted, gone in 40 regions (Azure has hardly more). */
export const maxEventsPerPass = 6 * 40;

/** `results`: undefined if the pass ended before acting, so that nothing is said about replicas. */
export function eventsFor(object: FollowingObject, after: Status, results?: readonly Result[]): ObjectEvent[] {
  if (!results) return [...unknownEvents(object, after), ...stallEvents(object, after, [])];
  const before = new Map((object.status?.regions ?? []).map((row) => [row.location, row]));
  const rows = after.regions ?? [];
  const gone = [...before.values()].filter(({ location }) => !rows.some((row) => row.location === location));
  const refusals = refusalsIn(results, rows, before);
  const failed = rows.filter(({ location, state }) => state === 'Failed' && before.get(location)?.state !== state);
  return [
    ...refusalEvents(refusals),
    ...eventsOfResults(object, results),
    ...needEvents(object, rows, before),
    ...rows.flatMap((row) => rowEvents(object, row, before.get(row.location)).map(withContext(row))),
    ...gone.filter(hadReplica).map((row) => goneEvent(object, row)),
    ...scheduleEvents(object, after),
    ...stallEvents(object, after, [...refusals.map(({ row }) => row), ...failed]),
  ];
}

/** Events for changes that Azure accepted in this pass. A later pass cannot derive them from the status. */
export function eventsOfResults(object: RegistryReplication, results: readonly Result[]): ObjectEvent[] {
  return results
    .filter(isAccepted)
    .flatMap((result) =>
      stepEvent(result.step, isDrift(object, result.step)).map(withContext(result.step, result.request)),
    );
}

/** Final events of an object that is released because its replicas are gone. */
export function eventsOnRelease(object: RegistryReplication): ObjectEvent[] {
  const deleting = (object.status?.regions ?? []).filter(({ state }) => state === 'Deleting');
  return deleting.map((row) => goneEvent(object, row));
}

/** Final event of an object that is released and leaves its replicas in Azure. */
export function detachedEvent({ status }: RegistryReplication, why: string): ObjectEvent {
  const left = (status?.regions ?? []).filter(hadReplica).map(({ location }) => location);
  const what = left.length > 0 ? `its replicas stay in Azure: ${left.join(', ')}` : 'nothing is changed in Azure';
  return { type: 'Normal', reason: 'Detached', action: 'Release', note: `deleted while ${why}; ${what}` };
}

/** True if the step corrects drift: no spec edit, no earlier plan, and the region matched the spec before. */
export function isDrift({ status, metadata }: RegistryReplication, { action, location }: Step): boolean {
  const before = status?.regions?.find((row) => row.location === location);
  const planned = status?.plan?.some((entry) => entry.location === location) ?? false;
  const edited = status?.observedGeneration !== metadata.generation;
  // Azure may create the home region's entry late; that is not a change by others.
  const isNew = action === 'update' && before?.replica === undefined;
  return (
    action !== 'delete' &&
    !edited &&
    !planned &&
    !isNew &&
    before?.desired === true &&
    before.readyOnce === true &&
    !before.reason
  );
}

function withContext({ location }: { location: string }, request?: SentRequest): (event: ObjectEvent) => ObjectEvent {
  return (event) => ({ ...event, locations: [location], ...(request && { request }) });
}

interface Refusal {
  readonly action: Step['action'];
  readonly row: RegionStatus;
  readonly request: SentRequest | undefined;
}

/** Refusals by Azure that are new in this pass. Throttling is not a failure and is excluded. */
function refusalsIn(
  results: readonly Result[],
  rows: readonly RegionStatus[],
  before: ReadonlyMap<string, RegionStatus>,
): Refusal[] {
  return results.flatMap(({ step: { location, action }, outcome, request }) => {
    const row = rows.find((one) => one.location === location);
    if (!row || outcome.kind !== 'notAccepted') return [];
    if (outcome.error.kind === 'Throttled' || outcome.error.kind === 'NotSent') return [];
    return row.reason === before.get(location)?.reason ? [] : [{ action, row, request }];
  });
}

/** Emits one event per action and reason, for all affected regions. */
function refusalEvents(refusals: readonly Refusal[]): ObjectEvent[] {
  const kinds = Map.groupBy(refusals, ({ action, row }) => `${action} ${row.reason}`);
  return [...kinds.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { action, row, request } = first;
    return [
      {
        type: needsIntervention(row.reason) ? 'Warning' : 'Normal',
        reason: row.reason ?? '',
        action: actionOf(action),
        note: summarizeRegions(group.map(({ row }) => row)),
        locations: group.map(({ row }) => row.location),
        ...(request && { request }),
      },
    ];
  });
}

function stepEvent(step: Step, isDrift: boolean): ObjectEvent[] {
  const { location } = step;
  // The note of DriftCorrected includes the action, so no second event is needed.
  if (isDrift) {
    const note = `${location}: others ${step.action === 'create' ? 'deleted' : 'changed'} the replica in Azure, correcting it: ${step.message}`;
    return [{ type: 'Normal', reason: 'DriftCorrected', action: actionOf(step.action), note }];
  }
  switch (step.action) {
    case 'create':
      return [
        {
          type: 'Normal',
          reason: 'ReplicaCreating',
          action: 'Create',
          note: `${location}: creating ${theReplica(step)}`,
        },
      ];
    case 'update': {
      const reason = step.change.routing === undefined ? 'TagsChanged' : 'RoutingChanged';
      return [{ type: 'Normal', reason, action: 'Update', note: `${location}: ${step.message}` }];
    }
    case 'delete': {
      const note = `${location}: ${step.message.replace(/^(delet|replac)e/, '$1ing')}`;
      return [{ type: 'Normal', reason: 'ReplicaDeleting', action: 'Delete', note }];
    }
    default:
      return step satisfies never;
  }
}

function rowEvents(object: RegistryReplication, row: RegionStatus, before: RegionStatus | undefined): ObjectEvent[] {
  const { location, state, message, desired, home } = row;
  if (before?.state === state) {
    if (!message?.startsWith(longSyncing) || before.message?.startsWith(longSyncing)) return [];
    return [{ type: 'Normal', reason: 'SyncingForLong', action: 'Look', note: `${location}: ${message}` }];
  }
  if (state === 'Failed')
    return [
      {
        type: 'Warning',
        reason: 'ReplicaFailed',
        action: 'Look',
        note: `${location}: ${message ?? 'the replica is Failed'}`,
      },
    ];
  if (state === 'Syncing' && before?.state === 'Creating')
    return [
      {
        type: 'Normal',
        reason: 'ReplicaSyncing',
        action: 'Look',
        note: `${location}: ${theReplica(named(row))} is created; its content is being synchronised`,
      },
    ];
  // A region that was Ready before an update needs no event when it is Ready again.
  if (state === 'Ready' && desired && !home && (before?.state !== 'Updating' || !before.readyOnce))
    return [
      {
        type: 'Normal',
        reason: 'ReplicaReady',
        action: 'Look',
        note: `${location}: ${theReplica(named(row))} is ready`,
      },
    ];
  if (state === 'Absent' && before?.state === 'Creating' && message)
    return [{ type: 'Warning', reason: 'ReplicaVanished', action: 'Look', note: `${location}: ${message}` }];
  if (state === 'Absent' && before && hadReplica(before)) return [goneEvent(object, before)];
  return [];
}

/** A source has begun, or ceased, to name regions. */
function needEvents(
  { spec, following }: FollowingObject,
  rows: readonly RegionStatus[],
  before: ReadonlyMap<string, RegionStatus>,
): ObjectEvent[] {
  const needed = rows.filter(({ location, neededBy }) => neededBy && !before.get(location)?.neededBy);
  const stays = ({ location, desired }: RegionStatus) => desired && !following?.needs.get(location)?.isKept;
  const unused = rows.filter((row) => row.unusedSince && !before.get(row.location)?.unusedSince && !stays(row));
  const kept = keptFor(spec);
  return [
    ...needed.map(({ location, neededBy = [] }): ObjectEvent => {
      const note = `${location}: needed by ${neededBy.map((need) => describeNeed(need)).join(' and ')}`;
      return { type: 'Normal', reason: 'RegionNeeded', action: 'Look', note, locations: [location] };
    }),
    ...unused.map(({ location, desired }): ObjectEvent => {
      const note = `${location}: no source names it any more${desired ? `; kept for ${kept}, and then pruned` : ''}`;
      return { type: 'Normal', reason: 'RegionUnused', action: 'Look', note, locations: [location] };
    }),
  ];
}

function named({ location, replica = location }: RegionStatus) {
  return { location, name: replica };
}

function hadReplica({ state, home }: RegionStatus): boolean {
  return state !== 'Absent' && !home;
}

function goneEvent(object: RegistryReplication, row: RegionStatus): ObjectEvent {
  const locations = [row.location];
  const what = `${row.location}: ${theReplica(named(row))} is gone`;
  // The status does not record a DELETE whose response was lost, so any wanted removal counts as ours.
  const wasToGo = object.metadata.deletionTimestamp !== undefined || !row.desired;
  if ((row.state === 'Deleting' || wasToGo) && isOursToDelete(object, row))
    return { type: 'Normal', reason: 'ReplicaDeleted', action: 'Delete', note: what, locations };
  return {
    type: 'Warning',
    reason: 'ReplicaVanished',
    action: 'Look',
    note: `${what}, and the operator did not delete it`,
    locations,
  };
}

/** True if the operator may have deleted the replica. Of listed replicas it deletes only its own that were never ready. */
function isOursToDelete(
  { metadata, spec }: RegistryReplication,
  { desired, readyOnce, createdHere }: RegionStatus,
): boolean {
  if (spec.mode === 'Observe') return false;
  if (metadata.deletionTimestamp !== undefined) return true;
  return desired ? createdHere === true && !readyOnce : spec.prune !== 'Retain';
}

/** Announces delayed prunes, so that users have time to list the regions. */
function scheduleEvents({ spec, status }: RegistryReplication, { plan = [] }: Status): ObjectEvent[] {
  const isPrune = ({ action, notBefore }: PlanEntry) => action === 'delete' && notBefore !== undefined;
  const before = new Set((status?.plan ?? []).filter(isPrune).map(({ location }) => location));
  const scheduled = plan.filter((entry) => isPrune(entry) && !before.has(entry.location));
  if (spec.mode === 'Observe') return [];
  return [...Map.groupBy(scheduled, ({ notBefore }) => notBefore)].map(([notBefore, entries]) => {
    const locations = entries.map(({ location }) => location);
    const note = `${listing(entries)}: ${whyUnwanted(spec)}, pruned from ${notBefore} on. To keep the replica, list the region or set spec.prune to Retain`;
    return { type: 'Normal', reason: 'PruneScheduled', action: 'Look', note, locations };
  });
}

/**
 * Ready has become Unknown, because ARM does not answer. Throttling of a new object has no event: a thousand new objects wait
 * for ARM's rate limit, and each shows it in its status.
 */
function unknownEvents({ status }: RegistryReplication, after: Status): ObjectEvent[] {
  const [before, now] = [status, after].map((one) => findCondition(one?.conditions, 'Ready'));
  // ARM may throttle and fail in turn: one event tells the outage.
  if (now?.status !== 'Unknown' || (before?.status === 'Unknown' && before.reason !== 'Suspended')) return [];
  const { reason, message } = now;
  if (reason === 'Throttled') return before ? [{ type: 'Normal', reason, action: 'Look', note: message }] : [];
  return reason === 'AzureUnreachable' ? [{ type: 'Warning', reason, action: 'Look', note: message }] : [];
}

/** `told`: rows that another event of this pass already covers. */
function stallEvents({ status }: RegistryReplication, after: Status, told: readonly RegionStatus[]): ObjectEvent[] {
  const now = findCondition(after.conditions, 'Stalled');
  if (!now || findCondition(status?.conditions, 'Stalled')?.reason === now.reason) return [];
  const { reason, message } = now;
  const isTold = told.some((row) => row.reason === reason || (reason === 'PruneBlocked' && !row.desired));
  if (isTold) return [];
  if (reason === 'RegistryClaimed') return [{ type: 'Warning', reason, action: 'Look', note: message }];
  return [{ type: 'Warning', reason: 'Stalled', action: 'Look', note: `${reason}: ${message}` }];
}

function actionOf(action: 'create' | 'update' | 'delete'): string {
  return { create: 'Create', update: 'Update', delete: 'Delete' }[action];
}
