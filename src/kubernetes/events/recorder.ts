// Events for `kubectl describe`: recorded by a pass, told to the API server one after the other in the background. A caller
// never waits, and an event that cannot be written never fails a pass.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { namespacedName } from '../cache/key.ts';
import type { KubeClient } from '../client/client.ts';
import { ApiServerUnreachable, explain, retryAfter } from '../client/errors.ts';
import { delayAfter, type Random } from '../controller/backoff.ts';
import { LogOnChange } from '../controller/log-on-change.ts';
import { EventAggregator, type Series } from './aggregator.ts';
import { type EventRecord, type Reporter, toEvent } from './event.ts';
import { TokenBuckets } from './token-bucket.ts';
import { createEventWriter, type EventWriter } from './writer.ts';

export interface EventRecorder {
  record(regarding: KubernetesObject, news: EventRecord): void;
  /**
   * Resolves once everything recorded so far is told, at the latest after `ms`; to the number of occurrences left untold,
   * which are dropped. Every series is over then.
   */
  flush(ms: number): Promise<number>;
}

export interface EventRecorderOptions extends Reporter {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How many events of one type may begin about one object at once: as many as it can have reason for. */
  readonly burst?: number;
}

/** client-go's numbers (tools/events and tools/record), but for the interval: client-go tells the count after 6 min at the earliest. */
const series = { window: 6 * 60_000, interval: 60_000, capacity: 4096 };
const eachObject = { burst: 25, refill: 5 * 60_000, keys: 4096 };
const tries = 12;
const backoff = { first: 1_000, max: 10_000, jitter: 0.5 };

/**
 * Guarantees: the same news about the same object, never more than 6 minutes apart, are one event with a count. It is written
 * when it first occurs, when it occurs again, and then once a minute at most. About one object `burst` events of a type may begin,
 * and one more each 5 minutes; the rest is left out, which the debug log tells. Never is more than one request out.
 *
 * Errors: where no answer comes, or one that says when to come back (`Retry-After`), a write is tried up to 12 times. What
 * the API server refuses is not: it is logged once for each namespace, until an event is accepted there again.
 */
export function eventRecorder({
  cluster,
  ...options
}: EventRecorderOptions & { readonly cluster: KubeClient }): EventRecorder {
  return createRecorder(createEventWriter(cluster), options);
}

/** The recorder, whatever it writes to. */
export function createRecorder(write: EventWriter, options: EventRecorderOptions): EventRecorder {
  const { clock, random, log, burst = eachObject.burst } = options;
  const now = () => clock.now().getTime();
  const book = new EventAggregator(series);
  const buckets = new TokenBuckets({ ...eachObject, burst });
  const complaints = new LogOnChange(log);
  const lost = (what: string, why: string) => complaints.raise(what, `${what} are lost: ${why}`);
  const writtenAgain = (what: string) => complaints.settle(what, `${what} are written again`);
  let isSending = false;
  let allSent = Promise.resolve();
  let cancelTimer = () => {};
  let endPause = () => {};
  /** In a row, of whatever series: an outage is one. */
  let failures = 0;

  const send = () => {
    if (isSending) return;
    isSending = true;
    allSent = sendAll();
  };

  const sendAll = async () => {
    cancelTimer();
    for (let next = book.next(now()); next; next = book.next(now())) await tell(next);
    isSending = false;
    if (book.nextAt !== undefined) cancelTimer = clock.after(book.nextAt - now(), send);
  };

  const tell = async (one: Series) => {
    const what = `${one.told > 0 ? 'Repetitions of events' : 'Events'} in ${one.event.metadata?.namespace}`;
    for (let attempt = 1; one.state.is === 'Sending'; attempt++) {
      try {
        book.written(await write(one), now());
        failures = 0;
        writtenAgain('Events');
        writtenAgain(what);
      } catch (error) {
        const wait = waitBeforeAnother(error);
        if (wait !== undefined && attempt < tries) {
          await pause(wait);
        } else {
          book.refused(now());
          lost(wait === undefined ? what : 'Events', explain(error));
        }
      }
    }
  };

  /** ms; undefined where another try is of no use. */
  const waitBeforeAnother = (error: unknown): number | undefined => {
    const asked = retryAfter(error);
    if (asked === undefined && !(error instanceof ApiServerUnreachable)) {
      failures = 0;
      return undefined;
    }
    return Math.max(asked ?? 0, delayAfter(++failures, backoff, random));
  };

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      endPause = () => {
        cancel();
        resolve();
      };
    });

  return {
    record(regarding, news) {
      const at = now();
      const event = toEvent(regarding, news, options, at, random);
      const object = regarding.metadata?.uid ?? namespacedName(regarding);
      const key = JSON.stringify([object, event.type, event.reason, event.action, event.note]);
      if (!book.repeat(key, at)) {
        // However much goes well, it leaves room to say what does not.
        if (!buckets.take(`${event.type} ${object}`, at)) {
          log.debug(
            { object: namespacedName(regarding), reason: news.reason },
            `Too many events, this one is left out: ${news.note}`,
          );
          return;
        }
        const forgotten = book.open(key, event, at);
        if (forgotten > 0) lost('Events', `${series.capacity} of them wait for the API server`);
      }
      send();
    },

    async flush(ms) {
      book.hurry();
      send();
      const deadline = Promise.withResolvers<void>();
      const cancel = clock.after(ms, deadline.resolve);
      await Promise.race([allSent, deadline.promise]);
      cancel();
      cancelTimer();
      const untold = book.close();
      endPause();
      return untold;
    },
  };
}
