import { expect } from 'chai';
import { Admission } from '../../../../src/kubernetes/cache/admission.ts';
import { type Informer, startInformer } from '../../../../src/kubernetes/cache/informer.ts';
import { isWhole, limitObjects, type ObjectLimit } from '../../../../src/kubernetes/cache/object-limit.ts';
import type { Change } from '../../../../src/kubernetes/cache/reflector.ts';
import { Store } from '../../../../src/kubernetes/cache/store.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { resource } from '../../../../src/kubernetes/client/resource.ts';
import { FakeClock } from '../../../fake-clock.ts';
import { type Asked, ScriptedApiServer } from '../client/scripted-api-server.ts';
import { Journal } from '../journal.ts';
import { type Widget, widget, widgets } from '../widget.ts';

describe('an informer with a limit of objects', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let store: Store<Widget>;
  let changes: Journal<string>;
  let due: Journal<string>;
  let limit: ObjectLimit<Widget>;
  let informer: Informer;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
    store = new Store();
    changes = new Journal();
    due = new Journal();
  });
  afterEach(async () => {
    informer.stop();
    await cluster.close();
    await server.stop();
  });

  /** Listed in two pages: of `bear` (created last), `cat` and `dog` (created first) two are admitted. */
  async function listed(): Promise<Asked> {
    const admission = new Admission({ maxObjects: 2, isShared: false, onAdmitted: due.push });
    const toys = resource<Widget>(cluster, widgets);
    limit = limitObjects({
      admission,
      resource: toys,
      get: toys.get,
      store,
      weightOf: ({ spec }) => Math.ceil((spec?.size ?? 0) / 100),
      historyOf: ({ status }) => ({ isIncumbent: status?.seen === 1, isReported: status?.seen === 0 }),
      onChange: ({ type, object }: Change<Widget>) =>
        changes.push(`${type} ${object.metadata?.name} ${object.spec?.size}`),
      onDue: due.push,
    });
    const quiet = () => undefined;
    informer = startInformer<Widget>({
      cluster,
      ...limit.watching,
      clock: new FakeClock(),
      random: () => 0,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    (await server.nextList()).list([born('bear', 30), born('cat', 20)], '5', 'more');
    (await server.nextList()).list([born('dog', 10)], '5');
    const watch = await server.nextWatch();
    watch.open();
    expect([await changes.next(), await changes.next()]).to.deep.equal(['added cat 20', 'added dog 10']);
    return watch;
  }

  function born(name: string, second: number, version = `${second}`, more: Widget = {}): Widget {
    const metadata = { creationTimestamp: `2026-11-22T12:00:${second}Z` as unknown as Date };
    return widget(name, version, { metadata, spec: { size: second }, ...more });
  }
  const keys = () => store.list().map(({ metadata }) => metadata?.name);

  it('keeps only the name of what a later page leaves no room for, and asks for a pass that says so', async () => {
    await listed();
    expect(keys()).to.have.members(['cat', 'dog']);
    expect(await due.next()).to.equal('toys/bear');
    expect(limit.due()).to.deep.equal(['toys/bear']);
    const refused = limit.read('toys/bear');
    expect(refused).to.deep.equal({ metadata: { namespace: 'toys', name: 'bear' } });
    if (!refused) return;
    expect(isWhole(refused)).to.equal(false);
    const read = limit.load(refused);
    (await server.requests.next()).json(born('bear', 30));
    expect((await read)?.spec?.size).to.equal(30);
    expect(keys()).to.have.members(['cat', 'dog']);
  });

  it('asks for no pass of a refused object whose status says so', async () => {
    const watch = await listed();
    expect(await due.next()).to.equal('toys/bear');
    watch.event('MODIFIED', born('bear', 30, '31', { status: { seen: 0 } }));
    watch.event('BOOKMARK', { metadata: { resourceVersion: '35' } });
    watch.event('MODIFIED', born('cat', 20, '40'));
    expect(await changes.next()).to.equal('updated cat 20');
    expect(limit.due()).to.deep.equal([]);
  });

  it('reads a refused object when another is gone, and hands it on as new', async () => {
    const watch = await listed();
    expect(await due.next()).to.equal('toys/bear');
    watch.event('DELETED', born('cat', 20, '41'));
    expect(await due.next()).to.equal('toys/bear');
    expect(await changes.next()).to.equal('deleted cat 20');
    const taken = limit.read('toys/bear');
    if (!taken) throw new Error('it is known');
    const read = limit.load(taken);
    (await server.requests.next()).json(born('bear', 30, '42'));
    expect(await read).to.equal(undefined);
    expect(await changes.next()).to.equal('added bear 30');
    expect(limit.read('toys/bear')?.spec?.size).to.equal(30);
    expect(limit.due()).to.deep.equal([]);
  });

  it('reports an object that has grown beyond the room as deleted, and asks for a pass that says so', async () => {
    const watch = await listed();
    expect(await due.next()).to.equal('toys/bear');
    watch.event('MODIFIED', born('cat', 20, '41', { spec: { size: 101 } }));
    expect(await changes.next()).to.equal('deleted cat 20');
    expect([await due.next(), await due.next()]).to.have.members(['toys/bear', 'toys/cat']);
    expect(keys()).to.deep.equal(['dog']);
  });

  it('drops what is gone when it is read, and one whose deletion came meanwhile', async () => {
    const watch = await listed();
    const refused = limit.read('toys/bear');
    if (!refused) throw new Error('it is known');
    const gone = limit.load(refused);
    (await server.requests.next()).refuse(404, 'not found');
    expect(await gone).to.equal(undefined);
    const late = limit.load(refused);
    const request = await server.requests.next();
    watch.event('DELETED', born('bear', 30, '43'));
    watch.event('MODIFIED', born('cat', 20, '44'));
    expect(await changes.next()).to.equal('updated cat 20');
    request.json(born('bear', 30));
    expect(await late).to.equal(undefined);
    expect(limit.read('toys/bear')).to.equal(undefined);
  });

  it('takes an object in that another process has worked on, whatever the limit is', async () => {
    const watch = await listed();
    watch.event('MODIFIED', born('bear', 30, '45', { status: { seen: 1 } }));
    expect(await changes.next()).to.equal('added bear 30');
    expect(keys()).to.have.members(['bear', 'cat', 'dog']);
  });

  it('hands on the deletion of one that was created again in a gap of the watch, and is refused now', async () => {
    const watch = await listed();
    expect(await due.next()).to.equal('toys/bear');
    watch.event('ERROR', { code: 410, message: 'too old' });
    const again = born('cat', 50);
    (await server.nextList()).list(
      [born('bear', 30), { ...again, metadata: { ...again.metadata, uid: 'new' } }],
      '60',
      'more',
    );
    (await server.nextList()).list([born('dog', 10)], '60');
    expect(await changes.next()).to.equal('deleted cat 20');
    expect([await due.next(), await due.next()]).to.deep.equal(['toys/bear', 'toys/cat']);
    expect(keys()).to.deep.equal(['dog']);
    expect(limit.due()).to.have.members(['toys/bear', 'toys/cat']);
  });
});
