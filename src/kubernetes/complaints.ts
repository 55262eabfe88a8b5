// Lasting troubles in the log: one line when each begins, one when it is over, however often it shows in between.
import type { Log } from './log.ts';

/** Troubles remembered at a time; one that was forgotten is told once more. */
const capacity = 1000;

export class Complaints {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #open = new Set<string>();

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** @param what Tells this trouble from others that last meanwhile. */
  raise(what: string, sentence: string, fields: object = {}): void {
    if (this.#open.has(what)) return;
    this.#open.add(what);
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size > capacity) this.#open.delete(oldest);
    this.#log.warn(fields, sentence);
  }

  /** Where it was raised. */
  settle(what: string, sentence: string, fields: object = {}): void {
    if (this.#open.delete(what)) this.#log.info(fields, sentence);
  }
}
