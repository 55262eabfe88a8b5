// Follows an object for `reconcile --wait`: what has changed since its last version, and whether the wait is over. Pure.
import { findCondition } from '../api/conditions.ts';
import type { RegistryReplication } from '../api/registryreplication.ts';

export type WaitState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ready' }
  /** The operator waits for a person. */
  | { readonly kind: 'stalled'; readonly message: string };

/** @param request The value of the annotation that requested the pass. */
export function waitStateOf(object: RegistryReplication, request: string): WaitState {
  const { status, metadata } = object;
  if (!isAcknowledged(object, request) || status?.observedGeneration !== metadata.generation)
    return { kind: 'waiting' };
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready?.status === 'True') return { kind: 'ready' };
  const stalled = findCondition(status?.conditions, 'Stalled');
  if (stalled?.status === 'True') return { kind: 'stalled', message: `${stalled.reason}: ${stalled.message}` };
  return { kind: 'waiting' };
}

/** Changes since `before`, one a line; everything that is not Ready if there was none. */
export function progressLines(
  before: RegistryReplication | undefined,
  object: RegistryReplication,
  request: string,
): string[] {
  const wasAcknowledged = before !== undefined && isAcknowledged(before, request);
  const rows = object.status?.regions ?? [];
  const stateBefore = (location: string) => before?.status?.regions?.find((row) => row.location === location)?.state;
  const gone = (before?.status?.regions ?? []).filter(({ location }) => !rows.some((row) => row.location === location));
  return [
    ...(isAcknowledged(object, request) && !wasAcknowledged ? ['the operator has handled the request'] : []),
    ...rows
      .filter(({ location, state }) => state !== stateBefore(location) && (before !== undefined || state !== 'Ready'))
      .map(({ location, state }) => `${location}: ${state}`),
    ...gone.map(({ location }) => `${location}: gone`),
  ];
}

function isAcknowledged({ status }: RegistryReplication, request: string): boolean {
  return status?.lastHandledReconcileAt === request;
}
