// What is known of one of ARM's token buckets: how many requests it would surely take now, and when it will take more. Pure
// arithmetic on times that it is told; never more hopeful than ARM's answers allow, since others may use the same credential.
import { clamp } from '../lib/clamp.ts';
import { InFlight } from './in-flight.ts';

/** A bucket as ARM keeps it, and how much of it is trusted while ARM has said nothing. */
export interface BucketSize {
  /** Tokens at most. */
  readonly size: number;
  /** Tokens a second. */
  readonly refill: number;
  /** Tokens at most while nothing is known, at the start for instance: others may have spent the rest. */
  readonly unknown: number;
}

/** What an answer said of the budget. */
export interface News {
  /** Tokens that ARM has left; undefined where it did not say (recorded: 404 made by its gateway, azure-service-operator 2025-11-18). */
  readonly remaining?: number | undefined;
  /** ms; only of a 429, where it is a command. */
  readonly retryAfter?: number | undefined;
}

/** ms for which the last word about what is left counts. */
const newsLasts = 30_000;

/** ms over which the appetite of others is averaged. */
const memory = 10_000;

/** ms, twice what a request may last. */
const maxInFlightMs = 60_000;

/** Not all of the refill is ever given up for lost: turns must stay finite. */
const leastShare = 0.1;

/** All times in ms of one clock that never goes back. */
export class Bucket {
  readonly #size: BucketSize;
  /** Tokens at `#at`. */
  #level: number;
  #at: number;
  #newsAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  readonly #inFlight = new InFlight(maxInFlightMs);
  #isProbing = false;
  #sent = 0;
  #answered = 0;
  /** Tokens a second that others take, or ARM does not give. */
  #eaten = 0;

  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#level = size.unknown;
    this.#at = now;
  }

  /** Requests that ARM would take now: none below 1, and so for as long as it forbids to ask. */
  level(now: number): number {
    this.#refill(now);
    return this.#level;
  }

  /** Whether ARM has said lately what is left. */
  isKnown(now: number): boolean {
    return now - this.#newsAt <= newsLasts;
  }

  /** Whether a new one would be the same from now on: nothing that was heard counts any more, and nothing under way has its place kept. */
  isAsNew(now: number): boolean {
    return this.#isSilent(now) && this.level(now) === this.#size.unknown;
  }

  /** Until when ARM forbids to ask. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  isPaused(now: number): boolean {
    return now < this.#pausedUntil;
  }

  /** After a 429 and its pause, until a request has gone well, or so long ago that nothing is known any more. */
  isProbing(now: number): boolean {
    return this.#isProbing && !this.#isSilent(now);
  }

  /** When the level will be so high, if others go on as they did; `now` where it is. */
  reaches(level: number, now: number): number {
    const missing = Math.max(0, level - this.level(now));
    const { refill } = this.#size;
    const rate = Math.max(leastShare * refill, refill - this.#eaten);
    return Math.max(now, this.#pausedUntil) + (missing / rate) * 1_000;
  }

  /** A request goes out. The function returned is to be called once with what came back, be it nothing. */
  sent(now: number): (news: News, now: number) => void {
    this.#refill(now);
    this.#level -= 1;
    this.#sent += 1;
    const counted = this.#answered;
    const over = this.#inFlight.begin(now);
    return (news, then) => {
      over();
      this.#refill(then);
      this.#answered += 1;
      if (news.retryAfter !== undefined) this.#pause(then + news.retryAfter, then);
      else if (now >= this.#pausedUntil) this.#isProbing = false;
      if (news.remaining !== undefined && !this.isPaused(then)) {
        // ARM had counted this one and all that were answered before it went out; the others, perhaps not yet.
        this.#learn(news.remaining - (this.#sent - counted - 1), then);
      }
    };
  }

  /** After a 429 nobody knows what others leave: begin again with nothing, once ARM allows it. */
  #pause(until: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
    this.#isProbing = true;
    this.#newsAt = Number.NEGATIVE_INFINITY;
    this.#level = Math.min(this.#level, 0);
    this.#at = Math.max(now, this.#pausedUntil);
  }

  #learn(tokens: number, now: number): void {
    const seen = Math.min(tokens, this.#most(true, now));
    if (this.isKnown(now)) {
      const faded = this.#eaten * Math.exp((this.#newsAt - now) / memory);
      this.#eaten = clamp(faded + ((this.#level - seen) * 1_000) / memory, 0, this.#size.refill);
    }
    this.#level = seen;
    this.#newsAt = now;
  }

  /** What ARM said is too old to count, and so is what it forbade. */
  #isSilent(now: number): boolean {
    return !this.isKnown(now) && now - this.#pausedUntil > newsLasts;
  }

  #refill(now: number): void {
    const gained = (Math.max(0, now - this.#at) / 1_000) * this.#size.refill;
    this.#at = Math.max(this.#at, now);
    this.#level = Math.min(this.#level + gained, this.#most(this.isKnown(now), now));
    if (this.#isSilent(now)) this.#eaten = 0;
  }

  /** A bucket that is full while a request is on its way will have one less: what is on its way takes its place. */
  #most(known: boolean, now: number): number {
    const { size, unknown } = this.#size;
    return (known ? size : unknown) - this.#inFlight.count(now);
  }
}
