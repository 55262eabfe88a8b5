// One kind of custom resource over the API server, typed. It caches nothing, and every method is one request, but for
// list, which pages.
import {
  CustomObjectsApi,
  type KubernetesListObject,
  type KubernetesObject,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { isExpired } from './errors.ts';

export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  /** Lower case, as in the URL. */
  readonly plural: string;
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** RFC 6902, the part of it that a safe write needs. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** Every method rejects with client-node's ApiException or with ApiServerUnreachable (errors.ts tells them apart). */
export interface Resource<T extends KubernetesObject> {
  readonly kind: ResourceKind;
  /** The URL's path of the collection; without a namespace, of all namespaces. */
  path(namespace?: string): string;
  /** All objects, of all namespaces where none is named, as of one version of the store. */
  list(of?: { readonly namespace?: string; readonly labelSelector?: string }): Promise<KubernetesListObject<T>>;
  get(name: ObjectName): Promise<T>;
  /** PUT /status with the object's resourceVersion: a conflict when anyone has written since. Resolves to the object as written. */
  replaceStatus(object: T): Promise<T>;
  /** JSON patch; refused with 422 when a `test` in it does not hold. Resolves to the object as written. */
  patch(name: ObjectName, operations: readonly PatchOperation[]): Promise<T>;
}

const pageSize = 500;

export function resource<T extends KubernetesObject>(cluster: Cluster, kind: ResourceKind): Resource<T> {
  const api = cluster.api(CustomObjectsApi);
  const { group, version, plural } = kind;
  const of = ({ namespace, name }: ObjectName) => ({ group, version, plural, namespace, name });
  const jsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);

  const page = (
    namespace: string | undefined,
    query: { labelSelector?: string; limit?: number; _continue?: string },
  ) => {
    const answer: Promise<KubernetesListObject<T>> = namespace
      ? api.listNamespacedCustomObject({ group, version, plural, namespace, ...query })
      : api.listClusterCustomObject({ group, version, plural, ...query });
    return answer.then((list) => ({ ...list, items: list.items.map(slim) }));
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
          // The pages were compacted away while we read them: take the rest of the world in one piece, as client-go does.
          if (!_continue || !isExpired(error)) throw error;
          return page(namespace, selector);
        }
      }
    },

    get: async (name) => slim(await api.getNamespacedCustomObject(of(name))),

    async replaceStatus(object) {
      return slim(await api.replaceNamespacedCustomObjectStatus({ ...of(nameOf(object)), body: object }));
    },

    async patch(name, operations) {
      return slim(await api.patchNamespacedCustomObject({ ...of(name), body: operations }, jsonPatch));
    },
  };
}

export function nameOf({ metadata }: KubernetesObject): ObjectName {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops, in place, what nobody here reads and what makes up most of an object: the field managers, and kubectl's copy of the
 * whole. What stays is copied, for `delete` would leave V8 a dictionary several times the size.
 */
export function slim<T extends KubernetesObject>(object: T): T {
  if (!object.metadata) return object;
  const { managedFields, ...metadata } = object.metadata;
  if (metadata.annotations) {
    const { [lastApplied]: applied, ...annotations } = metadata.annotations;
    metadata.annotations = annotations;
  }
  object.metadata = metadata;
  return object;
}

/** Custom objects arrive as plain JSON: the token is not renamed to client-node's `_continue`. */
function continueOf(list: { metadata?: object }): string | undefined {
  const { continue: token } = (list.metadata ?? {}) as { continue?: string };
  return token || undefined;
}
