// Two objects that name one registry: which one acts, and how the other takes over.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { condition, isNotReadyBecause, messageOf } from './expectations.ts';
import { manifest, openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('two objects that name one registry', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: instant });
  });
  after(() => scene?.close());

  /** Applies an object of this name for the registry `shared`. */
  async function applyTo(name: string, regions: string[]): Promise<void> {
    const object = JSON.parse(manifest('shared', { regions }, scene.identity));
    object.metadata.name = name;
    object.spec.registry.name = name === 'second' ? 'SHARED' : 'shared';
    await scene.kubectl('apply -f -', { input: JSON.stringify(object) });
  }

  it('the second is refused, changes nothing, and takes over when the first is deleted, with its own pruneDelay', async () => {
    const registry = scene.addRegistry('shared');
    await applyTo('first', ['japaneast']);
    await scene.untilReady('first');
    await applyTo('second', ['westeurope']);
    const refused = await scene.until('second', 'is refused', isNotReadyBecause('RegistryClaimed'));
    expect(messageOf(refused)).to.contain('default/first');
    expect(refused.metadata.finalizers).to.equal(undefined);
    await scene.told('second', /^RegistryClaimed: /);
    expect(scene.arm.azure.replica(registry, 'westeurope')).to.equal(undefined);

    await scene.kubectl('patch georep first --type=merge -p {"spec":{"deletionPolicy":"Retain"}}');
    await scene.kubectl('delete georep first --timeout=20s');
    const pruning = await scene.until('second', 'is to prune japaneast', ({ status }) =>
      Boolean(status?.readyRegions === '1/1' && status.plan?.[0]?.notBefore),
    );
    expect(isNotReadyBecause('Pruning')(pruning)).to.equal(true);
    await scene.told('second', /^PruneScheduled: japaneast: not in spec.regions, pruned at /);
    expect(scene.arm.azure.replica(registry, 'japaneast')).not.to.equal(undefined);

    await scene.patch('second', { spec: { pruneDelay: '0s' } });
    const ready = await scene.untilReady('second');
    expect(scene.arm.azure.replica(registry, 'japaneast')).to.equal(undefined);
    expect(condition(ready, 'Stalled')).to.equal(undefined);
    expect(scene.arm.azure.replica(registry, 'westeurope')).not.to.equal(undefined);
  });

  it('the refused one is deleted without touching the replicas of the other', async () => {
    await applyTo('third', ['uksouth']);
    await scene.until('third', 'is refused', isNotReadyBecause('RegistryClaimed'));
    const writes = scene.arm.journal.writes.length;
    await scene.kubectl('delete georep third --timeout=20s');
    expect(scene.arm.journal.writes.length).to.equal(writes);
  });
});
