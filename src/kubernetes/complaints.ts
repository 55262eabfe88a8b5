// A lasting trouble in the log: one line when it begins, one when it is over, however often it shows in between.
import type { Log } from './log.ts';

/** Troubles remembered at a time; one that was forgotten is told once more. */
const capacity = 1000;

export class Complaints {
  readonly #log: Log;
  readonly #open = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param what in the plural: the sentences are `{what} are lost: {why}` and `{what} are written again`. */
  raise(what: string, why: string): void {
    if (this.#open.has(what)) return;
    this.#open.add(what);
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size > capacity) this.#open.delete(oldest);
    this.#log.warn({}, `${what} are lost: ${why}`);
  }

  settle(what: string): void {
    if (this.#open.delete(what)) this.#log.info({}, `${what} are written again`);
  }
}
