// Counts requests that have begun and not ended. One whose end is never reported is forgotten after `maxMs`, so that the count
// cannot leak.
export class InFlight {
  readonly #maxMs: number;
  /** In the order of their beginning. */
  readonly #begun = new Set<{ readonly at: number }>();

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** The function returned reports the end; repeating it does nothing. `now`: ms of a clock that never goes back. */
  begin(now: number): () => void {
    const request = { at: now };
    this.#begun.add(request);
    return () => void this.#begun.delete(request);
  }

  count(now: number): number {
    for (const request of this.#begun) {
      if (now - request.at <= this.#maxMs) break;
      this.#begun.delete(request);
    }
    return this.#begun.size;
  }
}
