// An autoscaler that adds and removes nodes in regions that have nodes anyway costs no pass and no request to Azure.
import { CoreV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { operatorAccount } from '../deployment.ts';
import { instant } from '../emulators/arm/timings.ts';
import { kubeApi } from '../kube-api.ts';
import { buildKustomization } from '../manifests.ts';
import { region } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const regionLabel = 'topology.kubernetes.io/region';
const churning = 500;
const lanes = 16;

describeWithKubectl('an autoscaler that adds and removes 500 nodes', () => {
  let scenario: Scenario;
  let cluster: KubeClient;
  let core: CoreV1Api;

  before(async () => {
    scenario = await startScenario({
      timings: instant,
      args: ['--region-sources=nodes', '--interval=24h'],
      deployment: { manifests: await buildKustomization('deploy/follow-nodes') },
    });
    cluster = createKubeClient(loadKubeConfig(scenario.kubeconfig));
    core = kubeApi(cluster, CoreV1Api);
  });
  after(async () => {
    await cluster?.close();
    await scenario?.close();
  });

  it('causes no pass and no request to Azure, as long as its regions stay the same', async () => {
    for (const name of ['churned', 'marked']) scenario.addRegistry(name);
    for (const [name, location] of [
      ['stays-1', 'japaneast'],
      ['stays-2', 'westeurope'],
    ] as const)
      await createNode(name, location, 'web');
    await createNode('marker-1', 'japaneast', 'marker');
    await scenario.apply('churned', { regionsFrom: [nodesOf('web')] });
    await scenario.apply('marked', { regionsFrom: [nodesOf('marker')] });
    for (const name of ['churned', 'marked']) await scenario.untilReady(name);
    await scenario.reconcileNow('churned');
    const before = { passes: passes(), requests: requests(), lists: await listsOfNodes() };

    await inLanes(async (name, index) => {
      const location = index % 2 ? 'japaneast' : 'westeurope';
      await createNode(name, location, 'web');
      // The kubelet and the cloud provider write to nodes too.
      const body = { metadata: { annotations: { 'example.com/seen': 'yes' } } };
      await core.patchNode({ name, body }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
      await core.deleteNode({ name });
    });
    // The same watch shows this node, after all others.
    const marked = scenario.arm.journal.next(({ registry, method }) => registry === 'marked' && method === 'PUT');
    await createNode('marker-2', 'uksouth', 'marker');
    expect((await marked).replica).to.equal('uksouth');

    expect({ passes: passes(), requests: requests(), lists: await listsOfNodes() }).to.deep.equal(before);
    const after = await scenario.reconcileNow('churned');
    for (const location of ['japaneast', 'westeurope'])
      expect(region(after, location)?.neededBy).to.deep.equal([{ source: 'nodes', count: 1 }]);
  });

  async function createNode(name: string, location: string, pool: string): Promise<void> {
    await core.createNode({ body: { metadata: { name, labels: { [regionLabel]: location, pool } } } });
  }

  async function inLanes(run: (name: string, index: number) => Promise<void>): Promise<void> {
    const lane = async (first: number) => {
      for (let index = first; index < churning; index += lanes) await run(`churns-${index}`, index);
    };
    await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)));
  }

  function passes(): number {
    return scenario.operator.log.filter(({ msg, object }) => msg === 'A pass begins' && object === 'default/churned')
      .length;
  }

  function requests(): number {
    return scenario.arm.journal.entries.filter(({ registry }) => registry === 'churned').length;
  }

  async function listsOfNodes(): Promise<number> {
    const accesses = await scenario.kubernetes.accessesOf(operatorAccount);
    return accesses.filter(({ resource, verb }) => resource === 'nodes' && verb === 'list').length;
  }
});

function nodesOf(pool: string) {
  return { nodes: { selector: { matchLabels: { pool } } } };
}
