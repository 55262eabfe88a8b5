// Patches an object only if its spec is still the one that the patch was made for.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { PatchOperation } from '../../lib/json-patch.ts';
import { isPatchRefused } from './errors.ts';

/** Identifies one version of one object's spec. A new status changes neither. */
export interface SpecVersion {
  readonly uid?: string;
  readonly generation?: number;
}

/** The requests for one object; they reject as client-node does. */
export interface PatchTarget<T> {
  get(): Promise<T>;
  patch(operations: readonly PatchOperation[]): Promise<T>;
}

/** Resolves to the object as stored; to undefined if the spec was edited since `base`, or if another object has the name now. */
export async function patchUnlessEdited<T extends KubernetesObject>(
  target: PatchTarget<T>,
  base: SpecVersion,
  operations: readonly PatchOperation[],
): Promise<T | undefined> {
  const tests: PatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: base.uid },
    { op: 'test', path: '/metadata/generation', value: base.generation },
  ];
  try {
    return await target.patch([...tests, ...operations]);
  } catch (error) {
    // The API server has one code for a failed test and for an invalid spec.
    if (isPatchRefused(error) && !hasSpecVersion(await target.get(), base)) return undefined;
    throw error;
  }
}

export function hasSpecVersion({ metadata }: KubernetesObject, { uid, generation }: SpecVersion): boolean {
  return metadata?.uid === uid && metadata?.generation === generation;
}
