// Builds the status of passes that did not observe ARM: an invalid or unauthorized spec, a suspended object, or a failed read. Pure.
// The last observation stays in the status, so that a short outage does not make a healthy object look unhealthy.
import { findCondition, type Statement, stateConditions } from '../api/conditions.ts';
import {
  annotation,
  type Condition,
  type Phase,
  type RegistryReplication,
  type Status,
} from '../api/registryreplication.ts';
import type { ArmError } from '../azure/arm.ts';
import { isoSeconds, timeOfDay } from '../lib/clock.ts';
import { stalledPollInterval, unansweredRetryInterval } from './backoff.ts';
import { columnsOfEdit, messageColumn, readyColumnOfEdit } from './columns.ts';
import { forceDetachHint, withClause } from './messages.ts';
import { describeWeight } from './object-weight.ts';
import type { Reason } from './reasons.ts';
import type { Requeue } from './requeue.ts';
import type { Report } from './status.ts';

export function reportInvalid(object: RegistryReplication, problems: readonly string[], now: Date): Report {
  return { status: stalledStatus(object, 'InvalidSpec', problems.join('; '), now), requeue: untilEdited(object) };
}

/** A holder is checked between edits too: it loses its claim once its namespace is denied the registry. */
function untilEdited({ status }: RegistryReplication): Requeue {
  return { kind: status?.claim === undefined ? 'edit' : 'driftCheck' };
}

/** Reports that the operator has no room for the object, and ends its claim. Once there is room, its key is queued. */
export function reportTooMany(object: RegistryReplication, maxObjects: number, now: Date): Report {
  const { namespace } = object.metadata;
  const message = `the operator works on at most ${maxObjects} objects (--max-objects)${describeWeight(object)}, and on this one when others are gone; one namespace has at most three quarters of the room that others leave. Delete objects of namespace ${namespace} that are not needed, or ask an administrator to raise --max-objects and the memory limit`;
  return { status: stalledStatus(object, 'TooManyObjects', message, now), requeue: { kind: 'edit' } };
}

/**
 * What the status says of the operator's room for the object. An object that a pass has worked on once keeps its place, whatever the
 * limit is: it may hold replicas.
 */
export function admissionHistory({ metadata, status }: RegistryReplication): {
  readonly isIncumbent: boolean;
  readonly isReported: boolean;
} {
  const reason = reasonOfReady(status);
  const isRefused = reason === 'TooManyObjects';
  const isSettled = metadata.deletionTimestamp === undefined && status?.observedGeneration === metadata.generation;
  return {
    isIncumbent: status?.claim !== undefined || (reason !== undefined && !isRefused),
    isReported: isRefused && isSettled,
  };
}

function reasonOfReady(status: Status | undefined): string | undefined {
  return findCondition(status?.conditions, 'Ready')?.reason;
}

/** Reports that the operator or Azure denies access for this object until a user grants it. */
export function reportDenied(
  object: RegistryReplication,
  { reason, message }: { readonly reason: Reason; readonly message: string },
  now: Date,
): Report {
  return {
    status: stalledStatus(object, reason, message + forceDetachHint(object), now),
    requeue: { kind: 'within', ms: retryMs(object, now) },
  };
}

function retryMs({ status }: RegistryReplication, now: Date): number {
  return stalledPollInterval(findCondition(status?.conditions, 'Stalled')?.lastTransitionTime, now);
}

/** Reports that another object manages the registry and shows its regions. `holder`: its namespace/name, if known. */
export function reportClaimed(object: RegistryReplication, holder: string | undefined, now: Date): Report {
  const other = holder === undefined ? 'another RegistryReplication' : `RegistryReplication ${holder}`;
  const message = `registry ${object.spec.registry.name} is managed by ${other}; this object does nothing until that one is gone. Merge the two, or delete one of them`;
  const status = stalledStatus(
    { ...object, status: withoutRegions(object.status ?? {}) },
    'RegistryClaimed',
    message,
    now,
  );
  return { status, requeue: { kind: 'driftCheck' } };
}

