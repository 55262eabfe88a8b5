import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { type Informer, type InformerOptions, startInformer } from '../../../../src/kubernetes/cache/informer.ts';
import type { Change } from '../../../../src/kubernetes/cache/reflector.ts';
import { Store } from '../../../../src/kubernetes/cache/store.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { resource } from '../../../../src/kubernetes/client/resource.ts';
import { keepAnnotations } from '../../../../src/kubernetes/client/transform.ts';
import { shouldReconcile } from '../../../../src/kubernetes/controller/predicates.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { type Asked, ScriptedApiServer } from '../client/scripted-api-server.ts';
import { Journal, LogJournal } from '../journal.ts';
import { type Widget, widget, widgets } from '../widget.ts';

describe('the informer', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let clock: FakeClock;
  let log: LogJournal;
  let store: Store<Widget>;
  let changes: Journal<Change<Widget>>;
  let informer: Informer;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    clock = new FakeClock();
    log = new LogJournal();
    store = new Store();
    changes = new Journal();
  });
  afterEach(async () => {
    informer.stop();
    await cluster.close();
    await server.stop();
  });

  function start(options: Partial<InformerOptions<Widget>> = {}, config = server.kubeConfig) {
    cluster = createKubeClient(config, { clock });
    informer = startInformer<Widget>({
      cluster,
      resource: resource(cluster, { ...widgets, transform: keepAnnotations('ours') }),
      store,
      onChange: changes.push,
      clock,
      random: () => 0,
      log: { ...log, debug: () => undefined },
      ...options,
    });
  }
  /** Has listed one widget at version 5, and watches from there. */
  async function watching() {
    start();
    (await server.nextList()).list([widget('bear', '3')], '5');
    await changes.next();
    const watch = await server.nextWatch();
    watch.open();
    // Tests rely on a watch that has begun.
    while (phase() !== 'Watching') await settled();
    return watch;
  }
  const said = ({ type, source, object }: Change<Widget>) => `${type} ${object.metadata?.name} by ${source}`;
  const phase = () => informer.health().watches[0]?.state.phase;

  it('logs the start of each watch at debug level', async () => {
    start({ log });
    (await server.nextList()).list([], '5');
    (await server.nextWatch()).open();
    expect(await log.next()).to.deep.include({
      level: 'debug',
      sentence: 'Watching widgets.example.dev in all namespaces has begun',
    });
  });

  it('passes on existing objects, then changes, and keeps the store equal to them', async () => {
    const watch = await watching();
    await informer.synced;
    expect(watch.url.pathname).to.equal('/apis/example.dev/v1/widgets');
    expect(watch.url.searchParams.get('resourceVersion')).to.equal('5');
    expect(watch.url.searchParams.get('allowWatchBookmarks')).to.equal('true');
    watch.event('ADDED', widget('doll', '6'));
    watch.event('MODIFIED', widget('bear', '7', { metadata: { generation: 2, managedFields: [{}] } }));
    watch.event('DELETED', widget('doll', '8'));
    await changes.next(({ type }) => type === 'deleted');
    expect(changes.all.map(said)).to.deep.equal([
      'added bear by list',
      'added doll by watch',
      'updated bear by watch',
      'deleted doll by watch',
    ]);
    const update = changes.all.find((change) => change.type === 'updated');
    expect(update?.type === 'updated' && update.previous.metadata?.resourceVersion).to.equal('3');
    expect(store.list().map((w) => [w.metadata?.resourceVersion, w.metadata?.managedFields])).to.deep.equal([
      ['7', undefined],
    ]);
    expect(phase()).to.equal('Watching');
    expect(informer.health()).to.deep.include({ synced: true, relists: 0, lastContact: clock.now() });
    expect(log.all).to.deep.equal([]);
  });

  it('keeps only the annotations that the operator reads, so that a change of another one causes no pass', async () => {
    start();
    (await server.nextList()).list(
      [widget('bear', '3', { metadata: { annotations: { others: 'x', ours: '1' } } })],
      '5',
    );
    await changes.next();
    const watch = await server.nextWatch();
    watch.open();
    watch.event('MODIFIED', widget('bear', '6', { metadata: { annotations: { others: 'y', ours: '1' } } }));
    const change = await changes.next(({ type }) => type === 'updated');
    expect(change.object.metadata?.annotations).to.deep.equal({ ours: '1' });
    const previous = change.type === 'updated' ? change.previous : undefined;
    expect(shouldReconcile(previous, change.object, 'example.dev/ours')).to.equal(false);
  });

  it('retries a failed list with growing delays, and logs each reason and delay once (trap 33)', async () => {
    start();
    (await server.nextList()).refuse(500, 'etcdserver: leader changed');
    expect((await log.next()).sentence).to.equal(
      'Watching widgets.example.dev in all namespaces failed: the API server answered 500 Internal Server Error: etcdserver: leader changed; trying again in 0.5 s',
    );
    expect(phase()).to.equal('BackingOff');
    expect(informer.health().synced).to.equal(false);
    await clock.advance(500);
    (await server.nextList()).cut();
    expect((await log.next()).sentence).to.match(/cannot be reached \(.+\); trying again in 1\.0 s$/);
    await clock.advance(1000);
    (await server.nextList()).list([], '1');
    (await server.nextWatch()).open();
    expect(await log.next()).to.deep.include({
      level: 'info',
      sentence: 'Watching widgets.example.dev in all namespaces works again',
    });
    await informer.synced;
    expect(log.all).to.have.length(3);
    expect(informer.health().relists).to.equal(0);
  });

  it('does not retry before Retry-After, as after the creation of a CRD', async () => {
    start();
    (await server.nextList()).refuse(429, 'storage is (re)initializing', { 'retry-after': '3' });
    await log.next();
    expect(clock.nextIn).to.equal(3000);
  });

  it('limits a Retry-After to a minute', async () => {
    start();
    (await server.nextList()).refuse(503, 'come back tomorrow', { 'retry-after': '86400' });
    await log.next();
    expect(clock.nextIn).to.equal(60_000);
  });

  it('watches again within 5 s after an outage with 503', async () => {
    let asked: Asked = await watching();
    asked.cut();
    await log.next(({ level }) => level === 'warn');
    for (let i = 0; i < 8; i++) {
      await clock.advance(5_000);
      asked = await server.requests.next();
      asked.refuse(503, 'apiserver is shutting down');
      await log.next(({ level }) => level === 'warn');
    }
    // The server is back: one request lists, the next one watches.
    await clock.advance(5_000);
    (await server.nextList()).list([widget('bear', '8')], '9');
    (await server.nextWatch()).open();
    while (phase() !== 'Watching') await settled();
  });

  it("reports a 404 with the caller's message, and lists when the resource is there", async () => {
    start({ onMissing: 'the CRD is not installed; kubectl apply -k crds' });
    (await server.nextList()).refuse(404, '404 page not found');
    expect((await log.next()).sentence).to.contain(
      'failed: the CRD is not installed; kubectl apply -k crds; trying again',
    );
    await clock.advance(500);
    (await server.nextList()).list([widget('bear', '1')], '2');
    (await server.nextWatch()).open();
    expect(said(await changes.next())).to.equal('added bear by list');
    expect(informer.health().relists).to.equal(0);
  });

  it('watches again at once from the last version when a watch ends regularly', async () => {
    const watch = await watching();
    watch.event('BOOKMARK', widget('', '9'));
    await clock.advance(25_000);
    watch.end();
    const again = await server.nextWatch();
    expect(again.url.searchParams.get('resourceVersion')).to.equal('9');
    expect(clock.nextIn).to.equal(undefined);
    again.open();
    again.event('ADDED', widget('doll', '10'));
    expect(said(await changes.next())).to.equal('added doll by watch');
    expect(log.all).to.deep.equal([]);
    expect(informer.health().relists).to.equal(0);
  });

  it('backs off from a server that ends each watch at once', async () => {
    const waits: (number | undefined)[] = [];
    (await watching()).end();
    let watch = await server.nextWatch(); // the first time at once
    watch.open();
    for (let i = 0; i < 3; i++) {
      watch.end();
      await watch.closed;
      while (clock.nextIn === undefined) await clock.advance(0);
      waits.push(clock.nextIn);
      await clock.advance(clock.nextIn);
      watch = await server.nextWatch();
      watch.open();
    }
    expect(waits).to.deep.equal([1000, 2000, 4000]);
  });

  it('continues from the last version after a broken connection, and resets its backoff after an event', async () => {
    let watch = await watching();
    for (let i = 0; i < 3; i++) {
      watch.event('MODIFIED', widget('bear', `${10 + i}`));
      await changes.next();
      await server.stop();
      expect((await log.next(({ level }) => level === 'warn')).sentence).to.contain('trying again in 0.5 s');
      await server.listenAgain();
      await clock.advance(500);
      watch = await server.nextWatch();
      expect(watch.url.searchParams.get('resourceVersion')).to.equal(`${10 + i}`);
      watch.open();
    }
    expect(informer.health().relists).to.equal(0);
  });

  for (const how of ['status', 'event'] as const) {
    it(`lists again when its version is too old (410 as ${how}), and passes on only what changed`, async () => {
      const watch = await watching();
      watch.event('ADDED', widget('doll', '6'));
      watch.event('ADDED', widget('kite', '7'));
      await changes.next(({ object }) => object.metadata?.name === 'kite');
      if (how === 'event') {
        watch.event('ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });
      } else {
        await clock.advance(25_000);
        watch.end();
        (await server.nextWatch()).refuse(410, 'Expired');
      }
      (await server.nextList()).list([widget('bear', '3'), widget('kite', '70'), widget('yoyo', '71')], '80');
      await changes.next(({ object }) => object.metadata?.name === 'yoyo');
      expect(changes.all.slice(3).map(said)).to.deep.equal([
        'deleted doll by list',
        'updated kite by list',
        'added yoyo by list',
      ]);
      expect((await server.nextWatch()).url.searchParams.get('resourceVersion')).to.equal('80');
      expect(informer.health().relists).to.equal(1);
      expect(log.all.map(({ level, sentence }) => `${level} ${sentence}`)).to.deep.equal([
        'info Watching widgets.example.dev in all namespaces had to begin with a new list: its last version is too old',
      ]);
    });
  }

  it('ends a watch on an error event, which client-node ignores', async () => {
    const watch = await watching();
    watch.event('ERROR', { kind: 'Status', code: 500, message: 'unable to decode an event' });
    expect((await log.next()).sentence).to.contain(
      'the API server answered 500 Internal Server Error: unable to decode an event',
    );
    await watch.closed;
    await clock.advance(500);
    // A watch from version 5 would get the same event again.
    (await server.nextList()).list([widget('bear', '6')], '7');
    expect(said(await changes.next())).to.equal('updated bear by list');
    expect((await server.nextWatch()).url.searchParams.get('resourceVersion')).to.equal('7');
  });

  it('reconnects soon after each broken connection, even without events in between', async () => {
    let watch = await watching();
    for (let i = 0; i < 8; i++) {
      watch.cut();
      expect((await log.next(({ level }) => level === 'warn')).sentence).to.contain('trying again in 0.5 s');
      await clock.advance(500);
      watch = await server.nextWatch();
      watch.open();
      await log.next(({ sentence }) => sentence.endsWith('works again'));
    }
  });

  it('waits at most 5 s for an unavailable server, and up to 30 s for one that refuses', async () => {
    start();
    const waits = async (fail: (asked: Asked) => void) => {
      const all: number[] = [];
      for (let i = 0; i < 9; i++) {
        fail(await server.nextList());
        await log.next(({ level }) => level === 'warn');
        all.push(clock.nextIn ?? Number.NaN);
        await clock.advance(clock.nextIn ?? 0);
      }
      return Math.max(...all);
    };
    expect(await waits((asked) => asked.cut())).to.equal(5_000);
    expect(await waits((asked) => asked.refuse(503, 'server is starting'))).to.equal(5_000);
    expect(await waits((asked) => asked.refuse(429, 'too many requests'))).to.equal(5_000);
    expect(await waits((asked) => asked.refuse(403, 'forbidden'))).to.equal(30_000);
  });

  it('lists again when the server has refused a watch three times, and at once when the kind is gone', async () => {
    (await watching()).end();
    for (const wait of [500, 1000, 2000]) {
      (await server.nextWatch()).refuse(504, 'Too large resource version');
      await log.next();
      await clock.advance(wait);
    }
    (await server.nextList()).list([], '2');
    expect(said(await changes.next())).to.equal('deleted bear by list');
    const watch = await server.nextWatch();
    expect(watch.url.searchParams.get('resourceVersion')).to.equal('2');
    watch.refuse(404, 'not found');
    await log.next(({ level }) => level === 'warn');
    await clock.advance(4000);
    await server.nextList();
    expect(informer.health().relists).to.equal(1);
  });

  it('reports a callback that throws, and continues (trap 34)', async () => {
    start({
      onChange: (change) => {
        changes.push(change);
        throw new Error('a mistake');
      },
    });
    (await server.nextList()).list([widget('bear', '3'), widget('doll', '4')], '5');
    (await server.nextWatch()).open();
    expect(changes.all).to.have.length(2);
    expect(log.all.map(({ sentence }) => sentence)).to.deep.equal(Array(2).fill('A change was not handled: a mistake'));
  });

  it('reports a credential that cannot be read, while listing and while watching', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'token-'));
    const tokenFile = join(directory, 'token');
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'c', server: server.url, skipTLSVerify: true },
      { name: 'u', authProvider: { name: 'tokenFile', config: { tokenFile } } },
    );
    start({}, config);
    expect((await log.next()).sentence).to.contain('ENOENT');
    await writeFile(tokenFile, 'token');
    await clock.advance(500);
    const list = await server.nextList();
    await rm(tokenFile);
    await clock.advance(60_000); // the token file is read again after this time
    list.list([], '1');
    expect((await log.next()).sentence).to.contain('ENOENT');
    await writeFile(tokenFile, 'token');
    await clock.advance(1000);
    expect((await server.nextWatch()).url.searchParams.get('resourceVersion')).to.equal('1');
    await rm(directory, { recursive: true });
  });

  it('watches each of several namespaces separately, with the label selector', async () => {
    start({ namespaces: ['toys', 'games', 'toys'], labelSelector: 'team=web' });
    for (const _ of ['toys', 'games']) {
      const list = await server.nextList();
      expect(list.url.searchParams.get('labelSelector')).to.equal('team=web');
      expect(informer.health().synced).to.equal(false);
      list.list([], '1');
    }
    const watches = [await server.nextWatch(), await server.nextWatch()];
    await informer.synced;
    expect(watches.map(({ url }) => url.pathname).sort()).to.deep.equal([
      '/apis/example.dev/v1/namespaces/games/widgets',
      '/apis/example.dev/v1/namespaces/toys/widgets',
    ]);
    expect(watches.map(({ url }) => url.searchParams.get('labelSelector'))).to.deep.equal(['team=web', 'team=web']);
    expect(informer.health().watches.map(({ namespace }) => namespace)).to.deep.equal(['toys', 'games']);
  });

  it('sends and reports nothing after it is stopped, during a list, a watch or a wait', async () => {
    start();
    const list = await server.nextList();
    informer.stop();
    list.list([widget('bear', '3')], '5');
    await list.closed;

    const watch = await watching();
    informer.stop();
    await watch.closed;

    start();
    (await server.nextList()).refuse(500, 'no');
    await log.next();
    informer.stop();
    expect(phase()).to.equal('Stopped');
    expect(clock.nextIn).to.equal(undefined);
    expect(changes.all).to.have.length(1);
    expect(server.requests.all).to.have.length(4);
  });
});
