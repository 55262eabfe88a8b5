// One Lease in memory, with the API server's versions, conflicts and watches, and with requests that a test can delay, refuse,
// or store without a response.
import { ApiException } from '@kubernetes/client-node';
import { ObjectChanged } from '../../../../src/kubernetes/client/errors.ts';
import type { Lease } from '../../../../src/kubernetes/leader-election/lease.ts';
import type { LeaseLock } from '../../../../src/kubernetes/leader-election/lease-lock.ts';

export type Method = 'read' | 'create' | 'replace';

/** Stands around every request of one client: what it does before `serve` is the way there, what it does after, the way back. */
export type Wire = <T>(serve: () => T, method: Method) => Promise<T>;

export const goodWire: Wire = async (serve) => serve();

export const refusal = () => new ApiException(500, 'etcd has no leader', undefined, {});

interface Watcher {
  readonly changed: () => void;
  readonly ended: () => void;
}

export class LeaseInMemory {
  /** Every version that was ever stored; undefined: deleted. */
  readonly history: (Lease | undefined)[] = [];
  #version = 0;
  readonly #watchers = new Set<Watcher>();

  get now(): Lease | undefined {
    return this.history.at(-1);
  }

  /** Stores it unconditionally, as another client would. */
  put(spec: Lease['spec'], metadata: Lease['metadata'] = {}): Lease {
    const lease: Lease = {
      metadata: { ...metadata, name: 'operator', resourceVersion: String(++this.#version) },
      ...(spec && { spec }),
    };
    this.history.push(lease);
    this.#tell();
    return lease;
  }

  delete(): void {
    this.history.push(undefined);
    this.#tell();
  }

  /** Ends every watch, as a server does after its timeout. */
  endWatches(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher.ended();
    }
  }

  get watches(): number {
    return this.#watchers.size;
  }

  /** One client's view. */
  lock(wire: () => Wire = () => goodWire): LeaseLock {
    return {
      name: 'system/operator',
      read: () => wire()(() => this.now, 'read'),
      create: (spec) =>
        wire()(() => {
          if (this.now) throw new ObjectChanged('it was created by someone else');
          return this.put(spec);
        }, 'create'),
      replace: (lease) =>
        wire()(() => {
          if (this.now?.metadata?.resourceVersion !== lease.metadata?.resourceVersion) {
            throw new ApiException(409, 'Conflict', undefined, {});
          }
          return this.put(lease.spec, lease.metadata);
        }, 'replace'),
      watch: (changed, ended) => {
        const watcher = { changed, ended };
        this.#watchers.add(watcher);
        return { stop: () => void this.#watchers.delete(watcher) };
      },
    };
  }

  #tell(): void {
    for (const { changed } of this.#watchers) changed();
  }
}
