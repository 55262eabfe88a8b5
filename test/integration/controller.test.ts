// The controller runtime against an API server, over real sockets: informer, store, queue, workers, finalizer and events
// together, for a kind of its own.
import { readFile } from 'node:fs/promises';
import {
  ApiextensionsV1Api,
  CustomObjectsApi,
  EventsV1Api,
  KubeConfig,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { expect } from 'chai';
import { type Informer, startInformer } from '../../src/kubernetes/cache/informer.ts';
import { Store, withReadYourWrites } from '../../src/kubernetes/cache/store.ts';
import {
  createKubeClient,
  type KubeClient,
  loadKubeConfig,
  type ObservedRequest,
} from '../../src/kubernetes/client/client.ts';
import { isTerminating } from '../../src/kubernetes/client/crd.ts';
import { type Resource, resource } from '../../src/kubernetes/client/resource.ts';
import { type Controller, type Outcome, startController } from '../../src/kubernetes/controller/controller.ts';
import { addFinalizer, removeFinalizer } from '../../src/kubernetes/controller/finalizer.ts';
import { enqueueRequests } from '../../src/kubernetes/controller/predicates.ts';
import { WorkQueue } from '../../src/kubernetes/controller/workqueue.ts';
import { eventRecorder } from '../../src/kubernetes/events/recorder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { establish, startCluster, type TestCluster } from '../cluster.ts';
import { hangLimitMs } from '../hang-limit.ts';
import { kubeApi } from '../kube-api.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { Journal, LogJournal } from '../unit/kubernetes/journal.ts';
import type { Widget } from '../unit/kubernetes/widget.ts';

const group = 'runtime.example.dev';
const version = 'v1';
const namespace = 'default';
const finalizer = `${group}/ours`;

function definition(plural: string, kind: string): V1CustomResourceDefinition {
  const integers = (name: string) => ({ type: 'object', properties: { [name]: { type: 'integer' } } });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: 'object', properties: { spec: integers('size'), status: integers('seen') } },
          },
          subresources: { status: {} },
        },
      ],
    },
  };
}

