// Leader election: of all processes that contend for one Lease, the one that may write. It renews while it leads, waits
// while another does, and keeps the fence, which closes by the clock alone. What leading means is not its business.

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
  released,
  withHolder,
} from './lease.ts';
import type { LeaseLock } from './lease-lock.ts';

export interface LeaderElection {
  readonly state: LeaderState;
  /** Runs for leader; resolves once this process leads, and stays pending when it is stopped before. Call it once. */
  acquire(): Promise<void>;
  /**
   * The fence. Call it right before each write is sent.
   * @throws NotLeading unless this process leads and its last renewal is younger than the deadline.
   */
  readonly assertLeader: () => void;
  /** Stops contending and gives the Lease back. Call it when nothing writes any more: others take over at once. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaderElectionMetrics {
  leading(is: boolean): void;
  /** A renewal did not go through at once: the Lease was read again first. */
  slowPath(): void;
}

export interface LeaderElectionOptions {
  readonly lock: LeaseLock;
  /** Of this process alone: another one by the same name would count as itself. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  /** Called at most once, when this process has led and does so no more without having been stopped: `why` is a sentence. */
  readonly onStoppedLeading: (why: string) => void;
  readonly clock: Clock;
  /** ms of a clock that is never set, such as `performance.now()`. */
  readonly monotonic: () => number;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: LeaderElectionMetrics;
}

/** For a process that has nobody to contend with. */
export const alwaysLeader: LeaderElection = {
  state: { phase: 'Unknown' },
  acquire: async () => undefined,
  assertLeader: () => undefined,
  stop: async () => undefined,
};

/** The most that chance adds to the time between two looks of a standby, so that standbys do not march in step. */
const jitter = 0.2;
/** Every so many turns a standby says again what hinders it: about once a minute. */
const repetition = 30;

/**
 * Expected flow: `campaign`, work while leading, end the work, `stop`. `lost` ends the process.
 *
 * Guarantees: of all processes with the same timings, at no moment is the fence of two open, however wrong their times of day
 * are and whatever requests fail or are late: a leader counts from when its last stored renewal was sent, for the renewal
 * deadline; everybody else counts from when they first saw it, for the longer lease duration.
 *
 * Assumptions: clocks that run at nearly the same speed (15 s against 10 s bears one that is half as fast again), and that
 * nobody but the leader empties the Lease's holder, or deletes it. A write that has passed the fence reaches its server
 * within the difference of the two durations.
 *
 * Errors: none; what the API server says is logged, and tried again after the retry period.
 */