/** The status without regions, which belong to another object. */
export function withoutRegions(status: Status): Status {
  const { regions: _rows, plan: _plan, readyRegions: _ready, regionList: _list, ...kept } = withoutSyncing(status);
  const conditions = kept.conditions?.filter(({ type }) => type !== 'Available');
  return { ...kept, ...(conditions && { conditions }) };
}

/** Without the SYNCING column, which would stay as it is while no pass observes ARM. */
function withoutSyncing({ syncing: _, ...status }: Status): Status {
  return status;
}

/**
 * Keeps the last conditions of a suspended object with the generations they were observed for. The status itself has the
 * current generation, so that kstatus does not wait forever after an edit that suspends (kustomize-controller#1737).
 * Conditions from mode Observe are dropped, which would look like the holder's, and that there was no room for the object.
 */
export function reportSuspended(object: RegistryReplication, now: Date): Report {
  const { conditions = [], message: _, ...rest } = withoutSyncing(object.status ?? {});
  const { generation } = object.metadata;
  const isForeign =
    (rest.phase === 'Observing' && object.spec.mode !== 'Observe') || reasonOfReady(object.status) === 'TooManyObjects';
  const seen = isForeign ? [] : conditions;
  const kept = seen.filter(({ type }) => type === 'Ready' || type === 'Available');
  const never = {
    status: 'Unknown',
    reason: 'Suspended' satisfies Reason,
    message: 'suspended before the first look at Azure; set spec.suspend to false to go on',
  } as const;
  const unknown = stateConditions(
    [],
    [
      { type: 'Ready', ...never },
      { type: 'Available', ...never },
    ],
    generation,
    isoSeconds(now),
  );
  const shown = kept.length > 0 ? kept : unknown;
  const status: Status = {
    ...rest,
    ...(generation !== undefined && { observedGeneration: generation }),
    phase: 'Suspended',
    ...messageColumn(shown),
    conditions: shown,
  };
  return { status, requeue: untilEdited(object) };
}

/** Minimum ms without an answer from ARM before Ready becomes Unknown. */
const minGraceMs = 15 * 60_000;

/**
 * Reports that ARM did not return the registry for `silentForMs`. Throttling and transient errors keep the last status of an
 * unedited object for three intervals, at least 15 minutes. Then Ready becomes Unknown, as it does at once for a new or edited
 * object, whose last status does not answer its spec. A refusal is reported at once.
 *
 * An outage costs an object two status writes at most, however long it lasts: what was reported first stays, but for the step from
 * `Throttled` to `AzureUnreachable`, and no message has the time of the next attempt.
 */
export function reportUnreachable(
  object: RegistryReplication,
  error: ArmError,
  silentForMs: number,
  intervalMs: number,
  now: Date,
): Report {
  const { status = {}, metadata } = object;
  // Denied reads back off, however short the interval is.
  if (error.kind === 'Denied' || error.kind === 'Invalid')
    return { ...reportDenied(object, error, now), requeue: { kind: 'notBefore', ms: retryMs(object, now) } };
  const silentSince = isoSeconds(new Date(now.getTime() - silentForMs));
  const ms = error.retryAfter ?? unansweredRetryInterval(silentSince, now);
  const requeue: Requeue = { kind: 'notBefore', ms };
  if (isReported(object, error.reason)) return { status, requeue };
  if (isNew(status)) {
    const message = error.kind === 'NotSent' ? error.message : withClause(error.message, 'it is tried again by itself');
    return { status: unknownStatus(object, 'Pending', error.reason, message, now), requeue };
  }
  if (status.observedGeneration !== metadata.generation) {
    const clause = `edit not observed since ${timeOfDay(silentSince, now)}, it is tried again by itself`;
    const message = withClause(error.message, clause);
    const last = withoutSyncing(unknownStatus(object, 'Syncing', error.reason, message, now));
    return { status: { ...last, ...columnsOfEdit(object) }, requeue };
  }
  if (silentForMs < Math.max(minGraceMs, 3 * intervalMs)) return { status, requeue };
  const message = withClause(error.message, `not observed since ${timeOfDay(silentSince, now)}`);
  const phase = status.phase === 'Ready' ? 'Pending' : (status.phase ?? 'Pending');
  return { status: unknownStatus(object, phase, error.reason, message, now), requeue };
}

