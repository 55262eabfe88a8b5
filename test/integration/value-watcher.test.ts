// The value watcher against an API server, over real sockets: nodes, custom resources and config maps that come, change and go, and what
// may happen to the right to read them, to their kind and to the server.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ApiextensionsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  createValueWatcher,
  type ValueQuery,
  type ValueWatcher,
  type WatchedKind,
} from '../../src/kubernetes/cache/value-watcher.ts';
import {
  createKubeClient,
  type KubeClient,
  loadKubeConfig,
  type ObservedRequest,
} from '../../src/kubernetes/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { establish, startCluster, type TestCluster } from '../cluster.ts';
import { kubeApi } from '../kube-api.ts';
import { startRealApiServer } from '../real-api-server.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { Journal, LogJournal } from '../unit/kubernetes/journal.ts';

const allowed = ['nodes', 'configmaps', 'memberclusters.cluster.kubernetes-fleet.io'];
const follower = 'default/registry';
const ofNodes: ValueQuery = {
  apiVersion: 'v1',
  kind: 'Node',
  namespace: 'default',
  path: ".metadata.labels['topology\\.kubernetes\\.io/region']",
};
const ofFleet: ValueQuery = {
  apiVersion: 'cluster.kubernetes-fleet.io/v1',
  kind: 'MemberCluster',
  namespace: 'default',
  path: '.spec.location',
};
const ofConfigMaps: ValueQuery = { ...ofNodes, kind: 'ConfigMap', path: '.data.region' };

