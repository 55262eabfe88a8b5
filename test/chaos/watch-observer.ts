// Tells from the API server's audit log when the operator watches a kind of source objects again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from '../cluster.ts';
import { operatorAccount } from '../deployment.ts';
import type { NamingRecord } from './naming-record.ts';
import { type Kind, kinds, viewsOf } from './source-objects.ts';

interface Lost {
  readonly kind: Kind;
  /** The number of watches that there were before. */
  readonly watches: number;
  readonly begins: readonly (() => void)[];
}

export class WatchObserver {
  readonly #cluster: TestCluster;
  readonly #record: NamingRecord;
  #lost: readonly Lost[] = [];
  #isClosed = false;

  constructor(cluster: TestCluster, record: NamingRecord) {
    this.#cluster = cluster;
    this.#record = record;
    void this.#run();
  }

  /** The watches of these kinds have just ended; records until when there is none. */
  async lost(which: readonly Kind[] = kinds): Promise<void> {
    const begins = which.map((kind) => viewsOf(kind).map((source) => this.#record.losesWatch(source)));
    const watches = await this.#watches();
    const lost = which.map((kind, index) => ({ kind, watches: watches[kind], begins: begins[index] ?? [] }));
    this.#lost = [...this.#lost, ...lost];
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      await sleep(250);
      if (this.#lost.length === 0) continue;
      const watches = await this.#watches();
      this.#lost = this.#lost.filter((lost) => {
        if (watches[lost.kind] <= lost.watches) return true;
        for (const begin of lost.begins) begin();
        return false;
      });
    }
  }

  /** How many watches of each kind the audit log shows. A real API server logs a watch when it ends, so there it learns late of one. */
  async #watches(): Promise<Record<Kind, number>> {
    const accesses = await this.#cluster.accessesOf(operatorAccount);
    const begun = accesses.filter(({ verb, isForbidden }) => verb === 'watch' && !isForbidden);
    const count = (kind: Kind) => begun.filter(({ resource }) => resource === kind).length;
    return { nodes: count('nodes'), memberclusters: count('memberclusters'), configmaps: count('configmaps') };
  }
}
