// A typed client for one kind of custom resource. Every method sends one request, except for list, which pages. Reads are not cached;
// see cache/store.ts.
import {
  CustomObjectsApi,
  type KubernetesListObject,
  type KubernetesObject,
  PatchStrategy,
  setHeaderOptions,
  type V1ObjectMeta,
} from '@kubernetes/client-node';
import type { PatchOperation } from '../../lib/json-patch.ts';
import type { KubeClient } from './client.ts';
import { isExpired } from './errors.ts';

export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  /** Lower case, as in the URL. */
  readonly plural: string;
  /** The annotations that the operator reads; all others are dropped. */
  readonly annotations?: readonly string[];
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Every method rejects with client-node's ApiException or with ApiServerUnreachable (see errors.ts). */
export interface Resource<T extends KubernetesObject> {
  readonly kind: ResourceKind;
  /** The URL path of the collection, of all namespaces if none is given. */
  path(namespace?: string): string;
  /** All objects at one resourceVersion, of all namespaces if none is given. */
  list(options?: { readonly namespace?: string; readonly labelSelector?: string }): Promise<KubernetesListObject<T>>;
  get(name: ObjectName): Promise<T>;
  /** PUT /status with the object's resourceVersion; conflicts if the object was written since. Resolves to the object as stored. */
  replaceStatus(object: T): Promise<T>;
  /** JSON patch; fails with 422 if a `test` does not hold. Resolves to the object as stored. */
  patch(name: ObjectName, operations: readonly PatchOperation[]): Promise<T>;
}

const pageSize = 500;

export function resource<T extends KubernetesObject>(cluster: KubeClient, kind: ResourceKind): Resource<T> {
  const api = cluster.api(CustomObjectsApi);
  const { group, version, plural, annotations = [] } = kind;
  const slimmed = (object: T) => slim(object, annotations);
  const of = ({ namespace, name }: ObjectName) => ({ group, version, plural, namespace, name });
  const jsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);

  const page = (
    namespace: string | undefined,
    query: { labelSelector?: string; limit?: number; _continue?: string },
  ) => {
    const answer: Promise<KubernetesListObject<T>> = namespace
      ? api.listNamespacedCustomObject({ group, version, plural, namespace, ...query })
      : api.listClusterCustomObject({ group, version, plural, ...query });
    return answer.then((list) => ({ ...list, items: list.items.map(slimmed) }));
  };

  return {
    kind,
    path: (namespace) => `/apis/${group}/${version}/${namespace ? `namespaces/${namespace}/` : ''}${plural}`,

    async list({ namespace, labelSelector } = {}) {
      const selector = labelSelector ? { labelSelector } : {};
      const items: T[] = [];
      for (let _continue: string | undefined; ; ) {
        try {
          const list = await page(namespace, { ...selector, limit: pageSize, ...(_continue && { _continue }) });
          items.push(...list.items);
          _continue = continueOf(list);
          if (!_continue) return { ...list, items };
        } catch (error) {
          // etcd compacted the remaining pages: read all objects in one request, as client-go does.
          if (!_continue || !isExpired(error)) throw error;
          return page(namespace, selector);
        }
      }
    },

    get: async (name) => slimmed(await api.getNamespacedCustomObject(of(name))),

    async replaceStatus(object) {
      return slimmed(await api.replaceNamespacedCustomObjectStatus({ ...of(nameOf(object)), body: object }));
    },

    async patch(name, operations) {
      return slimmed(await api.patchNamespacedCustomObject({ ...of(name), body: operations }, jsonPatch));
    },
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

/**
 * Drops, in place, the metadata that the operator does not read: managed fields, labels and other annotations may be most of an
 * object's size. Writes do not remove them from the server: it takes only the status from a PUT /status (seen: kube-apiserver 1.20),
 * and a patch names what it changes.
 */
export function slim<T extends KubernetesObject>(object: T, annotations: readonly string[] = []): T {
  const { metadata } = object;
  if (!metadata) return object;
  const kept = annotations.flatMap((name) => {
    const value = metadata.annotations?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  object.metadata = {
    ...keptFields(metadata),
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
  };
  return object;
}

/** Copies the fields to keep: after `delete`, V8 would store the object as a dictionary of several times the size. */
function keptFields(metadata: V1ObjectMeta): V1ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, finalizers } =
    metadata;
  return {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(generation !== undefined && { generation }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(finalizers !== undefined && { finalizers }),
  };
}

/** Custom objects are plain JSON: client-node does not rename their `continue` to `_continue`. */
function continueOf(list: { metadata?: object }): string | undefined {
  const { continue: token } = (list.metadata ?? {}) as { continue?: string };
  return token || undefined;
}
