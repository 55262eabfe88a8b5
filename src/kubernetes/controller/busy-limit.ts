// Lets fewer workers start passes while the event loop is busy. More passes at a time would end no sooner together, and each, that of a
// user's edit included, would take longer.
import type { Clock } from '../../lib/clock.ts';

export interface BusyLimitOptions {
  readonly workers: number;
  /** The share of the time since the last call, 0 to 1, in which the event loop was not idle. */
  readonly loopUtilization: () => number;
  readonly clock: Clock;
}

/** With fewer, a pass that waits for an answer would leave the processor idle. */
const minWorkers = 2;
const measuredMs = 50;
const busyAbove = 0.9;
const idleBelow = 0.75;

/** While the loop is busy, every 50 ms one worker fewer may start a pass; while it is not, one more. */
export class BusyLimit {
  readonly #options: BusyLimitOptions;
  /** The workers that wait, by their number. */
  readonly #waiting = new Map<number, () => void>();
  #limit: number;
  #cancelMeasurement: (() => void) | undefined;
  #isStopped = false;

  constructor(options: BusyLimitOptions) {
    this.#options = options;
    this.#limit = options.workers;
  }

  /** Resolves when this worker, counted from 0, may start a pass. It starts no timer on an operator that has nothing to do. */
  async admit(worker: number): Promise<void> {
    this.#measureSoon();
    if (worker < this.#limit || this.#isStopped) return;
    await new Promise<void>((resolve) => this.#waiting.set(worker, resolve));
  }

  /** Admits all workers, so that they can end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelMeasurement?.();
    for (const resolve of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }

  #measureSoon(): void {
    const { workers, loopUtilization, clock } = this.#options;
    if (this.#cancelMeasurement || this.#isStopped || workers <= minWorkers) return;
    loopUtilization();
    this.#cancelMeasurement = clock.after(measuredMs, () => this.#adjust());
  }

  #adjust(): void {
    this.#cancelMeasurement = undefined;
    const { workers, loopUtilization } = this.#options;
    const share = loopUtilization();
    if (share > busyAbove) this.#limit = Math.max(minWorkers, this.#limit - 1);
    else if (share < idleBelow) this.#limit = Math.min(workers, this.#limit + 1);
    for (const [worker, resolve] of this.#waiting) {
      if (worker >= this.#limit) continue;
      this.#waiting.delete(worker);
      resolve();
    }
    if (this.#limit < workers) this.#measureSoon();
  }
}
