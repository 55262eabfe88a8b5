// Leader election on a Lease, as in client-go: of all replicas of the operator, one leads and may write. The others stand by and
// take over when the leader stops renewing.
import type { Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { explain, isConflict, NotLeading } from '../client/errors.ts';
import {
  holderOf,
  type LeaderState,
  type Leading,
  type Lease,
  type LeaseTimings,
  type Moment,
  msUntilDeadline,
  msUntilFree,
  observeLease,
  withHolder,
} from './lease.ts';
import { type LeaseLock, releaseLease } from './lease-lock.ts';
import { LeaseWatcher } from './lease-watcher.ts';

export interface LeaderElection {
  readonly state: LeaderState;
  /** Resolves when this process leads; stays pending if it is stopped before. Call it once. */
  acquire(): Promise<void>;
  /**
   * The write fence. Call it right before each write is sent.
   * @throws NotLeading unless this process leads and its last renewal is younger than the renew deadline.
   */
  readonly assertLeader: () => void;
  /** Stops the election and releases the Lease, so that another process takes over at once. Call it after the last write. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaderElectionMetrics {
  leading(isLeading: boolean): void;
  /** A renewal had a conflict, so the Lease was read again. */
  slowPath(): void;
}

export interface LeaderElectionOptions {
  readonly lock: LeaseLock;
  /** Unique to this process: two processes of one identity would both count as the holder. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  /** Called at most once, when this process led and lost the Lease, possibly while `stop` waits for a request. `why` is a sentence. */
  readonly onStoppedLeading: (why: string) => void;
  readonly clock: Clock;
  /** Milliseconds of a clock that is never set, such as `performance.now()`. */
  readonly monotonic: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: LeaderElectionMetrics;
}

/** For a single replica, without a Lease. */
export const alwaysLeader: LeaderElection = {
  state: { phase: 'Unknown' },
  acquire: async () => undefined,
  assertLeader: () => undefined,
  stop: async () => undefined,
};

/** Share of the retry period that is added at random, so that standbys do not read at the same time. */
const jitter = 0.2;
/** A standby repeats an unchanged warning every so many attempts: about once a minute. */
const attemptsPerWarning = 30;

/**
 * Expected flow: `acquire`, work while leading, end the work, `stop`. `onStoppedLeading` ends the process.
 *
 * Guarantees: of all processes with the same timings, at most one has an open write fence at any moment, whatever their wall clocks
 * show and whichever requests fail or are late. The leader counts the renew deadline from when it sent its last stored renewal; the
 * others count the longer lease duration from when they first saw that renewal.
 *
 * Assumptions: clocks run at nearly the same speed (with a lease duration of 15 s and a renew deadline of 10 s, one may run up to
 * 1.5 times as fast as another). Only the leader
 * clears the holder of the Lease or deletes the Lease. A write that passed the fence reaches its server within
 * the lease duration less the renew deadline (5 s by default).
 *
 * Errors: none. An error of the API server is logged, and the request is repeated after the retry period.
 */
export class LeaseElection implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #acquired = Promise.withResolvers<void>();
  #state: LeaderState = { phase: 'Unknown' };
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;
  readonly #watcher: LeaseWatcher;
  #cancelDeadline: () => void = () => undefined;
  /** Of the last failure since a success; conflicts do not count. */
  #lastError = '';
  /** How often in a row the last error has repeated. */
  #repetitions = 0;

  constructor(options: LeaderElectionOptions) {
    const { lock, clock, monotonic, timings } = options;
    this.#options = options;
    this.#watcher = new LeaseWatcher({ lock, clock, monotonic, reopenAfterMs: timings.retryPeriodMs });
    options.metrics?.leading(false);
  }

  get state(): LeaderState {
    return this.#state;
  }

  acquire(): Promise<void> {
    if (!this.#isStopping) {
      this.#watcher.start();
      this.#running = this.#run();
    }
    return this.#acquired.promise;
  }

  readonly assertLeader = (): void => {
    this.#enforceDeadline();
    if (this.#state.phase !== 'Leading') {
      throw new NotLeading(`this process does not hold the Lease ${this.#options.lock.name}, so it writes nothing`);
    }
  };

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#watcher.stop();
    this.#watcher.endPause();
    await this.#running;
    this.#cancelDeadline();
    const last = this.#state;
    if (last.phase === 'Lost') return;
    // Close the fence first: once the Lease is free, another process may write.
    this.#state = { phase: 'Stopped' };
    this.#options.metrics?.leading(false);
    if (last.phase === 'Leading' || last.phase === 'Standby') await this.#release(last.lease);
  }

  async #run(): Promise<void> {
    while (!this.#hasEnded) {
      this.#watcher.ignoreEarlierChanges();
      try {
        await (this.#state.phase === 'Leading' ? this.#renew(this.#state) : this.#tryAcquire());
        this.#lastError = '';
      } catch (error) {
        this.#logFailure(error);
      }
      if (!this.#hasEnded) await this.#watcher.pause(this.#retryDelayMs());
    }
  }

  get #hasEnded(): boolean {
    return this.#isStopping || this.#state.phase === 'Lost';
  }

  async #tryAcquire(): Promise<void> {
    const { lock, identity, timings, log } = this.#options;
    const lease = await lock.read();
    const previous = this.#state;
    const standby = observeLease(previous, lease, this.#now(), timings);
    this.#state = standby;
    if (this.#isStopping) return;
    if (msUntilFree(standby, identity, this.#now()) > 0) {
      if (previous.phase === 'Standby' && previous.holder === standby.holder) return;
      log.info({ leader: standby.holder }, `The Lease ${lock.name} is held by ${standby.holder}; standing by`);
      return;
    }
    const renewedAt = this.#now();
    const stored = await this.#writeLease(lease, lease ?? {});
    const leading: Leading = { phase: 'Leading', lease: stored, renewedAt };
    // If the response came after the deadline, the Lease is ours but must be renewed before the first write.
    if (msUntilDeadline(leading, this.#now(), timings) > 0) this.#startLeading(leading);
    else this.#state = observeLease(standby, stored, this.#now(), timings);
  }

  #startLeading(leading: Leading): void {
    const { lock, identity, log, metrics } = this.#options;
    this.#state = leading;
    this.#enforceDeadline();
    if (this.#isStopping) return;
    this.#watcher.stop();
    this.#watcher.ignoreEarlierChanges(); // our own write must not end the next pause
    metrics?.leading(true);
    log.info({ identity, transitions: leading.lease.spec?.leaseTransitions }, `Leading: holds the Lease ${lock.name}`);
    this.#acquired.resolve();
  }

  async #renew({ lease }: Leading): Promise<void> {
    const { lock, identity, metrics } = this.#options;
    let renewedAt = this.#now();
    let stored: Lease;
    try {
      stored = await this.#writeLease(lease, lease);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // The conflict may be with our own renewal, stored although its response was lost.
      metrics?.slowPath();
      const current = await lock.read();
      const holder = holderOf(current);
      if (current && holder !== identity) {
        return this.#stopLeading(
          holder ? `The Lease ${lock.name} was taken by ${holder}` : `The holder of the Lease ${lock.name} was removed`,
        );
      }
      renewedAt = this.#now();
      // A deleted Lease is created again: the others still wait for our term to end.
      stored = await this.#writeLease(current, current ?? lease);
    }
    // The deadline may have passed while the request was in flight.
    if (this.#state.phase !== 'Leading') return;
    this.#state = { phase: 'Leading', lease: stored, renewedAt };
    this.#enforceDeadline();
  }

  /** Stops leading when the deadline has passed; otherwise sets a timer for it. Timers may fire early, and late in a suspended process. */
  #enforceDeadline(): void {
    if (this.#state.phase !== 'Leading') return;
    const { clock, lock, timings } = this.#options;
    this.#cancelDeadline();
    const leftMs = msUntilDeadline(this.#state, this.#now(), timings);
    if (leftMs > 0) {
      this.#cancelDeadline = clock.after(leftMs, () => this.#enforceDeadline());
    } else {
      const why = this.#lastError && `: ${this.#lastError}`;
      this.#stopLeading(`The Lease ${lock.name} was not renewed for ${timings.renewDeadlineMs / 1000} s${why}`);
    }
  }

  #stopLeading(why: string): void {
    if (this.#state.phase !== 'Leading') return;
    this.#state = { phase: 'Lost', why };
    this.#cancelDeadline();
    this.#watcher.endPause();
    this.#options.metrics?.leading(false);
    this.#options.onStoppedLeading(why);
  }

  async #release(lease: Lease | undefined): Promise<void> {
    const { lock, identity, timings, clock, log } = this.#options;
    if (!lease || holderOf(lease) !== identity) return;
    try {
      await releaseLease(lock, lease, identity, clock);
      log.info({}, `The Lease ${lock.name} is given back`);
    } catch (error) {
      const takeover = `others take over in ${timings.leaseDurationMs / 1000} s`;
      log.warn({}, `The Lease ${lock.name} cannot be given back: ${explain(error)}; ${takeover}`);
    }
  }

  /** @param current The Lease to replace; undefined creates it. */
  #writeLease(current: Lease | undefined, basis: Lease): Promise<Lease> {
    const { lock, identity, timings, clock } = this.#options;
    const next = withHolder(basis, identity, clock.now(), timings);
    return current ? lock.replace(next) : lock.create(next.spec);
  }

  #logFailure(error: unknown): void {
    const { lock, log } = this.#options;
    if (isConflict(error)) {
      log.debug({}, `The Lease ${lock.name}: another process wrote it first`);
      return;
    }
    const message = explain(error);
    this.#repetitions = message === this.#lastError ? this.#repetitions + 1 : 0;
    this.#lastError = message;
    // The leader warns each time, since its deadline comes nearer.
    const isWarning = this.#state.phase === 'Leading' || this.#repetitions % attemptsPerWarning === 0;
    log[isWarning ? 'warn' : 'debug']({}, `The Lease ${lock.name}: ${message}; trying again`);
  }

  #retryDelayMs(): number {
    const { identity, timings, random } = this.#options;
    const state = this.#state;
    if (state.phase === 'Leading') return timings.retryPeriodMs;
    const delayMs = timings.retryPeriodMs * (1 + jitter * random());
    const freeInMs = state.phase === 'Standby' ? msUntilFree(state, identity, this.#now()) : 0;
    return freeInMs > 0 ? Math.min(freeInMs, delayMs) : delayMs;
  }

  #now(): Moment {
    return { monotonic: this.#options.monotonic(), wall: this.#options.clock.now().getTime() };
  }
}
