// Spreads the retries of callers that were held back, so that they return one after the other. A slot reserves no token: it is a
// time, and forgotten once it is past.

/** Shorter waits are not worth a requeue. */
const minWaitMs = 50;

export class RetrySlots {
  /** In ascending order. */
  readonly #slots = new Map<string, number>();
  #last = Number.NEGATIVE_INFINITY;

  get last(): number {
    return this.#last;
  }

  /** The caller's slot if it is still to come, else the next free one. */
  slotFor(caller: string, earliest: number, intervalMs: number, now: number): number {
    const minimum = Math.max(earliest, now + minWaitMs);
    this.#forgetPast(now);
    const known = this.#slots.get(caller);
    if (known !== undefined) return Math.max(known, minimum);
    this.#last = Math.max(minimum, this.#last + intervalMs);
    this.#slots.set(caller, this.#last);
    return this.#last;
  }

  release(caller: string): void {
    this.#slots.delete(caller);
  }

  count(now: number): number {
    this.#forgetPast(now);
    return this.#slots.size;
  }

  #forgetPast(now: number): void {
    for (const [caller, slot] of this.#slots) {
      if (slot > now) break;
      this.#slots.delete(caller);
    }
  }
}
