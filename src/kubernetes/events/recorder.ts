// Records events for `kubectl describe` and writes them in the background, one request at a time. As in client-go's tools/events,
// a repeated event becomes a series with a count. Recording never blocks a pass and never fails it.
import type { EventsV1Event, KubernetesObject } from '@kubernetes/client-node';
import { LRUCache } from 'lru-cache';
import { delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { LogOnChange } from '../../lib/log-on-change.ts';
import type { KubeClient } from '../client/client.ts';
import { ApiServerUnreachable, explain, retryAfterMs } from '../client/errors.ts';
import { namespacedName } from '../client/resource.ts';
import { type EventRecord, type Reporter, toEvent } from './event.ts';
import { createEventWriter, type EventSeries, type EventWriter } from './writer.ts';

export interface EventRecorder {
  record(object: KubernetesObject, event: EventRecord): void;
  /**
   * Resolves when all recorded events are written, at the latest after `timeoutMs`. Drops the occurrences that were not written and
   * resolves to their number. The next event begins a new series.
   */
  flush(timeoutMs: number): Promise<number>;
  /** Number of series that are kept. */
  readonly openSeries: number;
}

export interface EventRecorderOptions extends Reporter {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How many different events of one type may be recorded about one object at once. */
  readonly burst?: number;
}

// The numbers of client-go (tools/events, tools/record), but for the interval: client-go patches a count after 6 minutes or more.
const maxSeries = 4096;
/** A series ends when its event has not occurred for so long. */
const seriesWindowMs = 6 * 60_000;
/** Between two patches of one series. */
const patchIntervalMs = 60_000;
const spamFilter = { burst: 25, refillMs: 5 * 60_000, maxKeys: 4096 };
const maxAttempts = 12;
const backoff = { firstMs: 1_000, maxMs: 10_000, jitter: 0.5 };

/**
 * Guarantees: equal events about the same object, at most 6 minutes apart, are one event with a count. It is written when it first
 * occurs, when it occurs again, and then at most once a minute. About each object, `burst` different events of a type may begin,
 * and one more every 5 minutes; further ones go to the debug log only. At most one request is in flight.
 *
 * Errors: a write is tried up to 12 times when the API server does not answer or answers with `Retry-After`. Any other error is
 * final for these occurrences; it is logged once for each namespace until an event is accepted there again.
 */
export function eventRecorder({
  cluster,
  ...options
}: EventRecorderOptions & { readonly cluster: KubeClient }): EventRecorder {
  return createRecorder(createEventWriter(cluster), options);
}

export function createRecorder(write: EventWriter, options: EventRecorderOptions): EventRecorder {
  return new SeriesRecorder(write, options);
}

type OpenSeries = { -readonly [Property in keyof EventSeries]: EventSeries[Property] } & {
  attempts: number;
  /** The series is not written before this time, in ms since the epoch. */
  notBeforeMs: number;
};

class SeriesRecorder implements EventRecorder {
  readonly #write: EventWriter;
  readonly #options: EventRecorderOptions;
  readonly #spamFilter: SpamFilter;
  readonly #problems: LogOnChange;
  readonly #series: LRUCache<string, OpenSeries>;
  /** Series with occurrences to write, in order. */
  readonly #pending = new Set<OpenSeries>();
  #isWriting = false;
  #isFlushing = false;
  #allWritten: Promise<void> = Promise.resolve();
  #cancelTimer = () => {};
  #endPause = () => {};
  /** Failed attempts in a row, of any series: they share the API server. */
  #failures = 0;

  constructor(write: EventWriter, options: EventRecorderOptions) {
    this.#write = write;
    this.#options = options;
    this.#spamFilter = new SpamFilter(options.burst ?? spamFilter.burst);
    this.#problems = new LogOnChange(options.log);
    this.#series = new LRUCache({ max: maxSeries, dispose: (series, _key, why) => this.#forget(series, why) });
  }

  record(object: KubernetesObject, record: EventRecord): void {
    const { random, log } = this.#options;
    const now = this.#now();
    this.#dropEndedSeries(now);
    const event = toEvent(object, record, this.#options, now, random);
    const about = object.metadata?.uid ?? namespacedName(object);
    const key = JSON.stringify([about, event.type, event.reason, event.action, event.note]);
    const series = this.#series.get(key);
    if (series && !this.#isOver(series, now)) {
      series.event = { ...event, ...nameAndTimeOf(series.event) };
      series.count++;
      series.lastObservedMs = now;
      this.#pending.add(series);
    } else if (this.#spamFilter.allows(`${event.type} ${about}`, now)) {
      const first: OpenSeries = { event, count: 1, lastObservedMs: now, written: 0, attempts: 0, notBeforeMs: now };
      this.#series.set(key, first);
      this.#pending.add(first);
    } else {
      log.debug(
        { object: namespacedName(object), reason: record.reason },
        `Too many events, this one is left out: ${record.note}`,
      );
      return;
    }
    this.#writeInBackground();
  }

  get openSeries(): number {
    return this.#series.size;
  }

  async flush(timeoutMs: number): Promise<number> {
    this.#isFlushing = true;
    this.#writeInBackground();
    const timeout = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(timeoutMs, timeout.resolve);
    await Promise.race([this.#allWritten, timeout.promise]);
    cancel();
    this.#cancelTimer();
    const dropped = [...this.#series.values()].reduce((sum, { count, written }) => sum + count - written, 0);
    this.#pending.clear();
    this.#series.clear();
    this.#isFlushing = false;
    this.#endPause();
    return dropped;
  }

  #writeInBackground(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#allWritten = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#cancelTimer();
    for (let series = this.#nextDue(); series; series = this.#nextDue()) await this.#tryToWrite(series);
    this.#isWriting = false;
    if (this.#pending.size === 0) return;
    const dueMs = Math.min(...Array.from(this.#pending, ({ notBeforeMs }) => notBeforeMs));
    this.#cancelTimer = this.#options.clock.after(dueMs - this.#now(), () => this.#writeInBackground());
  }

  #nextDue(): OpenSeries | undefined {
    const now = this.#now();
    for (const series of this.#pending) if (this.#isFlushing || series.notBeforeMs <= now) return series;
    return undefined;
  }

  /** The series stays first in line until its write succeeds or is given up. */
  async #tryToWrite(series: OpenSeries): Promise<void> {
    const subject = `${series.written > 0 ? 'Repetitions of events' : 'Events'} in ${series.event.metadata?.namespace}`;
    try {
      series.written = await this.#write(series);
      this.#failures = 0;
      for (const what of ['Events', subject]) this.#problems.settle(what, `${what} are written again`);
      // The second occurrence is written at once, so that readers see early that the event repeats.
      this.#finish(series, series.written > 1 ? patchIntervalMs : 0);
    } catch (error) {
      if (!this.#pending.has(series)) return; // dropped in the meantime
      const retryMs = this.#retryDelayMs(error);
      series.attempts++;
      if (retryMs !== undefined && series.attempts < maxAttempts) {
        await this.#pause(retryMs);
        return;
      }
      this.#finish(series, patchIntervalMs);
      this.#settle(series);
      this.#reportLost(retryMs === undefined ? subject : 'Events', explain(error));
    }
  }

  #finish(series: OpenSeries, pauseMs: number): void {
    series.attempts = 0;
    series.notBeforeMs = this.#now() + pauseMs;
    if (series.count === series.written) this.#settle(series);
  }

  /** Nothing is to be written until the event occurs again, which brings the rest of it again: thousands of series wait for that. */
  #settle(series: OpenSeries): void {
    this.#pending.delete(series);
    series.event = nameAndTimeOf(series.event);
  }

  /** Undefined if another attempt is of no use. */
  #retryDelayMs(error: unknown): number | undefined {
    const waitMs = retryAfterMs(error);
    if (waitMs === undefined && !(error instanceof ApiServerUnreachable)) {
      this.#failures = 0;
      return undefined;
    }
    return Math.max(waitMs ?? 0, delayAfter(++this.#failures, backoff, this.#options.random));
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    this.#endPause = () => {
      cancel();
      resolve();
    };
    return promise;
  }

  /** Series that occurred least recently come first. */
  #dropEndedSeries(now: number): void {
    for (const key of this.#series.rkeys()) {
      const series = this.#series.peek(key);
      if (!series || !this.#isOver(series, now)) return;
      this.#series.delete(key);
    }
  }

  #forget(series: OpenSeries, why: LRUCache.DisposeReason): void {
    const isPending = this.#pending.delete(series);
    if (why === 'evict' && isPending) this.#reportLost('Events', `${maxSeries} of them wait for the API server`);
  }

  #reportLost(what: string, why: string): void {
    this.#problems.raise(what, `${what} are lost: ${why}`);
  }

  /** A series with occurrences still to write goes on. */
  #isOver(series: OpenSeries, now: number): boolean {
    return !this.#pending.has(series) && now - series.lastObservedMs > seriesWindowMs;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** What a series keeps of its first occurrence. */
function nameAndTimeOf({ metadata = {}, eventTime }: EventsV1Event): EventsV1Event {
  return { metadata, eventTime };
}

/** A token bucket for each key: `burst` at once, then one every `refillMs`. */
class SpamFilter {
  readonly #burst: number;
  /** When each bucket is full again, in ms since the epoch. */
  readonly #fullAtMs = new LRUCache<string, number>({ max: spamFilter.maxKeys });

  constructor(burst: number) {
    this.#burst = burst;
  }

  allows(key: string, now: number): boolean {
    const fullAtMs = Math.max(now, this.#fullAtMs.get(key) ?? now) + spamFilter.refillMs;
    const isAllowed = fullAtMs <= now + this.#burst * spamFilter.refillMs;
    if (isAllowed) this.#fullAtMs.set(key, fullAtMs);
    return isAllowed;
  }
}
