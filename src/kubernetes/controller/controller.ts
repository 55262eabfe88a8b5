// Runs the workers: each takes a key, reads its object, runs one pass, and requeues the key if the pass asks for it or
// fails. Level-triggered: a pass gets the object, not the change.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { explain, isConflict, isFromApiServer, isNotFound, isUnavailable, retryAfterMs } from '../client/errors.ts';
import type { WorkQueue } from './workqueue.ts';

export interface Outcome {
  /** Requeue after this many ms; if omitted, the next pass follows the object's next change. */
  readonly requeueAfterMs?: number;
}

/** controller-runtime's meaning of the label `result` of `controller_runtime_reconcile_total`. */
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
  /** The object of this key does not exist (any more): drop its state. */
  readonly onDeleted?: (key: string) => void;
  /** Number of concurrent passes. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: ControllerMetrics;
}

export interface Controller {
  /** Takes no more work and resolves once the running passes have ended. */
  stop(): Promise<void>;
}

/**
 * Maximum delay in ms after a pass that failed on an unreachable API server, a conflict or a 404. All are transient and not
 * caused by the object, so a user's edit must not wait for a long backoff.
 */
const maxRetryDelayMs = { unreachable: 30_000, race: 5_000 } as const;

/**
 * A pass that rejects is logged in one line and tried again after the key's backoff (not before a `Retry-After` of the
 * API server). A conflict with another writer is no error: the key is requeued soon, with the newer object or none. A pass
 * that resolves resets the backoff.
 */
export function startController<T>(options: ControllerOptions<T>): Controller {
  const { queue, concurrency } = options;
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
      // A pass may end without any I/O; many in a row would block timers, probes and lease renewal.
      await nextTurn();
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  return {
    async stop() {
      await queue.shutDown();
      await Promise.all(workers);
    },
  };
}

/** Never rejects. */
async function runPass<T>(
  key: string,
  { name, queue, read, reconcile, onDeleted, clock, log, metrics }: ControllerOptions<T>,
) {
  const started = clock.now().getTime();
  const ended = (result: PassResult) => metrics?.passed(result, (clock.now().getTime() - started) / 1000);
  try {
    const object = read(key);
    if (object === undefined) {
      queue.forget(key);
      onDeleted?.(key);
      return ended('success');
    }
    const { requeueAfterMs } = await reconcile(object);
    queue.forget(key);
    if (requeueAfterMs === undefined) return ended('success');
    queue.addAfter(key, requeueAfterMs);
    ended('requeue_after');
  } catch (error) {
    const wait = queue.retry(key, { atLeast: retryAfterMs(error) ?? 0, atMost: maxRetryDelayAfter(error) });
    const fields = { controller: name, key, failures: queue.failures(key), retryInMs: wait };
    if (isConflict(error) || isNotFound(error)) {
      log.debug(fields, `${key} was changed or deleted by someone else meanwhile; looking again`);
      ended('requeue');
    } else {
      // For an API server's response the message is enough; for other errors the logger gets the error.
      const more = isFromApiServer(error) ? {} : { error };
      log.error({ ...fields, ...more }, `${key}: ${explain(error)}; trying again in ${(wait / 1000).toFixed(1)} s`);
      ended('error');
    }
  }
}

function maxRetryDelayAfter(error: unknown): number {
  if (isConflict(error) || isNotFound(error)) return maxRetryDelayMs.race;
  return isUnavailable(error) ? maxRetryDelayMs.unreachable : Number.POSITIVE_INFINITY;
}
