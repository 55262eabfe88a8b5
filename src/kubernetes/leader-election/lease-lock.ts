// Reads, creates, replaces and watches the Lease of the leader election. A replacement is conditional on the
// version that was read.
import { Watch } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import type { KubeClient } from '../client/client.ts';
import { collectionPath, objectPath } from '../client/collection.ts';
import { isAlreadyExists, isConflict, isNotFound, ObjectChanged } from '../client/errors.ts';
import type { ObjectName } from '../client/resource.ts';
import { holderOf, type Lease, released } from './lease.ts';

/** Methods reject with client-node's ApiException or with ApiServerUnreachable, unless noted. */
export interface LeaseLock {
  /** `namespace/name` */
  readonly name: string;
  /** The Lease on the API server; undefined if there is none. */
  read(): Promise<Lease | undefined>;
  /** Rejects with ObjectChanged when the Lease exists already. */
  create(spec: Lease['spec']): Promise<Lease>;
  /** Rejects with a conflict if the Lease was changed or deleted after the version that `lease` is based on. */
  replace(lease: Lease): Promise<Lease>;
  /**
   * Calls `onChange` at the start and after each change of the Lease. A hint only: the watch ends silently with its connection, and
   * then `onEnd` is called once.
   */
  watch(onChange: () => void, onEnd: () => void): { stop(): void };
}

const kind = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
/** After which the server ends the watch; the same as for an informer. */
const watchTimeoutSeconds = 25;

export function leaseLock(cluster: KubeClient, { namespace, name }: ObjectName): LeaseLock {
  const path = objectPath(kind, { namespace, name });
  return {
    name: `${namespace}/${name}`,

    async read() {
      try {
        return await cluster.getJson<Lease>(path);
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
        return await cluster.sendJson<Lease>('POST', collectionPath(kind, namespace), body);
      } catch (error) {
        if (isAlreadyExists(error)) throw new ObjectChanged(`Lease ${namespace}/${name} was created by someone else`);
        throw error;
      }
    },

    async replace(lease) {
      try {
        return await cluster.sendJson<Lease>('PUT', path, lease);
      } catch (error) {
        if (isNotFound(error)) throw new ObjectChanged(`Lease ${namespace}/${name} is gone`);
        throw error;
      }
    },

    watch: (onChange, onEnd) => watchLease(cluster, { namespace, name }, onChange, onEnd),
  };
}

function watchLease(
  cluster: KubeClient,
  { namespace, name }: ObjectName,
  onChange: () => void,
  onEnd: () => void,
): { stop(): void } {
  let request: AbortController | undefined;
  let hasEnded = false;
  const end = () => {
    if (hasEnded) return;
    hasEnded = true;
    onEnd();
  };
  const query = { fieldSelector: `metadata.name=${name}`, timeoutSeconds: watchTimeoutSeconds };
  new Watch(cluster.config)
    .watch(collectionPath(kind, namespace), query, () => hasEnded || onChange(), end)
    .then((opened) => {
      request = opened;
      if (hasEnded) opened.abort();
    }, end);
  return {
    stop() {
      hasEnded = true;
      request?.abort();
    },
  };
}

/** Clears the holder of the Lease, unless another process holds it by now. Rejects as `replace` does. */
export async function releaseLease(lock: LeaseLock, lease: Lease, identity: string, clock: Clock): Promise<void> {
  try {
    await lock.replace(released(lease, clock.now()));
  } catch (error) {
    if (!isConflict(error)) throw error;
    const current = await lock.read();
    if (current && holderOf(current) === identity) await lock.replace(released(current, clock.now()));
  }
}
