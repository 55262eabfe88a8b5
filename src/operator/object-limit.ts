// Bounds the number of objects that the operator works on, with --max-objects.
import type { RegistryReplication } from '../api/registryreplication.ts';
import type { Config } from '../config.ts';
import { Admission } from '../kubernetes/cache/admission.ts';
import { limitObjects, type ObjectLimit, type ObjectLimitOptions } from '../kubernetes/cache/object-limit.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import type { ResourceKind } from '../kubernetes/client/collection.ts';
import { namespacedName, resource } from '../kubernetes/client/resource.ts';
import { weightOf } from '../replication/object-weight.ts';
import { admissionHistory } from '../replication/unobserved-status.ts';

export interface LimitOptions extends Pick<ObjectLimitOptions<RegistryReplication>, 'store' | 'onChange'> {
  readonly kind: ResourceKind;
  readonly cluster: KubeClient;
  /** For the informer alone: a shared pool may give the watch a connection that has fallen silent, which takes 30 s to notice. */
  readonly watching: KubeClient;
  /** Gets the keys of objects that need a pass and are not in the store. */
  readonly enqueue: (key: string) => void;
}

export interface Limit extends ObjectLimit<RegistryReplication> {
  /** The number of objects that are worked on, if this one is over it. */
  overLimit(object: RegistryReplication): number | undefined;
  /** How many are over it. */
  refused(): number;
}

export function createLimit({ maxObjects, watchNamespaces }: Config, options: LimitOptions): Limit {
  const { kind, cluster, watching, store, onChange, enqueue } = options;
  const admission = new Admission({
    maxObjects: maxObjects === 0 ? Number.POSITIVE_INFINITY : maxObjects,
    // A namespace that is watched alone need not leave room to others.
    isShared: watchNamespaces.length !== 1,
    onAdmitted: enqueue,
  });
  const limit = limitObjects({
    admission,
    resource: resource<RegistryReplication>(watching, kind),
    get: resource<RegistryReplication>(cluster, kind).get,
    store,
    weightOf,
    historyOf: admissionHistory,
    onChange,
    onDue: enqueue,
  });
  return {
    ...limit,
    overLimit: (object) => (admission.isRefused(namespacedName(object)) ? maxObjects : undefined),
    refused: () => admission.refused,
  };
}
