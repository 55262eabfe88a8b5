// What to read of the objects of one kind: which of them, and which of their fields. Pure.
import type { KubernetesObject } from '@kubernetes/client-node';
import { sanitize } from '../../lib/sanitize.ts';
import { type GroupVersion, parseApiVersion } from '../client/discovery.ts';
import { compileJsonPath, JsonPathError } from '../client/json-path.ts';
import { type LabelSelector, matchesSelector, selectorProblem } from '../client/label-selector.ts';

export interface ValueQuery {
  readonly apiVersion: string;
  readonly kind: string;
  /** Of the follower. Objects of a namespaced kind are read in this namespace only. */
  readonly namespace: string;
  readonly selector?: LabelSelector;
  /** kubectl's JSONPath. */
  readonly path: string;
}

export interface CompiledQuery extends GroupVersion {
  /** `MemberCluster (cluster.kubernetes-fleet.io/v1)`: for messages, and one for each kind. */
  readonly kindLabel: string;
  readonly kind: string;
  readonly namespace: string;
  readonly readsOnlyMetadata: boolean;
  readonly path: string;
  /** Queries of one kind with equal questions have equal answers where they read the same objects. */
  readonly question: string;
  selects(object: KubernetesObject): boolean;
  /** The values at the path, whether the object is selected or not. */
  valuesOf(object: KubernetesObject): readonly string[];
}

const maxProblemChars = 300;

/** Equal queries have equal keys. */
export function keyOf({ apiVersion, kind, namespace, selector, path }: ValueQuery): string {
  return JSON.stringify([apiVersion, kind, namespace, path, selector]);
}

export function compileQuery(query: ValueQuery): CompiledQuery | { readonly problem: string } {
  const { apiVersion, kind, namespace, selector = {}, path } = query;
  const groupVersion = parseApiVersion(apiVersion);
  if (!groupVersion) return { problem: sanitize(`${apiVersion} is no apiVersion`, maxProblemChars) };
  if (!/^[A-Za-z0-9]{1,63}$/.test(kind)) return { problem: sanitize(`${kind} is no kind`, maxProblemChars) };
  const problem = selectorProblem(selector);
  if (problem) return { problem: sanitize(problem, maxProblemChars) };
  try {
    const { readsOnlyMetadata, valuesOf } = compileJsonPath(path);
    return {
      ...groupVersion,
      kindLabel: `${kind} (${apiVersion})`,
      kind,
      namespace,
      readsOnlyMetadata,
      path,
      question: JSON.stringify([path, selector]),
      selects: ({ metadata }) => matchesSelector(selector, metadata?.labels),
      valuesOf,
    };
  } catch (error) {
    if (error instanceof JsonPathError) {
      return { problem: sanitize(`path ${path}: ${error.message}`, maxProblemChars) };
    }
    throw error;
  }
}
