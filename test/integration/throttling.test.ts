// The operator's requests within ARM's budget, over real sockets: the domain's passes over the gateway against an emulator that
// enforces its buckets, while another client of the same credential eats from them.

import { ClientSecretCredential } from '@azure/identity';
import { expect } from 'chai';
import { type Arm, ArmError } from '../../src/azure/arm.ts';
import { type Budget, createBudget } from '../../src/azure/budget.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { connectArm } from '../../src/azure/gateway.ts';
import { paced } from '../../src/azure/pacing.ts';
import { armShares, type Operation } from '../../src/azure/shares.ts';
import { refusal } from '../arm-refusal.ts';
import { type ArmEmulator, defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import type { QuotaOptions } from '../emulators/arm/quota.ts';
import { instant } from '../emulators/arm/timings.ts';
import { trust } from '../trust.ts';

const reference = (name: string) => ({ subscriptionId: defaultSubscriptionId, resourceGroup: 'images', name });

/** A tenth to a fifth of ARM's buckets, filling up ten times as fast: what takes Azure a minute takes a second here. */
const sizes = {
  reads: { size: 50, refill: 250 },
  writes: { size: 20, refill: 100 },
  deletes: { size: 20, refill: 100 },
};
const shares = {
  reads: { ...armShares.reads, ...sizes.reads, unknown: 20, reserve: 8, margin: 5 },
  writes: { ...armShares.writes, ...sizes.writes, unknown: 10, reserve: 4, margin: 2 },
  deletes: { ...armShares.deletes, ...sizes.deletes, unknown: 10, reserve: 4, margin: 2 },
};

describe('many registries in a small budget of ARM', () => {
  let emulator: ArmEmulator;
  let distrust: () => void;

  async function begin(quota: QuotaOptions): Promise<void> {
    emulator = await startArmEmulator({ timings: instant, quota: { ...quota, enforced: 1 }, pageSize: 1 });
    distrust = trust(emulator.certificate);
  }
  afterEach(async () => {
    distrust();
    await emulator.close();
  });

  function connect(budget?: Budget): Arm {
    const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = emulator.environment;
    const cloud = cloudFrom(emulator.environment);
    const options = { authorityHost: cloud.authority, disableInstanceDiscovery: true };
    const credential = new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, options);
    return connectArm({ credential, cloud, ...(budget && { wire: budget }) });
  }

  /** Looks, creates and looks again, as passes do, until the replica is there; comes back when it is told to. */
  async function replicate(name: string, arm: Arm, budget: Budget): Promise<void> {
    for (;;) {
      const pass = paced(arm, budget, { who: name, urgency: 'edit' });
      try {
        const [, replicas] = await Promise.all([pass.registry(reference(name)), pass.replicas(reference(name))]);
        if (replicas.some(({ displayStatus }) => displayStatus === 'Ready')) return;
        await pass.create(reference(name), 'japaneast', { location: 'japaneast' });
      } catch (error) {
        if (!(error instanceof ArmError) || error.kind !== 'Throttled') throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfter));
      }
    }
  }

  /** `count` registries get their replicas, while the other client sends so many reads at once every so many ms. */
  async function replicateAll(count: number, eats: { reads: number; every: number }) {
    await begin({ sizes });
    const names = Array.from({ length: count }, (_, n) => `registry${n}`);
    for (const name of ['another', ...names]) emulator.azure.addRegistry(reference(name), { location: 'eastus' });
    const budget = createBudget({ now: () => performance.now(), shares });
    const wire = watched(budget);
    const arm = connect({ ...budget, sent: wire.sent });
    const other = connect();
    const meals: Promise<unknown>[] = [];
    const eat = () => {
      for (let n = 0; n < eats.reads; n++) meals.push(other.registry(reference('another')).catch(() => undefined));
    };
    eat();
    await Promise.all(meals); // it was there before us: what we take for a full bucket may be an empty one
    const eating = setInterval(eat, eats.every);
    try {
      await Promise.all(names.map((name) => replicate(name, arm, budget)));
    } finally {
      clearInterval(eating);
      await Promise.all(meals); // nothing may be on its way when the emulator closes
    }
    const ours = emulator.journal.entries.filter(({ registry }) => registry !== undefined && registry !== 'another');
    const created = ours
      .filter(({ method, status }) => method === 'PUT' && status < 300)
      .map(({ registry }) => registry);
    expect(created).to.have.members(names);
    expect(wire.sends, 'nothing went past the budget').to.equal(ours.length);
    return { ours, tooEarly: wire.tooEarly };
  }

  it('are all served while another client eats half of it, and hardly one is refused', async () => {
    const { ours, tooEarly } = await replicateAll(60, { reads: 1, every: 8 });
    expect(tooEarly()).to.deep.equal([]);
    expect(ours.filter(({ status }) => status === 429).length).to.be.lessThan(20);
  });

  it('are all served while another client empties it again and again, and nobody asks before the Retry-After', async () => {
    const { tooEarly } = await replicateAll(30, { reads: 80, every: 400 });
    expect(tooEarly()).to.deep.equal([]);
  });

  it('ask nothing more of a bucket that ARM has emptied, until its Retry-After has passed', async () => {
    await begin({ sizes: { ...sizes, reads: { size: 20, refill: 0.01 } } });
    emulator.azure.addRegistry(reference('registry'), { location: 'eastus' });
    emulator.azure.addRegistry(reference('another'), { location: 'eastus' });
    const budget = createBudget({ now: () => performance.now(), shares });
    const arm = connect(budget);
    const other = connect();
    await Promise.allSettled(Array.from({ length: 20 }, () => other.registry(reference('another'))));
    const first = await refusal(arm.registry(reference('registry')));
    expect(first).to.include({ unsent: false, retryAfter: 1_000 });
    const sent = emulator.journal.entries.length;
    for (let n = 0; n < 20; n++) {
      const pass = paced(arm, budget, { who: `object ${n}`, urgency: 'edit' });
      expect((await refusal(pass.replicas(reference('registry')))).unsent).to.equal(true);
    }
    expect(await refusal(arm.replicas(reference('registry'))), 'not even past the turns').to.include({ unsent: true });
    expect(emulator.journal.entries.length).to.equal(sent);
    await arm.create(reference('registry'), 'japaneast', { location: 'japaneast' });
  });

  it('pay for each page of a list', async () => {
    await begin({ sizes });
    emulator.azure.addRegistry(reference('registry'), { location: 'eastus' });
    for (const location of ['japaneast', 'westeurope', 'westus2', 'uksouth'])
      emulator.azure.addReplica(reference('registry'), location);
    let sent = 0;
    const budget = createBudget({ now: () => 0, shares });
    const arm = connect({
      ...budget,
      sent: (...of) => {
        sent += 1;
        return budget.sent(...of);
      },
    });
    const before = emulator.journal.entries.length;
    await arm.replicas(reference('registry'));
    const pages = emulator.journal.entries.slice(before).filter(({ method, registry }) => method === 'GET' && registry);
    expect(pages.length).to.be.at.least(4);
    expect(sent).to.equal(pages.length);
  });
});

/** What goes out, in the order in which this process sends and hears: what left before a 429 was heard is no answer to it. */
function watched(budget: Budget) {
  const forbidden = new Map<Operation, number>();
  const early: string[] = [];
  let sends = 0;
  const sent: Budget['sent'] = (subscriptionId, operation) => {
    const answered = budget.sent(subscriptionId, operation);
    sends += 1;
    const left = (forbidden.get(operation) ?? 0) - performance.now();
    if (left > 0) early.push(`${operation}, ${left} ms too early`);
    return (news) => {
      if (news.retryAfter !== undefined) forbidden.set(operation, performance.now() + news.retryAfter);
      answered(news);
    };
  };
  return {
    sent,
    tooEarly: () => early,
    get sends() {
      return sends;
    },
  };
}
