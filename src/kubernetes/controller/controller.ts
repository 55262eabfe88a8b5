// Runs the workers: each gets a key from the work queue, reads its object from the cache, calls `reconcile`, and requeues the key by
// the outcome. Level-triggered: a pass gets the object, not the change.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { explain, isConflict, isFromApiServer, isNotFound, isUnavailable, retryAfterMs } from '../client/errors.ts';
import { BusyLimit } from './busy-limit.ts';
import type { WorkQueue } from './workqueue.ts';

export interface Outcome {
  /** Requeue after this many ms; if omitted, the next pass follows the object's next change. */
  readonly requeueAfterMs?: number;
}

/** Values of the label `result` of `controller_runtime_reconcile_total`, with controller-runtime's meaning. */
export type PassResult = (typeof passResults)[number];
export const passResults = ['success', 'requeue_after', 'requeue', 'error'] as const;

export interface ControllerMetrics {
  /** A pass ended; duration in seconds. */
  passed(result: PassResult, seconds: number): void;
  /** Number of workers that are running a pass. */
  active(workers: number): void;
}

export interface ControllerOptions<T> {
  /** For logs. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly read: (key: string) => T | undefined;
  readonly reconcile: (object: T) => Promise<Outcome>;
  /** Number of concurrent passes, at most: fewer while the event loop is busy. */
  readonly concurrency: number;
  /** The share of the time since the last call, 0 to 1, in which the event loop was not idle. */
  readonly loopUtilization: () => number;
  /**
   * Called when the event loop was busy, so that fewer workers could start a pass, and has not been for 20 s. Never with a concurrency of
   * 4 or less, which is not limited.
   */
  readonly onCalm: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: ControllerMetrics;
}

export interface Controller {
  /** Starts no more passes and resolves when the running ones have ended. */
  stop(): Promise<void>;
}

/**
 * Limits of the backoff after an unavailable API server, and after a conflict or 404. These are transient and not caused by the object,
 * so a user's edit must not wait for a long backoff.
 */
const maxRetryDelayMs = { unavailable: 30_000, conflict: 5_000 } as const;

/**
 * If a pass rejects, the error is logged in one line and the key is retried after its backoff, but not before a `Retry-After` of the
 * API server. A conflict with another writer is not an error: the key is retried soon, with the newer object. A pass that
 * resolves resets the backoff.
 */
export function startController<T>(options: ControllerOptions<T>): Controller {
  const { queue, concurrency } = options;
  const limit = new BusyLimit({ ...options, workers: concurrency, onLimit: (workers) => queue.limitWorkers(workers) });
  let active = 0;
  const worker = async () => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      options.metrics?.active(++active);
      try {
        await runPass(key, options);
      } finally {
        queue.done(key);
        options.metrics?.active(--active);
      }
      // A pass may end without I/O; many in a row would block timers, probes and the renewal of the Lease.
      await nextTurn();
      limit.measure();
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  return {
    async stop() {
      limit.stop();
      await queue.shutDown();
      await Promise.all(workers);
    },
  };
}

/** Never rejects. */
async function runPass<T>(key: string, { name, queue, read, reconcile, clock, log, metrics }: ControllerOptions<T>) {
  const started = clock.now().getTime();
  const ended = (result: PassResult) => metrics?.passed(result, (clock.now().getTime() - started) / 1000);
  try {
    const object = read(key);
    if (object === undefined) {
      queue.forget(key);
      return ended('success');
    }
    const { requeueAfterMs } = await reconcile(object);
    queue.forget(key);
    if (requeueAfterMs === undefined) return ended('success');
    queue.addAfter(key, requeueAfterMs);
    ended('requeue_after');
  } catch (error) {
    const retryInMs = queue.retry(key, { minMs: retryAfterMs(error) ?? 0, maxMs: maxRetryDelayAfter(error) });
    const fields = { controller: name, key, failures: queue.failures(key), retryInMs };
    if (isConflict(error) || isNotFound(error)) {
      log.debug(fields, `${key} was changed or deleted by someone else meanwhile; looking again`);
      ended('requeue');
    } else {
      // An error of the API server needs no stack; any other may be a bug.
      const stack = isFromApiServer(error) ? {} : { error };
      log.error(
        { ...fields, ...stack },
        `${key}: ${explain(error)}; trying again in ${(retryInMs / 1000).toFixed(1)} s`,
      );
      ended('error');
    }
  }
}

function maxRetryDelayAfter(error: unknown): number {
  if (isConflict(error) || isNotFound(error)) return maxRetryDelayMs.conflict;
  return isUnavailable(error) ? maxRetryDelayMs.unavailable : Number.POSITIVE_INFINITY;
}
