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
  /** While background callers wait: from when on the next one is treated as a user's. */
  backgroundDueAt?: number | undefined;
}

type Quotas = Readonly<Record<Operation, Quota>>;

/** Users may name any number of subscriptions; the least recently used ones are forgotten. */
const maxSubscriptions = 1_000;
/** While both wait, one pass in so many is a background pass: an edit costs the checks of others no more than that. */
const passesForEachBackground = 5;

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
    const now = this.#options.now();
    quota.slots[caller.priority].passed(caller, now);
    if (caller.priority === 'background') quota.backgroundDueAt = nextDueAt(quota, now);
    quota.bucket.start(now);
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
    // What the pass needs itself, what begun passes may still use, and what it leaves to others.
    const tokens = limit.need + limit.margin + tokensLeftBy(caller, quota, now);
    const earliest = bucket.startsAt(tokens, now);
    if (earliest <= now) return 0;
    if (priority === 'user') return Math.ceil(slots.user.slotFor(caller, { earliest }, now) - now);
    quota.backgroundDueAt ??= now + shareMs(limit);
    const enoughAt = bucket.startsAt(limit.need + limit.margin, now);
    const dueAt = Math.max(enoughAt, dueAtFor(caller, quota, now));
    const afterUsers = Math.max(earliest, slots.user.last + msToGain(limit, limit.need));
    const availability = { earliest: Math.min(dueAt, afterUsers), sharedUntil: afterUsers };
    return Math.ceil(slots.background.slotFor(caller, availability, now) - now);
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
      const user = new RetrySlots({ intervalMs, afterTurnMs, sharedMs: intervalMs });
      const background = new RetrySlots({ intervalMs, afterTurnMs, sharedMs: shareMs(limit) });
      return { limit, bucket: new TokenBucket(limit, now()), slots: { user, background } };
    };
    return { reads: quota('reads'), writes: quota('writes'), deletes: quota('deletes') };
  }
}

function msToGain({ refillPerSecond }: RateLimit, tokens: number): number {
  return (tokens / refillPerSecond) * 1_000;
}

/** Tokens that a pass leaves: background passes to users, namespaces to the others, and users to a background pass that is due. */
function tokensLeftBy(caller: Caller, quota: Quota, now: number): number {
  const { limit, slots, backgroundDueAt = Number.POSITIVE_INFINITY } = quota;
  const others = slots[caller.priority].isTurnOf(caller, now) ? 0 : limit.others;
  if (caller.priority === 'user') return others + (backgroundDueAt <= now ? limit.need : 0);
  return dueAtFor(caller, quota, now) <= now ? 0 : others + limit.reserve;
}

/** When this background caller is treated as a user: a little later if it is another namespace's turn. */
function dueAtFor(caller: Caller, { limit, slots, backgroundDueAt = Number.POSITIVE_INFINITY }: Quota, now: number) {
  return backgroundDueAt + (slots.background.isTurnOf(caller, now) ? 0 : msToGain(limit, limit.others));
}

/** After a background pass has begun; undefined: none waits. */
function nextDueAt({ limit, slots, backgroundDueAt }: Quota, now: number): number | undefined {
  if (slots.background.last <= now || backgroundDueAt === undefined) return undefined;
  return Math.min(Math.max(backgroundDueAt + shareMs(limit), now), now + shareMs(limit));
}

/** Between two background passes while users wait. */
function shareMs(limit: RateLimit): number {
  return msToGain(limit, limit.need * passesForEachBackground);
}

/** The message has no time in it: it is shown in the status, which must not change with every wait. */
export function notSent(operation: Operation, retryAfter: number): ArmError {
  const message = `held back by the operator's rate limit, which keeps below Azure's limit of ${operation} for the subscription; it goes on by itself`;
  return new ArmError('NotSent', 'Throttled', message, { retryAfter });
}
