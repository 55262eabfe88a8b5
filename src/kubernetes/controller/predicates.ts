// Filters an informer's changes and enqueues those that need a pass, with their priority.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Change } from '../cache/reflector.ts';
import { namespacedName } from '../client/resource.ts';
import type { WorkQueue } from './workqueue.ts';

/** For an informer's `changed`: watch events go before objects from a LIST. `finalizer` is the operator's. */
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
 * True when the object is new (or recreated under its name), being deleted, has lost this finalizer, or changed in its spec or
 * in an annotation that the operator reads (the informer drops all others). A status write changes none of these: the API server
 * raises `generation` with the spec only, where the kind has a status subresource.
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
