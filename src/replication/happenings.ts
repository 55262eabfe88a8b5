// What is worth an event: transitions between two statuses and what was done, never the passes themselves. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegionStatus, RegistryReplication, Status } from '../api/registryreplication.ts';
import type { Step } from './plan.ts';
import type { Result } from './report.ts';

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What the operator was doing, in the words of events.k8s.io: a verb in upper camel case. */
  readonly action: string;
  readonly note: string;
}

export function happeningsOf(object: RegistryReplication, after: Status, results: readonly Result[]): Happening[] {
  const before = new Map((object.status?.regions ?? []).map((row) => [row.location, row]));
  const rows = after.regions ?? [];
  const gone = [...before.values()].filter(({ location }) => !rows.some((row) => row.location === location));
  return [
    ...results.flatMap((result) => ofResult(result, before.get(result.step.location), isDrift(object, result.step))),
    ...rows.flatMap((row) => ofRow(row, before.get(row.location))),
    ...gone.filter(wasThere).map(deleted),
    ...ofStall(object, after),
  ];
}

/** The last words on an object that goes, because its replicas are gone. */
export function happeningsOnRelease({ status }: RegistryReplication): Happening[] {
  return (status?.regions ?? []).filter((row) => row.state === 'Deleting').map(deleted);
}

/** The last words on an object that goes and leaves its replicas as they are. */
export function happeningOnLetGo({ status }: RegistryReplication, why: string): Happening {
  const left = (status?.regions ?? []).filter(wasThere).map(({ location }) => location);
  const what = left.length > 0 ? `its replicas stay in Azure: ${left.join(', ')}` : 'nothing is changed in Azure';
  return { type: 'Normal', reason: 'LetGo', action: 'Release', note: `deleted while ${why}; ${what}` };
}

/** A step that no edit asked for, that was not planned before, in a region that had been as asked. */
export function isDrift({ status, metadata }: RegistryReplication, { action, location }: Step): boolean {
  const before = status?.regions?.find((row) => row.location === location);
  const planned = status?.plan?.some((entry) => entry.location === location) ?? false;
  const edited = status?.observedGeneration !== metadata.generation;
  return (
    action !== 'delete' &&
    !edited &&
    !planned &&
    before?.desired === true &&
    before.readyOnce === true &&
    !before.reason
  );
}

function ofResult({ step, answer }: Result, before: RegionStatus | undefined, isDrift: boolean): Happening[] {
  const { location, name } = step;
  if ('error' in answer) {
    // ARM's budget being spent is nobody's failure, and before the next refusal nothing has changed.
    if (answer.error.kind === 'Throttled' || before?.reason === answer.error.reason) return [];
    return [
      {
        type: 'Warning',
        reason: answer.error.reason,
        action: actionOf(step.action),
        note: `${location}: ${answer.error.message}`,
      },
    ];
  }
  const corrected: Happening[] = isDrift
    ? [
        {
          type: 'Normal',
          reason: 'DriftCorrected',
          action: actionOf(step.action),
          note: `${location} had been ${step.action === 'create' ? 'deleted' : 'changed'} in Azure by others: ${step.message}`,
        },
      ]
    : [];
  switch (step.action) {
    case 'create':
      return [
        ...corrected,
        {
          type: 'Normal',
          reason: 'ReplicaCreating',
          action: 'Create',
          note: `creating replica ${name} in ${location}`,
        },
      ];
    case 'update': {
      const reason = step.change.routing === undefined ? 'TagsChanged' : 'RoutingChanged';
      return [...corrected, { type: 'Normal', reason, action: 'Update', note: `${location}: ${step.message}` }];
    }
    case 'delete':
      return [{ type: 'Normal', reason: 'ReplicaDeleting', action: 'Delete', note: `${location}: ${step.message}` }];
    default:
      return step satisfies never;
  }
}

function ofRow(row: RegionStatus, before: RegionStatus | undefined): Happening[] {
  const { location, state, replica, message, desired, home } = row;
  if (before?.state === state) {
    if (state !== 'Syncing' || !message || before.message) return [];
    return [{ type: 'Normal', reason: 'SyncingForLong', action: 'Look', note: `${location} ${message}` }];
  }
  if (state === 'Failed')
    return [{ type: 'Warning', reason: 'ReplicaFailed', action: 'Look', note: message ?? `${location} is Failed` }];
  if (state === 'Ready' && desired && !home && before?.state !== 'Updating')
    return [
      {
        type: 'Normal',
        reason: 'ReplicaReady',
        action: 'Look',
        note: `replica ${replica ?? location} in ${location} is ready`,
      },
    ];
  if (state === 'Absent' && before && wasThere(before)) return [deleted(before)];
  return [];
}

function wasThere({ state, home }: RegionStatus): boolean {
  return state !== 'Absent' && !home;
}

function deleted({ location, replica, state }: RegionStatus): Happening {
  const name = replica ?? location;
  if (state === 'Deleting')
    return {
      type: 'Normal',
      reason: 'ReplicaDeleted',
      action: 'Delete',
      note: `replica ${name} in ${location} is gone`,
    };
  return {
    type: 'Warning',
    reason: 'ReplicaVanished',
    action: 'Look',
    note: `replica ${name} in ${location} is gone, and the operator did not delete it`,
  };
}

function ofStall({ status }: RegistryReplication, after: Status): Happening[] {
  const now = findCondition(after.conditions, 'Stalled');
  if (!now || findCondition(status?.conditions, 'Stalled')?.reason === now.reason) return [];
  const reason = now.reason === 'RegistryClaimed' ? now.reason : 'Stalled';
  return [{ type: 'Warning', reason, action: 'Look', note: `${now.reason}: ${now.message}` }];
}

function actionOf(action: 'create' | 'update' | 'delete'): string {
  return { create: 'Create', update: 'Update', delete: 'Delete' }[action];
}
