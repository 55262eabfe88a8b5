// `kubectl georep` beside an operator that follows the nodes of the cluster.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { installPlugin, type Plugin } from '../georep.ts';
import { buildKustomization } from '../manifests.ts';
import { isReady, region } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('kubectl georep and an object that follows nodes', () => {
  let plugin: Plugin;
  let scenario: Scenario;

  before(async () => {
    plugin = await installPlugin();
    scenario = await startScenario({
      timings: instant,
      args: ['--region-sources=nodes'],
      deployment: { manifests: await buildKustomization('deploy/follow-nodes') },
    });
    for (const location of ['japaneast', 'westeurope']) {
      const metadata = { name: location, labels: { 'topology.kubernetes.io/region': location } };
      await scenario.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata }) });
    }
  });
  after(async () => {
    await scenario?.close();
    await plugin?.remove();
  });

  const run = (args: string) => plugin.run(scenario.kubeconfig, args);

  it('shows first what following would do, then what needs each region, and what is kept', async () => {
    scenario.addRegistry('fleet');
    await scenario.apply('fleet', { regionsFrom: [{ nodes: {} }], mode: 'Observe' });
    await scenario.until('fleet', 'has a plan', ({ status }) => status?.plan?.length === 2);
    const planned = await run('plan fleet');
    expect(planned.code).to.equal(2);
    expect(planned.stdout).to.contain('  # source nodes: Synced, 2 regions\n');
    expect(planned.stdout).to.contain('  + japaneast    create the replica; needed by nodes (1)\n');

    await scenario.patch('fleet', { spec: { mode: 'Manage' } });
    await scenario.untilReady('fleet');
    expect((await run('fleet -o wide')).stdout).to.match(/^japaneast .* nodes \(1\) +<none>$/m);

    await scenario.kubectl('delete node japaneast');
    await scenario.until('fleet', 'is unused', (object) => !!region(object, 'japaneast')?.unusedSince);
    expect((await run('fleet -o wide')).stdout).to.match(/^japaneast .* unused \d+s \(kept 24h\) +<none>$/m);
    const kept = await run('plan fleet');
    expect(kept.stdout).to.match(/: nothing to do\n {2}# keeping japaneast for 24h: no source has named it since /);
    expect(kept.code).to.equal(0);
    await scenario.untilEvent('fleet', /^RegionUnused: japaneast/);
    expect((await run('history fleet')).stdout).to.match(/ japaneast +RegionUnused +\d+s so far /);
  });

  it('lists a region beside those that are followed, and takes the list away again', async () => {
    scenario.addRegistry('mixed');
    await scenario.apply('mixed', { regionsFrom: [{ nodes: { selector: { matchLabels: { pool: 'none' } } } }] });
    expect((await run('add mixed uksouth')).stdout).to.match(/: \+ uksouth\n$/);
    await scenario.until('mixed', 'is there', (object) => isReady(object) && region(object, 'uksouth') !== undefined);
    expect(await run('remove mixed uksouth')).to.include({ code: 0, stderr: '' });
    const object = await scenario.until('mixed', 'is answered', ({ status, metadata }) => {
      return status?.observedGeneration === metadata.generation;
    });
    expect(object.spec).not.to.have.property('regions');
  });
});
