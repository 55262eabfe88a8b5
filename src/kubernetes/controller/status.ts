// Writes the status subresource with optimistic concurrency. A concurrent edit of the spec does not make the write fail.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import { isConflict } from '../client/errors.ts';
import { nameOf, type Resource } from '../client/resource.ts';

/** After so many conflicts the write is left to the next pass. */
const maxAttempts = 5;

/**
 * Stores `status` on the object.
 *
 * Expected flow: call it at the end of a pass, with the object that the pass worked on.
 *
 * Guarantees: when it resolves, the API server has stored the status on the object with this uid, and no status
 * of another writer was overwritten meanwhile.
 *
 * Assumptions: the status names the spec it is about (`observedGeneration`), so it stays true after an edit of spec or metadata.
 *
 * Errors: the conflict, if another status was written meanwhile, the object was recreated under its name, or conflicts outlast
 * the attempts. Otherwise the resource's error, 404 included.
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