describe('the controller runtime against an API server', () => {
  let server: TestCluster;
  let people: KubeClient;
  let users: CustomObjectsApi;
  /** The proxy between the operator and the API server. */
  let wire: TcpProxy;
  let cluster: KubeClient;
  let store: Store<Widget>;
  let api: Resource<Widget>;
  let queue: WorkQueue;
  let informer: Informer;
  let controller: Controller;
  let log: LogJournal;
  let requests: ObservedRequest[];
  let passes: Journal<Widget>;
  let gone: Journal<string>;
  let pass: (object: Widget) => Promise<Outcome>;

  before(async () => {
    server = await startCluster({ crds: [] });
    people = createKubeClient(loadKubeConfig(server.kubeconfig));
    users = kubeApi(people, CustomObjectsApi);
    await establish(people, definition('widgets', 'Widget'));
  });
  after(async () => {
    await people.close();
    await server.close();
  });

  beforeEach(async () => {
    wire = await TcpProxy.create(server.url);
    log = new LogJournal();
    requests = [];
    passes = new Journal();
    gone = new Journal();
    pass = async () => ({});
  });
  afterEach(async () => {
    informer.stop();
    await controller.stop();
    await cluster.close();
    await wire.close();
    for (const { metadata } of (await resource<Widget>(people, { group, version, plural: 'widgets' }).list()).items) {
      await users.deleteNamespacedCustomObject({ ...of('widgets'), name: metadata?.name ?? '' });
    }
  });

  async function start({ plural = 'widgets', connected = true } = {}) {
    const text = await readFile(server.kubeconfig, 'utf8');
    const config = new KubeConfig();
    config.loadFromString(text.replace(server.url, `https://127.0.0.1:${wire.port}`));
    if (connected) await wire.listen();
    cluster = createKubeClient(config, { onRequest: (request) => requests.push(request) });
    store = new Store();
    api = withReadYourWrites(resource<Widget>(cluster, { group, version, plural }), store);
    queue = new WorkQueue({ clock: systemClock, random: Math.random });
    informer = startInformer({
      cluster,
      resource: api,
      store,
      onChange: enqueueRequests(queue, 'example.dev/finalizer'),
      onMissing: `the CRD ${plural}.${group} is not installed`,
      clock: systemClock,
      random: () => 0.9, // short waits
      log,
    });
    controller = startController<Widget>({
      name: 'widget',
      queue,
      read(key) {
        const object = store.read(key);
        if (!object) gone.push(key);
        return object;
      },
      reconcile: (object) => {
        passes.push(object);
        return pass(object);
      },
      concurrency: 2,
      loopUtilization: () => 0,
      onCalm: () => {},
      clock: systemClock,
      log,
    });
    if (connected) await informer.synced;
  }

  const of = (plural: string) => ({ group, version, plural, namespace });
  async function create(name: string, plural = 'widgets', metadata: Widget['metadata'] = {}): Promise<Widget> {
    const kind = plural === 'widgets' ? 'Widget' : 'Gadget';
    const body = { apiVersion: `${group}/${version}`, kind, metadata: { ...metadata, name }, spec: { size: 1 } };
    return users.createNamespacedCustomObject({ ...of(plural), body });
  }
  async function resize(name: string, size: number): Promise<Widget> {
    const object: Widget = await users.getNamespacedCustomObject({ ...of('widgets'), name });
    return users.replaceNamespacedCustomObject({ ...of('widgets'), name, body: { ...object, spec: { size } } });
  }
  const remove = (name: string) => users.deleteNamespacedCustomObject({ ...of('widgets'), name });
  const passOf = (name: string) => passes.next(({ metadata }) => metadata?.name === name);

  it('runs a pass for existing, created and edited objects, and reports deleted ones', async () => {
    await create('old');
    await start();
    expect((await passOf('old')).spec?.size).to.equal(1);
    await create('new');
    await passOf('new');
    await resize('new', 2);
    expect((await passOf('new')).spec?.size).to.equal(2);
    await remove('new');
    expect(await gone.next()).to.equal(`${namespace}/new`);
    expect(store.list().map(({ metadata }) => metadata?.name)).to.deep.equal(['old']);
    expect(passes.all).to.have.length(3);
    expect(log.all.filter(({ level }) => level !== 'debug')).to.deep.equal([]);
  });

  it('is not triggered by its own status write, and sees it in the next pass', async () => {
    const written = new Journal<Widget>();
    pass = async (object) => {
      written.push(await api.replaceStatus({ ...object, status: { seen: object.spec?.size ?? 0 } }));
      return {};
    };
    await start();
    await create('bear');
    await passOf('bear');
    await written.next();
    await create('marker'); // its pass comes after any pass that the status write could have triggered
    await passOf('marker');
    expect(passes.all).to.have.length(2);
    await resize('bear', 2);
    expect(await passOf('bear')).to.deep.include({ spec: { size: 2 }, status: { seen: 1 } });
    expect(passes.all).to.have.length(3);
  });

  it('never reconciles an object older than its own last write', async () => {
    const versions: (string | undefined)[] = [];
    pass = async (object) => {
      versions.push(object.metadata?.resourceVersion);
      const written = await api.replaceStatus({ ...object, status: { seen: (object.status?.seen ?? 0) + 1 } });
      return written.status?.seen === 20 ? {} : { requeueAfterMs: 0 }; // at once: before the watch has shown the write
    };
    await start();
    await create('bear');
    await passes.next((object) => object.status?.seen === 19);
    expect(new Set(versions).size).to.equal(20);
    expect(log.all.filter(({ level }) => level !== 'debug')).to.deep.equal([]);
  });

  it('continues after broken connections without a new list and without needless passes', async () => {
    await start();
    await create('bear');
    await passOf('bear');
    wire.breakConnections();
    await create('doll');
    await passOf('doll');
    expect(passes.all).to.have.length(2);
    expect(informer.health().relists).to.equal(0);
  });

  it('waits for an unavailable API server, and logs that', async () => {
    await create('bear');
    await start({ connected: false });
    expect((await log.next()).sentence).to.match(
      /^Watching widgets\.runtime\.example\.dev in all namespaces failed: the API server at https:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); trying again in \d\.\d s$/,
    );
    expect(requests[0]?.code).to.equal('<error>');
    await wire.listen();
    await passOf('bear');
    await informer.synced;
    expect((await log.next(({ level }) => level === 'info')).sentence).to.contain('works again');
  });

  it('waits for a CRD that is not installed yet, or was removed', async () => {
    await wire.listen();
    await start({ plural: 'gadgets', connected: false });
    const missing = ({ sentence }: { sentence: string }) =>
      sentence.includes(`the CRD gadgets.${group} is not installed; trying again in`);
    await log.next(missing);
    expect(await isTerminating(cluster, `gadgets.${group}`)).to.equal(true);
    await establish(people, definition('gadgets', 'Gadget'));
    await informer.synced;
    await create('clock', 'gadgets');
    await passOf('clock');
    expect(await isTerminating(cluster, `gadgets.${group}`)).to.equal(false);

    await kubeApi(people, ApiextensionsV1Api).deleteCustomResourceDefinition({ name: `gadgets.${group}` });
    expect(await gone.next()).to.equal(`${namespace}/clock`);
    wire.breakConnections();
    await log.next(missing);
    await establish(people, definition('gadgets', 'Gadget'));
    await create('watch', 'gadgets');
    await passOf('watch');
    await kubeApi(people, ApiextensionsV1Api).deleteCustomResourceDefinition({ name: `gadgets.${group}` });
  });

  it('keeps its finalizer until the object is released, and leaves other finalizers alone', async () => {
    const foreign = 'foreign.example.dev/theirs';
    const released = new Journal<Widget | undefined>();
    pass = async (object) => {
      if (object.metadata?.deletionTimestamp) released.push(await removeFinalizer(api, object, finalizer));
      return {};
    };
    await start();
    const setFinalizers = async (finalizers: string[]) => {
      const object: Widget = await users.getNamespacedCustomObject({ ...of('widgets'), name: 'held' });
      const body = { ...object, metadata: { ...object.metadata, finalizers } };
      await users.replaceNamespacedCustomObject({ ...of('widgets'), name: 'held', body });
    };
    for (const first of [[], ['first.example.dev/x']]) {
      const stale = await create('held', 'widgets', { finalizers: first });
      await setFinalizers([...first, foreign]);
      const held = await addFinalizer(api, stale, finalizer);
      expect(held.metadata?.finalizers).to.deep.equal([...first, foreign, finalizer]);

      await remove('held');
      expect((await released.next())?.metadata?.finalizers).to.deep.equal([...first, foreign]);
      await setFinalizers([]);
      expect(await gone.next()).to.equal(`${namespace}/held`);
    }
  });

  it('writes events about the object', async () => {
    await start();
    const object = await create('bear');
    const events = eventRecorder({
      cluster,
      controller: `${group}/controller`,
      instance: 'pod-1',
      clock: systemClock,
      random: Math.random,
      log,
    });
    events.record(object, { type: 'Normal', reason: 'Seen', action: 'Look', note: 'x'.repeat(2000) });
    expect(await events.flush(hangLimitMs)).to.equal(0);
    expect(log.all.filter(({ level }) => level !== 'debug')).to.deep.equal([]);
    const { items } = await kubeApi(people, EventsV1Api).listNamespacedEvent({ namespace });
    const event = items.find(({ regarding }) => regarding?.uid === object.metadata?.uid);
    expect(event).to.deep.include({ reason: 'Seen', action: 'Look', type: 'Normal', reportingInstance: 'pod-1' });
    expect(Buffer.byteLength(event?.note ?? '')).to.be.within(1000, 1024);
  });

  if (!process.env.KUBEBUILDER_ASSETS) {
    describe('with faults', () => {
      it('sees changes after the server has ended its watch', async () => {
        await start();
        await create('bear');
        await passOf('bear');
        server.faults?.closeWatches();
        await create('doll');
        await passOf('doll');
        expect(informer.health().relists).to.equal(0);
        expect(passes.all).to.have.length(2);
      });

      for (const answer of ['event', 'status'] as const) {
        it(`lists again when the history is gone (410 as ${answer}), and runs passes only for what changed`, async () => {
          await start();
          for (const name of ['bear', 'doll', 'kite']) {
            await create(name);
            await passOf(name);
          }
          await wire.close();
          await resize('bear', 2);
          await remove('doll');
          server.faults?.compact(answer);
          await wire.listen();
          expect((await passOf('bear')).spec?.size).to.equal(2);
          expect(await gone.next()).to.equal(`${namespace}/doll`);
          expect(informer.health().relists).to.equal(1);
          await create('yoyo');
          await passOf('yoyo');
          expect(passes.all.map(({ metadata }) => metadata?.name)).to.deep.equal([
            'bear',
            'doll',
            'kite',
            'bear',
            'yoyo',
          ]);
        });
      }
    });
  }
});
