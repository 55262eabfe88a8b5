// A clock that moves only when a test says so.
import type { Clock } from '../src/lib/clock.ts';

export class FakeClock implements Clock {
  #now: number;
  #setBy = 0;
  #timers: { due: number; call: () => void }[] = [];

  constructor(start = '2026-11-22T00:00:00Z') {
    this.#now = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#now + this.#setBy);
  }

  /** ms; a step does not move it. */
  monotonic(): number {
    return this.#now;
  }

  /** The wall clock is set, forward or back by `ms`; timers do not notice. */
  step(ms: number): void {
    this.#setBy += ms;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { due: this.#now + Math.max(0, ms), call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** ms until the next timer is due; undefined when nothing waits. */
  get nextIn(): number | undefined {
    return this.#timers.length ? Math.min(...this.#timers.map((t) => t.due)) - this.#now : undefined;
  }

  /** Moves on by `ms`, calling every timer that comes due, in order, and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#timers.filter((t) => t.due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((t) => t !== next);
      this.#now = Math.max(this.#now, next.due);
      next.call();
    }
    this.#now = end;
    await settled();
  }
}

/** Resolves once every promise that can go on without I/O has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
