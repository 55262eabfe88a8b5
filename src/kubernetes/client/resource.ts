// A typed client for one namespaced kind of custom resource. Every method sends one request, except for list, which pages. Reads are
// not cached; see cache/store.ts.
import { CustomObjectsApi, type KubernetesObject, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { PatchOperation } from '../../lib/json-patch.ts';
import type { KubeClient } from './client.ts';
import { type Collection, collection, type ResourceKind } from './collection.ts';
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
  const api = cluster.api(CustomObjectsApi);
  const { group, version, plural, transform = keepAnnotations() } = kind;
  const transformed = async (object: Promise<KubernetesObject>) => transform(await object) as T;
  const of = ({ namespace, name }: ObjectName) => ({ group, version, plural, namespace, name });
  const jsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);
  return {
    ...collection<T>(cluster, kind),
    get: (name) => transformed(api.getNamespacedCustomObject(of(name))),
    replaceStatus: (object) =>
      transformed(api.replaceNamespacedCustomObjectStatus({ ...of(nameOf(object)), body: object })),
    patch: (name, operations) =>
      transformed(api.patchNamespacedCustomObject({ ...of(name), body: operations }, jsonPatch)),
  };
}

export function nameOf({ metadata }: KubernetesObject): ObjectName {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}

/** The key of an object in the queue and the cache: `namespace/name`, or `name` for an object without a namespace. */
export function namespacedName(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}
