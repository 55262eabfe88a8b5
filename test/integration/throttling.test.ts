// The operator's requests within ARM's budget, over real sockets and a clock that the test moves: the domain's passes over the
// gateway against an emulator that enforces its buckets, while another client of the same credential eats from them.
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

/** A fifth to a tenth of ARM's buckets, filling up as fast. */
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

/** Does what it has to, now; resolves to the ms after which it wants to go on, or to undefined once it is done. */
type Party = () => Promise<number | undefined>;

describe('many registries in a small budget of ARM', () => {
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

  /** Each when it is due, those of one tenth of a second side by side, until all of `all` are done. */
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

  /** Looks, creates and looks again, as passes do, until the replica is there; comes back when it is told to. */
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

  /** `count` registries get their replicas, while the other client sends so many reads at once every so many ms. */
  async function replicateAll(count: number, eats: { reads: number; every: number }) {
    await begin({ sizes });
    const names = Array.from({ length: count }, (_, n) => `registry${n}`);
    for (const name of ['another', ...names]) wire.emulator.azure.addRegistry(reference(name), { location: 'eastus' });
    const watch = watched(rateLimiter, now);
    const arm = wire.gateway(watch);
    const other = wire.gateway();
    const eating: Party = async () => {
      const meal = Array.from({ length: eats.reads }, () => other.registry(reference('another')));
      await Promise.allSettled(meal);
      return eats.every;
    };
    await eating(); // it was there before us: what we take for a full bucket may be an empty one
    await play(
      names.map((name) => replicating(name, arm)),
      eating,
    );
    const ours = wire.emulator.journal.entries.filter(({ registry }) => registry && registry !== 'another');
    const created = ours
      .filter(({ method, status }) => method === 'PUT' && status < 300)
      .map(({ registry }) => registry);
    expect(created).to.have.members(names);
    expect(watch.sent(), 'nothing went past the budget').to.equal(ours.length);
    return { refused: ours.filter(({ status }) => status === 429).length, tooEarly: watch.tooEarly() };
  }

  it('are all served while another client eats half of it, and hardly one is refused', async () => {
    const { refused, tooEarly } = await replicateAll(60, { reads: 5, every: 400 });
    expect(tooEarly).to.deep.equal([]);
    expect(refused).to.be.lessThan(5);
  });

  it('are all served while another client empties it again and again, and nobody asks before the Retry-After', async () => {
    const { refused, tooEarly } = await replicateAll(30, { reads: 80, every: 4 * second });
    expect(refused).to.be.greaterThan(0);
    expect(tooEarly).to.deep.equal([]);
  });

  it('ask nothing more of a bucket that ARM has emptied, until its Retry-After has passed', async () => {
    await begin({ sizes: { ...sizes, reads: { size: 20, refill: 0.01 } } });
    for (const name of ['registry', 'another'])
      wire.emulator.azure.addRegistry(reference(name), { location: 'eastus' });
    const arm = wire.gateway(rateLimiter);
    const other = wire.gateway();
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
    expect(await rejection(arm.replicas(reference('registry'))), 'it is asked again').to.include({ kind: 'Throttled' });
  });

  it('pay for each page of a list', async () => {
    await begin({ sizes });
    wire.emulator.azure.addRegistry(reference('registry'), { location: 'eastus' });
    for (const location of ['japaneast', 'westeurope', 'westus2', 'uksouth'])
      wire.emulator.azure.addReplica(reference('registry'), location);
    const watch = watched(rateLimiter, now);
    await wire.gateway(watch).replicas(reference('registry'));
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