export class LeaseElection implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #acquired = Promise.withResolvers<void>();
  #state: LeaderState = { phase: 'Unknown' };
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;
  /** The Lease has changed since the last look began. */
  #hinted = false;
  #wake: () => void = () => undefined;
  #cancelDeadline: () => void = () => undefined;
  #stopWatch: () => void = () => undefined;
  /** What the last turn failed with, and how many in a row did with these words; empty: it did not. */
  #trouble = '';
  #repeated = 0;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    options.metrics?.leading(false);
  }

  get state(): LeaderState {
    return this.#state;
  }

  acquire(): Promise<void> {
    if (!this.#isStopping) {
      this.#watch();
      this.#running = this.#run();
    }
    return this.#acquired.promise;
  }

  readonly assertLeader = (): void => {
    this.#checkDeadline();
    if (this.#state.phase !== 'Leading') {
      throw new NotLeading(`this process does not hold the Lease ${this.#options.lock.name}, so it writes nothing`);
    }
  };

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopWatch();
    this.#wake();
    await this.#running;
    this.#cancelDeadline();
    const last = this.#state;
    if (last.phase === 'Lost') return;
    // The fence first: once the Lease is free, nothing may be written any more.
    this.#state = { phase: 'Stopped' };
    this.#options.metrics?.leading(false);
    if (last.phase === 'Leading' || last.phase === 'Standby') await this.#giveBack(last.lease);
  }

  async #run(): Promise<void> {
    while (!this.#hasEnded) {
      this.#hinted = false;
      try {
        await (this.#state.phase === 'Leading' ? this.#renew(this.#state) : this.#tryAcquire());
        this.#trouble = '';
      } catch (error) {
        this.#logFailure(error);
      }
      await this.#rest();
    }
  }

  get #hasEnded(): boolean {
    return this.#isStopping || this.#state.phase === 'Lost';
  }

  // --- a candidate

  async #tryAcquire(): Promise<void> {
    const { lock, identity, timings, log } = this.#options;
    const lease = await lock.read();
    const before = this.#state;
    const standing = observeLease(before, lease, this.#now(), timings);
    this.#state = standing;
    if (this.#isStopping) return;
    if (msUntilFree(standing, identity, this.#now()) > 0) {
      if (before.phase === 'Standby' && before.holder === standing.holder) return;
      log.info({ leader: standing.holder }, `The Lease ${lock.name} is held by ${standing.holder}; standing by`);
      return;
    }
    const renewed = this.#now();
    const stored = await this.#writeLease(lease, lease ?? {});
    const leading: Leading = { phase: 'Leading', lease: stored, renewedAt: renewed };
    // An answer too late to count on: the Lease is ours, but has to be renewed before anything is written.
    if (msUntilDeadline(leading, this.#now(), timings) > 0) this.#startLeading(leading);
    else this.#state = observeLease(standing, stored, this.#now(), timings);
  }

  #startLeading(leading: Leading): void {
    const { lock, identity, log, metrics } = this.#options;
    this.#renewed(leading);
    if (this.#isStopping) return;
    this.#stopWatch();
    this.#hinted = false; // by our own claim
    metrics?.leading(true);
    log.info({ identity, transitions: leading.lease.spec?.leaseTransitions }, `Leading: holds the Lease ${lock.name}`);
    this.#acquired.resolve();
  }

  // --- the leader

  async #renew({ lease }: Leading): Promise<void> {
    const { lock, identity, metrics } = this.#options;
    let renewed = this.#now();
    let stored: Lease;
    try {
      stored = await this.#writeLease(lease, lease);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Perhaps only a renewal of ours that was stored, and whose answer was lost.
      metrics?.slowPath();
      const current = await lock.read();
      if (current && holderOf(current) !== identity) {
        return this.#stopLeading(
          `The Lease ${lock.name} was taken by ${holderOf(current) || 'nobody: its holder was removed'}`,
        );
      }
      renewed = this.#now();
      stored = await this.#writeLease(current, current ?? lease);
    }
    // An answer that comes after the deadline finds the place lost.
    if (this.#state.phase === 'Leading') this.#renewed({ phase: 'Leading', lease: stored, renewedAt: renewed });
  }

  #renewed(leading: Leading): void {
    this.#state = leading;
    this.#checkDeadline();
  }

  /** Asks for its own next call in time; timers may be early, and are late in a process that was stopped. */
  #checkDeadline(): void {
    if (this.#state.phase !== 'Leading') return;
    const { clock, lock, timings } = this.#options;
    this.#cancelDeadline();
    const left = msUntilDeadline(this.#state, this.#now(), timings);
    if (left > 0) {
      this.#cancelDeadline = clock.after(left, () => this.#checkDeadline());
    } else {
      const why = this.#trouble && `: ${this.#trouble}`;
      this.#stopLeading(`The Lease ${lock.name} was not renewed for ${timings.renewDeadlineMs / 1000} s${why}`);
    }
  }

  #stopLeading(why: string): void {
    if (this.#state.phase !== 'Leading') return;
    this.#state = { phase: 'Lost', why };
    this.#cancelDeadline();
    this.#wake();
    this.#options.metrics?.leading(false);
    this.#options.onStoppedLeading(why);
  }

  async #giveBack(known: Lease | undefined): Promise<void> {
    const { lock, identity, timings, clock, log } = this.#options;
    if (!known || holderOf(known) !== identity) return;
    try {
      await lock.replace(released(known, clock.now())).catch(async (error: unknown) => {
        if (!isConflict(error)) throw error;
        const current = await lock.read();
        if (current && holderOf(current) === identity) await lock.replace(released(current, clock.now()));
      });
      log.info({}, `The Lease ${lock.name} is given back`);
    } catch (error) {
      const until = `others take over in ${timings.leaseDurationMs / 1000} s`;
      log.warn({}, `The Lease ${lock.name} cannot be given back: ${explain(error)}; ${until}`);
    }
  }

  // --- both

  /** @param current What is replaced; undefined: there is no Lease. */
  #writeLease(current: Lease | undefined, basis: Lease): Promise<Lease> {
    const { lock, identity, timings, clock } = this.#options;
    const next = withHolder(basis, identity, clock.now(), timings);
    return current ? lock.replace(next) : lock.create(next.spec);
  }

  #logFailure(error: unknown): void {
    const { lock, log } = this.#options;
    if (isConflict(error)) {
      log.debug({}, `The Lease ${lock.name}: somebody else was quicker`);
      return;
    }
    const trouble = explain(error);
    this.#repeated = trouble === this.#trouble ? this.#repeated + 1 : 0;
    this.#trouble = trouble;
    // The same words again only now and then; of the leader always, since its time is running out.
    const level = this.#state.phase === 'Leading' || this.#repeated % repetition === 0 ? 'warn' : 'debug';
    log[level]({}, `The Lease ${lock.name}: ${this.#trouble}; trying again`);
  }

  /** The pause between two turns; a hint cuts it short. */
  async #rest(): Promise<void> {
    if (this.#hinted || this.#hasEnded) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(this.#pause(), resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }

  #pause(): number {
    const { identity, timings, random } = this.#options;
    const standing = this.#state;
    if (standing.phase === 'Leading') return timings.retryPeriodMs;
    const spread = timings.retryPeriodMs * (1 + jitter * random());
    const free = standing.phase === 'Standby' ? msUntilFree(standing, identity, this.#now()) : 0;
    return free > 0 ? Math.min(free, spread) : spread;
  }

  /** Makes a standby look as soon as something has changed. Its looks go on without it. */
  #watch(): void {
    const { lock, clock, timings } = this.#options;
    const opened = this.#now().monotonic;
    const { stop } = lock.watch(
      () => {
        this.#hinted = true;
        this.#wake();
      },
      () => {
        const lived = this.#now().monotonic - opened;
        this.#stopWatch = clock.after(Math.max(0, timings.retryPeriodMs - lived), () => this.#watch());
      },
    );
    this.#stopWatch = stop;
  }

  #now(): Moment {
    return { monotonic: this.#options.monotonic(), wall: this.#options.clock.now().getTime() };
  }
}
