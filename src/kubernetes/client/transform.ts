// Transforms, as client-go's informers have them: they reduce an object before it is kept. Applied to each page of a LIST and to each
// watch event, so that no more than one page of whole objects is in memory at a time.
import type { KubernetesObject, V1ObjectMeta } from '@kubernetes/client-node';

/** Gets a parsed object, which it may change. The result needs the name, namespace and resourceVersion. */
export type Transform = (object: KubernetesObject) => KubernetesObject;

/**
 * Drops the metadata that the operator does not read: managed fields, labels and other annotations may be most of an object's size.
 * Writes do not remove them from the server: it takes only the status from a PUT /status (seen: kube-apiserver 1.20), and a patch
 * names what it changes.
 */
export function keepAnnotations(...names: readonly string[]): Transform {
  return (object) => {
    const { metadata } = object;
    if (!metadata) return object;
    const kept = names.flatMap((name) => {
      const value = metadata.annotations?.[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    object.metadata = {
      ...keptFields(metadata),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    };
    return object;
  };
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
