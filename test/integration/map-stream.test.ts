// The live map over real sockets, between an API server and a client that reads the stream as a browser does.

import { EventsV1Api, KubeConfig, V1MicroTime } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startClusterMap } from '../../src/map/map.ts';
import type { MapState } from '../../src/map/model.ts';
import { streamLimits } from '../../src/map/stream.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { kubeApi } from '../kube-api.ts';
import { MapClient, type Message, until } from '../map-client.ts';
import { TcpProxy } from '../tcp-proxy.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const assets = { '/': { type: 'text/html', content: '' } };

const manifest = (name: string, ...locations: string[]) =>
  JSON.stringify({
    apiVersion: 'georeplication.dev/v1alpha1',
    kind: 'RegistryReplication',
    metadata: { name, namespace: 'default' },
    spec: {
      registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name },
      regions: locations.map((location) => ({ location })),
    },
  });

const isState = ({ event }: Message) => event === 'state';
const changes = (key: string) => (message: Message) =>
  message.event === 'update' && message.data.changed.some((view) => view.key === key);

describe('the live map', () => {
  let kubernetes: TestCluster;
  let proxy: TcpProxy;
  let cluster: KubeClient;
  let map: Awaited<ReturnType<typeof startClusterMap>>;
  let client: MapClient;

  before(async () => {
    kubernetes = await startCluster();
    proxy = await TcpProxy.create(kubernetes.url);
    await proxy.listen();
    const config = new KubeConfig();
    config.loadFromString(
      loadKubeConfig(kubernetes.kubeconfig)
        .exportConfig()
        .replaceAll(kubernetes.url, `https://127.0.0.1:${proxy.port}`),
    );
    cluster = createKubeClient(config);
  });
  after(async () => {
    await cluster?.close();
    await proxy?.close();
    await kubernetes?.close();
  });
  beforeEach(async () => {
    await apply(manifest('first', 'japaneast', 'westeurope'));
    map = await startClusterMap({
      address: { port: 0 },
      cluster,
      clock,
      log: silent,
      assets,
      limits: { maxClients: 3, heartbeatMs: 1_000 },
    });
    client = new MapClient(map.url);
    await client.open();
  });
  afterEach(async () => {
    await map.close();
    await run(['delete', 'georep', '--all', '-n', 'default']);
  });

  async function run(args: string[], input?: string): Promise<void> {
    const { code, stderr } = await kubectl(kubernetes.kubeconfig, args, input === undefined ? {} : { input });
    if (code !== 0) throw new Error(stderr);
  }
  const apply = (input: string) => run(['apply', '-f', '-'], input);

  /** A stream whose map is live and has the object. */
  async function liveStream(): Promise<{ stream: AsyncGenerator<Message>; state: MapState }> {
    for (;;) {
      const stream = client.messages();
      const message = await until(stream, isState);
      if (message.event === 'state' && message.data.contact.live && message.data.registries.length > 0)
        return { stream, state: message.data };
      await until(stream, ({ data }) => data.contact.live);
      await stream.return(undefined);
    }
  }

  const change = (body: object, name = 'first') => client.post(`/api/registries/default/${name}`, body);

  it('begins with the whole state, and sends each change and deletion', async () => {
    const { stream, state } = await liveStream();
    expect(state).to.include({ writable: true, hasEvents: true });
    expect(state.registries.map(({ key }) => key)).to.deep.equal(['default/first']);
    expect(state.regions.find(({ name }) => name === 'japaneast')).to.include({ displayName: 'Japan East' });

    await apply(manifest('second', 'uksouth'));
    await until(stream, changes('default/second'));
    await run(['delete', 'georep', 'second', '-n', 'default']);
    const message = await until(
      stream,
      ({ event, data }) => event === 'update' && 'gone' in data && data.gone.length > 0,
    );
    expect(message.data).to.deep.include({ gone: ['default/second'], changed: [] });
    await stream.return(undefined);
  });

  it('sends nothing for a change that shows nowhere, but a heartbeat', async () => {
    const { stream } = await liveStream();
    await run(['label', 'georep', 'first', '-n', 'default', 'team=web']);
    const { value } = await stream.next();
    expect(value).to.deep.equal({ event: 'update', data: { contact: { live: true }, changed: [], gone: [] } });
    await stream.return(undefined);
  });

  it('adds and removes a region with the rights of the caller', async () => {
    const { stream, state } = await liveStream();
    const [view] = state.registries;
    const { uid, generation } = view ?? {};
    const added = await change({ action: 'add', location: 'uksouth', uid, generation });
    expect([added.status, added.text]).to.deep.equal([200, '{}']);
    const message = await until(stream, changes('default/first'));
    const next = message.event === 'update' ? message.data.changed[0] : undefined;
    expect(next?.listed.map(({ location }) => location)).to.deep.equal(['japaneast', 'westeurope', 'uksouth']);
    const body = { action: 'remove', location: 'japaneast', uid, generation: next?.generation };
    expect((await change(body)).status).to.equal(200);
    await until(stream, changes('default/first'));
    await stream.return(undefined);
  });

  it('refuses a change of a spec that was edited since the page showed it', async () => {
    const { stream, state } = await liveStream();
    await stream.return(undefined);
    const { uid, generation } = state.registries[0] ?? {};
    await apply(manifest('first', 'japaneast'));
    const { status, text } = await change({ action: 'add', location: 'uksouth', uid, generation });
    expect(status).to.equal(409);
    expect(JSON.parse(text).message).to.match(/^default\/first was edited since this page showed it\./);
  });

  it("shows the API server's own words where it refuses a change, and does not ask it to remove the last region", async () => {
    await apply(manifest('first', 'japaneast'));
    const { stream, state } = await liveStream();
    await stream.return(undefined);
    const { uid, generation } = state.registries[0] ?? {};
    const last = await change({ action: 'remove', location: 'japaneast', uid, generation });
    expect(last.status).to.equal(422);
    expect(JSON.parse(last.text).message).to.match(/^spec\.regions must list a region/);
    const wrong = await change({ action: 'add', location: 'no-such', uid, generation });
    expect(JSON.parse(wrong.text).message).to.match(/the API server answered 422 .*spec\.regions.*"no-such"/);
    const missing = await change({ action: 'add', location: 'uksouth', uid, generation }, 'nothing');
    expect(missing.status).to.equal(404);
    expect(JSON.parse(missing.text).message).to.match(/registryreplications.* "nothing" not found/);
  });

  it('says that it is stale while the API server is away, and goes on when it is back', async () => {
    const { stream } = await liveStream();
    await proxy.close();
    const stale = await until(stream, ({ data }) => !data.contact.live);
    expect(stale.data.contact.message).to.match(/cannot be reached|terminated|ended/);
    expect(stale.data.contact.since).to.match(/^\d{4}-\d\d-\d\dT/);
    await apply(manifest('meanwhile', 'uksouth'));
    await proxy.listen();
    await until(stream, changes('default/meanwhile'));
    const { data } = await until(stream, ({ data }) => data.contact.live);
    expect(data.contact).to.deep.equal({ live: true });
    await stream.return(undefined);
  });

  it('accepts a limited number of pages, and another one as soon as one is closed', async () => {
    const streams = await Promise.all([1, 2, 3].map(() => client.connect()));
    expect(streams.map(({ statusCode }) => statusCode)).to.deep.equal([200, 200, 200]);
    const refused = await client.get('/api/stream');
    expect(refused.status).to.equal(503);
    streams[0]?.destroy();
    for (;;) {
      const next = await client.connect();
      next.destroy();
      if (next.statusCode === 200) break;
    }
    for (const stream of streams) stream.destroy();
  });

  it('lists the events of an object, and none of an earlier one of the same name', async () => {
    const { stream, state } = await liveStream();
    await stream.return(undefined);
    const own = state.registries.find(({ name }) => name === 'first')?.uid ?? '';
    for (const [name, uid] of [
      ['own', own],
      ['earlier', 'c0ffee'],
    ] as const)
      await kubeApi(cluster, EventsV1Api).createNamespacedEvent({
        namespace: 'default',
        body: {
          metadata: { name: `first.${name}`, namespace: 'default' },
          eventTime: new V1MicroTime('2026-11-22T12:00:00Z'),
          type: 'Normal',
          reason: name,
          action: 'Look',
          note: 'japaneast: ready',
          regarding: { kind: 'RegistryReplication', namespace: 'default', name: 'first', uid },
          reportingController: 'acr-replication-operator',
          reportingInstance: 'pod',
        },
      });
    const { status, text } = await client.get('/api/registries/default/first/events');
    expect(status).to.equal(200);
    expect(JSON.parse(text)).to.deep.equal([
      { at: '2026-11-22T12:00:00.000Z', type: 'Normal', reason: 'own', note: 'japaneast: ready', count: 1 },
    ]);
  });

  it('has limits by default', () => {
    expect(streamLimits.maxClients).to.be.within(1, 64);
  });
});
