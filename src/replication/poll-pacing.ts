// Spaces the polls of new replicas: all registries together are polled about five times a second, so that many creations at once
// leave ARM's reads to others.

/** ARM allows 25 reads a second for each subscription and identity. */
const spacingMs = 200;
/** Longer than any wait of a young creation without the spacing, so that this one ends it soon after a burst. */
const maxIntervalMs = 5_000;

export class PollPacing {
  #nextAt = Number.NEGATIVE_INFINITY;

  /** A pass has polled a registry. `now`: ms of a monotonic clock. */
  polled(now: number): void {
    this.#nextAt = Math.min(Math.max(this.#nextAt, now) + spacingMs, now + maxIntervalMs);
  }

  /** ms until the registry that was polled last may be polled again: with n registries about n times the spacing. */
  minIntervalMs(now: number): number {
    return Math.max(0, this.#nextAt - now);
  }
}
