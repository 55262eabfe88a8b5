// Leader election as a property: candidates with wrong clocks of different speeds, requests that are slow or lost in either
// direction, and processes that are stopped and continued.
import { expect } from 'chai';
import fc from 'fast-check';
import { LeaseElection } from '../../../../src/kubernetes/leader-election/leader-election.ts';
import { msUntilDeadline } from '../../../../src/kubernetes/leader-election/lease.ts';
import type { Clock } from '../../../../src/lib/clock.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { propertyRuns } from '../../../property-runs.ts';
import { LeaseInMemory, refusal, type Wire } from './lease-in-memory.ts';

const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Machine {
  /** The speed of its clocks: 1.2 is a fifth too fast. */
  readonly speed: number;
  /** The error of its wall clock in ms. */
  readonly wrong: number;
  /** On the way between it and the API server. */
  readonly weather: Weather;
}

interface Weather {
  /** The shares of lost requests and of lost responses. */
  readonly lostRequests: number;
  readonly lostAnswers: number;
  /** The maximal delay in ms in either direction. */
  readonly slowThere: number;
  readonly slowBack: number;
}

const fair: Weather = { lostRequests: 0, lostAnswers: 0, slowThere: 100, slowBack: 100 };

/** A process on its machine: its clocks, and whether it runs. Events during a stop are delivered later, in any order. */
class Process implements Clock {
  readonly #world: FakeClock;
  readonly #machine: Machine;
  readonly #random: () => number;
  #isStopped = false;
  #isCutOff = false;
  #waiting: (() => void)[] = [];

  constructor(world: FakeClock, machine: Machine, random: () => number) {
    this.#world = world;
    this.#machine = machine;
    this.#random = random;
  }

  monotonic = (): number => this.#world.now().getTime() * this.#machine.speed;

