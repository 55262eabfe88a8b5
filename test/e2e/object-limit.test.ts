// More objects than --max-objects: which ones are worked on, and how the others get in.
import { expect } from 'chai';
import { finalizer } from '../../src/api/registryreplication.ts';
import { instant } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { condition, isNotReadyBecause, readyMessage } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('more objects than --max-objects', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: instant, args: ['--max-objects=2', '--watch-namespaces=default'] });
    for (const name of ['oldest1', 'second2', 'third3', 'fourth4', 'fifth5']) scenario.addRegistry(name);
    for (const name of ['oldest1', 'second2']) {
      await scenario.apply(name, { regions: ['japaneast'] });
      await scenario.untilReady(name);
    }
  });
  after(() => scenario?.close());

  const untilRefused = (name: string) => scenario.until(name, 'is refused', isNotReadyBecause('TooManyObjects'));

  it('refuses the third, says why, and asks Azure nothing for it', async () => {
    await scenario.apply('third3', { regions: ['japaneast'] });
    const refused = await untilRefused('third3');
    expect(readyMessage(refused)).to.contain('at most 2 objects (--max-objects)');
    expect(condition(refused, 'Stalled')?.reason).to.equal('TooManyObjects');
    expect(refused.metadata.finalizers).to.equal(undefined);
    expect(scenario.writesTo('third3')).to.deep.equal([]);
    await scenario.untilEvent('third3', /^Stalled: TooManyObjects: /);
  });

  it('reports the generation of an edit of a refused object', async () => {
    await scenario.patch('third3', { spec: { regions: [{ location: 'uksouth' }] } });
    const refused = await untilRefused('third3');
    expect(refused.status?.observedGeneration).to.equal(2);
  });

  it('keeps the same objects after a restart, and refuses the same', async () => {
    await scenario.restartOperator();
    await scenario.apply('fourth4', { regions: ['japaneast'] });
    await untilRefused('fourth4');
    for (const name of ['oldest1', 'second2']) {
      const { status } = await scenario.reconcileNow(name);
      expect(status?.phase).to.equal('Ready');
    }
    expect(scenario.writesTo('third3')).to.deep.equal([]);
  });

  it('lets a refused object go when it is deleted, also one that has a finalizer', async () => {
    await scenario.patch('fourth4', { metadata: { finalizers: [finalizer] } });
    await scenario.kubectl(`delete georep fourth4 ${kubectlTimeout}`);
    expect(scenario.writesTo('fourth4')).to.deep.equal([]);
  });

  it('takes the oldest refused one in, as it is now, when another is gone', async () => {
    await scenario.apply('fifth5', { regions: ['japaneast'] });
    await untilRefused('fifth5');
    await scenario.kubectl(`delete georep oldest1 ${kubectlTimeout}`);
    await scenario.untilReady('third3');
    expect(scenario.writesTo('third3')).to.deep.equal(['PUT uksouth']);
    await scenario.kubectl(`delete georep second2 ${kubectlTimeout}`);
    await scenario.untilReady('fifth5');
  });

  it('refuses an object that is edited to be larger than the room, and takes it in when it is as before', async () => {
    const regions = Array.from({ length: 11 }, (_, n) => ({ location: `region${n}` }));
    await scenario.patch('third3', { spec: { regions } });
    const refused = await untilRefused('third3');
    expect(readyMessage(refused)).to.contain('this one counts as 2');
    expect(refused.status?.claim).to.equal(undefined);
    expect(scenario.writesTo('third3')).to.deep.equal(['PUT uksouth']);
    await scenario.patch('third3', { spec: { regions: [{ location: 'uksouth' }] } });
    await scenario.untilReady('third3');
    expect(scenario.writesTo('third3')).to.deep.equal(['PUT uksouth']);
    expect(scenario.operator.log.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });
});
