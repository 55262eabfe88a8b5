// Lists the objects of one kind, of any group, in pages.
import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { isExpired } from './errors.ts';
import { keepAnnotations, type Transform } from './transform.ts';

export interface ResourceKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower case, as in the URL. */
  readonly plural: string;
  /** False for a cluster-scoped kind. Default: true. */
  readonly namespaced?: boolean;
  /** The server sends only the metadata of each object (PartialObjectMetadata). */
  readonly metadataOnly?: boolean;
  /** How many objects a page of a LIST has. Default: 500, as client-go asks. */
  readonly pageSize?: number;
  /** Default: {@link keepAnnotations} without names. */
  readonly transform?: Transform;
}

/** Rejects with client-node's ApiException or with ApiServerUnreachable (see errors.ts). */
export interface Collection<T extends KubernetesObject> {
  readonly kind: ResourceKind;
  /** The URL path of the collection, of all namespaces if none is given. */
  path(namespace?: string): string;
  /** All objects at one resourceVersion, of all namespaces if none is given. */
  list(options?: ListOptions): Promise<KubernetesListObject<T>>;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Default: the kind's. */
  readonly transform?: Transform;
}

const defaultPageSize = 500;

/** As client-go's metadata client asks; a server that has no such form sends whole objects. */
const metadataForm = ';v=v1;g=meta.k8s.io,application/json';
const listOfMetadata = `application/json;as=PartialObjectMetadataList${metadataForm}`;
export const eventsOfMetadata = `application/json;as=PartialObjectMetadata${metadataForm}`;

/** @param T What the kind's transform returns. */
export function collection<T extends KubernetesObject>(cluster: KubeClient, kind: ResourceKind): Collection<T> {
  const { metadataOnly = false, transform: kept = keepAnnotations() } = kind;
  const { pageSize = defaultPageSize } = kind;
  const path = (namespace?: string) => collectionPath(kind, namespace);

  const page = async ({ namespace, transform = kept }: ListOptions, query: Record<string, string | number>) => {
    const options = { query, ...(metadataOnly && { accept: listOfMetadata }) };
    const list = await cluster.getJson<KubernetesListObject<KubernetesObject>>(path(namespace), options);
    // kube-apiserver sends null for an empty list of metadata (seen: 1.20).
    const items = (list.items ?? []).map((object) => transform(object) as T);
    return { ...list, items };
  };

  return {
    kind,
    path,
    async list(query = {}) {
      const { labelSelector, fieldSelector } = query;
      const selector = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
      const items: T[] = [];
      for (let token: string | undefined; ; ) {
        try {
          const list = await page(query, { ...selector, limit: pageSize, ...(token && { continue: token }) });
          items.push(...list.items);
          token = continueOf(list);
          if (!token) return { ...list, items };
        } catch (error) {
          // etcd compacted the remaining pages: read all objects in one request, as client-go does.
          if (!token || !isExpired(error)) throw error;
          return page(query, selector);
        }
      }
    },
  };
}

type KindPath = Pick<ResourceKind, 'group' | 'version' | 'plural'>;

/** The URL path of all objects of a kind, of all namespaces if none is given. */
export function collectionPath({ group, version, plural }: KindPath, namespace?: string): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  return `${root}/${namespace ? `namespaces/${encodeURIComponent(namespace)}/` : ''}${plural}`;
}

/** The URL path of one object; without a namespace, of a cluster-scoped one. */
export function objectPath(
  kind: KindPath,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
) {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

/** The name of the kind as in RBAC and `kubectl get`: `nodes`, `memberclusters.cluster.kubernetes-fleet.io`. */
export function groupResource({ group, plural }: Pick<ResourceKind, 'group' | 'plural'>): string {
  return group ? `${plural}.${group}` : plural;
}

/** The list is plain JSON: client-node has not renamed its `continue` to `_continue`. */
function continueOf(list: { metadata?: object }): string | undefined {
  const { continue: token } = (list.metadata ?? {}) as { continue?: string };
  return token || undefined;
}
