// A user withdraws a change while a pass waits for a slow response of Azure: the pass does not carry it out.
import { expect } from 'chai';
import { allowedRegistries, annotation } from '../../src/api/registryreplication.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { registryId } from '../../src/replication/validation.ts';
import { instant } from '../emulators/arm/timings.ts';
import { isNotReadyBecause } from './expectations.ts';
import { referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

/** Azure's clock: a delayed response is held until the test releases it. */
class HeldClock implements Clock {
  #held = Promise.withResolvers<void>();
  #release: () => void = () => undefined;

  now(): Date {
    return new Date();
  }

  after(_ms: number, call: () => void): () => void {
    this.#release = call;
    this.#held.resolve();
    return () => undefined;
  }

  /** Resolves when a response is held. */
  get held(): Promise<void> {
    return this.#held.promise;
  }

  release(): void {
    this.#held = Promise.withResolvers<void>();
    this.#release();
  }
}

const both = [{ location: 'japaneast' }, { location: 'westeurope' }];
const one = [{ location: 'japaneast' }];

describeWithKubectl('a change that is withdrawn while Azure is slow to answer', () => {
  let scenario: Scenario;
  const clock = new HeldClock();

  before(async () => {
    scenario = await startScenario({ timings: instant, clock });
    scenario.addRegistry('control');
    await scenario.apply('control', { regions: ['eastus'] });
    await scenario.untilReady('control');
  });
  after(() => scenario?.close());

  /** A Ready object with two adopted replicas; the next read of one replica is held. */
  async function begin(name: string, slowReplica = 'westeurope'): Promise<void> {
    const registry = scenario.addRegistry(name);
    for (const { location } of both) scenario.arm.azure.addReplica(registry, location);
    await scenario.apply(name, { regions: both });
    await scenario.untilReady(name);
    const endpoints = ['replica'] as const;
    scenario.arm.azure.faults.add({
      kind: 'latency',
      ms: 15_000,
      times: 1,
      methods: ['GET'],
      endpoints,
      registry: name,
      replica: slowReplica,
    });
  }

  /** Lets the operator see everything written before, namespaces included; then releases Azure's response. */
  async function answer(): Promise<void> {
    await scenario.reconcileNow('control');
    clock.release();
  }

  const withdrawals: [string, string, (name: string) => Promise<unknown>, (name: string) => Promise<unknown>][] = [
    [
      'relisted',
      'a region that is listed again is not deleted',
      (name) => scenario.patch(name, { spec: { regions: both } }),
      (name) => scenario.untilReady(name),
    ],
    [
      'retained',
      'nothing is deleted for an object whose prune is Retain',
      (name) => scenario.patch(name, { spec: { prune: 'Retain' } }),
      (name) => scenario.untilReady(name),
    ],
    [
      'abandoned',
      'nothing is deleted for an object that is deleted with deletionPolicy Retain',
      async (name) => {
        await scenario.patch(name, { spec: { deletionPolicy: 'Retain' } });
        await scenario.kubectl(`delete georep ${name} --wait=false`);
      },
      (name) => scenario.untilGone(name),
    ],
    [
      'suspended',
      'nothing is deleted for an object that is suspended',
      (name) => scenario.patch(name, { spec: { suspend: true } }),
      (name) => scenario.until(name, 'is Suspended', ({ status }) => status?.phase === 'Suspended'),
    ],
    [
      'observing',
      'nothing is deleted for an object in mode Observe',
      (name) => scenario.patch(name, { spec: { mode: 'Observe' } }),
      (name) => scenario.until(name, 'is Observing', ({ status }) => status?.phase === 'Observing'),
    ],
    [
      'forbidden',
      'nothing is deleted for an object whose namespace no longer allows the registry',
      () => annotateNamespace(`${allowedRegistries}=${registryId(referenceTo('control'))}`),
      async (name) => {
        await scenario.until(name, 'is refused', isNotReadyBecause('RegistryNotAllowed'));
        await annotateNamespace(`${allowedRegistries}-`);
      },
    ],
  ];
  for (const [name, promise, withdraw, settled] of withdrawals) {
    it(promise, async () => {
      await begin(name);
      await scenario.patch(name, { spec: { regions: one } });
      await clock.held;
      await withdraw(name);
      await answer();
      await settled(name);
      expect(scenario.writesTo(name)).to.deep.equal([]);
    });
  }

  it('nothing is created for an object that is being deleted', async () => {
    await begin('deleted', 'uksouth');
    await scenario.patch('deleted', { spec: { regions: [...both, { location: 'uksouth' }] } });
    await clock.held;
    await scenario.kubectl('delete georep deleted --wait=false');
    await answer();
    await scenario.untilGone('deleted');
    expect(scenario.writesTo('deleted')).to.have.members(['DELETE japaneast', 'DELETE westeurope']);
  });

  it('nothing is deleted for an object that is to be detached', async () => {
    await begin('detached');
    await scenario.kubectl('delete georep detached --wait=false');
    await clock.held;
    await scenario.kubectl(['annotate', 'georep', 'detached', `${annotation.forceDetach}=true`]);
    await answer();
    await scenario.untilGone('detached');
    expect(scenario.writesTo('detached')).to.deep.equal([]);
  });

  async function annotateNamespace(change: string): Promise<void> {
    await scenario.kubectl(['annotate', 'namespace', 'default', '--overwrite', change]);
  }
});