  now(): Date {
    return new Date(this.monotonic() + this.#machine.wrong);
  }

  after(ms: number, call: () => void): () => void {
    let isCancelled = false;
    const cancel = this.#world.after(ms / this.#machine.speed, () => this.#come(() => isCancelled || call()));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** A response that takes this long. */
  answer(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.after(ms, () => this.#come(resolve)));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** @param first what the process was about to do when it was stopped: runs before any timer or response */
  goOn(first: () => void): void {
    this.#isStopped = false;
    first();
    for (const call of this.#waiting.splice(0).sort(() => this.#random() - 0.5)) call();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** For the requests that it sends meanwhile. */
  cutOff(is: boolean): void {
    this.#isCutOff = is;
  }

  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  #come(call: () => void): void {
    if (this.#isStopped) this.#waiting.push(call);
    else call();
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  readonly clock = new FakeClock();
  readonly #server = new LeaseInMemory();
  readonly #random: () => number;
  readonly #candidates: { process: Process; election: LeaseElection }[] = [];
  readonly machines: readonly Machine[];
  isFair = false;
  started = 0;
  takeOvers = 0;

  constructor(machines: readonly Machine[], seed: number) {
    this.machines = machines;
    this.#random = randomFrom(seed);
    for (const index of machines.keys()) this.#start(index);
  }

  /** The one that runs on this machine now. */
  candidate(machine: number): { readonly process: Process; readonly election: LeaseElection } {
    const candidate = this.#candidates[machine];
    if (!candidate) throw new Error(`there is no machine ${machine}`);
    return candidate;
  }

  /** The processes that could send a write now. A stopped one cannot. */
  get open(): number[] {
    return [...this.#candidates.entries()]
      .filter(
        ([
          ,
          {
            process,
            election: { state },
          },
        ]) => {
          if (process.isStopped || state.phase !== 'Leading') return false;
          return msUntilDeadline(state, { monotonic: process.monotonic(), wall: process.now().getTime() }, timings) > 0;
        },
      )
      .map(([index]) => index);
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.now().getTime() + ms;
    for (let left = ms; left > 0; left = end - this.clock.now().getTime()) {
      await this.clock.advance(Math.min(left, this.clock.nextIn ?? left));
      this.check();
    }
  }

  check(): void {
    expect(this.open, `after ${this.clock.now().toISOString()}`).to.have.length.at.most(1);
  }

  async end(): Promise<void> {
    const stopped = Promise.all(this.#candidates.map(({ election }) => election.stop()));
    await this.clock.advance(60_000);
    await stopped;
  }

  #start(index: number): void {
    const machine = this.machines[index];
    if (!machine) throw new Error(`there is no machine ${index}`);
    const process = new Process(this.clock, machine, this.#random);
    const wire: Wire = async (serve) => {
      const { lostRequests, lostAnswers, slowThere, slowBack } = this.isFair ? fair : machine.weather;
      // A request in flight arrives even if its process is stopped.
      await new Promise<void>((resolve) => this.clock.after(this.#random() * slowThere, resolve));
      if (process.isCutOff || this.#random() < lostRequests) throw refusal();
      const answer = serve();
      await process.answer(this.#random() * slowBack);
      if (this.#random() < lostAnswers) throw refusal();
      return answer;
    };
    const election = new LeaseElection({
      lock: this.#server.lock(() => wire),
      identity: `process ${++this.started}`,
      timings,
      onStoppedLeading: () => this.#start(index),
      clock: process,
      monotonic: process.monotonic,
      random: this.#random,
      log: quiet,
      metrics: {
        leading: (is) => {
          if (is) this.takeOvers++;
        },
        slowPath() {},
      },
    });
    this.#candidates[index] = { process, election };
    void election.acquire();
  }
}

const share = fc.double({ min: 0, max: 0.3, noNaN: true });
const slow = fc.integer({ min: 0, max: 9_000 });
const machine = fc.record({
  // 15 s against 10 s bears a ratio of 1.5: here it is 1.15 / 0.9 at most.
  speed: fc.double({ min: 0.9, max: 1.15, noNaN: true }),
  wrong: fc.integer({ min: -86_400_000, max: 86_400_000 }),
  weather: fc.oneof(
    fc.constant(fair),
    fc.record({ lostRequests: share, lostAnswers: share, slowThere: fc.constant(0), slowBack: slow }),
    fc.record({ lostRequests: share, lostAnswers: share, slowThere: slow, slowBack: slow }),
  ),
});
const trouble = fc.record({
  /** Stopped, as by SIGSTOP; or cut off from the API server. */
  kind: fc.constantFrom('nap', 'outage'),
  machine: fc.nat(2),
  /** ms since the one before. */
  after: fc.integer({ min: 100, max: 15_000 }),
  length: fc.integer({ min: 1, max: 30_000 }),
});

describe('of any candidates', () => {
  it('never two may write at the same time, and without faults one of them soon does', async () => {
    let takeOvers = 0;
    const runs = propertyRuns(200);
    await fc.assert(
      fc.asyncProperty(
        fc.array(machine, { minLength: 2, maxLength: 3 }),
        fc.array(trouble, { maxLength: 8 }),
        fc.integer(),
        async (machines, troubles, seed) => {
          const world = new World(machines, seed);
          await settled();
          for (const { kind, machine, after, length } of troubles) {
            await world.pass(after);
            const { process } = world.candidate(machine % machines.length);
            if (kind === 'outage') {
              process.cutOff(true);
              world.clock.after(length, () => process.cutOff(false));
            } else if (!process.isStopped) {
              process.stop();
              world.clock.after(length, () => process.goOn(() => world.check()));
            }
          }
          await world.pass(20_000);
          world.isFair = true;
          await world.pass(60_000); // the last faults, then a lease duration and some reads
          expect(world.open).to.have.length(1);
          takeOvers += world.takeOvers;
          await world.end();
        },
      ),
      runs,
    );
    expect(takeOvers, 'or nothing was tried').to.be.above(runs.numRuns);
  });
});
