import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ReliableWatch } from '../../../../src/kubernetes/cache/watch.ts';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { explain } from '../../../../src/kubernetes/client/errors.ts';
import { ScriptedApiServer } from '../client/scripted-api-server.ts';
import { Journal } from '../journal.ts';
import { widget } from '../widget.ts';

describe('a watch', () => {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  let told: Journal<string>;
  let ends: Journal<{ error: unknown }>;
  let watch: ReliableWatch;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
    told = new Journal();
    ends = new Journal();
    watch = new ReliableWatch(cluster, {
      onConnecting: () => told.push('connecting'),
      onOpened: () => told.push('opened'),
      onProgress: () => told.push('progressed'),
    });
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });

  /** Replaces client-node's timeout of 30 s, which cannot be configured. */
  const bePatientFor = (ms: number) => Object.assign(watch, { requestTimeoutMs: ms });

  const begin = () =>
    watch.watch('/apis/example.dev/v1/widgets', { resourceVersion: '5' }, told.push, (error) => ends.push({ error }));

  it('requests bookmarks, and a timeout before that of client-node (trap 33)', async () => {
    void begin();
    const asked = await server.nextWatch();
    expect(Object.fromEntries(asked.url.searchParams)).to.deep.equal({
      watch: 'true',
      resourceVersion: '5',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '25',
    });
  });

  it('asks for metadata only where that is enough, and passes on what the transform leaves', async () => {
    const transform = ({ metadata }: object & { metadata?: { name?: string } }) => ({
      metadata: { name: `${metadata?.name}!` },
    });
    const events = new Journal<string | undefined>();
    const listener = { onConnecting: () => undefined, onOpened: () => undefined, onProgress: () => undefined };
    watch = new ReliableWatch(cluster, listener, { metadataOnly: true, transform });
    void watch.watch(
      '/api/v1/nodes',
      {},
      (_, { metadata }) => events.push(metadata.name),
      (error) => ends.push({ error }),
    );
    const asked = await server.nextWatch();
    expect(asked.headers.accept).to.equal(
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json',
    );
    asked.open();
    asked.event('ADDED', { metadata: { name: 'node-1' } });
    expect(await events.next()).to.equal('node-1!');
  });

  it('that is accepted and never answered ends with an error, unlike a quiet one', async () => {
    bePatientFor(1_000); // long enough to have sent the request on a busy machine too
    void begin();
    await server.nextWatch();
    const { error } = await ends.next();
    expect(explain(error)).to.equal(`the API server at ${server.url} does not answer`);
    expect(error).to.have.property('name', 'ApiServerUnreachable');
    expect(told.all).to.deep.equal(['connecting']);
  });

  it("that is quiet for too long ends by client-node's timeout, and is renewed at once", async () => {
    void begin();
    const asked = await server.nextWatch();
    bePatientFor(1);
    asked.open();
    expect((await ends.next()).error).to.have.property('name', 'TimeoutError');
    expect(told.all).to.deep.equal(['connecting', 'opened']);
  });

  it('ends once, whatever the number of reasons, and passes nothing on afterwards', async () => {
    void begin();
    const asked = await server.nextWatch();
    asked.open();
    asked.event('ADDED', widget('bear', '6'));
    asked.event('ERROR', { code: 500, message: 'broken' });
    asked.event('ADDED', widget('doll', '7'));
    asked.end();
    expect((await ends.next()).error).to.be.instanceOf(ApiException);
    await asked.closed;
    expect(told.all).to.deep.equal(['connecting', 'opened', 'progressed', 'ADDED']);
    expect(ends.all).to.have.length(1);
  });

  it('ends with 410 without a request while a new list is required', async () => {
    watch.forceRelist();
    await begin();
    expect((await ends.next()).error).to.have.property('code', 410);
    expect(server.requests.all).to.deep.equal([]);
    watch.onListed();
    void begin();
    await server.nextWatch();
  });

  it('that is stopped while it opens ends without a callback', async () => {
    const opening = begin();
    const asked = await server.nextWatch();
    watch.stop();
    asked.open();
    expect((await opening).signal.aborted).to.equal(true);
    await asked.closed;
    expect([told.all, ends.all]).to.deep.equal([['connecting'], []]);
    await begin();
    expect(server.requests.all).to.have.length(1);
  });
});
