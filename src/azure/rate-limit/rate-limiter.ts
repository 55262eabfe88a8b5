// Decides which requests of one credential may be sent now, per subscription and kind, and when the others shall be tried again.
// It never waits and never queues a request.
import { LRUCache } from 'lru-cache';
import { ArmError } from '../arm.ts';
import { armRateLimits, type Operation, operations, type Priority, priorities, type RateLimit } from './limits.ts';
import { RetrySlots } from './retry-slots.ts';
import { type RateLimitFeedback, TokenBucket } from './token-bucket.ts';

/** One object's pass. */
export interface Caller {
  /** The same in every pass of the object. */
  readonly id: string;
  /** Namespaces that wait are served in turn. Undefined: of no namespace. */
  readonly namespace?: string;
  readonly priority: Priority;
  /** Writes that the pass will probably send: without tokens for them its reads are wasted. */
  readonly expects?: readonly Operation[];
}

export interface RateLimiterOptions {
  /** ms of a monotonic clock. */
  readonly now: () => number;
  readonly limits?: Readonly<Record<Operation, RateLimit>>;
  readonly onHeld?: (operation: Operation, priority: Priority) => void;
  /** ARM has answered 429: the pause becomes so many ms longer. */
  readonly onPaused?: (operation: Operation, ms: number) => void;
}

export interface RateLimitLevel {
  readonly subscriptionId: string;
  readonly operation: Operation;
  readonly tokens: number;
  /** Callers whose time to try again is still to come. */
  readonly waiting: number;
}

/** What is known of one kind of requests in one subscription. */
interface Quota {
  readonly limit: RateLimit;
  readonly bucket: TokenBucket;
  readonly slots: Readonly<Record<Priority, RetrySlots>>;
  /** When a background caller was first held back since a background pass last began. */
  backgroundHeldAt?: number | undefined;
}

type Quotas = Readonly<Record<Operation, Quota>>;

/** Users may name any number of subscriptions; the least recently used ones are forgotten. */
const maxSubscriptions = 1_000;
/** After this wait one background request is treated as a user's, so that users cannot starve them all. */
const starvedAfterMs = 5_000;

/** One for each credential. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #subscriptions = new LRUCache<string, Quotas>({ max: maxSubscriptions });

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  /** Takes the token of a pass's first request. Returns 0, or the ms after which to try again. */
  start(subscriptionId: string, operation: Operation, caller: Caller): number {
    const waitMs = this.mayStart(subscriptionId, operation, caller);
    if (waitMs > 0) return waitMs;
    const quota = this.#quotaOf(subscriptionId, operation);
    for (const priority of priorities) quota.slots[priority].release(caller);
    quota.slots[caller.priority].passed(caller, this.#options.now());
    if (caller.priority === 'background') quota.backgroundHeldAt = undefined;
    quota.bucket.start(this.#options.now());
    return 0;
  }

  /**
   * Takes the token of a later request of a pass, reserve and margin included: they were kept for it, since a pass that cannot
   * finish wastes its requests. Returns 0, or the ms after which to try again with a new pass.
   */
  proceed(subscriptionId: string, operation: Operation, caller: Caller): number {
    const { bucket } = this.#quotaOf(subscriptionId, operation);
    const now = this.#options.now();
    // mayStart() does not return 0 here: a pass that begins needs more than the token that is missing.
    if (bucket.tokens(now) < 1 || now < bucket.pausedUntil) return this.mayStart(subscriptionId, operation, caller);
    bucket.take(now);
    return 0;
  }

  /**
   * Takes no token. Returns 0 if a pass may begin with such a request, or the ms after which to try again: a caller that must
   * wait gets a retry slot.
   */
  mayStart(subscriptionId: string, operation: Operation, caller: Caller): number {
    const { priority } = caller;
    const quota = this.#quotaOf(subscriptionId, operation);
    const now = this.#options.now();
    const { limit, bucket, slots } = quota;
    const isStarved = now - (quota.backgroundHeldAt ?? now) >= starvedAfterMs;
    const reserve = priority === 'user' || isStarved ? 0 : limit.reserve;
    const others = isStarved || slots[priority].isTurnOf(caller, now) ? 0 : limit.others;
    // What the pass needs itself, what begun passes may still use, and what users and other namespaces keep.
    const earliest = bucket.startsAt(reserve + others + limit.margin + limit.need, now);
    if (earliest <= now) return 0;
    if (priority === 'background') quota.backgroundHeldAt ??= now;
    const afterUsers = priority === 'user' ? earliest : slots.user.last + msToGain(limit, limit.need);
    return Math.ceil(slots[priority].slotFor(caller, Math.max(earliest, afterUsers), now) - now);
  }

  /**
   * A request is sent now. It uses the token that its pass took; further pages of a LIST take their own. Call the returned
   * function once it has ended.
   * @throws ArmError `NotSent` during a pause.
   */
  send(subscriptionId: string, operation: Operation): (feedback: RateLimitFeedback) => void {
    const { now, onPaused } = this.#options;
    const { bucket } = this.#quotaOf(subscriptionId, operation);
    if (now() < bucket.pausedUntil) throw notSent(operation, Math.ceil(bucket.pausedUntil - now()));
    const request = bucket.send(now());
    return (feedback) => {
      const before = Math.max(bucket.pausedUntil, now());
      bucket.ended(request, feedback, now());
      if (bucket.pausedUntil > before) onPaused?.(operation, bucket.pausedUntil - before);
    };
  }

  /** Reports that a request was held back. */
  reportHeld(operation: Operation, { priority }: Caller): void {
    this.#options.onHeld?.(operation, priority);
  }

  /** The state of every subscription in use. */
  levels(): RateLimitLevel[] {
    const now = this.#options.now();
    return [...this.#subscriptions].flatMap(([subscriptionId, quotas]) =>
      operations.map((operation) => {
        const { bucket, slots } = quotas[operation];
        const tokens = Math.max(0, Math.floor(bucket.tokens(now)));
        return { subscriptionId, operation, tokens, waiting: slots.user.count(now) + slots.background.count(now) };
      }),
    );
  }

  #quotaOf(subscriptionId: string, operation: Operation): Quota {
    const id = subscriptionId.toLowerCase();
    const quotas = this.#subscriptions.get(id) ?? this.#newQuotas();
    this.#subscriptions.set(id, quotas);
    return quotas[operation];
  }

  #newQuotas(): Quotas {
    const { now, limits = armRateLimits } = this.#options;
    const quota = (operation: Operation): Quota => {
      const limit = limits[operation];
      const [intervalMs, afterTurnMs] = [msToGain(limit, limit.need), msToGain(limit, limit.need + limit.others)];
      const slots = () => new RetrySlots({ intervalMs, afterTurnMs });
      return { limit, bucket: new TokenBucket(limit, now()), slots: { user: slots(), background: slots() } };
    };
    return { reads: quota('reads'), writes: quota('writes'), deletes: quota('deletes') };
  }
}

function msToGain({ refillPerSecond }: RateLimit, tokens: number): number {
  return (tokens / refillPerSecond) * 1_000;
}

/** The message has no time in it: it is shown in the status, which must not change with every wait. */
export function notSent(operation: Operation, retryAfter: number): ArmError {
  const message = `held back by the operator's rate limit, which keeps below Azure's limit of ${operation} for the subscription; it goes on by itself`;
  return new ArmError('NotSent', 'Throttled', message, { retryAfter });
}
