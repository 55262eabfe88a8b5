import type { KubernetesObject } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  createValueWatcher,
  type ValueQuery,
  type ValueWatcher,
} from '../../../../src/kubernetes/cache/value-watcher.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { type Asked, ScriptedApiServer } from '../client/scripted-api-server.ts';
import { Journal, LogJournal } from '../journal.ts';

const region = 'topology.kubernetes.io/region';
const nodes = { apiVersion: 'v1', kind: 'Node', path: '.metadata.labels.topology\\.kubernetes\\.io/region' };
const ofNodes = (selector?: ValueQuery['selector']): ValueQuery => ({
  ...nodes,
  namespace: 'registries',
  ...(selector && { selector }),
});
const webNodes = ofNodes({ matchLabels: { pool: 'web' } });
const ofConfigMaps = (namespace: string): ValueQuery => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  path: '.data.region',
});
const ofFleet: ValueQuery = {
  apiVersion: 'cluster.kubernetes-fleet.io/v1',
  kind: 'MemberCluster',
  namespace: 'registries',
  path: '.spec.location',
};

const verbs = ['list', 'watch'];
const coreResources = [
  { name: 'nodes', kind: 'Node', namespaced: false, verbs },
  { name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs },
  { name: 'secrets', kind: 'Secret', namespaced: true, verbs },
];
const fleetResources = [{ name: 'memberclusters', kind: 'MemberCluster', namespaced: false, verbs }];

let version = 10;
const node = (name: string, location: string, labels: Record<string, string> = {}): KubernetesObject => ({
  metadata: { name, resourceVersion: `${version++}`, labels: { [region]: location, ...labels } },
});
const configMap = (namespace: string, name: string, location: string) => ({
  metadata: { namespace, name, resourceVersion: `${version++}` },
  data: { region: location },
});

