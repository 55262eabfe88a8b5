// Lasting troubles in the log: one line when each begins, one when it is over, however often it shows in between.
import { LRUCache } from 'lru-cache';
import type { Log } from './log.ts';

/** Troubles remembered at a time: one that was forgotten is told once more. */
const mostOpen = 1_000;

export class Complaints {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #open = new LRUCache<string, true>({ max: mostOpen });

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** @param what Tells this trouble from others that last meanwhile. */
  raise(what: string, sentence: string, fields: object = {}): void {
    if (this.#open.get(what)) return;
    this.#open.set(what, true);
    this.#log.warn(fields, sentence);
  }

  /** Where it was raised. */
  settle(what: string, sentence: string, fields: object = {}): void {
    if (!this.#open.get(what)) return;
    this.#open.delete(what);
    this.#log.info(fields, sentence);
  }
}