const fleet = { group: 'cluster.kubernetes-fleet.io', version: 'v1', plural: 'memberclusters' };
const memberClusters: V1CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${fleet.plural}.${fleet.group}` },
  spec: {
    group: fleet.group,
    names: { plural: fleet.plural, kind: 'MemberCluster', singular: 'membercluster', listKind: 'MemberClusterList' },
    scope: 'Cluster',
    versions: [
      {
        name: fleet.version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { location: { type: 'string' } } } },
          },
        },
      },
    ],
  },
};

/** A watcher whose changes a test can wait for. */
class Watching {
  readonly requests: ObservedRequest[] = [];
  readonly #changes = new Journal<string[]>();
  readonly #cluster: KubeClient;
  readonly #watcher: ValueWatcher;

  constructor(config: KubeConfig) {
    this.#cluster = createKubeClient(config, { onRequest: (request) => this.requests.push(request) });
    this.#watcher = createValueWatcher({
      cluster: this.#cluster,
      allowed,
      onChange: (followers) => this.#changes.push([...followers]),
      clock: systemClock,
      random: () => 0.9, // short waits
      log: new LogJournal(),
    });
  }

  follow(...queries: ValueQuery[]): void {
    this.#watcher.follow(follower, queries);
  }

  /** The names of the objects by value, or the state if the query is not synced. */
  read(query: ValueQuery): object | string {
    const values = this.#watcher.read(query);
    if (values.state !== 'Synced') return values.state;
    return Object.fromEntries([...values.values].map(([value, { names }]) => [value, names.join()]));
  }

  watched(): WatchedKind[] {
    return this.#watcher.watched();
  }

  /** Waits for changes until the query reads so. */
  async until(query: ValueQuery, expected: object | string): Promise<void> {
    while (JSON.stringify(this.read(query)) !== JSON.stringify(expected)) await this.#changes.next();
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#cluster.close();
  }
}

describe('the value watcher against an API server', () => {
  let server: TestCluster;
  let people: KubeClient;
  let core: CoreV1Api;
  let watching: Watching;

  before(async () => {
    server = await startCluster({ crds: [] });
    people = createKubeClient(loadKubeConfig(server.kubeconfig));
    core = kubeApi(people, CoreV1Api);
  });
  after(async () => {
    await people.close();
    await server.close();
  });
  beforeEach(() => {
    watching = new Watching(loadKubeConfig(server.kubeconfig));
  });
  afterEach(async () => {
    await watching.close();
    for (const { metadata } of (await core.listNode()).items) await core.deleteNode({ name: metadata?.name ?? '' });
  });

  const createNode = (name: string, region?: string) =>
    core.createNode({
      body: { metadata: { name, labels: region ? { 'topology.kubernetes.io/region': region } : {} } },
    });
  const label = (name: string, region: string | null) =>
    core.patchNode(
      { name, body: { metadata: { labels: { 'topology.kubernetes.io/region': region } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  const createMember = (name: string, location: string) =>
    kubeApi(people, CustomObjectsApi).createClusterCustomObject({
      ...fleet,
      body: { apiVersion: `${fleet.group}/v1`, kind: 'MemberCluster', metadata: { name }, spec: { location } },
    });

  it('sees nodes come, change their region and go', async () => {
    watching.follow(ofNodes);
    await watching.until(ofNodes, {});
    await createNode('n1', 'eastus');
    await watching.until(ofNodes, { eastus: 'n1' });
    await createNode('n2');
    await createNode('n3', 'eastus');
    await label('n2', 'japaneast');
    await watching.until(ofNodes, { eastus: 'n1,n3', japaneast: 'n2' });
    await label('n2', 'westeurope');
    await watching.until(ofNodes, { eastus: 'n1,n3', westeurope: 'n2' });
    await core.deleteNode({ name: 'n1' });
    await label('n3', null);
    await watching.until(ofNodes, { westeurope: 'n2' });
    expect(watching.requests, 'discovery, one list and one watch').to.have.length(3);
  });

  it('lists existing nodes with the selectors of all its followers', async () => {
    await createNode('n1', 'eastus');
    await createNode('n2', 'japaneast');
    const inJapan: ValueQuery = {
      ...ofNodes,
      selector: { matchLabels: { 'topology.kubernetes.io/region': 'japaneast' } },
    };
    watching.follow(ofNodes, inJapan);
    await watching.until(ofNodes, { eastus: 'n1', japaneast: 'n2' });
    expect(watching.read(inJapan)).to.deep.equal({ japaneast: 'n2' });
    const names: ValueQuery = { ...ofNodes, path: '.metadata.name' };
    watching.follow(ofNodes, names);
    await watching.until(names, { n1: 'n1', n2: 'n2' });
    expect(watching.read(ofNodes)).to.deep.equal({ eastus: 'n1', japaneast: 'n2' });
  });

  it("reads the data of config maps in the follower's namespace only", async () => {
    const create = (namespace: string, name: string, region: string) =>
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { region } } });
    await core.createNamespace({ body: { metadata: { name: 'other' } } });
    await create('default', 'ours', 'eastus');
    await create('other', 'theirs', 'japaneast');
    watching.follow(ofConfigMaps);
    await watching.until(ofConfigMaps, { eastus: 'ours' });
    await create('other', 'theirs-too', 'westeurope');
    await create('default', 'ours-too', 'northeurope');
    await watching.until(ofConfigMaps, { eastus: 'ours', northeurope: 'ours-too' });
  });

  it('finds a kind when it is installed, loses it when it is uninstalled, and finds it again', async () => {
    watching.follow(ofFleet, ofNodes);
    await watching.until(ofFleet, 'NotInstalled');
    await establish(people, memberClusters);
    await createMember('prod', 'eastus');
    await watching.until(ofFleet, { eastus: 'prod' });
    const definitions = kubeApi(people, ApiextensionsV1Api);
    await definitions.deleteCustomResourceDefinition({ name: memberClusters.metadata?.name ?? '' });
    await watching.until(ofFleet, 'NotInstalled');
    await establish(people, memberClusters);
    await createMember('again', 'japaneast');
    await watching.until(ofFleet, { japaneast: 'again' });
    await watching.until(ofNodes, {});
  });

  it('keeps what it read while the API server cannot be reached, and then catches up', async () => {
    const wire = await TcpProxy.create(server.url);
    await wire.listen();
    const config = new KubeConfig();
    config.loadFromString(
      (await readFile(server.kubeconfig, 'utf8')).replace(server.url, `https://127.0.0.1:${wire.port}`),
    );
    const behind = new Watching(config);
    behind.follow(ofNodes);
    await createNode('n1', 'eastus');
    await behind.until(ofNodes, { eastus: 'n1' });
    await wire.close();
    await core.deleteNode({ name: 'n1' });
    await createNode('n2', 'japaneast');
    expect(behind.read(ofNodes)).to.deep.equal({ eastus: 'n1' });
    await wire.listen();
    await behind.until(ofNodes, { japaneast: 'n2' });
    await behind.close();
    await wire.close();
  });

  it('is told of a missing right, and of one that is withdrawn', async () => {
    const account = { namespace: 'default', name: 'follower' };
    const rights = ['list', 'watch'].map((verb) => ({ verb, group: '', resource: 'nodes' }));
    await core.createNamespacedServiceAccount({ ...account, body: { metadata: { name: account.name } } });
    await server.forbid(account, rights);
    const config = new KubeConfig();
    config.loadFromString(await server.kubeconfigOf(account));
    const limited = new Watching(config);
    await createNode('n1', 'eastus');
    limited.follow(ofNodes);
    await limited.until(ofNodes, 'Forbidden');
    await server.permit(account, rights);
    await limited.until(ofNodes, { eastus: 'n1' });
    await server.forbid(account, rights);
    await limited.until(ofNodes, 'Forbidden'); // when the watch ends, at most 25 s later
    await createNode('n2', 'japaneast');
    await server.permit(account, rights);
    await limited.until(ofNodes, { eastus: 'n1', japaneast: 'n2' });
    const [nodes] = limited.watched();
    expect(nodes).to.deep.include({ resource: 'nodes', watches: 1, objects: 2 });
    expect(nodes?.losses).to.be.at.least(2);
    await limited.close();
  });
});

const assets = process.env.KUBEBUILDER_ASSETS;
if (assets)
  describe('the value watcher against a kube-apiserver that restarts', () => {
    it('keeps what it read, and then catches up', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'value-watcher-'));
      const server = await startRealApiServer({ assets, directory });
      const kubeconfig = join(directory, 'kubeconfig');
      await writeFile(kubeconfig, server.kubeconfig, { mode: 0o600 });
      const people = createKubeClient(loadKubeConfig(kubeconfig));
      const core = kubeApi(people, CoreV1Api);
      const watching = new Watching(loadKubeConfig(kubeconfig));
      const createNode = (name: string, region: string) =>
        core.createNode({ body: { metadata: { name, labels: { 'topology.kubernetes.io/region': region } } } });
      await createNode('n1', 'eastus');
      watching.follow(ofNodes);
      await watching.until(ofNodes, { eastus: 'n1' });
      await server.kill();
      expect(watching.read(ofNodes)).to.deep.equal({ eastus: 'n1' });
      await server.start();
      await createNode('n2', 'japaneast');
      await watching.until(ofNodes, { eastus: 'n1', japaneast: 'n2' });
      await watching.close();
      await people.close();
      await server.close();
      await rm(directory, { recursive: true });
    });
  });
