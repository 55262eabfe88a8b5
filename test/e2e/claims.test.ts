// Two objects that name one registry: which one acts, and how the other takes over.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { condition, isNotReadyBecause, readyMessage } from './expectations.ts';
import { manifest, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('two objects that name one registry', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: instant });
  });
  after(() => scenario?.close());

  /** Applies an object of this name for the registry `shared`. */
  async function applyTo(name: string, regions: string[]): Promise<void> {
    const object = JSON.parse(manifest('shared', { regions }, scenario.identity));
    object.metadata.name = name;
    object.spec.registry.name = name === 'second' ? 'SHARED' : 'shared';
    await scenario.kubectl('apply -f -', { input: JSON.stringify(object) });
  }

  it('the second is refused, changes nothing, and takes over when the first is deleted, with its own pruneDelay', async () => {
    const registry = scenario.addRegistry('shared');
    await applyTo('first', ['japaneast']);
    await scenario.untilReady('first');
    await applyTo('second', ['westeurope']);
    const refused = await scenario.until('second', 'is refused', isNotReadyBecause('RegistryClaimed'));
    expect(readyMessage(refused)).to.contain('default/first');
    expect(refused.metadata.finalizers).to.equal(undefined);
    await scenario.untilEvent('second', /^RegistryClaimed: /);
    expect(scenario.arm.azure.replica(registry, 'westeurope')).to.equal(undefined);

    await scenario.kubectl('patch georep first --type=merge -p {"spec":{"deletionPolicy":"Retain"}}');
    await scenario.kubectl(`delete georep first ${kubectlTimeout}`);
    const pruning = await scenario.until('second', 'is to prune japaneast', ({ status }) =>
      Boolean(status?.readyRegions === '1/1' && status.plan?.[0]?.notBefore),
    );
    expect(isNotReadyBecause('Pruning')(pruning)).to.equal(true);
    await scenario.untilEvent('second', /^PruneScheduled: japaneast: not in spec.regions, pruned from /);
    expect(scenario.arm.azure.replica(registry, 'japaneast')).not.to.equal(undefined);

    await scenario.patch('second', { spec: { pruneDelay: '0s' } });
    const ready = await scenario.untilReady('second');
    expect(scenario.arm.azure.replica(registry, 'japaneast')).to.equal(undefined);
    expect(condition(ready, 'Stalled')).to.equal(undefined);
    expect(scenario.arm.azure.replica(registry, 'westeurope')).not.to.equal(undefined);
  });

  it('the refused one is deleted without touching the replicas of the other', async () => {
    await applyTo('third', ['uksouth']);
    await scenario.until('third', 'is refused', isNotReadyBecause('RegistryClaimed'));
    const writes = scenario.arm.journal.writes.length;
    await scenario.kubectl(`delete georep third ${kubectlTimeout}`);
    expect(scenario.arm.journal.writes.length).to.equal(writes);
  });
});
