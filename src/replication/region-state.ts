// The state of one region, from the object, the last status and what ARM returned. Pure.
import {
  annotation,
  type RegionSpec,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
  type Status,
} from '../api/registryreplication.ts';
import type { ArmError, Registry, Replica } from '../azure/arm.ts';

/**
 * For this many ms after a write, ARM may still return the old state: 404 after a PUT, Succeeded after a DELETE (seen by
 * Terraform's and Crossplane's providers, which wait for it too).
 */
const eventualConsistencyMs = 60_000;

export interface StateEvidence {
  readonly object: RegistryReplication;
  readonly spec: RegionSpec | undefined;
  readonly replica: Replica | undefined;
  readonly previous: RegionStatus | undefined;
  readonly home: boolean;
  readonly registry: Registry | undefined;
  readonly failedGet: ArmError | undefined;
  readonly now: Date;
}

export function stateOf({
  object,
  spec,
  replica,
  previous,
  home,
  registry,
  failedGet,
  now,
}: StateEvidence): RegionState {
  const justNow =
    previous?.since !== undefined && Math.abs(now.getTime() - Date.parse(previous.since)) < eventualConsistencyMs;
  // LIST is no substitute for a failed GET: the last known state stays.
  if (failedGet) return previous?.state ?? (replica ? 'Updating' : 'Absent');
  if (!replica) {
    if (home) return says(registry?.provisioningState, 'Succeeded') ? 'Ready' : 'Updating';
    if (!isKept(object, spec) && mayHaveBegun(object, previous)) return 'Creating';
    // A reconcile request skips the wait, because the only possible next step is another creation.
    const isHurried = spec !== undefined && isKept(object, spec) && isLookRequested(object);
    return previous?.state === 'Creating' && justNow && !isHurried ? 'Creating' : 'Absent';
  }
  // A replica that is Creating was created after the deletion.
  if (previous?.state === 'Deleting' && justNow && !says(replica.provisioningState, 'Creating')) return 'Deleting';
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

/** True if the replica, present or coming, is meant to stay. */
function isKept({ metadata, spec }: RegistryReplication, region: RegionSpec | undefined): boolean {
  return metadata.deletionTimestamp === undefined && (region !== undefined || spec.prune === 'Retain');
}

/**
 * True if ARM may have accepted a creation that the status does not show: the operator was killed, or the response was lost.
 * `createdAt` is stored before the PUT and removed when ARM refuses it.
 */
function mayHaveBegun({ spec }: RegistryReplication, previous: RegionStatus | undefined): boolean {
  return spec.mode !== 'Observe' && previous?.state === 'Absent' && previous.createdAt !== undefined;
}

/** True if the user requests a retry, by a spec edit or a new reconcile request: both reset every backoff. */
export function isRetryRequested(object: RegistryReplication): boolean {
  const { metadata, status } = object;
  return status?.observedGeneration !== metadata.generation || isLookRequested(object);
}

/** True if a reconcile request is not handled yet. */
function isLookRequested({ metadata, status }: RegistryReplication): boolean {
  return metadata.annotations?.[annotation.reconcileRequestedAt] !== status?.lastHandledReconcileAt;
}

/** True if ACR reports the content as synchronized. */
export function isSynchronized({ displayStatus }: Replica): boolean {
  return says(displayStatus, 'Ready');
}

/** Compares ARM's words, whose case varies. */
export function says(word: string | undefined, expected: string): boolean {
  return word?.toLowerCase() === expected.toLowerCase();
}

/** True if no replica in the status is in motion or synchronizing. */
export function isAtRest(status: Status | undefined): boolean {
  const states: readonly RegionState[] = ['Absent', 'Ready', 'Failed'];
  return status?.regions?.every(({ state }) => states.includes(state)) ?? true;
}
