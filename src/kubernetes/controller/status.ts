// Writes the status subresource with optimistic concurrency; concurrent spec edits do not lose the status.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import { isConflict } from '../client/errors.ts';
import { nameOf, type Resource } from '../client/resource.ts';

/** Maximum attempts on a conflict before it is left to the next pass. */
const maxAttempts = 5;

/**
 * Stores `status` on the object.
 *
 * Expected flow: the last act of a pass, with the object that the pass worked on.
 *
 * Guarantees: when it resolves, the API server has stored the status on the object with this uid, and no status
 * of another writer was overwritten meanwhile.
 *
 * Assumptions: a status refers to the spec that it was made from (by `observedGeneration`), so an edit of spec or metadata
 * in the meantime does not make it wrong.
 *
 * Errors: the conflict, when another status was written meanwhile, the object was recreated under the same name, or
 * conflicts outlast the attempts. Otherwise the resource's error, 404 included.
 */
export async function writeStatus<T extends KubernetesObject & { status?: unknown }>(
  resource: Resource<T>,
  object: T,
  status: T['status'],
): Promise<T> {
  for (let current = object, attempt = 1; ; attempt++) {
    try {
      return await resource.replaceStatus({ ...current, status });
    } catch (error) {
      if (!isConflict(error) || attempt === maxAttempts) throw error;
      current = await resource.get(nameOf(object));
      const isSame = current.metadata?.uid === object.metadata?.uid;
      if (!isSame || !isDeepStrictEqual(current.status, object.status)) throw error;
    }
  }
}
