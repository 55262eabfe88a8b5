// Events from a recorder to the API server and back to a reader, over real sockets.
import { readFile } from 'node:fs/promises';
import {
  CustomObjectsApi,
  EventsV1Api,
  type EventsV1Event,
  KubeConfig,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  createKubeClient,
  type KubeClient,
  loadKubeConfig,
  type ObservedRequest,
} from '../../src/kubernetes/client/client.ts';
import type { EventRecord } from '../../src/kubernetes/events/event.ts';
import { type EventRecorder, eventRecorder } from '../../src/kubernetes/events/recorder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubectl, missingKubectl } from '../emulators/kubectl.ts';
import { hangLimitMs } from '../hang-limit.ts';
import { kubeApi } from '../kube-api.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { Journal, LogJournal } from '../unit/kubernetes/journal.ts';

describe('events on an API server', () => {
  const namespace = 'default';
  const of = { group: 'georeplication.dev', version: 'v1alpha1', plural: 'registryreplications', namespace };
  const ready: EventRecord = { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' };
  const failed: EventRecord = { type: 'Warning', reason: 'Failed', action: 'Look', note: 'japaneast has failed' };
  const missing = missingKubectl();

  let server: TestCluster;
  let people: KubeClient;
  let users: EventsV1Api;
  /** The proxy between the recorder and the API server. */
  let wire: TcpProxy;
  let cluster: KubeClient;
  let requests: Journal<ObservedRequest>;
  let log: LogJournal;
  let events: EventRecorder;
  let object: KubernetesObject;
  let made = 0;

  before(async () => {
    server = await startCluster();
    people = createKubeClient(loadKubeConfig(server.kubeconfig));
    users = kubeApi(people, EventsV1Api);
  });
  after(async () => {
    await people.close();
    await server.close();
  });

  beforeEach(async () => {
    wire = await TcpProxy.create(server.url);
    await wire.listen();
    const config = new KubeConfig();
    const text = await readFile(server.kubeconfig, 'utf8');
    config.loadFromString(text.replace(server.url, `https://127.0.0.1:${wire.port}`));
    requests = new Journal();
    log = new LogJournal();
    cluster = createKubeClient(config, { onRequest: requests.push });
    const controller = `${of.group}/operator`;
    events = eventRecorder({ cluster, controller, instance: 'pod-1', clock: systemClock, random: Math.random, log });
    const registry = { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'group', name: 'myacr' };
    object = await kubeApi(people, CustomObjectsApi).createNamespacedCustomObject({
      ...of,
      body: {
        apiVersion: `${of.group}/${of.version}`,
        kind: 'RegistryReplication',
        metadata: { name: `flapping-${made++}` },
        spec: { registry, regions: [{ location: 'japaneast' }] },
      },
    });
  });
  afterEach(async () => {
    await events.flush(0);
    await cluster.close();
    await wire.close();
  });

  async function stored(): Promise<EventsV1Event[]> {
    const { items } = await users.listNamespacedEvent({ namespace });
    return items.filter(({ regarding }) => regarding?.uid === object.metadata?.uid);
  }
  const asked = () => requests.all.map(({ method, code }) => `${method} ${code}`);

  it('stay two, with their counts, when a condition flaps a hundred times', async () => {
    for (let flap = 0; flap < 50; flap++) {
      events.record(object, failed);
      events.record(object, ready);
      if (flap < 2) await requests.next(); // the first ones are written one by one
    }
    expect(await events.flush(hangLimitMs)).to.equal(0);
    expect((await stored()).map(({ reason, series }) => `${reason} ${series?.count}`)).to.have.members([
      'Failed 50',
      'Ready 50',
    ]);
    expect(asked()).to.have.length.at.most(6); // for each: its creation, the start of its series, and the final count
    expect(log.all).to.deep.equal([]);
  });

  it('show how often and until when they repeat', async () => {
    events.record(object, ready);
    await requests.next();
    events.record(object, ready);
    events.record(object, ready);
    expect(await events.flush(hangLimitMs)).to.equal(0);
    const [event] = await stored();
    expect(event).to.deep.include({
      ...ready,
      reportingController: `${of.group}/operator`,
      reportingInstance: 'pod-1',
    });
    expect(event?.series?.count).to.equal(3);
    // As client-node's string, with microseconds.
    expect(String(event?.series?.lastObservedTime) >= String(event?.eventTime)).to.equal(true);
  });

  (missing ? it.skip : it)('are one line of kubectl describe, whether they repeat or not', async () => {
    for (const news of [failed, ready, ready, ready]) events.record(object, news);
    expect(await events.flush(hangLimitMs)).to.equal(0);
    const { stdout } = await kubectl(server.kubeconfig, ['describe', 'georep', object.metadata?.name ?? '']);
    const by = 'georeplication.dev/operator';
    expect(stdout).to.match(new RegExp(`Warning +Failed +\\d+s +${by} +japaneast has failed`));
    expect(stdout).to.match(new RegExp(`Normal +Ready +\\d+s \\(x3 over \\d+s\\) +${by} +japaneast is ready`));
    const about = `involvedObject.uid=${object.metadata?.uid}`;
    const list = await kubectl(server.kubeconfig, ['get', 'events', `--field-selector=${about}`]);
    expect(list.stdout.trim().split('\n')).to.have.length(3);
  });

  it('are created again when they repeat after a deletion', async () => {
    events.record(object, ready);
    await requests.next();
    const [first] = await stored();
    await users.deleteNamespacedEvent({ namespace, name: first?.metadata?.name ?? '' });
    events.record(object, ready);
    expect(await events.flush(hangLimitMs)).to.equal(0);
    expect(asked()).to.deep.equal(['POST 201', 'PATCH 404', 'POST 201']);
    expect((await stored()).map(({ series }) => series?.count)).to.deep.equal([2]);
  });

  it('arrive with their counts after an outage of the API server', async () => {
    await wire.close();
    events.record(object, ready);
    await requests.next(({ code }) => code === '<error>');
    for (let i = 1; i < 10; i++) events.record(object, ready);
    await wire.listen();
    expect(await events.flush(hangLimitMs)).to.equal(0);
    expect((await stored()).map(({ series }) => series?.count)).to.deep.equal([10]);
    expect(log.all).to.deep.equal([]);
  });

  it('that are refused fail no pass, are sent once, and are logged as lost once', async () => {
    const elsewhere = { ...object, metadata: { ...object.metadata, namespace: 'nowhere' } };
    for (let i = 0; i < 10; i++) events.record(elsewhere, { ...failed, note: `failure ${i % 2}` });
    events.record(object, ready);
    expect(await events.flush(hangLimitMs)).to.equal(10);
    expect(asked()).to.deep.equal(['POST 404', 'POST 404', 'POST 201']);
    expect(log.all.map(({ level, sentence }) => `${level}: ${sentence}`)).to.deep.equal([
      'warn: Events in nowhere are lost: the API server answered 404 Not Found: namespaces "nowhere" not found',
    ]);
  });
});
