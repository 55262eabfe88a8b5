// Reads annotations of an object that the operator does not own, such as a Namespace. A refusal of the API server is a result, not
// an error: it is shown to the user who must grant access.
import type { KubernetesObject } from '@kubernetes/client-node';
import { explain, isForbidden, isMissing, isTerminatingNamespace } from './errors.ts';

export interface Refused {
  /** The object is missing, access is denied, or its namespace is being deleted. */
  readonly refused: 'missing' | 'forbidden' | 'terminating';
  /** The API server's message in one line. */
  readonly words: string;
}

export type Annotations =
  | {
      readonly annotations: Readonly<Record<string, string>>;
      /** Changes when the object is deleted and recreated. */
      readonly uid: string;
    }
  | Refused;

/** Returns the API server's refusal as a value; rejects with any other error. */
export async function unlessRefused<T>(answer: Promise<T>): Promise<T | Refused> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return { refused: 'missing', words: explain(error) };
    if (isTerminatingNamespace(error)) return { refused: 'terminating', words: explain(error) };
    if (isForbidden(error)) return { refused: 'forbidden', words: explain(error) };
    throw error;
  }
}

/** @param names The annotations to keep; an object may have 256 KiB of others. */
export async function annotationsOf(answer: Promise<KubernetesObject>, names: readonly string[]): Promise<Annotations> {
  const object = await unlessRefused(answer);
  if ('refused' in object) return object;
  const { annotations = {}, uid = '' } = object.metadata ?? {};
  const kept = names.flatMap((name) => {
    const value = annotations[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { annotations: Object.fromEntries(kept), uid };
}
