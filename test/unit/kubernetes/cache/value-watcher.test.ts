import { expect } from 'chai';
import { settled } from '../../../fake-clock.ts';
import { configMap, node, ofConfigMaps, ofFleet, ofNodes, WatcherUnderTest, webNodes } from './watcher-under-test.ts';

describe('the value watcher', () => {
  let t: WatcherUnderTest;

  beforeEach(async () => {
    t = await WatcherUnderTest.start();
  });
  afterEach(() => t.stop());

  it('reads the metadata of nodes, with one discovery, one list and one watch for all followers and selectors', async () => {
    t.watcher.follow('registries/a', [ofNodes()]);
    t.watcher.follow('registries/b', [webNodes]);
    t.watcher.follow('others/c', [{ ...ofNodes(), namespace: 'others' }]);
    expect(t.watcher.read(ofNodes())).to.deep.equal({ state: 'Listing' });
    await t.discovered();
    const list = await t.next('/api/v1/nodes');
    expect(list.headers.accept).to.match(/^application\/json;as=PartialObjectMetadataList;/);
    list.list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' })], '5');
    expect(await t.changes.next()).to.deep.equal(['others/c', 'registries/a', 'registries/b']);
    await t.watched();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1', westeurope: 'n2' });
    expect(t.valuesOf(webNodes)).to.deep.equal({ westeurope: 'n2' });
    expect(t.asked()).to.deep.equal(['GET /api/v1', 'GET /api/v1/nodes', 'WATCH /api/v1/nodes']);
  });

  it('reports a change only to followers whose set of values has changed', async () => {
    t.watcher.follow('registries/a', [ofNodes()]);
    t.watcher.follow('registries/b', [webNodes]);
    await t.discovered();
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await t.told();
    const watch = await t.watched();
    for (let churn = 0; churn < 100; churn++) watch.event('ADDED', node(`more-${churn}`, 'eastus'));
    watch.event('ADDED', node('n2', 'japaneast'));
    expect(await t.changes.next()).to.deep.equal(['registries/a']);
    expect(t.watcher.read(ofNodes())).to.deep.include({ state: 'Synced', objects: 102 });
    for (let churn = 0; churn < 100; churn++) watch.event('DELETED', node(`more-${churn}`, 'eastus'));
    watch.event('MODIFIED', node('n2', 'japaneast', { pool: 'web' }));
    expect(await t.changes.next()).to.deep.equal(['registries/b']);
    watch.event('MODIFIED', node('n2', 'westeurope', { pool: 'web' }));
    expect(await t.changes.next()).to.deep.equal(['registries/a', 'registries/b']);
    watch.event('DELETED', node('n2', 'westeurope', { pool: 'web' }));
    expect(await t.changes.next()).to.deep.equal(['registries/a', 'registries/b']);
    expect(t.valuesOf(webNodes)).to.deep.equal({});
    expect(t.changes.all).to.have.length(5);
  });

  it('asks nothing for a kind that is not allowed, nor for a query that is not valid', async () => {
    const notAllowed = { ...ofFleet, apiVersion: 'apps/v1', kind: 'Deployment' };
    const noPath = { ...ofNodes(), path: '.spec..x' };
    const noSelector = ofNodes({ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] });
    const noKind = { ...ofNodes(), kind: '../x' };
    const noVersion = { ...ofNodes(), apiVersion: '../v1' };
    t.watcher.follow('registries/a', [notAllowed, noPath, noSelector, noKind, noVersion]);
    expect([notAllowed, noPath, noSelector, noKind, noVersion].map((query) => t.watcher.read(query))).to.deep.equal([
      { state: 'NotAllowed', message: 'Deployment (apps/v1) is not among the kinds that may be followed' },
      { state: 'Invalid', message: 'path .spec..x: ".." is not supported, name the fields instead at character 6' },
      { state: 'Invalid', message: 'selector: In of a needs values' },
      { state: 'Invalid', message: '../x is no kind' },
      { state: 'Invalid', message: '../v1 is no apiVersion' },
    ]);
    await t.clock.advance(60_000);
    expect(t.asked()).to.deep.equal([]);
  });

  it('lists no kind of an allowed group that is not allowed itself', async () => {
    const secrets = { ...ofConfigMaps('registries'), kind: 'Secret' };
    t.watcher.follow('registries/a', [secrets]);
    await t.discovered();
    expect(await t.changes.next()).to.deep.equal(['registries/a']);
    expect(t.watcher.read(secrets)).to.deep.equal({
      state: 'NotAllowed',
      message: 'secrets is not among the kinds that may be followed',
    });
    await t.clock.advance(60_000);
    expect(t.asked()).to.deep.equal(['GET /api/v1']);
  });

  it("reads namespaced kinds in the follower's namespace only", async () => {
    t.watcher.follow('one/a', [ofConfigMaps('one')]);
    t.watcher.follow('two/b', [ofConfigMaps('two')]);
    await t.discovered();
    const one = await t.next('/api/v1/namespaces/one/configmaps');
    const two = await t.next('/api/v1/namespaces/two/configmaps');
    one.list([configMap('one', 'c', 'eastus')], '5');
    expect(await t.changes.next()).to.deep.equal(['one/a']);
    two.refuse(403, 'no');
    expect(await t.changes.next()).to.deep.equal(['two/b']);
    expect([t.valuesOf(ofConfigMaps('one')), t.valuesOf(ofConfigMaps('two'))]).to.deep.equal([
      { eastus: 'c' },
      'Forbidden',
    ]);
  });

  it('lists again for a new query, while the old ones are still answered', async () => {
    const watch = await t.followsNodes();
    await t.clock.advance(5_000);
    t.watcher.follow('registries/b', [webNodes]);
    const list = await t.next('/api/v1/nodes');
    watch.event('ADDED', node('n3', 'japaneast'));
    expect(await t.changes.next()).to.deep.equal(['registries/a']);
    expect([t.valuesOf(ofNodes()), t.valuesOf(webNodes)]).to.deep.equal([
      { eastus: 'n1', westeurope: 'n2', japaneast: 'n3' },
      'Listing',
    ]);
    list.list([node('n1', 'eastus'), node('n2', 'westeurope', { pool: 'web' }), node('n3', 'japaneast')], '6');
    expect(await t.changes.next(), 'the set of the other one is the same').to.deep.equal(['registries/b']);
    await watch.closed;
    expect(t.valuesOf(webNodes)).to.deep.equal({ westeurope: 'n2' });
  });

  it('lists once for many new queries, however fast they come', async () => {
    await t.followsNodes();
    for (let edit = 0; edit < 50; edit++) {
      t.watcher.follow('registries/b', [ofNodes({ matchLabels: { pool: `${edit}` } })]);
      await settled();
    }
    expect(t.asked().filter((request) => request === 'GET /api/v1/nodes')).to.have.length(1);
    await t.clock.advance(5_000);
    (await t.next('/api/v1/nodes')).list([], '6');
    await t.told();
    await t.clock.advance(60_000);
    expect(t.asked().filter((request) => request === 'GET /api/v1/nodes')).to.have.length(2);
  });

  it('asks for whole nodes once a query reads more than metadata', async () => {
    await t.followsNodes();
    await t.clock.advance(5_000);
    t.watcher.follow('registries/b', [{ ...ofNodes(), path: '.spec.providerID' }]);
    expect((await t.next('/api/v1/nodes')).headers.accept).to.equal('application/json');
  });

  it('answers at most 50 different queries of a namespace, and others when there is room', async () => {
    await t.followsNodes();
    const ofPool = (pool: number, namespace = 'registries') => ({
      ...ofNodes({ matchLabels: { pool: `${pool}` } }),
      namespace,
    });
    for (let pool = 1; pool <= 50; pool++) t.watcher.follow(`registries/${pool}`, [ofPool(pool)]);
    expect(t.watcher.read(ofPool(49))).to.deep.equal({ state: 'Listing' });
    expect(t.watcher.read(ofPool(50))).to.deep.equal({
      state: 'NotAllowed',
      message:
        'at most 50 different selectors and paths of Node (v1) are followed in namespace registries: ask what another object asks',
    });
    t.watcher.follow('others/a', [ofPool(50, 'others')]);
    expect(t.watcher.read(ofPool(50, 'others'))).to.deep.equal({ state: 'Listing' });
    t.watcher.follow('registries/1', []);
    expect(t.watcher.read(ofPool(50))).to.deep.equal({ state: 'Listing' });
    await t.clock.advance(5_000);
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus', { pool: '50' })], '6');
    await t.told();
    expect(t.valuesOf(ofPool(50))).to.deep.equal({ eastus: 'n1' });
  });

  it('answers at most 500 different queries of a kind; equal ones of any number of namespaces count once', async () => {
    await t.followsNodes();
    for (let n = 0; n < 1_000; n++) t.watcher.follow(`ns-${n}/a`, [{ ...ofNodes(), namespace: `ns-${n}` }]);
    for (let n = 0; n < 499; n++)
      t.watcher.follow(`ns-${n}/b`, [{ ...ofNodes({ matchLabels: { n: `${n}` } }), namespace: `ns-${n}` }]);
    t.watcher.follow('one/more', [{ ...webNodes, namespace: 'one' }]);
    expect(t.watcher.read({ ...webNodes, namespace: 'one' })).to.deep.include({ state: 'NotAllowed' });
    await t.clock.advance(5_000);
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '6');
    await t.told();
    expect(t.valuesOf({ ...ofNodes(), namespace: 'ns-999' })).to.deep.equal({ eastus: 'n1' });
  });

  it('looks for at most 16 kinds of a namespace', async () => {
    const ofKind = (n: number) => ({ ...ofNodes(), kind: `Kind${n}` });
    for (let n = 0; n < 100; n++) t.watcher.follow(`registries/${n}`, [ofKind(n)]);
    expect(t.watcher.read(ofKind(16))).to.deep.include({ state: 'NotAllowed' });
    for (let n = 0; n < 16; n++) await t.discovered();
    await t.changes.next();
    expect(t.asked()).to.have.length(16);
    expect(t.valuesOf(ofKind(15))).to.be.oneOf(['NotInstalled', 'Listing']);
  });

  it('reads whole objects in small pages, and metadata in large ones', async () => {
    const limitOf = async (path: string) => {
      const list = await t.next(path);
      list.list([], '5');
      return list.url.searchParams.get('limit');
    };
    t.watcher.follow('registries/a', [ofNodes()]);
    await t.discovered();
    expect(await limitOf('/api/v1/nodes')).to.equal('500');
    t.watcher.follow('registries/a', [ofConfigMaps('registries')]);
    await t.discovered();
    expect(await limitOf('/api/v1/namespaces/registries/configmaps')).to.equal('25');
  });

  it('ends the watch with its last follower', async () => {
    const watch = await t.followsNodes();
    t.watcher.follow('registries/b', [ofNodes()]);
    t.watcher.follow('registries/a', []);
    expect(t.valuesOf(ofNodes())).to.have.keys('eastus', 'westeurope');
    t.watcher.follow('registries/b', []);
    await watch.closed;
    expect(t.watcher.read(ofNodes())).to.deep.equal({ state: 'NotSynced', message: 'Node is not followed' });
    expect(t.clock.nextIn).to.equal(undefined);
  });
});
