// A user withdraws a change while a pass waits for a slow response of Azure: the pass does not carry it out.
import { expect } from 'chai';
import { allowedRegistries, annotation } from '../../src/api/registryreplication.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { registryId } from '../../src/replication/validation.ts';
import { instant } from '../emulators/arm/timings.ts';
import { isNotReadyBecause } from './expectations.ts';
import { openScene, referenceTo, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

/** Azure's clock: a delayed response is held until the test releases it. */
class HoldingClock implements Clock {
  #held = Promise.withResolvers<void>();
  #letGo: () => void = () => undefined;

  now(): Date {
    return new Date();
  }

  after(_ms: number, call: () => void): () => void {
    this.#letGo = call;
    this.#held.resolve();
    return () => undefined;
  }

  /** Resolves when a response is held. */
  get held(): Promise<void> {
    return this.#held.promise;
  }

  letGo(): void {
    this.#held = Promise.withResolvers<void>();
    this.#letGo();
  }
}

const both = [{ location: 'japaneast' }, { location: 'westeurope' }];
const one = [{ location: 'japaneast' }];

describeWithKubectl('a change that is withdrawn while Azure is slow to answer', () => {
  let scene: Scene;
  const clock = new HoldingClock();

  before(async () => {
    scene = await openScene({ timings: instant, clock });
    scene.addRegistry('witness');
    await scene.apply('witness', { regions: ['eastus'] });
    await scene.untilReady('witness');
  });
  after(() => scene?.close());

  /** A Ready object with two adopted replicas; the next read of one replica is held. */
  async function begin(name: string, slowReplica = 'westeurope'): Promise<void> {
    const registry = scene.addRegistry(name);
    for (const { location } of both) scene.arm.azure.addReplica(registry, location);
    await scene.apply(name, { regions: both });
    await scene.untilReady(name);
    const endpoints = ['replica'] as const;
    scene.arm.azure.faults.add({
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
    await scene.lookNow('witness');
    clock.letGo();
  }

  const withdrawals: [string, string, (name: string) => Promise<unknown>, (name: string) => Promise<unknown>][] = [
    [
      'relisted',
      'a region that is listed again is not deleted',
      (name) => scene.patch(name, { spec: { regions: both } }),
      (name) => scene.untilReady(name),
    ],
    [
      'retained',
      'nothing is deleted for an object whose prune is Retain',
      (name) => scene.patch(name, { spec: { prune: 'Retain' } }),
      (name) => scene.untilReady(name),
    ],
    [
      'abandoned',
      'nothing is deleted for an object that is deleted with deletionPolicy Retain',
      async (name) => {
        await scene.patch(name, { spec: { deletionPolicy: 'Retain' } });
        await scene.kubectl(`delete georep ${name} --wait=false`);
      },
      (name) => scene.untilGone(name),
    ],
    [
      'suspended',
      'nothing is deleted for an object that is suspended',
      (name) => scene.patch(name, { spec: { suspend: true } }),
      (name) => scene.until(name, 'is Suspended', ({ status }) => status?.phase === 'Suspended'),
    ],
    [
      'observing',
      'nothing is deleted for an object in mode Observe',
      (name) => scene.patch(name, { spec: { mode: 'Observe' } }),
      (name) => scene.until(name, 'is Observing', ({ status }) => status?.phase === 'Observing'),
    ],
    [
      'forbidden',
      'nothing is deleted for an object whose namespace no longer allows the registry',
      () => annotateNamespace(`${allowedRegistries}=${registryId(referenceTo('witness'))}`),
      async (name) => {
        await scene.until(name, 'is refused', isNotReadyBecause('RegistryNotAllowed'));
        await annotateNamespace(`${allowedRegistries}-`);
      },
    ],
  ];
  for (const [name, promise, withdraw, settled] of withdrawals) {
    it(promise, async () => {
      await begin(name);
      await scene.patch(name, { spec: { regions: one } });
      await clock.held;
      await withdraw(name);
      await answer();
      await settled(name);
      expect(scene.writesTo(name)).to.deep.equal([]);
    });
  }

  it('nothing is created for an object that is being deleted', async () => {
    await begin('deleted', 'uksouth');
    await scene.patch('deleted', { spec: { regions: [...both, { location: 'uksouth' }] } });
    await clock.held;
    await scene.kubectl('delete georep deleted --wait=false');
    await answer();
    await scene.untilGone('deleted');
    expect(scene.writesTo('deleted')).to.have.members(['DELETE japaneast', 'DELETE westeurope']);
  });

  it('nothing is deleted for an object that is to be detached', async () => {
    await begin('detached');
    await scene.kubectl('delete georep detached --wait=false');
    await clock.held;
    await scene.kubectl(['annotate', 'georep', 'detached', `${annotation.forceDetach}=true`]);
    await answer();
    await scene.untilGone('detached');
    expect(scene.writesTo('detached')).to.deep.equal([]);
  });

  async function annotateNamespace(change: string): Promise<void> {
    await scene.kubectl(['annotate', 'namespace', 'default', '--overwrite', change]);
  }
});
