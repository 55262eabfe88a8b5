// Adds and removes the operator's finalizer, which keeps an object until cleanup is done. It writes only
// metadata.finalizers.
import type { KubernetesObject } from '@kubernetes/client-node';
import { isMissing, isPatchRefused, ObjectChanged } from '../client/errors.ts';
import { nameOf, type PatchOperation, type Resource } from '../client/resource.ts';

/** Maximum attempts on a conflict before it is left to the next pass. */
const maxAttempts = 5;

export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata?.finalizers?.includes(finalizer) ?? false;
}

/**
 * Adds our finalizer to the object.
 *
 * Expected flow: call it before the first external effect that a deletion must undo, and continue with the object it resolves
 * to.
 *
 * Guarantees: when it resolves, the API server has stored the finalizer on the object with this uid, and no finalizer of
 * another controller was lost in concurrent writes. An object that has it already costs no request.
 *
 * Assumptions: `object` may be older than what the server has; then it is read again, up to 5 times.
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
    if (current.metadata?.uid !== object.metadata?.uid) throw new ObjectChanged(`${describe(current)} was made anew`);
    return current.metadata?.finalizers?.length
      ? [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }]
      : [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }];
  });
}

/**
 * Removes our finalizer from the object.
 *
 * Expected flow: call it once no external effect is left to undo, at the end of the last pass.
 *
 * Guarantees: when it resolves, the object with this uid does not carry our finalizer: it was taken off, was not there, or
 * the object is gone (then it resolves to undefined). No finalizer of another controller was touched.
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

/** Patches the object as `change` says, each time it is seen anew; undefined means that there is nothing to change. */
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
      const seen = current;
      current = await resource.get(name);
      // The object is unchanged: the refusal was no conflict, and a retry would not help.
      if (current.metadata?.resourceVersion === seen.metadata?.resourceVersion) throw error;
      if (attempt === maxAttempts) throw new ObjectChanged(`${describe(object)} is changed by others all the time`);
    }
  }
}

/**
 * The patch holds only for this very object and for its finalizers as read. "Has none" cannot be tested for (servers
 * differ on whether a missing member equals null), so there the whole version is.
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
