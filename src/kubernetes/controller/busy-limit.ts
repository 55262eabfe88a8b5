// Lets fewer workers start passes while the event loop is busy. More passes at a time would end no sooner together, and each, that of a
// user's edit included, would take longer. Calls `onCalm` 20 s after the limit is lifted.
import type { Clock } from '../../lib/clock.ts';

export interface BusyLimitOptions {
  readonly workers: number;
  /** The share of the time since the last call, 0 to 1, in which the event loop was not idle. */
  readonly loopUtilization: () => number;
  readonly clock: Clock;
  /** Called with the number of workers that may be at work. */
  readonly onLimit: (workers: number) => void;
  /** Called when the limit has been lifted for 20 s. May hold the loop up: that does not count as busy. */
  readonly onCalm: () => void;
}

/**
 * Two for ordinary passes of one namespace, since one that waits for an answer would leave the processor idle; and those that the queue
 * keeps for keys of priority `high` and for other namespaces.
 */
const minWorkers = 4;
const measuredMs = 50;
const busyAbove = 0.9;
const idleBelow = 0.75;
/** Bursts that follow each other sooner are one busy time. */
const calmMs = 20_000;

/** While the loop is busy, every 50 ms one worker fewer may start a pass; while it is not, one more. */
export class BusyLimit {
  readonly #options: BusyLimitOptions;
  #limit: number;
  #cancelMeasurement: (() => void) | undefined;
  #cancelCalm: (() => void) | undefined;
  #isStopped = false;

  constructor(options: BusyLimitOptions) {
    this.#options = options;
    this.#limit = options.workers;
  }

  /** Measures for the next 50 ms, and on while there is a limit. Call it after each pass, so that no timer runs where nothing is to do. */
  measure(): void {
    const { workers, loopUtilization, clock } = this.#options;
    if (this.#cancelMeasurement || this.#isStopped || workers <= minWorkers) return;
    loopUtilization();
    this.#cancelMeasurement = clock.after(measuredMs, () => this.#adjust());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelMeasurement?.();
    this.#cancelCalm?.();
  }

  #adjust(): void {
    this.#cancelMeasurement = undefined;
    const { workers, loopUtilization, clock, onLimit } = this.#options;
    const share = loopUtilization();
    const before = this.#limit;
    if (share > busyAbove) this.#limit = Math.max(minWorkers, before - 1);
    else if (share < idleBelow) this.#limit = Math.min(workers, before + 1);
    if (this.#limit < workers) this.measure();
    if (this.#limit === before) return;
    onLimit(this.#limit);
    this.#cancelCalm?.();
    if (this.#limit === workers) this.#cancelCalm = clock.after(calmMs, () => this.#becomeCalm());
  }

  #becomeCalm(): void {
    this.#cancelMeasurement?.();
    this.#cancelMeasurement = undefined;
    this.#options.onCalm();
  }
}
