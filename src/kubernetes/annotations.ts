// The annotations that the operator reads of an object of others, such as a Namespace, or why the API server refuses them.
import type { KubernetesObject } from '@kubernetes/client-node';
import { explain, isForbidden, isMissing, isTerminatingNamespace } from './errors.ts';

export interface Refused {
  /** It is not there, the operator has no right to it, or its namespace is being deleted. */
  readonly refused: 'missing' | 'forbidden' | 'terminating';
  /** The API server's, in one line. */
  readonly words: string;
}

export type Annotations =
  | {
      readonly annotations: Readonly<Record<string, string>>;
      /** Of the object: one that was deleted and made again has another. */
      readonly uid: string;
    }
  | Refused;

/** The API server's refusal as a value; anything else rejects as the request did. */
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

/** @param names The annotations to keep; all of them may be 256 KiB an object. */
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
