// Objects that follow nodes and other objects of the cluster, with the operator as a process and the real kubectl.
import { expect } from 'chai';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { buildKustomization } from '../manifests.ts';
import { isNotReadyBecause, isReady, region } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const nodeRegion = 'topology.kubernetes.io/region';

describeWithKubectl('an object that follows what runs', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({
      timings: instant,
      args: ['--region-sources=nodes,configmaps'],
      deployment: { manifests: await buildKustomization('deploy/follow-nodes') },
      prepare: async ({ kubernetes }) => {
        const configMaps = { group: '', resource: 'configmaps' };
        await kubernetes.permit(operatorAccount, [
          { ...configMaps, verb: 'list' },
          { ...configMaps, verb: 'watch' },
        ]);
        return {};
      },
    });
  });
  after(() => scenario?.close());

  async function addNode(name: string, location: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const metadata = { name, labels: { [nodeRegion]: location, ...labels } };
    await scenario.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata }) });
  }

  const nodesOf = (pool: string) => ({ nodes: { selector: { matchLabels: { pool } } } });

  it('creates the region of a new node, keeps it without nodes, and prunes it when its time is over', async () => {
    scenario.addRegistry('followed');
    await addNode('web-1', 'westeurope', { pool: 'web' });
    await scenario.apply('followed', { regionsFrom: [nodesOf('web')], keepUnused: '2h' });
    await scenario.untilReady('followed');

    const created = scenario.arm.journal.next(({ registry, method }) => registry === 'followed' && method === 'PUT');
    await addNode('web-2', 'japaneast', { pool: 'web' });
    expect((await created).path).to.match(/\/replications\/japaneast$/);
    const both = await scenario.until(
      'followed',
      'has both regions',
      (object) => isReady(object) && region(object, 'japaneast')?.state === 'Ready',
    );
    expect(region(both, 'japaneast')?.neededBy).to.deep.equal([{ source: 'nodes', count: 1 }]);
    await scenario.untilEvent('followed', 'RegionNeeded: japaneast: needed by nodes (1)');

    await scenario.kubectl('delete node web-2');
    const unused = await scenario.until(
      'followed',
      'is unused',
      (object) => !!region(object, 'japaneast')?.unusedSince,
    );
    expect(isReady(unused)).to.equal(true);
    await scenario.untilEvent(
      'followed',
      'RegionUnused: japaneast: no source names it any more; kept for 2h, and then pruned',
    );
    await addNode('web-2', 'japaneast', { pool: 'web' });
    await scenario.until('followed', 'is needed again', (object) => !region(object, 'japaneast')?.unusedSince);
    expect(scenario.writesTo('followed')).to.deep.equal(['PUT westeurope', 'PUT japaneast']);

    await scenario.kubectl('delete node web-2');
    const again = await scenario.until('followed', 'is unused', (object) => !!region(object, 'japaneast')?.unusedSince);
    const index = again.status?.regions?.findIndex(({ location }) => location === 'japaneast');
    const since = new Date(Date.now() - 3 * 3_600_000).toISOString().replace(/\.\d+/, '');
    const patch = JSON.stringify([{ op: 'replace', path: `/status/regions/${index}/unusedSince`, value: since }]);
    await scenario.kubectl(['patch', 'georep', 'followed', '--subresource=status', '--type=json', '-p', patch]);
    await scenario.restartOperator();
    await scenario.until('followed', 'has pruned the region', (object) => !region(object, 'japaneast'));
    expect(scenario.writesTo('followed').at(-1)).to.equal('DELETE japaneast');
  });

  it('follows the ConfigMaps of its own namespace only', async () => {
    scenario.addRegistry('configured');
    for (const [namespace, location] of [
      ['default', 'Japan East'],
      ['kube-system', 'uksouth'],
    ] as const) {
      const metadata = { name: 'clusters', namespace, labels: { fleet: 'yes' } };
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { region: location } });
      await scenario.kubectl('apply -f -', { input });
    }
    const selector = { matchLabels: { fleet: 'yes' } };
    const resources = { apiVersion: 'v1', kind: 'ConfigMap', selector, location: '.data.region' };
    await scenario.apply('configured', { regionsFrom: [{ resources, tags: { owner: 'fleet' } }] });
    const ready = await scenario.untilReady('configured');
    expect(scenario.writesTo('configured')).to.deep.equal(['PUT japaneast']);
    expect(region(ready, 'japaneast')).to.deep.include({
      neededBy: [{ source: 'ConfigMap', count: 1, names: ['clusters'] }],
      managedTags: ['owner'],
    });
    expect(ready.status?.sources).to.deep.equal([{ source: 'ConfigMap', state: 'Synced', regions: 1 }]);
  });

  it('says that a kind is not allowed, and keeps what it has', async () => {
    scenario.addRegistry('refused');
    const resources = { apiVersion: 'v1', kind: 'Namespace', location: '.metadata.name' };
    await scenario.apply('refused', { regions: ['japaneast'], regionsFrom: [{ resources }] });
    const refused = await scenario.until('refused', 'says why', isNotReadyBecause('SourceUnreadable'));
    expect(refused.status?.phase).to.equal('Degraded');
    expect(refused.status?.sources?.[0]).to.deep.include({ source: 'Namespace', state: 'NotAllowed' });
    expect(scenario.writesTo('refused')).to.deep.equal(['PUT japaneast']);
  });

  it('reports labels that name no region, and creates nothing for them', async () => {
    scenario.addRegistry('foreign');
    await addNode('foreign-1', 'us-east-1', { pool: 'foreign' });
    await addNode('foreign-2', 'westeurope', { pool: 'foreign' });
    await scenario.apply('foreign', { regionsFrom: [nodesOf('foreign')] });
    const ready = await scenario.untilReady('foreign');
    expect(ready.status?.sources).to.deep.equal([
      { source: 'nodes', state: 'Synced', regions: 1, unknown: { count: 1, examples: ['us-east-1'] } },
    ]);
    expect(scenario.writesTo('foreign')).to.deep.equal(['PUT westeurope']);
  });
});
