// Reports passes without an ARM observation: an invalid or unauthorized spec, a suspended object, or a failed read. Pure.
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
import { forceDetachHint } from './messages.ts';
import type { Reason } from './reasons.ts';
import { isoSeconds } from './regions.ts';
import type { Next, Report } from './report.ts';
import { progressPollInterval, stalledPollInterval } from './waiting.ts';

export function reportInvalid(object: RegistryReplication, problems: readonly string[], now: Date): Report {
  return { status: standstill(object, 'InvalidSpec', problems.join('; '), now), next: untilEdited(object) };
}

/** A holder is checked between edits too: it loses its claim once its namespace is denied the registry. */
function untilEdited({ status }: RegistryReplication): Next {
  return status?.claim === undefined ? 'edit' : 'drift check';
}

/** Reports that the operator or Azure denies access for this object until a user grants it. */
export function reportDenied(
  object: RegistryReplication,
  { reason, message }: { readonly reason: Reason; readonly message: string },
  now: Date,
): Report {
  return {
    status: standstill(object, reason, message + forceDetachHint(object), now),
    next: { within: untilMended(object, now) },
  };
}

/** ms */
function untilMended({ status }: RegistryReplication, now: Date): number {
  return stalledPollInterval(findCondition(status?.conditions, 'Stalled')?.lastTransitionTime, now);
}

/** Reports that another object manages the registry and shows its regions. `holder`: its namespace/name, if known. */
export function reportClaimed(object: RegistryReplication, holder: string | undefined, now: Date): Report {
  const other = holder === undefined ? 'another RegistryReplication' : `RegistryReplication ${holder}`;
  const message = `registry ${object.spec.registry.name} is managed by ${other}; this object does nothing until that one is gone. Merge the two, or delete one of them`;
  const status = standstill(
    { ...object, status: withoutRegions(object.status ?? {}) },
    'RegistryClaimed',
    message,
    now,
  );
  return { status, next: 'drift check' };
}

/** The status without regions, which belong to another object. */
export function withoutRegions(status: Status): Status {
  const { regions: _rows, plan: _plan, syncing: _syncing, readyRegions: _ready, regionList: _list, ...kept } = status;
  const conditions = kept.conditions?.filter(({ type }) => type !== 'Available');
  return { ...kept, ...(conditions && { conditions }) };
}

/**
 * Keeps the last conditions of a suspended object with the generations they were observed for. The status itself has the
 * current generation, so that kstatus does not wait forever after an edit that suspends (kustomize-controller#1737).
 * Conditions from mode Observe are dropped: they would look like the holder's.
 */
export function reportSuspended(object: RegistryReplication, now: Date): Report {
  const { conditions = [], ...rest } = object.status ?? {};
  const { generation } = object.metadata;
  const seen = rest.phase === 'Observing' && object.spec.mode !== 'Observe' ? [] : conditions;
  const kept = seen.filter(({ type }) => type === 'Ready' || type === 'Available');
  const never = {
    status: 'Unknown',
    reason: 'Suspended' satisfies Reason,
    message: 'suspended before anything was looked at',
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
  const status: Status = {
    ...rest,
    ...(generation !== undefined && { observedGeneration: generation }),
    phase: 'Suspended',
    conditions: kept.length > 0 ? kept : unknown,
  };
  return { status, next: untilEdited(object) };
}

/**
 * Reports that ARM did not return the registry for `silentFor` ms. Throttling and transient errors keep the last status for
 * `grace` ms; then Ready becomes Unknown. A refusal is reported at once.
 */
export function reportUnreachable(
  object: RegistryReplication,
  error: ArmError,
  { silentFor, grace }: { silentFor: number; grace: number },
  now: Date,
): Report {
  const { status = {} } = object;
  switch (error.kind) {
    case 'Denied':
    case 'Invalid':
      // Denied reads back off, however short the interval is.
      return { ...reportDenied(object, error, now), next: { notBefore: untilMended(object, now) } };
    case 'Throttled':
    case 'Conflict':
    case 'NotFound':
    case 'Transient': {
      const notBefore = error.retryAfter ?? progressPollInterval(isoSeconds(new Date(now.getTime() - silentFor)), now);
      const next = { notBefore };
      const known = findCondition(status.conditions, 'Ready') !== undefined;
      const phase = known && status.phase !== 'Suspended' ? status.phase : phaseOf(object, 'Pending');
      const last = { ...status, ...(phase && { phase }) };
      if (known && silentFor < grace) return { status: last, next };
      const { reason, message } = error;
      const conditions = unlooked(object, [{ type: 'Ready', status: 'Unknown', reason, message }], now);
      return { status: { ...last, conditions }, next };
    }
    default:
      return error.kind satisfies never;
  }
}

/** The status of an object that is stalled until a user acts. */
function standstill(object: RegistryReplication, reason: Reason, message: string, now: Date): Status {
  const { status = {}, metadata } = object;
  const statements: [Statement, ...Statement[]] = [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
  ];
  return {
    ...status,
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    ...handled(object),
    phase: phaseOf(object, 'Failed'),
    conditions: unlooked(object, statements, now),
  };
}

/** Adds the last Available condition, with the generation it was observed for, to the statements. */
function unlooked(
  { status, metadata }: RegistryReplication,
  statements: readonly [Statement, ...Statement[]],
  now: Date,
): Condition[] {
  const before = status?.conditions ?? [];
  const [ready, ...rest] = stateConditions(before, statements, metadata.generation, isoSeconds(now));
  const available = findCondition(before, 'Available');
  const { reason } = statements[0];
  const message = 'no region has been looked at yet; the message of Ready says why';
  const never: Statement = { type: 'Available', status: 'Unknown', reason, message };
  return [
    ...(ready ? [ready] : []),
    ...(available ? [available] : stateConditions([], [never], metadata.generation, isoSeconds(now))),
    ...rest,
  ];
}

function handled({ metadata }: RegistryReplication): Pick<Status, 'lastHandledReconcileAt'> {
  const requested = metadata.annotations?.[annotation.reconcileRequestedAt];
  return requested === undefined ? {} : { lastHandledReconcileAt: requested };
}

function phaseOf({ metadata, spec }: RegistryReplication, phase: Phase): Phase {
  if (metadata.deletionTimestamp !== undefined) return 'Deleting';
  return spec.mode === 'Observe' ? 'Observing' : phase;
}
