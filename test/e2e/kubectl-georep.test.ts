// `kubectl georep` beside the running operator: an edit by the plugin ends as a replica in Azure.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { installPlugin, type Plugin } from '../georep.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('kubectl georep and the operator', () => {
  let plugin: Plugin;
  let scenario: Scenario;

  before(async () => {
    plugin = await installPlugin();
    scenario = await startScenario({ timings: instant });
  });
  after(async () => {
    await scenario?.close();
    await plugin?.remove();
  });

  const run = (args: string) => plugin.run(scenario.kubeconfig, args);

  it('adds a region, waits until it is ready, and then has nothing left to do', async () => {
    scenario.addRegistry('steered');
    await scenario.apply('steered', { regions: ['japaneast'] });
    expect((await run('add steered uksouth')).stdout).to.match(/: \+ uksouth\n$/);
    const waited = await run('reconcile steered --wait');
    expect(waited.stdout).to.match(/: Ready after \d+s\n$/);
    expect(waited).to.include({ code: 0 });
    expect(await run('plan steered')).to.include({ code: 0 });
    expect((await run('steered')).stdout).to.match(/^uksouth +uksouth +Succeeded +Ready$/m);
    await scenario.untilEvent('steered', /^ReplicaReady: uksouth/);
    expect((await run('history steered')).stdout).to.match(
      /uksouth +ReplicaReady +(until ready|synchronisation): \d+s /,
    );
  });

  it('shows what a suspended operator does not do', async () => {
    scenario.addRegistry('paused');
    await scenario.apply('paused', { regions: ['japaneast'] });
    await scenario.untilReady('paused');
    await run('suspend paused');
    expect(await run('reconcile paused --wait')).to.include({ code: 1 });
    expect((await run('resume paused')).stdout).to.match(/: resumed\n$/);
    expect(await run('reconcile paused --wait')).to.include({ code: 0 });
  });
});
