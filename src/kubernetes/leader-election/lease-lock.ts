// Reads, creates, replaces and watches the Lease of the leader election. A replacement is conditional on the
// version that was read.
import { CustomObjectsApi, Watch } from '@kubernetes/client-node';
import type { KubeClient } from '../client/client.ts';
import { isAlreadyExists, isNotFound, ObjectChanged } from '../client/errors.ts';
import type { ObjectName } from '../client/resource.ts';
import type { Lease } from './lease.ts';

/** Methods reject with client-node's ApiException or with ApiServerUnreachable, unless noted. */
export interface LeaseLock {
  /** `namespace/name` */
  readonly name: string;
  /** The Lease on the API server; undefined if there is none. */
  read(): Promise<Lease | undefined>;
  /** Rejects with ObjectChanged when the Lease exists already. */
  create(spec: Lease['spec']): Promise<Lease>;
  /** Rejects with a conflict when the Lease is no longer the one that `lease` was made from, or is gone. */
  replace(lease: Lease): Promise<Lease>;
  /**
   * Calls `changed` after each change of the Lease, and at the start. A hint only: it ends silently with its
   * connection, and then `ended` is called once.
   */
  watch(changed: () => void, ended: () => void): { stop(): void };
}

const kind = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
/** Server-side end of a watch, in seconds; the same as an informer's. */
const watchTimeoutSeconds = 25;

export function leaseLock(cluster: KubeClient, { namespace, name }: ObjectName): LeaseLock {
  const api = cluster.api(CustomObjectsApi);
  const of = { ...kind, namespace };
  return {
    name: `${namespace}/${name}`,

    async read() {
      try {
        const lease: Lease = await api.getNamespacedCustomObject({ ...of, name });
        return lease;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },

    async create(spec) {
      const body: Lease = {
        apiVersion: `${kind.group}/${kind.version}`,
        kind: 'Lease',
        metadata: { namespace, name },
        ...(spec && { spec }),
      };
      try {
        return await api.createNamespacedCustomObject({ ...of, body });
      } catch (error) {
        if (isAlreadyExists(error)) throw new ObjectChanged(`Lease ${namespace}/${name} was created by someone else`);
        throw error;
      }
    },

    async replace(lease) {
      try {
        return await api.replaceNamespacedCustomObject({ ...of, name, body: lease });
      } catch (error) {
        if (isNotFound(error)) throw new ObjectChanged(`Lease ${namespace}/${name} is gone`);
        throw error;
      }
    },

    watch(changed, ended) {
      let request: AbortController | undefined;
      let isOver = false;
      const end = () => {
        if (isOver) return;
        isOver = true;
        ended();
      };
      const path = `/apis/${kind.group}/${kind.version}/namespaces/${namespace}/leases`;
      const query = { fieldSelector: `metadata.name=${name}`, timeoutSeconds: watchTimeoutSeconds };
      new Watch(cluster.config)
        .watch(path, query, () => isOver || changed(), end)
        .then((opened) => {
          request = opened;
          if (isOver) opened.abort();
        }, end);
      return {
        stop() {
          isOver = true;
          request?.abort();
        },
      };
    },
  };
}
