// A typed client for one namespaced kind of custom resource. Every method sends one request, except for list, which pages. Reads are
// not cached; see cache/store.ts.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { PatchOperation } from '../../lib/json-patch.ts';
import { jsonPatch, type KubeClient } from './client.ts';
import { type Collection, collection, objectPath, type ResourceKind } from './collection.ts';
import { keepAnnotations } from './transform.ts';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Every method rejects with client-node's ApiException or with ApiServerUnreachable (see errors.ts). */
export interface Resource<T extends KubernetesObject> extends Collection<T> {
  get(name: ObjectName): Promise<T>;
  /** PUT /status with the object's resourceVersion; conflicts if the object was written since. Resolves to the object as stored. */
  replaceStatus(object: T): Promise<T>;
  /** JSON patch; fails with 422 if a `test` does not hold. Resolves to the object as stored. */
  patch(name: ObjectName, operations: readonly PatchOperation[]): Promise<T>;
}

export function resource<T extends KubernetesObject>(cluster: KubeClient, kind: ResourceKind): Resource<T> {
  const { transform = keepAnnotations() } = kind;
  const transformed = async (object: Promise<KubernetesObject>) => transform(await object) as T;
  const path = (name: ObjectName) => objectPath(kind, name);
  return {
    ...collection<T>(cluster, kind),
    get: (name) => transformed(cluster.getJson(path(name))),
    replaceStatus: (object) => transformed(cluster.sendJson('PUT', `${path(nameOf(object))}/status`, object)),
    patch: (name, operations) =>
      transformed(cluster.sendJson('PATCH', path(name), operations, { contentType: jsonPatch })),
  };
}

export function nameOf({ metadata }: KubernetesObject): ObjectName {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}

/** The key of an object in the queue and the cache: `namespace/name`, or `name` for an object without a namespace. */
export function namespacedName(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  // Joined, since V8 keeps what a template or `+` makes as a tree of its parts, beside the text itself once that is a key of a Map.
  return namespace ? [namespace, name].join('/') : name;
}
