// A clock that stands still while this process does, so that a pause of the whole machine is not counted as slowness.

/** ms between ticks; a longer gap counts as two ticks at most. */
const tickMs = 100;

export class AwakeClock {
  #passed = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), tickMs);

  /** ms since the clock was created. */
  now(): number {
    this.#tick();
    return this.#passed;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#passed += Math.min(now - this.#last, 2 * tickMs);
    this.#last = now;
  }
}
