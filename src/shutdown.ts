// The way out after a signal, in the one order that is safe: nothing new is taken in, the passes end, what they had to tell is
// told, and only then is the Lease given back. It never takes longer than its deadline.
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';

/** The parts of the running operator, as they are when the signal comes. */
export interface Running {
  readonly informer: { stop(): void };
  /** Undefined while no pass may run: before the objects are listed, and on a standby. */
  readonly controller: { stop(): Promise<void> } | undefined;
  readonly events: { flush(ms: number): Promise<number> };
  readonly election: { stop(): Promise<void> };
  /** Servers and connections. */
  readonly rest: readonly { close(): Promise<void> }[];
}

/** ms. Kubernetes kills 30 s after the signal. */
const forPasses = 12_000;
/** Long enough for an answer that comes when a machine goes on after it has stood still for a moment. */
const forEvents = 5_000;
const forAll = 20_000;

/**
 * Resolves when all is done, or time is up: then the process may exit. Passes that do not end in time are cut off by that
 * exit and repeated by whoever comes next; the Lease is kept then, since one of them may be writing, and runs out.
 */
export async function shutDown(running: Running, { clock, log }: { clock: Clock; log: Log }): Promise<void> {
  const { informer, controller, events, election, rest } = running;
  const inOrder = async () => {
    informer.stop();
    const ended = await within(forPasses, clock, controller?.stop() ?? Promise.resolve());
    if (!ended) log.warn({}, 'A pass has not ended in time; it is cut off, and repeated by the next start');
    const lost = await events.flush(forEvents);
    if (lost > 0) log.warn({ lost }, 'Some events were not written');
    if (ended) await election.stop();
    await Promise.all(rest.map((part) => part.close()));
  };
  const ended = await within(forAll, clock, inOrder());
  if (!ended) log.warn({}, 'Stopping takes too long; what is left undone is left');
}

/** Whether it came to its end within `ms`. Rejects as it does. */
async function within(ms: number, clock: Clock, work: Promise<void>): Promise<boolean> {
  const { promise: deadline, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(ms, () => resolve(false));
  try {
    return await Promise.race([work.then(() => true), deadline]);
  } finally {
    cancel();
  }
}