describe('the value watcher', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let clock: FakeClock;
  let log: LogJournal;
  let watcher: ValueWatcher;
  let changes: Journal<string[]>;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
    clock = new FakeClock();
    log = new LogJournal();
    changes = new Journal();
    watcher = createValueWatcher({
      cluster,
      allowed: ['nodes', 'configmaps', 'memberclusters.cluster.kubernetes-fleet.io'],
      onChange: (followers) => changes.push([...followers].sort()),
      clock,
      random: () => 0,
      log: { ...log, debug: () => undefined },
    });
  });
  afterEach(async () => {
    watcher.close();
    await cluster.close();
    await server.stop();
  });

  const isOf = (path: string) => (asked: Asked) => asked.url.pathname === path && !asked.isWatch;
  const next = (path: string) => server.requests.next(isOf(path));
  const discovered = async () => (await next('/api/v1')).json({ resources: coreResources });
  const asked = () => server.requests.all.map(({ url, isWatch }) => `${isWatch ? 'WATCH' : 'GET'} ${url.pathname}`);
  /** The answer to the last request was handled: the next attempt is planned. */
  async function timerIsSet() {
    while (clock.nextIn === undefined) await settled();
  }
  const told = () => changes.next().then(() => undefined);
  function valuesOf(query: ValueQuery): unknown {
    const values = watcher.read(query);
    if (values.state !== 'Synced') return values.state;
    return Object.fromEntries([...values.values].map(([value, { names }]) => [value, names.join()]));
  }
  async function watched(): Promise<Asked> {
    const watch = await server.nextWatch();
    watch.open();
    return watch;
  }

  /** `a` follows all nodes, which are `n1` in eastus and `n2`, for web, in westeurope. */
  async function followsNodes(): Promise<Asked> {
    watcher.follow('registries/a', [ofNodes()]);
    await discovered();
    (await next('/api/v1/nodes')).list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' })], '5');
    await told();
    return watched();
  }

  it('reads the metadata of nodes, with one discovery, one list and one watch for all followers and selectors', async () => {
    watcher.follow('registries/a', [ofNodes()]);
    watcher.follow('registries/b', [webNodes]);
    watcher.follow('others/c', [{ ...ofNodes(), namespace: 'others' }]);
    expect(watcher.read(ofNodes())).to.deep.equal({ state: 'Listing' });
    await discovered();
    const list = await next('/api/v1/nodes');
    expect(list.headers.accept).to.match(/^application\/json;as=PartialObjectMetadataList;/);
    list.list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' })], '5');
    expect(await changes.next()).to.deep.equal(['others/c', 'registries/a', 'registries/b']);
    await watched();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1', westeurope: 'n2' });
    expect(valuesOf(webNodes)).to.deep.equal({ westeurope: 'n2' });
    expect(asked()).to.deep.equal(['GET /api/v1', 'GET /api/v1/nodes', 'WATCH /api/v1/nodes']);
  });

  it('reports a change only to followers whose set of values has changed', async () => {
    watcher.follow('registries/a', [ofNodes()]);
    watcher.follow('registries/b', [webNodes]);
    await discovered();
    (await next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await told();
    const watch = await watched();
    for (let churn = 0; churn < 100; churn++) watch.event('ADDED', node(`more-${churn}`, 'eastus'));
    watch.event('ADDED', node('n2', 'japaneast'));
    expect(await changes.next()).to.deep.equal(['registries/a']);
    expect(watcher.read(ofNodes())).to.deep.include({ state: 'Synced', objects: 102 });
    for (let churn = 0; churn < 100; churn++) watch.event('DELETED', node(`more-${churn}`, 'eastus'));
    watch.event('MODIFIED', node('n2', 'japaneast', { pool: 'web' }));
    expect(await changes.next()).to.deep.equal(['registries/b']);
    watch.event('MODIFIED', node('n2', 'westeurope', { pool: 'web' }));
    expect(await changes.next()).to.deep.equal(['registries/a', 'registries/b']);
    watch.event('DELETED', node('n2', 'westeurope', { pool: 'web' }));
    expect(await changes.next()).to.deep.equal(['registries/a', 'registries/b']);
    expect(valuesOf(webNodes)).to.deep.equal({});
    expect(changes.all).to.have.length(5);
  });

  it('asks nothing for a kind that is not allowed, nor for a query that is not valid', async () => {
    const notAllowed = { ...ofFleet, apiVersion: 'apps/v1', kind: 'Deployment' };
    const noPath = { ...ofNodes(), path: '.spec..x' };
    const noSelector = ofNodes({ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] });
    const noKind = { ...ofNodes(), kind: '../x' };
    const noVersion = { ...ofNodes(), apiVersion: '../v1' };
    watcher.follow('registries/a', [notAllowed, noPath, noSelector, noKind, noVersion]);
    expect([notAllowed, noPath, noSelector, noKind, noVersion].map((query) => watcher.read(query))).to.deep.equal([
      { state: 'NotAllowed', message: 'Deployment (apps/v1) is not among the kinds that may be followed' },
      { state: 'Invalid', message: 'path .spec..x: ".." is not supported, name the fields instead at character 6' },
      { state: 'Invalid', message: 'selector: In of a needs values' },
      { state: 'Invalid', message: '../x is no kind' },
      { state: 'Invalid', message: '../v1 is no apiVersion' },
    ]);
    await clock.advance(60_000);
    expect(asked()).to.deep.equal([]);
  });

  it('lists no kind of an allowed group that is not allowed itself', async () => {
    const secrets = { ...ofConfigMaps('registries'), kind: 'Secret' };
    watcher.follow('registries/a', [secrets]);
    await discovered();
    expect(await changes.next()).to.deep.equal(['registries/a']);
    expect(watcher.read(secrets)).to.deep.equal({
      state: 'NotAllowed',
      message: 'secrets is not among the kinds that may be followed',
    });
    await clock.advance(60_000);
    expect(asked()).to.deep.equal(['GET /api/v1']);
  });

  it("reads namespaced kinds in the follower's namespace only", async () => {
    watcher.follow('one/a', [ofConfigMaps('one')]);
    watcher.follow('two/b', [ofConfigMaps('two')]);
    await discovered();
    const one = await next('/api/v1/namespaces/one/configmaps');
    const two = await next('/api/v1/namespaces/two/configmaps');
    one.list([configMap('one', 'c', 'eastus')], '5');
    expect(await changes.next()).to.deep.equal(['one/a']);
    two.refuse(403, 'no');
    expect(await changes.next()).to.deep.equal(['two/b']);
    expect([valuesOf(ofConfigMaps('one')), valuesOf(ofConfigMaps('two'))]).to.deep.equal([
      { eastus: 'c' },
      'Forbidden',
    ]);
  });

  it('lists again for a new query, while the old ones are still answered', async () => {
    const watch = await followsNodes();
    await clock.advance(5_000);
    watcher.follow('registries/b', [webNodes]);
    const list = await next('/api/v1/nodes');
    watch.event('ADDED', node('n3', 'japaneast'));
    expect(await changes.next()).to.deep.equal(['registries/a']);
    expect([valuesOf(ofNodes()), valuesOf(webNodes)]).to.deep.equal([
      { eastus: 'n1', westeurope: 'n2', japaneast: 'n3' },
      'Listing',
    ]);
    list.list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' }), node('n3', 'japaneast')], '6');
    expect(await changes.next(), 'the set of the other one is the same').to.deep.equal(['registries/b']);
    await watch.closed;
    expect(valuesOf(webNodes)).to.deep.equal({ westeurope: 'n2' });
  });

  it('lists once for many new queries, however fast they come', async () => {
    await followsNodes();
    for (let edit = 0; edit < 50; edit++) {
      watcher.follow('registries/b', [ofNodes({ matchLabels: { pool: `${edit}` } })]);
      await settled();
    }
    expect(asked().filter((request) => request === 'GET /api/v1/nodes')).to.have.length(1);
    await clock.advance(5_000);
    (await next('/api/v1/nodes')).list([], '6');
    await told();
    await clock.advance(60_000);
    expect(asked().filter((request) => request === 'GET /api/v1/nodes')).to.have.length(2);
  });

  it('asks for whole nodes once a query reads more than metadata', async () => {
    await followsNodes();
    await clock.advance(5_000);
    watcher.follow('registries/b', [{ ...ofNodes(), path: '.spec.providerID' }]);
    expect((await next('/api/v1/nodes')).headers.accept).to.equal('application/json');
  });

  it('ends the watch with its last follower', async () => {
    const watch = await followsNodes();
    watcher.follow('registries/b', [ofNodes()]);
    watcher.follow('registries/a', []);
    expect(valuesOf(ofNodes())).to.have.keys('eastus', 'westeurope');
    watcher.follow('registries/b', []);
    await watch.closed;
    expect(watcher.read(ofNodes())).to.deep.equal({ state: 'NotSynced', message: 'Node is not followed' });
    expect(clock.nextIn).to.equal(undefined);
  });

  it('that is forbidden says so, and counts again from the next list on', async () => {
    watcher.follow('registries/a', [ofNodes()]);
    await discovered();
    (await next('/api/v1/nodes')).refuse(403, 'nodes is forbidden');
    await told();
    expect(watcher.read(ofNodes())).to.deep.equal({
      state: 'Forbidden',
      message: 'the API server answered 403 Forbidden: nodes is forbidden',
    });
    const before = asked().length;
    watcher.follow('registries/b', [webNodes]);
    await settled();
    expect([asked().length, valuesOf(webNodes)], 'a new follower waits for the next attempt').to.deep.equal([
      before,
      'Forbidden',
    ]);
    await clock.advance(500);
    await discovered();
    (await next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await told();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
    expect(log.all.map(({ level, sentence }) => `${level}: ${sentence}`)).to.deep.equal([
      'warn: Node (v1) cannot be followed: the API server answered 403 Forbidden: nodes is forbidden',
      'info: Node (v1) can be followed again',
    ]);
  });

  it('whose right is withdrawn later is forbidden too, and its old values count no more', async () => {
    const watch = await followsNodes();
    watch.end();
    await clock.advance(1_000);
    (await server.nextWatch()).refuse(403, 'no');
    await told();
    expect(valuesOf(ofNodes())).to.equal('Forbidden');
    await clock.advance(500);
    await discovered();
    (await next('/api/v1/nodes')).list([node('n1', 'eastus')], '9');
    await told();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('of a kind that is not installed looks for it every 30 s at least, and reads it once it is', async () => {
    watcher.follow('registries/a', [ofFleet]);
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).refuse(404, '404 page not found');
    await told();
    expect(watcher.read(ofFleet)).to.deep.equal({
      state: 'NotInstalled',
      message: 'MemberCluster (cluster.kubernetes-fleet.io/v1) is not installed',
    });
    for (const delay of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(clock.nextIn).to.equal(delay);
      await clock.advance(delay);
      (await next('/apis/cluster.kubernetes-fleet.io/v1')).refuse(404, '404 page not found');
      await timerIsSet();
    }
    await clock.advance(30_000);
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    const list = await next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters');
    expect(valuesOf(ofFleet)).to.equal('NotInstalled');
    list.list([{ metadata: { name: 'prod', resourceVersion: '3' }, spec: { location: 'eastus' } }], '5');
    await told();
    expect(valuesOf(ofFleet)).to.deep.equal({ eastus: 'prod' });
    expect(changes.all).to.have.length(2);
  });

  it('of a kind that is uninstalled keeps no values, and does not flap while discovery still names the kind', async () => {
    watcher.follow('registries/a', [ofFleet]);
    const prod = { metadata: { name: 'prod', resourceVersion: '3' }, spec: { location: 'eastus' } };
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).list([prod], '5');
    await told();
    (await watched()).end();
    await clock.advance(1_000);
    (await server.nextWatch()).refuse(404, 'the server could not find the requested resource');
    await told();
    expect(valuesOf(ofFleet)).to.equal('NotInstalled');
    await clock.advance(500);
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).refuse(404, 'not found');
    await timerIsSet();
    expect(valuesOf(ofFleet)).to.equal('NotInstalled');
    expect(changes.all).to.have.length(2);
  });

  it('keeps its values while a watch is restarted; after a minute of silence they count no more until the next list', async () => {
    const watch = await followsNodes();
    await clock.advance(5_000);
    watch.end();
    const began = clock.now().getTime();
    while (valuesOf(ofNodes()) !== 'NotSynced') {
      expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1', westeurope: 'n2' });
      const request = await server.requests.next(({ url }) => url.pathname === '/api/v1/nodes');
      request.refuse(500, 'etcd has no leader');
      await timerIsSet();
      if (valuesOf(ofNodes()) !== 'NotSynced') await clock.advance(clock.nextIn ?? 0);
    }
    expect(clock.now().getTime() - began).to.be.within(50_000, 70_000);
    expect(watcher.read(ofNodes())).to.deep.include({ state: 'NotSynced' });
    await told();
    await clock.advance(500);
    await discovered();
    (await next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await told();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('that cannot reach the API server is not synced, and says why', async () => {
    watcher.follow('registries/a', [ofNodes()]);
    await discovered();
    (await next('/api/v1/nodes')).refuse(500, 'etcdserver: no leader');
    expect(await changes.next()).to.deep.equal(['registries/a']);
    expect(watcher.read(ofNodes())).to.deep.equal({
      state: 'NotSynced',
      message: 'the API server answered 500 Internal Server Error: etcdserver: no leader',
    });
    await clock.advance(500);
    (await next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await told();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('notices that a namespaced kind has become cluster-scoped', async () => {
    watcher.follow('registries/a', [ofFleet]);
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).json({
      resources: fleetResources.map((one) => ({ ...one, namespaced: true })),
    });
    (await next('/apis/cluster.kubernetes-fleet.io/v1/namespaces/registries/memberclusters')).refuse(404, 'gone');
    await told();
    await clock.advance(500);
    (await next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).list([], '5');
    await told();
    expect(valuesOf(ofFleet)).to.deep.equal({});
  });

  it('sees what changed during a gap as one change of the set', async () => {
    const watch = await followsNodes();
    await clock.advance(5_000);
    watch.event('ERROR', { code: 410, message: 'too old resource version' });
    (await next('/api/v1/nodes')).list([node('n3', 'eastus'), node('n4', 'japaneast')], '9');
    await told();
    expect(valuesOf(ofNodes())).to.deep.equal({ eastus: 'n3', japaneast: 'n4' });
    (await watched()).event('ERROR', { code: 410, message: 'too old resource version' });
    (await next('/api/v1/nodes')).list([node('n5', 'eastus'), node('n6', 'japaneast')], '9');
    await timerIsSet();
    await clock.advance(1_000);
    (await watched()).event('DELETED', node('n6', 'japaneast'));
    await told();
    expect(changes.all, 'other nodes in the same regions are no change').to.have.length(3);
  });
});
