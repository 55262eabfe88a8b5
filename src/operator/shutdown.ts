// Stops the running operator in the one safe order: no new work, end of the passes, last events, release of the Lease, connections.
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** The parts of the operator at the time of the signal. */
export interface Running {
  readonly informer: { stop(): void };
  /** Undefined while no pass may run: before the objects are listed, and on a standby. */
  readonly controller: { stop(): Promise<void> } | undefined;
  readonly events: { flush(ms: number): Promise<number> };
  readonly election: { stop(): Promise<void> };
  /** Servers and connections. */
  readonly resources: AsyncDisposable;
}

const passesTimeoutMs = 12_000;
/** Long enough for an answer that arrives after the machine was suspended for a moment. */
const eventsTimeoutMs = 5_000;
/** Kubernetes kills the process 30 s after the signal. */
const totalTimeoutMs = 20_000;

/**
 * Resolves when everything has stopped, or after 20 s: the process may exit then. That exit cuts off passes that are still running;
 * the next start repeats them. In that case the Lease is not released, since a pass may be writing; it expires.
 */
export async function shutDown(running: Running, { clock, log }: { clock: Clock; log: Log }): Promise<void> {
  const { informer, controller, events, election, resources } = running;
  const inOrder = async () => {
    informer.stop();
    const ended = await endsWithin(passesTimeoutMs, clock, controller?.stop() ?? Promise.resolve());
    if (!ended) log.warn({}, 'A pass has not ended in time; it is cut off, and repeated by the next start');
    const lost = await events.flush(eventsTimeoutMs);
    if (lost > 0) log.warn({ lost }, 'Some events were not written');
    if (ended) await election.stop();
    await resources[Symbol.asyncDispose]();
  };
  const ended = await endsWithin(totalTimeoutMs, clock, inOrder());
  if (!ended) log.warn({}, 'Stopping takes too long; what is left undone is left');
}

/** Whether `work` ended within the time. Rejects as `work` does. */
async function endsWithin(timeoutMs: number, clock: Clock, work: Promise<void>): Promise<boolean> {
  const { promise: deadline, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(timeoutMs, () => resolve(false));
  try {
    return await Promise.race([work.then(() => true), deadline]);
  } finally {
    cancel();
  }
}
