// `kubectl georep replicas --watch` and `kubectl georep reconcile --wait`, on the emulator or a real API server. The test is the operator:
// it writes the statuses.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  annotation,
  group,
  plural,
  type RegistryReplication,
  type Status,
  version,
} from '../../src/api/registryreplication.ts';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { play } from '../golden/play.ts';
import { settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';
import { kubeApi } from '../kube-api.ts';

const namespace = 'registries';

describeWithKubectl('kubectl georep that follows an object', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;
  let client: KubeClient;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster, client } = georep);
    await createNamespace(client, namespace);
  });
  after(() => georep?.close());

  const target = (name: string) => ({ group, version, plural, namespace, name });

  async function store(name: string, scenario: string): Promise<RegistryReplication> {
    return storeScenario(client, namespace, name, await play(settings[scenario] ?? {}));
  }

  async function writeStatus(name: string, change: (status: Status) => Status): Promise<void> {
    const api = kubeApi(client, CustomObjectsApi);
    const object: RegistryReplication = await api.getNamespacedCustomObject(target(name));
    const status = change(object.status ?? {});
    const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await api.patchNamespacedCustomObjectStatus({ ...target(name), body: { status } }, mergePatch);
  }

  const withState = (location: string, state: 'Ready' | 'Syncing') => (status: Status) => ({
    ...status,
    regions: (status.regions ?? []).map((row) =>
      row.location === location ? { ...row, state, displayStatus: state } : row,
    ),
  });

  /** Starts the plugin; `line` resolves to its next line of `stream`. */
  function start(args: string, stream: 'stdout' | 'stderr') {
    const child = plugin.start(cluster.kubeconfig, `${args} -n ${namespace}`);
    const lines = createInterface({ input: child[stream] })[Symbol.asyncIterator]();
    let other = '';
    child[stream === 'stdout' ? 'stderr' : 'stdout'].setEncoding('utf8').on('data', (text: string) => {
      other += text;
    });
    return {
      child,
      line: async (): Promise<string> => (await lines.next()).value ?? 'the end',
      /** What it has printed to the other stream when it has ended, and its exit code. */
      ended: async () => {
        const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
        return { code, other };
      },
    };
  }

  it('--watch appends a line for each change in a pipe', async () => {
    await store('watched', 'Syncing');
    const { child, line } = start('watched --watch', 'stdout');
    expect(await line()).to.match(/^NAME +LOCATION +PROVISIONING STATE +STATUS$/);
    expect(await line()).to.match(/^japaneast +japaneast +Succeeded +Syncing$/);
    for (const location of ['westeurope', 'eastus'])
      expect(await line()).to.match(new RegExp(`^${location} .* Ready$`));
    await writeStatus('watched', withState('japaneast', 'Ready'));
    expect(await line()).to.match(/^japaneast +japaneast +Succeeded +Ready$/);
    await kubeApi(client, CustomObjectsApi).deleteNamespacedCustomObject(target('watched'));
    for (const location of ['japaneast', 'westeurope', 'eastus'])
      expect(await line()).to.match(new RegExp(`^${location} .* Gone$`));
    child.kill();
  });

  it('--watch goes on after the API server has ended the watch', async () => {
    await store('resumed', 'Syncing');
    const { child, line } = start('resumed --watch', 'stdout');
    for (const _ of ['heading', 'japaneast', 'westeurope', 'eastus']) await line();
    cluster.faults?.closeWatches();
    await writeStatus('resumed', withState('japaneast', 'Ready'));
    expect(await line()).to.match(/^japaneast +japaneast +Succeeded +Ready$/);
    child.kill();
  });

  it('--watch refuses what it cannot follow, and says so at once', async () => {
    const missing = await plugin.run(cluster.kubeconfig, 'nothing --watch');
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.include('"nothing" not found');
    const json = await plugin.run(cluster.kubeconfig, '--watch -o json');
    expect(json).to.include({ code: 1, stderr: 'error: --watch prints tables, not json\n' });
  });

  it('reconcile requests a pass by the annotation', async () => {
    await store('requested', 'AllRegionsReady');
    const { stdout } = await plugin.run(cluster.kubeconfig, `reconcile requested -n ${namespace}`);
    expect(stdout).to.equal('registryreplication.georeplication.dev/requested: reconcile requested\n');
    const object: RegistryReplication = await kubeApi(client, CustomObjectsApi).getNamespacedCustomObject(
      target('requested'),
    );
    expect(object.metadata.annotations?.[annotation.reconcileRequestedAt]).to.match(/^20\d\d-/);
  });

  it('a dry run of reconcile requests nothing', async () => {
    await store('untouched', 'AllRegionsReady');
    for (const where of ['client', 'server']) {
      const dry = await plugin.run(
        cluster.kubeconfig,
        `reconcile untouched -n ${namespace} --dry-run=${where} -o json`,
      );
      expect(JSON.parse(dry.stdout).metadata.annotations).to.have.property(annotation.reconcileRequestedAt);
    }
    const object: RegistryReplication = await kubeApi(client, CustomObjectsApi).getNamespacedCustomObject(
      target('untouched'),
    );
    expect(object.metadata).not.to.have.property('annotations');
  });

  /** Handles the request that the plugin has made, as the operator does. */
  async function acknowledge(name: string, change: (status: Status) => Status = (status) => status): Promise<void> {
    const object: RegistryReplication = await kubeApi(client, CustomObjectsApi).getNamespacedCustomObject(target(name));
    const request = object.metadata.annotations?.[annotation.reconcileRequestedAt] ?? '';
    await writeStatus(name, (status) => ({ ...change(status), lastHandledReconcileAt: request }));
  }

  it('reconcile --wait tells the progress, and ends with 0 when the object is Ready', async () => {
    await store('waited', 'Syncing');
    const { line, ended } = start('reconcile waited --wait', 'stderr');
    expect(await line()).to.match(/^\d+s\tjapaneast: Syncing$/);
    await acknowledge('waited');
    expect(await line()).to.match(/^\d+s\tthe operator has handled the request$/);
    await writeStatus('waited', withState('japaneast', 'Ready'));
    expect(await line()).to.match(/^\d+s\tjapaneast: Ready$/);
    await writeStatus('waited', (status) => ({
      ...status,
      conditions: (status.conditions ?? []).map((one) => ({ ...one, status: 'True' as const })),
    }));
    expect(await ended()).to.satisfy(
      ({ code, other }: { code: number; other: string }) => code === 0 && /: Ready after \d+s\n$/.test(other),
    );
  });

  it('reconcile --wait ends with 2 when a person has to act', async () => {
    await store('stalled', 'RegionFailed');
    const { line, ended } = start('reconcile stalled --wait', 'stderr');
    expect(await line()).to.match(/japaneast: Failed$/);
    await acknowledge('stalled');
    const { code, other } = await ended();
    expect(code).to.equal(2);
    expect(other).to.match(/^registryreplication\.georeplication\.dev\/stalled: Stalled, RegionFailed: /);
  });

  it('reconcile --wait ends with 2 after its timeout', async () => {
    await store('late', 'AllRegionsReady');
    const { code, stdout } = await plugin.run(
      cluster.kubeconfig,
      `reconcile late --wait --timeout 1ms -n ${namespace}`,
    );
    expect({ code, stdout }).to.deep.equal({
      code: 2,
      stdout: 'registryreplication.georeplication.dev/late: not Ready within 1ms\n',
    });
  });

  it('reconcile --wait does not wait for a suspended object', async () => {
    await store('resting', 'AllRegionsReady, suspended');
    const { code, stderr } = await plugin.run(cluster.kubeconfig, `reconcile resting --wait -n ${namespace}`);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^error: resting is suspended/);
  });
});
