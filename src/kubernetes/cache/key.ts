// The key of an object in queue, cache and workers: `namespace/name`, or `name` where there is no namespace.
import type { KubernetesObject } from '@kubernetes/client-node';

export function namespacedName(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}

/** The namespace of a key; undefined for an object that has none. Neither names nor namespaces contain a slash. */
export function namespaceOf(key: string): string | undefined {
  const slash = key.indexOf('/');
  return slash < 0 ? undefined : key.slice(0, slash);
}
