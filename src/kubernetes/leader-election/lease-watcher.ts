// Pauses a candidate between two attempts to acquire the Lease, and ends the pause early when the Lease changes. The watch is only
// a hint for a fast takeover: without it, each pause ends after its delay.
import type { Clock } from '../../lib/clock.ts';
import type { LeaseLock } from './lease-lock.ts';

export interface LeaseWatcherOptions {
  readonly lock: LeaseLock;
  readonly clock: Clock;
  /** Milliseconds of a clock that is never set. */
  readonly monotonic: () => number;
  /** Minimum time from opening one watch to opening the next. */
  readonly reopenAfterMs: number;
}

export class LeaseWatcher {
  readonly #options: LeaseWatcherOptions;
  #hasChanged = false;
  #stopWatch: () => void = () => undefined;
  #endPause: () => void = () => undefined;

  constructor(options: LeaseWatcherOptions) {
    this.#options = options;
  }

  start(): void {
    const { lock, clock, monotonic, reopenAfterMs } = this.#options;
    const openedAt = monotonic();
    const onChange = () => {
      this.#hasChanged = true;
      this.endPause();
    };
    const onEnd = () => {
      const waitMs = Math.max(0, reopenAfterMs - (monotonic() - openedAt));
      this.#stopWatch = clock.after(waitMs, () => this.start());
    };
    const { stop } = lock.watch(onChange, onEnd);
    this.#stopWatch = stop;
  }

  stop(): void {
    this.#stopWatch();
  }

  /** Call it before the Lease is read: only later changes end the next pause. */
  ignoreEarlierChanges(): void {
    this.#hasChanged = false;
  }

  /** Resolves after `ms`, or as soon as the Lease has changed. */
  async pause(ms: number): Promise<void> {
    if (this.#hasChanged) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    this.#endPause = resolve;
    await promise;
    cancel();
  }

  endPause(): void {
    this.#endPause();
  }
}
