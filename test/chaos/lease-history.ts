// Records the holders of a Lease with a watch from outside. If the watch fails, the history has a gap and `term` throws.
import { Watch } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import type { Lease } from '../../src/kubernetes/leader-election/lease.ts';

/** One holder's term. */
export interface Term {
  readonly holder: string;
  /** When the holder decided to acquire the Lease, by its own clock, in ms since the epoch. */
  readonly acquired: number;
}

export class LeaseHistory {
  readonly terms: Term[] = [];
  /** Observed versions of the Lease, renewals included. */
  versions = 0;
  readonly #cluster: KubeClient;
  #transitions = 0;
  #request: AbortController | undefined;
  #broken: unknown;
  #listeners: (() => void)[] = [];

  private constructor(kubeconfig: string) {
    this.#cluster = createKubeClient(loadKubeConfig(kubeconfig));
  }

  static async of(kubeconfig: string, { namespace, name }: { namespace: string; name: string }): Promise<LeaseHistory> {
    const history = new LeaseHistory(kubeconfig);
    await history.#watch(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, {
      fieldSelector: `metadata.name=${name}`,
      timeoutSeconds: 3600,
    });
    return history;
  }

  /** `leaseTransitions` of the last version. */
  get transitions(): number {
    return this.#transitions;
  }

  /** The first term that matches, past or future; `index` counts the terms from 0. */
  async term(fits: (term: Term, index: number) => boolean): Promise<Term> {
    for (;;) {
      const found = this.terms.find(fits);
      if (found) return found;
      if (this.#broken) throw new Error('The history of the Lease has a gap', { cause: this.#broken });
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#request?.abort();
    await this.#cluster.close();
  }

  async #watch(path: string, query: Readonly<Record<string, string | number>>): Promise<void> {
    let resourceVersion = query.resourceVersion;
    this.#request = await new Watch(this.#cluster.config).watch(
      path,
      query,
      (type: string, lease: Lease) => {
        resourceVersion = lease.metadata?.resourceVersion;
        this.#see(type, lease);
      },
      (error) => {
        // client-node ends a watch that had no event for 30 s, as when no contender gets to renew on a busy machine.
        if (isTimeout(error) && resourceVersion !== undefined) void this.#watch(path, { ...query, resourceVersion });
        else this.#end(error ?? new Error('the watch ended'));
      },
    );
  }

  #see(type: string, { spec = {} }: Lease): void {
    if (type !== 'ADDED' && type !== 'MODIFIED') {
      this.#end(new Error(`${type} of the Lease`));
      return;
    }
    this.versions++;
    this.#transitions = spec.leaseTransitions ?? 0;
    const holder = spec.holderIdentity ?? '';
    if (holder !== '' && holder !== this.terms.at(-1)?.holder) {
      this.terms.push({ holder, acquired: Date.parse(spec.acquireTime ?? '') });
    }
    this.#notify();
  }

  #end(error: unknown): void {
    this.#broken = error;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
