// Logs a lasting problem once when it begins and once when it ends, however often it is reported in between.
import { LRUCache } from 'lru-cache';
import type { Log } from './log.ts';

/** Maximum number of problems remembered; an evicted one is logged again. */
const maxProblems = 1_000;

export class LogOnChange {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #open = new LRUCache<string, true>({ max: maxProblems });

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** @param what Identifies this problem among others that last at the same time. */
  raise(what: string, sentence: string, fields: object = {}): void {
    if (this.#open.get(what)) return;
    this.#open.set(what, true);
    this.#log.warn(fields, sentence);
  }

  /** Logs the end of a problem that was raised; otherwise does nothing. */
  settle(what: string, sentence: string, fields: object = {}): void {
    if (!this.#open.get(what)) return;
    this.#open.delete(what);
    this.#log.info(fields, sentence);
  }
}
