// The annotations of an object that somebody else keeps, and that tell us what we may do; or why they cannot be had.
import type { KubernetesObject } from '@kubernetes/client-node';
import { explain, isForbidden, isMissing, isTerminatingNamespace } from './errors.ts';

export interface Refused {
  /** It is not there, the operator has no right to it, or its namespace is being deleted. */
  readonly refused: 'missing' | 'forbidden' | 'terminating';
  /** The API server's, in one line. */
  readonly words: string;
}

export type Annotations = { readonly annotations: Readonly<Record<string, string>> } | Refused;

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

export async function annotationsOf(answer: Promise<KubernetesObject>): Promise<Annotations> {
  const object = await unlessRefused(answer);
  return 'refused' in object ? object : { annotations: object.metadata?.annotations ?? {} };
}