/** Whether the status says it for this generation. In an outage 503 and 429 alternate; `AzureUnreachable` says more than `Throttled`. */
function isReported({ status, metadata }: RegistryReplication, reason: Reason): boolean {
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready?.status !== 'Unknown' || ready.observedGeneration !== metadata.generation) return false;
  return ready.reason === reason || (ready.reason === 'AzureUnreachable' && reason === 'Throttled');
}

/** True before the first answer: the CRD's default generation is -1. A claim that another object held until now says nothing about this one. */
function isNew(status: Status): boolean {
  const reason = reasonOfReady(status);
  const { observedGeneration = -1 } = status;
  return reason === undefined || reason === 'RegistryClaimed' || reason === 'TooManyObjects' || observedGeneration < 0;
}

/** The last status with Ready Unknown. The observed generation stays: the next pass must treat the edit as new. */
function unknownStatus(object: RegistryReplication, phase: Phase, reason: Reason, message: string, now: Date): Status {
  const isReconciling =
    object.spec.mode !== 'Observe' &&
    (phase === 'Syncing' || object.status?.observedGeneration !== object.metadata.generation);
  const statements: [Statement, ...Statement[]] = [
    { type: 'Ready', status: 'Unknown', reason, message },
    ...(isReconciling ? [{ type: 'Reconciling', status: 'True', reason, message } as const] : []),
  ];
  const conditions = conditionsUnobserved(object, statements, now);
  return { ...object.status, phase: phaseOf(object, phase), ...messageColumn(conditions), conditions };
}

/** The status of an object that is stalled until a user acts. */
function stalledStatus(object: RegistryReplication, reason: Reason, message: string, now: Date): Status {
  const { status = {}, metadata } = object;
  const statements: [Statement, ...Statement[]] = [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
  ];
  const conditions = conditionsUnobserved(object, statements, now);
  return {
    ...withoutSyncing(status),
    ...readyColumnOfEdit(object),
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    ...handledRequest(object),
    phase: phaseOf(object, 'Failed'),
    ...messageColumn(conditions),
    conditions,
  };
}

/** Adds the last Available condition, with the generation it was observed for, to the statements. */
function conditionsUnobserved(
  { status, metadata }: RegistryReplication,
  statements: readonly [Statement, ...Statement[]],
  now: Date,
): Condition[] {
  const before = status?.conditions ?? [];
  const [ready, ...rest] = stateConditions(before, statements, metadata.generation, isoSeconds(now));
  const available = findCondition(before, 'Available');
  const { reason } = statements[0];
  const message = 'no region observed yet; the message of Ready says why';
  const never: Statement = { type: 'Available', status: 'Unknown', reason, message };
  return [
    ...(ready ? [ready] : []),
    ...(available ? [available] : stateConditions([], [never], metadata.generation, isoSeconds(now))),
    ...rest,
  ];
}

function handledRequest({ metadata }: RegistryReplication): Pick<Status, 'lastHandledReconcileAt'> {
  const requested = metadata.annotations?.[annotation.reconcileRequestedAt];
  return requested === undefined ? {} : { lastHandledReconcileAt: requested };
}

function phaseOf({ metadata, spec }: RegistryReplication, phase: Phase): Phase {
  if (metadata.deletionTimestamp !== undefined) return 'Deleting';
  return spec.mode === 'Observe' ? 'Observing' : phase;
}
