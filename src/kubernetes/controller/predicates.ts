// Decides which changes of an informer need a pass, and enqueues them with a priority.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Change } from '../cache/reflector.ts';
import { namespacedName } from '../client/resource.ts';
import type { WorkQueue } from './workqueue.ts';

/** Returns a handler for an informer's `onChange`. Watch events get a higher priority than objects of a LIST. */
export function enqueueRequests<T extends KubernetesObject>(
  queue: WorkQueue,
  finalizer: string,
): (change: Change<T>) => void {
  return (change) => {
    const previous = change.type === 'updated' ? change.previous : undefined;
    if (change.type !== 'deleted' && !shouldReconcile(previous, change.object, finalizer)) return;
    queue.add(namespacedName(change.object), change.source === 'watch' ? 'high' : 'low');
  };
}

/**
 * True if the object is new (or recreated under its name), is being deleted, has lost this finalizer, or has a changed spec or
 * annotation (the informer drops all that the operator does not read). False for a status write: if the kind has a status
 * subresource, the API server raises `generation` only with the spec.
 */
export function shouldReconcile(
  previous: KubernetesObject | undefined,
  current: KubernetesObject,
  finalizer: string,
): boolean {
  const [before, now] = [previous?.metadata, current.metadata];
  return (
    before?.uid !== now?.uid ||
    before?.generation !== now?.generation ||
    !before?.deletionTimestamp !== !now?.deletionTimestamp ||
    (before?.finalizers?.includes(finalizer) && !now?.finalizers?.includes(finalizer)) ||
    !isDeepStrictEqual(before?.annotations ?? {}, now?.annotations ?? {})
  );
}
