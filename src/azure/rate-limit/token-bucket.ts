// A lower bound of one token bucket of ARM: charged for each request, corrected by the remaining count in ARM's responses, and
// paused by a 429. All times are ms of one monotonic clock.
import type { RateLimit } from './limits.ts';

/** What a response says about the bucket. */
export interface RateLimitFeedback {
  /** Undefined where ARM does not say (recorded: 404 made by its gateway, azure-service-operator 2025-11-18). */
  readonly remaining?: number | undefined;
  /** Only of a 429. */
  readonly retryAfterMs?: number | undefined;
}

export interface InFlightRequest {
  readonly sentAt: number;
  readonly index: number;
  /** Earlier requests that ARM may count after this one. */
  readonly overlapping: number;
}

/** How long a remaining count is trusted. */
const feedbackLastsMs = 30_000;
/** The deadline of a request: taken tokens and requests without a reported end are forgotten after that. */
const maxRequestMs = 30_000;
/** Between attempts after a 429, until one succeeds. */
const probeIntervalMs = 1_000;

export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #refilledAt: number;
  #feedbackAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #mustProbe = false;
  #nextProbeAt = Number.NEGATIVE_INFINITY;
  /** When tokens were taken whose requests are not sent yet. */
  readonly #taken: number[] = [];
  readonly #inFlight = new Set<InFlightRequest>();
  #sent = 0;

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit;
    this.#tokens = limit.unknown;
    this.#refilledAt = now;
  }

  /** No request may be sent before. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  tokens(now: number): number {
    this.#update(now);
    return this.#tokens;
  }

  /** When a pass may begin that requires so many tokens, if no other client takes any; `now` if it may at once. */
  startsAt(tokens: number, now: number): number {
    const missing = tokens - this.tokens(now);
    // A caller that comes back on time must not fail by a rounding error.
    const refillMs = missing < 1e-6 ? 0 : (missing / this.#limit.refillPerSecond) * 1_000;
    const filledAt = Math.max(now, this.#pausedUntil) + refillMs;
    return this.#mustProbe ? Math.max(filledAt, this.#nextProbeAt) : filledAt;
  }

  /** Takes the token of a pass that begins. After a 429, one pass a second probes with no more requests than it needs. */
  start(now: number): void {
    if (this.#mustProbe) {
      this.#tokens = Math.min(this.tokens(now), this.#limit.need);
      this.#nextProbeAt = now + probeIntervalMs;
    }
    this.take(now);
  }

  take(now: number): void {
    this.#tokens = this.tokens(now) - 1;
    this.#taken.push(now);
  }

  /** Counts a request that is sent now: it uses a token taken before, or takes one. */
  send(now: number): InFlightRequest {
    this.#update(now);
    if (this.#taken.shift() === undefined) this.#tokens -= 1;
    const request = { sentAt: now, index: ++this.#sent, overlapping: this.#inFlight.size };
    this.#inFlight.add(request);
    return request;
  }

  /** The request has ended, with or without a response. */
  ended(request: InFlightRequest, { remaining, retryAfterMs }: RateLimitFeedback, now: number): void {
    this.#inFlight.delete(request);
    this.#update(now);
    if (retryAfterMs !== undefined) this.#pause(now + retryAfterMs, now);
    else if (request.sentAt >= this.#pausedUntil) this.#mustProbe = false;
    if (remaining === undefined || now < this.#pausedUntil) return;
    this.#feedbackAt = now;
    // ARM may not have counted requests that overlap with this one or were sent later.
    const uncounted = request.overlapping + (this.#sent - request.index) + this.#taken.length;
    this.#tokens = Math.min(remaining - uncounted, this.#capacity(now));
  }

  /** The remaining count after the pause is unknown: start with none. */
  #pause(until: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
    this.#mustProbe = true;
    this.#feedbackAt = Number.NEGATIVE_INFINITY;
    this.#tokens = Math.min(this.#tokens, 0);
    this.#refilledAt = Math.max(now, this.#pausedUntil);
  }

  #update(now: number): void {
    while ((this.#taken[0] ?? now) <= now - maxRequestMs) this.#taken.shift();
    for (const request of this.#inFlight) {
      if (request.sentAt > now - maxRequestMs) break;
      this.#inFlight.delete(request);
    }
    const refill = (Math.max(0, now - this.#refilledAt) / 1_000) * this.#limit.refillPerSecond;
    this.#refilledAt = Math.max(this.#refilledAt, now);
    this.#tokens = Math.min(this.#tokens + refill, this.#capacity(now));
  }

  /** A full bucket gains nothing before ARM has counted the requests in flight. */
  #capacity(now: number): number {
    const isKnown = now - this.#feedbackAt <= feedbackLastsMs;
    return (isKnown ? this.#limit.size : this.#limit.unknown) - this.#inFlight.size - this.#taken.length;
  }
}
