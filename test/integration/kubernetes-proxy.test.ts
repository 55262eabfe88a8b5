// Requests to the API server through a CONNECT proxy on loopback, and those that must go there directly.
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type V1Namespace, Watch } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { explain } from '../../src/kubernetes/client/errors.ts';
import { ConnectProxy } from '../connect-proxy.ts';
import { type Certificate, makeLoopbackCertificate } from '../emulators/certificate.ts';
import { FakeClock } from '../fake-clock.ts';

const target = 'kubernetes.test:6443';

describe('requests to the API server through a proxy', () => {
  const environment = { ...process.env };
  let certificate: Certificate;
  let apiServer: Server;
  let port: number;
  let directory: string;
  let proxy: ConnectProxy;
  let clock: FakeClock;
  let cluster: KubeClient | undefined;
  /** The headers `authorization` that the API server has seen. */
  let authorizations: unknown[];
  /** Method and path of the requests that it has seen. */
  let asked: string[];
  let status: number;

  before(async () => {
    certificate = await makeLoopbackCertificate('API server');
    apiServer = createServer(certificate, ({ method, url = '', headers }, response) => {
      authorizations.push(headers.authorization);
      asked.push(`${method} ${url}`);
      response.writeHead(headers['proxy-authorization'] ? 500 : status, { 'content-type': 'application/json' });
      if (url.includes('watch=true')) response.write('{"type":"ADDED","object":{"metadata":{"name":"toys"}}}\n');
      else response.end('{"metadata":{"name":"toys"}}');
    });
    apiServer.listen(0, '127.0.0.1');
    await once(apiServer, 'listening');
    ({ port } = apiServer.address() as AddressInfo);
  });
  after(async () => {
    apiServer.closeAllConnections();
    apiServer.close();
    await once(apiServer, 'close');
  });
  beforeEach(async () => {
    authorizations = [];
    asked = [];
    status = 200;
    clock = new FakeClock();
    directory = await mkdtemp(join(tmpdir(), 'kubernetes-proxy-'));
    const url = `https://127.0.0.1:${port}`;
    proxy = await ConnectProxy.start({ targets: { [target]: url, [`0.0.0.0:${port}`]: url } });
    process.env.HTTPS_PROXY = proxy.url();
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    await cluster?.close();
    await proxy.close();
    await rm(directory, { recursive: true });
  });

  async function connect({ user = {}, ...settings }: Record<string, unknown> = {}): Promise<KubeClient> {
    const kubeconfig = {
      clusters: [
        {
          name: 'one',
          cluster: {
            server: `https://${target}`,
            'certificate-authority-data': Buffer.from(certificate.cert).toString('base64'),
            'tls-server-name': 'localhost',
            ...settings,
          },
        },
      ],
      users: [{ name: 'one', user }],
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
      'current-context': 'one',
    };
    const path = join(directory, 'kubeconfig');
    await writeFile(path, JSON.stringify(kubeconfig));
    cluster = createKubeClient(loadKubeConfig(path), { clock });
    return cluster;
  }

  const ask = async (client: KubeClient) =>
    client.getJson<V1Namespace>('/api/v1/namespaces/toys').then(({ metadata }) => metadata?.name, explain);

  it('reuse their tunnel', async () => {
    const client = await connect();
    for (let count = 0; count < 10; count += 1) expect(await ask(client)).to.equal('toys');
    // A second one is opened if the first response has not ended.
    expect(proxy.requests).to.have.length.within(1, 2);
  });

  it('include watches, which end with the client', async () => {
    const client = await connect();
    const { promise: seen, resolve } = Promise.withResolvers<string>();
    await new Watch(client.config).watch('/api/v1/namespaces', { watch: true }, resolve, () => undefined);
    expect(await seen).to.equal('ADDED');
    expect(proxy.requests).to.deep.equal([target]);
    await client.close();
    await proxy.emptied();
  });

  it('include those with the credential of a plugin, which has the same environment', async () => {
    const plugin = join(directory, 'plugin');
    const credential = '{"kind":"ExecCredential","status":{"token":"of-the-plugin"}}';
    await writeFile(plugin, `#!/bin/sh\necho "$HTTPS_PROXY" >> ${directory}/seen\necho '${credential}'\n`);
    await chmod(plugin, 0o755);
    const client = await connect({ user: { exec: { command: './plugin' } } });
    status = 401;
    await ask(client);
    status = 200;
    expect(await ask(client)).to.equal('toys');
    expect(authorizations).to.deep.equal(['Bearer of-the-plugin', 'Bearer of-the-plugin']);
    expect(await readFile(join(directory, 'seen'), 'utf8')).to.equal(`${proxy.url()}\n`.repeat(2));
    expect(new Set(proxy.requests)).to.deep.equal(new Set([target]));
  });

  it('go to the proxy of the kubeconfig rather than that of the environment, whatever NO_PROXY says', async () => {
    const own = await ConnectProxy.start({ targets: { [target]: `https://127.0.0.1:${port}` }, credentials: 'me:pw' });
    process.env.NO_PROXY = '*';
    expect(await ask(await connect({ 'proxy-url': own.url('me:pw') }))).to.equal('toys');
    expect(own.requests).to.deep.equal([target]);
    expect(proxy.requests).to.deep.equal([]);
    await cluster?.close();
    await own.close();
  });

  it('go to it without a tunnel where the API server has no TLS', async () => {
    const seen: string[] = [];
    const plain = createHttpServer(({ method, url }, response) => {
      seen.push(`${method} ${url}`);
      response.end('{"metadata":{"name":"toys"}}');
    }).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    await using ended = new AsyncDisposableStack();
    ended.defer(async () => {
      plain.close();
      plain.closeAllConnections();
    });
    const server = 'http://127.0.0.1:6443'; // Of another host credentials would be sent unencrypted.
    const proxyUrl = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    const client = await connect({ server, 'proxy-url': proxyUrl });
    expect([await ask(client), await ask(client)]).to.deep.equal(['toys', 'toys']);
    expect(seen).to.deep.equal(Array(2).fill(`GET ${server}/api/v1/namespaces/toys`));
  });

  it('go directly to the API server of the cluster in which the process runs', async () => {
    // An address of this machine that is not in 127.0.0.0/8, which is never proxied.
    const server = `https://0.0.0.0:${port}`;
    expect(await ask(await connect({ server }))).to.equal('toys');
    expect(proxy.requests).to.deep.equal([`0.0.0.0:${port}`]);
    await cluster?.close();
    process.env.KUBERNETES_SERVICE_HOST = '0.0.0.0';
    expect(await ask(await connect({ server }))).to.equal('toys');
    expect(proxy.requests).to.have.length(1);
  });

  for (const entry of ['0.0.0.0:PORT', '0.0.0.0/8'])
    it(`go directly where NO_PROXY says so: ${entry}`, async () => {
      process.env.NO_PROXY = entry.replace('PORT', String(port));
      expect(await ask(await connect({ server: `https://0.0.0.0:${port}` }))).to.equal('toys');
      expect(proxy.requests).to.deep.equal([]);
    });

  for (const [behaviour, words] of [
    [
      407,
      `answered 407 Proxy Authentication Required to CONNECT ${target} (check the user and password in HTTPS_PROXY)`,
    ],
    [502, `answered 502 Bad Gateway to CONNECT ${target}`],
    ['close', `gave no connection to ${target}: socket hang up`],
  ] as const)
    it(`say what the proxy did, without its password: ${behaviour}`, async () => {
      proxy.behaviour = behaviour;
      process.env.HTTPS_PROXY = proxy.url('me:hunter2');
      expect(await ask(await connect())).to.equal(
        `the API server at https://${target} cannot be reached (the proxy ${proxy.address} ${words})`,
      );
      await proxy.emptied();
    });

  it('are not sent if they were given up before the connection was open, which then serves others', async () => {
    const held: Socket[] = [];
    const gate = createTcpServer((client) => held.push(client)).listen(0, '127.0.0.1');
    await once(gate, 'listening');
    await using ended = new AsyncDisposableStack();
    ended.defer(async () => {
      gate.close();
      for (const socket of held) socket.destroy();
    });
    await connect({ server: `https://127.0.0.1:${(gate.address() as AddressInfo).port}` });
    const impatient = createKubeClient(loadKubeConfig(join(directory, 'kubeconfig')), { clock, timeoutMs: 1_000 });
    ended.defer(() => impatient.close());
    const given = impatient.sendJson('POST', '/api/v1/namespaces', {}).catch(explain);
    expect(await given).to.match(/^the API server at .* does not answer$/);

    const opened = once(apiServer, 'secureConnection');
    for (const socket of held) socket.pipe(connectTcp(port, '127.0.0.1')).pipe(socket);
    await opened;
    expect(await ask(impatient)).to.equal('toys');
    expect([asked, held.length]).to.deep.equal([['GET /api/v1/namespaces/toys'], 1]);
  });

  it('leave no socket behind when the proxy stalls', async () => {
    proxy.behaviour = 'stall';
    const client = await connect();
    const asked = Array.from({ length: 5 }, () => ask(client));
    await proxy.opened(1);
    const sentence = `the API server at https://${target} cannot be reached (the proxy ${proxy.address} did not connect to ${target} within 8 s)`;
    await clock.advance(8_000);
    expect(await asked[0]).to.equal(sentence);
    await client.close();
    await Promise.all(asked);
    await proxy.emptied();
  });
});
