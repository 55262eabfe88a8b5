// The rate limiter over real sockets, on a clock that the test moves, against an emulator that enforces its buckets while another
// client of the same credential takes tokens from them.
import { expect } from 'chai';
import { type Arm, ArmError } from '../../src/azure/arm.ts';
import { armRateLimits, type Operation } from '../../src/azure/rate-limit/limits.ts';
import { RateLimiter } from '../../src/azure/rate-limit/rate-limiter.ts';
import { withRateLimit } from '../../src/azure/rate-limit/with-rate-limit.ts';
import { rejection } from '../arm-refusal.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import type { QuotaOptions } from '../emulators/arm/quota.ts';
import { instant } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import { type ArmOverSockets, startArmOverSockets } from './arm-over-sockets.ts';

const reference = (name: string) => ({ subscriptionId: defaultSubscriptionId, resourceGroup: 'images', name });
const second = 1_000;

/** A fifth to a tenth of ARM's buckets, with ARM's refill. */
const sizes = {
  reads: { size: 50, refill: 25 },
  writes: { size: 20, refill: 10 },
  deletes: { size: 20, refill: 10 },
};
const limits = {
  reads: {
    ...armRateLimits.reads,
    size: sizes.reads.size,
    refillPerSecond: sizes.reads.refill,
    unknown: 20,
    reserve: 8,
    margin: 5,
  },
  writes: {
    ...armRateLimits.writes,
    size: sizes.writes.size,
    refillPerSecond: sizes.writes.refill,
    unknown: 10,
    reserve: 4,
    margin: 2,
  },
  deletes: {
    ...armRateLimits.deletes,
    size: sizes.deletes.size,
    refillPerSecond: sizes.deletes.refill,
    unknown: 10,
    reserve: 4,
    margin: 2,
  },
};

/** Works now; resolves to the ms after which to call it again, or to undefined once it is done. */
type Party = () => Promise<number | undefined>;

