// The work queue: which key is worked on next. A key waits once and is in flight once; added while in flight, it runs
// again after. It owns the timers of delayed keys and nothing else, and never runs the work itself.

import { type Backoff, delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';

/**
 * `high` overtakes `normal` overtakes `low`; within one class first come, first served. And one worker in five is kept for
 * `high`: what a person waits for shall not wait until a pass of the many ends.
 */
export type Priority = (typeof priorities)[number];
const priorities = ['high', 'normal', 'low'] as const;

/** All times in seconds, as Prometheus wants them. */
export interface QueueMetrics {
  /** How many keys wait and are due. */
  depth(keys: number): void;
  /** A key that did not wait yet was added. */
  added(): void;
  /** How long a key waited, once due, until it was taken. */
  waited(seconds: number): void;
  /** How long a key was in flight. */
  worked(seconds: number): void;
  retried(): void;
  /** Where to read, at each scrape, for how long the keys in flight have been so: their sum and the longest. */
  inFlight(read: () => { readonly seconds: number; readonly longest: number }): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff?: Backoff;
  /** How many workers take keys. Left out, or 1: none is kept for `high`. */
  readonly workers?: number;
  readonly metrics?: QueueMetrics;
}

interface Queued {
  readonly priority: Priority;
  readonly since: number;
}

interface InFlight {
  readonly priority: Priority;
  readonly since: number;
}

interface Delayed {
  readonly due: number;
  readonly priority: Priority;
  readonly cancel: () => void;
}

const defaultBackoff: Backoff = { firstMs: 500, maxMs: 300_000, jitter: 0.2 };

export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: Backoff;
  readonly #metrics: QueueMetrics | undefined;
  /** How many keys of the other classes than `high` may be in flight at once. */
  readonly #maxOrdinaryInFlight: number;

  /** Due keys by class; a Map keeps the order of arrival. */
  readonly #queued: Record<Priority, Map<string, Queued>> = { high: new Map(), normal: new Map(), low: new Map() };
  /** Due again once they are done. */
  readonly #dirty = new Map<string, Queued>();
  readonly #processing = new Map<string, InFlight>();
  #ordinaryInFlight = 0;
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  #drained: PromiseWithResolvers<void> | undefined;

  constructor({ clock, random, backoff = defaultBackoff, workers, metrics }: QueueOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#backoff = backoff;
    this.#metrics = metrics;
    this.#maxOrdinaryInFlight = workers && workers > 1 ? workers - Math.ceil(workers / 5) : Number.POSITIVE_INFINITY;
    metrics?.inFlight(() => this.unfinished);
  }

  /** Makes the key due now. One that waits already stays in its place, or moves up where the new class is higher. */
  add(key: string, priority: Priority = 'normal'): void {
    if (this.#drained) return;
    const waiting: Queued = { priority, since: this.#now() };
    if (this.#processing.has(key)) {
      const before = this.#dirty.get(key);
      if (!before) this.#metrics?.added();
      if (!before || isHigher(priority, before.priority)) {
        this.#dirty.set(key, before ? { ...before, priority } : waiting);
      }
      return;
    }
    const before = priorities.map((p) => this.#queued[p].get(key)).find((w) => w);
    if (!before) {
      this.#metrics?.added();
      this.#enqueue(key, waiting);
    } else if (isHigher(priority, before.priority)) {
      this.#queued[before.priority].delete(key);
      this.#enqueue(key, { ...before, priority });
    }
  }

  /**
   * Makes the key due in `ms`. The earliest of several delays counts, and the higher class. Taking the key answers every
   * delay asked for before: what comes after the pass is for the pass to say.
   */
  addAfter(key: string, ms: number, priority: Priority = 'normal'): void {
    if (this.#drained) return;
    if (!(ms > 0)) {
      this.add(key, priority);
      return;
    }
    const before = this.#delayed.get(key);
    const due = Math.min(this.#now() + ms, before?.due ?? Number.POSITIVE_INFINITY);
    const highest = before && isHigher(before.priority, priority) ? before.priority : priority;
    if (before?.due === due && before.priority === highest) return;
    before?.cancel();
    const cancel = this.#clock.after(due - this.#now(), () => {
      this.#delayed.delete(key);
      this.add(key, highest);
    });
    this.#delayed.set(key, { due, priority: highest, cancel });
  }

  /** Makes the key due after its backoff, but no sooner and no later than these ms, and returns in how many ms that is. */
  retry(key: string, { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = {}): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.#metrics?.retried();
    const backoff = { ...this.#backoff, maxMs: Math.min(this.#backoff.maxMs, atMost) };
    const ms = Math.max(delayAfter(failures, backoff, this.#random), atLeast);
    this.addAfter(key, ms);
    return ms;
  }

  /** The key's backoff starts over. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Retries since the key was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Resolves to the next key, as soon as there is one, or to undefined once the queue is shut down. Pair it with `done`. */
  get(): Promise<string | undefined> {
    if (this.#drained) return Promise.resolve(undefined);
    const key = this.#startNext();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  done(key: string): void {
    const ended = this.#processing.get(key);
    if (!ended) throw new Error(`${key} is not in flight`);
    this.#processing.delete(key);
    if (ended.priority !== 'high') this.#ordinaryInFlight--;
    this.#metrics?.worked((this.#now() - ended.since) / 1000);
    const again = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (this.#drained) {
      if (!this.#processing.size) this.#drained.resolve();
    } else if (again) {
      this.#enqueue(key, again);
    } else {
      this.#dispatch();
    }
  }

  /** Forgets what waits (a restart finds it again) and resolves once nothing is in flight. */
  shutDown(): Promise<void> {
    if (!this.#drained) {
      this.#drained = Promise.withResolvers<void>();
      for (const { cancel } of this.#delayed.values()) cancel();
      this.#delayed.clear();
      this.#dirty.clear();
      for (const priority of priorities) this.#queued[priority].clear();
      this.#metrics?.depth(0);
      for (const take of this.#getters.splice(0)) take(undefined);
      if (!this.#processing.size) this.#drained.resolve();
    }
    return this.#drained.promise;
  }

  /** How many keys wait and are due. */
  get depth(): number {
    return priorities.reduce((sum, priority) => sum + this.#queued[priority].size, 0);
  }

  /** Seconds since the start of each key in flight: their sum and the longest. */
  get unfinished(): { readonly seconds: number; readonly longest: number } {
    const now = this.#now();
    const each = Array.from(this.#processing.values(), ({ since }) => (now - since) / 1000);
    return { seconds: each.reduce((a, b) => a + b, 0), longest: Math.max(0, ...each) };
  }

  #enqueue(key: string, waiting: Queued): void {
    this.#queued[waiting.priority].set(key, waiting);
    if (!this.#dispatch()) this.#metrics?.depth(this.depth);
  }

  /** Gives those who wait for keys what they may have; false when that is nothing. */
  #dispatch(): boolean {
    let served = false;
    while (this.#getters.length) {
      const key = this.#startNext();
      if (key === undefined) break;
      this.#getters.shift()?.(key);
      served = true;
    }
    return served;
  }

  #startNext(): string | undefined {
    for (const priority of priorities) {
      if (priority !== 'high' && this.#ordinaryInFlight >= this.#maxOrdinaryInFlight) return undefined;
      const first = this.#queued[priority].entries().next();
      if (!first.done) {
        const [key, waiting] = first.value;
        this.#start(key, waiting);
        return key;
      }
    }
    return undefined;
  }

  #start(key: string, { since, priority }: Queued): void {
    this.#queued[priority].delete(key);
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
    const now = this.#now();
    this.#processing.set(key, { priority, since: now });
    if (priority !== 'high') this.#ordinaryInFlight++;
    this.#metrics?.depth(this.depth);
    this.#metrics?.waited((now - since) / 1000);
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

function isHigher(one: Priority, other: Priority): boolean {
  return priorities.indexOf(one) < priorities.indexOf(other);
}
