// A clock that moves only when a test advances it.
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

  /** ms; `step` does not change it. */
  monotonic(): number {
    return this.#now;
  }

  /** Sets the wall clock forward or back by `ms`; timers are not affected. */
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

  /** ms until the next timer is due; undefined if there is none. */
  get nextIn(): number | undefined {
    return this.#timers.length ? Math.min(...this.#timers.map((t) => t.due)) - this.#now : undefined;
  }

  /** Advances by `ms`, calls every timer that comes due, in order, and lets promises settle after each. */
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

/** Resolves when every promise that can settle without I/O has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