describe('many registries in small buckets of ARM', () => {
  let clock: FakeClock;
  let wire: ArmOverSockets;
  let rateLimiter: RateLimiter;
  const now = () => clock.now().getTime();

  async function begin(quota: QuotaOptions): Promise<void> {
    clock = new FakeClock();
    wire = await startArmOverSockets(clock, { timings: instant, quota: { ...quota, enforced: 10 }, pageSize: 1 });
    rateLimiter = new RateLimiter({ now, limits });
  }
  afterEach(() => wire.close());

  /** Calls each party when it is due, concurrently within a tenth of a second, until all of `all` are done. */
  async function play(all: readonly Party[], meanwhile: Party): Promise<void> {
    const due = new Map([...all, meanwhile].map((party) => [party, now()]));
    while (all.some((party) => due.has(party))) {
      const moment = Math.ceil(Math.min(...due.values()) / 100) * 100;
      await clock.advance(moment - now());
      const called = [...due].filter(([, at]) => at <= moment).map(([party]) => party);
      const waits = await Promise.all(called.map(async (party) => [party, await party()] as const));
      for (const [party, wait] of waits) {
        if (wait === undefined) due.delete(party);
        else due.set(party, now() + wait);
      }
    }
  }

  /** Looks, creates and looks again, as passes do, until the replica is Ready; returns at its retry times. */
  function replicating(name: string, arm: Arm): Party {
    return async () => {
      const pass = withRateLimit(arm, rateLimiter, { id: name, priority: 'user' });
      try {
        const [, replicas] = await Promise.all([pass.registry(reference(name)), pass.replicas(reference(name))]);
        if (replicas.some(({ displayStatus }) => displayStatus === 'Ready')) return undefined;
        await pass.create(reference(name), 'japaneast', { location: 'japaneast' });
        return 0;
      } catch (error) {
        if (!(error instanceof ArmError) || (error.kind !== 'Throttled' && error.kind !== 'NotSent')) throw error;
        return error.retryAfter;
      }
    };
  }

  /** `count` registries get a replica each, while the other client sends `reads` at once every `every` ms. */
  async function replicateAll(count: number, eats: { reads: number; every: number }) {
    await begin({ sizes });
    const names = Array.from({ length: count }, (_, n) => `registry${n}`);
    for (const name of ['another', ...names]) wire.emulator.azure.addRegistry(reference(name), { location: 'eastus' });
    const watch = watched(rateLimiter, now);
    const arm = wire.client(watch);
    const other = wire.client();
    const eating: Party = async () => {
      const meal = Array.from({ length: eats.reads }, () => other.registry(reference('another')));
      await Promise.allSettled(meal);
      return eats.every;
    };
    await eating(); // first, so that the bucket is not full when the operator starts
    await play(
      names.map((name) => replicating(name, arm)),
      eating,
    );
    const ours = wire.emulator.journal.entries.filter(({ registry }) => registry && registry !== 'another');
    const created = ours
      .filter(({ method, status }) => method === 'PUT' && status < 300)
      .map(({ registry }) => registry);
    expect(created).to.have.members(names);
    expect(watch.sent(), 'every request passed the rate limiter').to.equal(ours.length);
    return { refused: ours.filter(({ status }) => status === 429).length, tooEarly: watch.tooEarly() };
  }

  it('are all served while another client takes half of the tokens, with few 429s', async () => {
    const { refused, tooEarly } = await replicateAll(60, { reads: 5, every: 400 });
    expect(tooEarly).to.deep.equal([]);
    expect(refused).to.be.lessThan(5);
  });

  it('are all served while another client empties the bucket repeatedly, and no request is sent before its Retry-After', async () => {
    const { refused, tooEarly } = await replicateAll(30, { reads: 80, every: 4 * second });
    expect(refused).to.be.greaterThan(0);
    expect(tooEarly).to.deep.equal([]);
  });

  it('send nothing after a 429 until its Retry-After has passed', async () => {
    await begin({ sizes: { ...sizes, reads: { size: 20, refill: 0.01 } } });
    for (const name of ['registry', 'another'])
      wire.emulator.azure.addRegistry(reference(name), { location: 'eastus' });
    const arm = wire.client(rateLimiter);
    const other = wire.client();
    await Promise.allSettled(Array.from({ length: 20 }, () => other.registry(reference('another'))));
    const first = await rejection(arm.registry(reference('registry')));
    expect(first).to.include({ kind: 'Throttled', retryAfter: 10 * second });
    const sent = wire.emulator.journal.entries.length;
    await clock.advance(10 * second - 1);
    for (let n = 0; n < 20; n++) {
      const pass = withRateLimit(arm, rateLimiter, { id: `object ${n}`, priority: 'user' });
      expect((await rejection(pass.replicas(reference('registry')))).kind).to.equal('NotSent');
    }
    expect(await rejection(arm.replicas(reference('registry'))), 'nor without asking for a token').to.include({
      kind: 'NotSent',
    });
    expect(wire.emulator.journal.entries.length).to.equal(sent);
    await arm.create(reference('registry'), 'japaneast', { location: 'japaneast' });
    await clock.advance(1);
    expect(await rejection(arm.replicas(reference('registry'))), 'it is sent again').to.include({ kind: 'Throttled' });
  });

  it('pay for each page of a list', async () => {
    await begin({ sizes });
    wire.emulator.azure.addRegistry(reference('registry'), { location: 'eastus' });
    for (const location of ['japaneast', 'westeurope', 'westus2', 'uksouth'])
      wire.emulator.azure.addReplica(reference('registry'), location);
    const watch = watched(rateLimiter, now);
    await wire.client(watch).replicas(reference('registry'));
    const pages = wire.emulator.journal.entries.filter(({ method, registry }) => method === 'GET' && registry);
    expect(pages.length).to.be.at.least(4);
    expect(watch.sent()).to.equal(pages.length);
  });
});

/** Watches requests in the order in which this process sends them: a request sent before a 429 arrived does not violate it. */
function watched(rateLimiter: RateLimiter, now: () => number) {
  const forbidden = new Map<Operation, number>();
  const early: string[] = [];
  let sends = 0;
  return {
    sent: () => sends,
    tooEarly: () => early,
    send(subscriptionId: string, operation: Operation): ReturnType<RateLimiter['send']> {
      const ended = rateLimiter.send(subscriptionId, operation);
      sends += 1;
      const left = (forbidden.get(operation) ?? now()) - now();
      if (left > 0) early.push(`${operation}, ${left} ms too early`);
      return (feedback) => {
        if (feedback.retryAfterMs !== undefined) forbidden.set(operation, now() + feedback.retryAfterMs);
        ended(feedback);
      };
    },
  };
}
