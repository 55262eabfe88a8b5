import { expect } from 'chai';
import { settled } from '../../../fake-clock.ts';
import { fleetResources, node, ofFleet, ofNodes, WatcherUnderTest, webNodes } from './watcher-under-test.ts';

describe('a source of values', () => {
  let t: WatcherUnderTest;

  beforeEach(async () => {
    t = await WatcherUnderTest.start();
  });
  afterEach(() => t.stop());

  it('that is forbidden says so, and counts again from the next list on', async () => {
    t.watcher.follow('registries/a', [ofNodes()]);
    await t.discovered();
    (await t.next('/api/v1/nodes')).refuse(403, 'nodes is forbidden');
    await t.told();
    expect(t.watcher.read(ofNodes())).to.deep.equal({
      state: 'Forbidden',
      message: 'the API server answered 403 Forbidden: nodes is forbidden',
    });
    const before = t.asked().length;
    t.watcher.follow('registries/b', [webNodes]);
    await settled();
    expect([t.asked().length, t.valuesOf(webNodes)], 'a new follower waits for the next attempt').to.deep.equal([
      before,
      'Forbidden',
    ]);
    await t.clock.advance(500);
    await t.discovered();
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
    expect(t.log.all.map(({ level, sentence }) => `${level}: ${sentence}`)).to.deep.equal([
      'warn: Node (v1) cannot be followed: the API server answered 403 Forbidden: nodes is forbidden',
      'info: Node (v1) can be followed again',
    ]);
  });

  it('whose right is withdrawn later is forbidden too, and its old values count no more', async () => {
    const watch = await t.followsNodes();
    watch.end();
    await t.clock.advance(1_000);
    (await t.server.nextWatch()).refuse(403, 'no');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.equal('Forbidden');
    await t.clock.advance(500);
    await t.discovered();
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '9');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('of a kind that is not installed looks for it every 30 s at least, and reads it once it is', async () => {
    t.watcher.follow('registries/a', [ofFleet]);
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).refuse(404, '404 page not found');
    await t.told();
    expect(t.watcher.read(ofFleet)).to.deep.equal({
      state: 'NotInstalled',
      message: 'MemberCluster (cluster.kubernetes-fleet.io/v1) is not installed',
    });
    for (const delay of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(t.clock.nextIn).to.equal(delay);
      await t.clock.advance(delay);
      (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).refuse(404, '404 page not found');
      await t.timerIsSet();
    }
    await t.clock.advance(30_000);
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    const list = await t.next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters');
    expect(t.valuesOf(ofFleet)).to.equal('NotInstalled');
    list.list([{ metadata: { name: 'prod', resourceVersion: '3' }, spec: { location: 'eastus' } }], '5');
    await t.told();
    expect(t.valuesOf(ofFleet)).to.deep.equal({ eastus: 'prod' });
    expect(t.changes.all).to.have.length(2);
  });

  it('of a kind that is uninstalled keeps no values, and does not flap while discovery still names the kind', async () => {
    t.watcher.follow('registries/a', [ofFleet]);
    const prod = { metadata: { name: 'prod', resourceVersion: '3' }, spec: { location: 'eastus' } };
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).list([prod], '5');
    await t.told();
    (await t.watched()).end();
    await t.clock.advance(1_000);
    (await t.server.nextWatch()).refuse(404, 'the server could not find the requested resource');
    await t.told();
    expect(t.valuesOf(ofFleet)).to.equal('NotInstalled');
    await t.clock.advance(500);
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).refuse(404, 'not found');
    await t.timerIsSet();
    expect(t.valuesOf(ofFleet)).to.equal('NotInstalled');
    expect(t.changes.all).to.have.length(2);
  });

  it('keeps its values while a watch is restarted; after a minute of silence they count no more until the next list', async () => {
    const watch = await t.followsNodes();
    await t.clock.advance(5_000);
    watch.end();
    const began = t.clock.now().getTime();
    while (t.valuesOf(ofNodes()) !== 'NotSynced') {
      expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1', westeurope: 'n2' });
      const request = await t.server.requests.next(({ url }) => url.pathname === '/api/v1/nodes');
      request.refuse(500, 'etcd has no leader');
      await t.timerIsSet();
      if (t.valuesOf(ofNodes()) !== 'NotSynced') await t.clock.advance(t.clock.nextIn ?? 0);
    }
    expect(t.clock.now().getTime() - began).to.be.within(50_000, 70_000);
    expect(t.watcher.read(ofNodes())).to.deep.include({ state: 'NotSynced' });
    await t.told();
    await t.clock.advance(500);
    await t.discovered();
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('that cannot reach the API server is not synced, and says why', async () => {
    t.watcher.follow('registries/a', [ofNodes()]);
    await t.discovered();
    (await t.next('/api/v1/nodes')).refuse(500, 'etcdserver: no leader');
    expect(await t.changes.next()).to.deep.equal(['registries/a']);
    expect(t.watcher.read(ofNodes())).to.deep.equal({
      state: 'NotSynced',
      message: 'the API server answered 500 Internal Server Error: etcdserver: no leader',
    });
    await t.clock.advance(500);
    (await t.next('/api/v1/nodes')).list([node('n1', 'eastus')], '5');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n1' });
  });

  it('notices that a namespaced kind has become cluster-scoped', async () => {
    t.watcher.follow('registries/a', [ofFleet]);
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).json({
      resources: fleetResources.map((one) => ({ ...one, namespaced: true })),
    });
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1/namespaces/registries/memberclusters')).refuse(404, 'gone');
    await t.told();
    await t.clock.advance(500);
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1')).json({ resources: fleetResources });
    (await t.next('/apis/cluster.kubernetes-fleet.io/v1/memberclusters')).list([], '5');
    await t.told();
    expect(t.valuesOf(ofFleet)).to.deep.equal({});
  });

  it('sees what changed during a gap as one change of the set', async () => {
    const watch = await t.followsNodes();
    await t.clock.advance(5_000);
    watch.event('ERROR', { code: 410, message: 'too old resource version' });
    (await t.next('/api/v1/nodes')).list([node('n3', 'eastus'), node('n4', 'japaneast')], '9');
    await t.told();
    expect(t.valuesOf(ofNodes())).to.deep.equal({ eastus: 'n3', japaneast: 'n4' });
    (await t.watched()).event('ERROR', { code: 410, message: 'too old resource version' });
    (await t.next('/api/v1/nodes')).list([node('n5', 'eastus'), node('n6', 'japaneast')], '9');
    await t.timerIsSet();
    await t.clock.advance(1_000);
    (await t.watched()).event('DELETED', node('n6', 'japaneast'));
    await t.told();
    expect(t.changes.all, 'other nodes in the same regions are no change').to.have.length(3);
  });
});
