// Adds and removes the operator's finalizer, which keeps a deleted object until its cleanup is done. Writes only metadata.finalizers.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { PatchOperation } from '../../lib/json-patch.ts';
import { isMissing, isPatchRefused, ObjectChanged } from '../client/errors.ts';
import { nameOf, type Resource } from '../client/resource.ts';

/** After so many conflicts the write is left to the next pass. */
const maxAttempts = 5;

export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata?.finalizers?.includes(finalizer) ?? false;
}

/**
 * Adds our finalizer to the object.
 *
 * Expected flow: call it before the first external effect that a deletion must undo, and continue with the object that it resolves
 * to.
 *
 * Guarantees: when it resolves, the API server has stored the finalizer on the object with this uid, and no finalizer of
 * another controller was lost in concurrent writes. No request is sent for an object that has the finalizer already.
 *
 * Assumptions: `object` may be older than the server's version; then it is read again, up to 5 times.
 *
 * Errors: ObjectChanged when the object is being deleted (the API server takes no new finalizers then) or was
 * recreated under its name, or when conflicts outlast the attempts. Otherwise the resource's error, 404 included.
 */
export async function addFinalizer<T extends KubernetesObject>(
  resource: Resource<T>,
  object: T,
  finalizer: string,
): Promise<T> {
  return patchWithRetry(resource, object, (current) => {
    if (hasFinalizer(current, finalizer)) return undefined;
    if (current.metadata?.deletionTimestamp) throw new ObjectChanged(`${describe(current)} is being deleted`);
    if (current.metadata?.uid !== object.metadata?.uid) throw new ObjectChanged(`${describe(current)} was recreated`);
    return current.metadata?.finalizers?.length
      ? [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }]
      : [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }];
  });
}

/**
 * Removes our finalizer from the object.
 *
 * Expected flow: call it at the end of the last pass, when no external effect is left to undo.
 *
 * Guarantees: when it resolves, the object with this uid does not have our finalizer, or is gone (then it resolves to undefined). No
 * finalizer of another controller was changed.
 *
 * Assumptions: as for {@link addFinalizer}.
 *
 * Errors: ObjectChanged when conflicts outlast the attempts; otherwise the resource's error.
 */
export async function removeFinalizer<T extends KubernetesObject>(
  resource: Resource<T>,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  try {
    return await patchWithRetry(resource, object, (current) => {
      if (current.metadata?.uid !== object.metadata?.uid) throw new Recreated();
      const index = current.metadata?.finalizers?.indexOf(finalizer) ?? -1;
      return index < 0 ? undefined : [{ op: 'remove', path: `/metadata/finalizers/${index}` }];
    });
  } catch (error) {
    if (error instanceof Recreated || isMissing(error)) return undefined;
    throw error;
  }
}

class Recreated extends Error {}

/** Patches the object; after a conflict, `change` is called with the new version. It returns undefined if nothing is to change. */
async function patchWithRetry<T extends KubernetesObject>(
  resource: Resource<T>,
  object: T,
  change: (current: T) => PatchOperation[] | undefined,
): Promise<T> {
  const name = nameOf(object);
  let current = object;
  for (let attempt = 1; ; attempt++) {
    const operations = change(current);
    if (!operations) return current;
    try {
      return await resource.patch(name, [...preconditions(current), ...operations]);
    } catch (error) {
      if (!isPatchRefused(error)) throw error;
      const previous = current;
      current = await resource.get(name);
      // The object is unchanged, so the refusal was not a conflict and a retry would not help.
      if (current.metadata?.resourceVersion === previous.metadata?.resourceVersion) throw error;
      if (attempt === maxAttempts) throw new ObjectChanged(`${describe(object)} keeps being changed by others`);
    }
  }
}

/**
 * Limits the patch to this object and to its finalizers as read. JSON Patch cannot test that there are none (servers differ on whether
 * a missing member equals null), so the resourceVersion is tested then.
 */
function preconditions({ metadata }: KubernetesObject): PatchOperation[] {
  const finalizers = metadata?.finalizers;
  return [
    { op: 'test', path: '/metadata/uid', value: metadata?.uid },
    finalizers?.length
      ? { op: 'test', path: '/metadata/finalizers', value: finalizers }
      : { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
  ];
}

function describe({ kind = 'The object', metadata }: KubernetesObject): string {
  return `${kind} ${metadata?.namespace}/${metadata?.name}`;
}
