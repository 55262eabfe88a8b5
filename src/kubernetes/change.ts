// Whether a change of an object is worth a pass. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';

/**
 * True when the object is new (or made again under its name), being deleted, or changed in its spec, its annotations or
 * its labels. A status write moves none of these: the API server raises `generation` with the spec only, where the kind
 * has a status subresource.
 */
export function isWorthAPass(previous: KubernetesObject | undefined, current: KubernetesObject): boolean {
  const [before, now] = [previous?.metadata, current.metadata];
  return (
    before?.uid !== now?.uid ||
    before?.generation !== now?.generation ||
    !before?.deletionTimestamp !== !now?.deletionTimestamp ||
    !isDeepStrictEqual(before?.annotations ?? {}, now?.annotations ?? {}) ||
    !isDeepStrictEqual(before?.labels ?? {}, now?.labels ?? {})
  );
}
