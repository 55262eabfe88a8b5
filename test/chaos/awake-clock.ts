// How long things take by a clock that stands still whenever this process does: where the machine pauses, everything in it does,
// and nobody was slow.

/** ms between two beats; one that is later than this again counts no more. */
const beat = 100;

export class WakingTime {
  #passed = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), beat);

  /** ms since the beginning. */
  now(): number {
    this.#tick();
    return this.#passed;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#passed += Math.min(now - this.#last, 2 * beat);
    this.#last = now;
  }
}
