// The work queue between informers and workers, as in client-go: a key is queued at most once and processed by at most one worker. A
// key that is added while it is being processed is queued again afterwards. Adds priorities, delays and a backoff for each key.

import { type Backoff, delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { namespaceOf } from '../client/object-key.ts';
import { DelayedKeys } from './delayed-keys.ts';
import { FairQueue } from './fair-queue.ts';
import { WorkerLimits } from './worker-limits.ts';

/**
 * `high` goes before `normal`, and `normal` before `low`; but after four `high` keys in a row an ordinary one (`normal` or `low`) is
 * served, so that thousands of new objects do not hide the progress of those before them. Within a priority the namespaces take turns,
 * FIFO within a namespace. One worker in five is reserved for `high`, so that a user's edit does not wait until one of many background
 * passes ends.
 */
export type Priority = (typeof priorities)[number];
const priorities = ['high', 'normal', 'low'] as const;
const ordinaryFirst = ['normal', 'low', 'high'] as const;
const maxHighInARow = 4;

export interface QueueMetrics {
  /** Number of queued keys. */
  depth(keys: number): void;
  /** A key was added that was not queued. */
  added(): void;
  /** Time from adding a key, or from the end of its delay, until a worker got it. */
  waited(seconds: number): void;
  /** Time for which a key was processed. */
  worked(seconds: number): void;
  retried(): void;
  /** Registers a function that is called at each scrape; see {@link WorkQueue.unfinished}. */
  inFlight(read: () => { readonly seconds: number; readonly longest: number }): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff?: Backoff;
  /** Number of workers. With one, or if omitted, none is reserved for `high` or for other namespaces, until `limitWorkers`. */
  readonly workers?: number;
  readonly metrics?: QueueMetrics;
}

interface Queued {
  readonly priority: Priority;
  readonly since: number;
}

interface InFlight {
  readonly namespace: string;
  readonly priority: Priority;
  readonly since: number;
}

const defaultBackoff: Backoff = { firstMs: 500, maxMs: 300_000, jitter: 0.2 };

export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: Backoff;
  readonly #metrics: QueueMetrics | undefined;
  readonly #limits: WorkerLimits;

  readonly #queued = new Map<string, Queued>();
  /** The queued keys of each priority, in the order in which workers get them. */
  readonly #order: Record<Priority, FairQueue> = {
    high: new FairQueue(),
    normal: new FairQueue(),
    low: new FairQueue(),
  };
  /** Keys that were added while being processed. */
  readonly #dirty = new Map<string, Queued>();
  readonly #processing = new Map<string, InFlight>();
  readonly #delayed: DelayedKeys<Priority>;
  readonly #failures = new Map<string, number>();
  readonly #getters: ((key: string | undefined) => void)[] = [];
  /** Number of `high` keys that were started since the last ordinary one. */
  #highInARow = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor({ clock, random, backoff = defaultBackoff, workers, metrics }: QueueOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#backoff = backoff;
    this.#metrics = metrics;
    this.#limits = new WorkerLimits(workers);
    this.#delayed = new DelayedKeys(clock, (key, priority) => this.add(key, priority));
    metrics?.inFlight(() => this.unfinished);
  }

  /** Queues the key. A queued key keeps its place, unless the new priority is higher. */
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
    const before = this.#queued.get(key);
    if (!before) {
      this.#metrics?.added();
      this.#enqueue(key, waiting);
    } else if (isHigher(priority, before.priority)) {
      this.#order[before.priority].delete(key);
      this.#enqueue(key, { ...before, priority });
    }
  }

  /**
   * Queues the key in `ms`; if that is more than a minute, up to a second later. Of several delays the earliest counts, and of several
   * priorities the highest. When a worker gets the key, its delay is dropped: the outcome of the pass sets the next one.
   */
  addAfter(key: string, ms: number, priority: Priority = 'normal'): void {
    if (this.#drained) return;
    if (!(ms > 0)) {
      this.add(key, priority);
      return;
    }
    const before = this.#delayed.priorityOf(key);
    this.#delayed.set(key, ms, before && isHigher(before, priority) ? before : priority);
  }

  /** Queues the key after its backoff, within these limits; returns the delay in ms. */
  retry(key: string, { minMs = 0, maxMs = Number.POSITIVE_INFINITY } = {}): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.#metrics?.retried();
    const backoff = { ...this.#backoff, maxMs: Math.min(this.#backoff.maxMs, maxMs) };
    const ms = Math.max(delayAfter(failures, backoff, this.#random), minMs);
    this.addAfter(key, ms);
    return ms;
  }

  /** Resets the key's backoff. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Number of retries since the last {@link forget}. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Resolves to the next key when there is one; undefined after shutdown. Call `done` when the key is processed. */
  get(): Promise<string | undefined> {
    if (this.#drained) return Promise.resolve(undefined);
    const key = this.#startNext();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => this.#getters.push(resolve));
  }

  /** Lets so many workers have a key at a time, which must be at least two. Those that have one keep it. */
  limitWorkers(workers: number): void {
    this.#limits.set(workers);
    this.#dispatch();
  }

  done(key: string): void {
    const ended = this.#processing.get(key);
    if (!ended) throw new Error(`${key} is not in flight`);
    this.#processing.delete(key);
    this.#limits.done(ended.namespace, ended.priority !== 'high');
    this.#metrics?.worked((this.#now() - ended.since) / 1000);
    const dirty = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (this.#drained) {
      if (!this.#processing.size) this.#drained.resolve();
    } else if (dirty) {
      this.#enqueue(key, dirty);
    } else {
      this.#dispatch();
    }
  }

  /** Drops all queued keys (the LIST after a restart queues them again) and resolves when no key is being processed. */
  shutDown(): Promise<void> {
    if (!this.#drained) {
      this.#drained = Promise.withResolvers<void>();
      this.#delayed.clear();
      this.#dirty.clear();
      this.#queued.clear();
      for (const priority of priorities) this.#order[priority].clear();
      this.#metrics?.depth(0);
      for (const take of this.#getters.splice(0)) take(undefined);
      if (!this.#processing.size) this.#drained.resolve();
    }
    return this.#drained.promise;
  }

  /** Number of queued keys, without delayed ones. */
  get depth(): number {
    return this.#queued.size;
  }

  /** Processing time so far of all keys being processed, in seconds: the sum and the longest. */
  get unfinished(): { readonly seconds: number; readonly longest: number } {
    const now = this.#now();
    const each = Array.from(this.#processing.values(), ({ since }) => (now - since) / 1000);
    return { seconds: each.reduce((a, b) => a + b, 0), longest: Math.max(0, ...each) };
  }

  #enqueue(key: string, waiting: Queued): void {
    this.#queued.set(key, waiting);
    this.#order[waiting.priority].add(key);
    if (!this.#dispatch()) this.#metrics?.depth(this.depth);
  }

  /** Gives keys to waiting workers; false if there was none to give. */
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
    if (this.#limits.isFull) return undefined;
    for (const priority of this.#highInARow < maxHighInARow ? priorities : ordinaryFirst) {
      const isOrdinary = priority !== 'high';
      if (isOrdinary && this.#limits.isOrdinaryFull) continue;
      const key = this.#order[priority].take((namespace) => this.#limits.mayStart(namespace, isOrdinary));
      if (key === undefined) continue;
      this.#start(key, priority);
      return key;
    }
    return undefined;
  }

  #start(key: string, priority: Priority): void {
    const now = this.#now();
    const { since } = this.#queued.get(key) ?? { since: now };
    this.#queued.delete(key);
    this.#delayed.delete(key);
    const namespace = namespaceOf(key) ?? '';
    this.#processing.set(key, { namespace, priority, since: now });
    this.#limits.start(namespace, priority !== 'high');
    this.#highInARow = priority === 'high' ? this.#highInARow + 1 : 0;
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
