import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig, type V1Namespace } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  createKubeClient,
  KubeConfigError,
  loadKubeConfig,
  type ObservedRequest,
} from '../../../../src/kubernetes/client/client.ts';
import { explain, NotLeading } from '../../../../src/kubernetes/client/errors.ts';
import { insecureTls } from '../../../../src/kubernetes/client/kubeconfig.ts';
import { makeLoopbackCertificate } from '../../../emulators/certificate.ts';
import { ScriptedApiServer } from './scripted-api-server.ts';

const toys = '/api/v1/namespaces/toys';

describe('the kubeconfig', () => {
  const { KUBECONFIG, HOME } = process.env;
  let directory: string;
  const load = (file?: string) => {
    try {
      return loadKubeConfig(file).getCurrentCluster()?.server;
    } catch (error) {
      expect(error).to.be.instanceOf(KubeConfigError);
      return (error as Error).message;
    }
  };
  async function file(name: string, text: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  }
  const yaml = (name: string, server: string) => `
apiVersion: v1
kind: Config
clusters: [{name: ${name}, cluster: {server: "${server}"}}]
users: [{name: ${name}, user: {}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}}}]
current-context: ${name}
`;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
    delete process.env.KUBECONFIG;
    process.env.HOME = directory;
  });
  afterEach(() => delete process.env.KUBECONFIG);
  after(async () => {
    if (KUBECONFIG !== undefined) process.env.KUBECONFIG = KUBECONFIG;
    if (HOME !== undefined) process.env.HOME = HOME;
    await rm(directory, { recursive: true });
  });

  it('is read from KUBECONFIG, where the first of several files names the context', async () => {
    const one = await file('one', yaml('one', 'https://one:6443'));
    const two = await file('two', yaml('two', 'https://two:6443'));
    process.env.KUBECONFIG = `${one}:${two}`;
    expect(load()).to.equal('https://one:6443');
    expect(load(two)).to.equal('https://two:6443');
  });

  it('is reported as missing in one sentence, instead of trying localhost:8080', () => {
    expect(load()).to.match(/^No Kubernetes cluster is configured: KUBECONFIG is not set, .*\.$/);
  });

  it('is reported with its name and reason if it cannot be read', async () => {
    const missing = join(directory, 'missing');
    process.env.KUBECONFIG = missing;
    expect(load()).to.equal(
      `The kubeconfig ${missing} cannot be read: ENOENT: no such file or directory, open '${missing}'`,
    );
    const broken = await file('broken', 'clusters: [');
    expect(load(broken)).to.match(/^The kubeconfig .*broken cannot be read: [^\n]+$/);
    const empty = await file('empty', '');
    expect(load(empty)).to.match(/^The kubeconfig .*empty cannot be read: [^\n]+$/);
  });

  it('is reported with what is missing if it has no cluster', async () => {
    const text = yaml('one', 'https://one:6443');
    expect(load(await file('none', text.replace('current-context: one', '')))).to.contain('names no current-context');
    expect(load(await file('astray', text.replace('current-context: one', 'current-context: other')))).to.contain(
      'has no usable cluster for its context "other"',
    );
    expect(load(await file('url', yaml('one', 'nonsense')))).to.contain('has no valid server URL: nonsense');
  });
});

describe('a kubeconfig that protects no credentials', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  });
  after(() => rm(directory, { recursive: true }));

  async function withCluster(cluster: object): Promise<string> {
    const path = join(directory, 'kubeconfig');
    const named = { clusters: [{ name: 'one', cluster }], contexts: [{ name: 'one', context: { cluster: 'one' } }] };
    await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...named, 'current-context': 'one' }));
    return path;
  }

  it('is refused for plain HTTP to another machine, unless that is allowed', async () => {
    for (const server of ['http://127.0.0.1:8080', 'http://[::1]:8080', 'http://localhost:8001', 'https://one:6443'])
      expect(loadKubeConfig(await withCluster({ server })).getCurrentCluster()?.server).to.equal(server);
    for (const server of ['http://one:8080', 'http://10.0.0.1', 'http://127.0.0.1.example.com', 'ftp://one']) {
      const path = await withCluster({ server });
      expect(() => loadKubeConfig(path)).to.throw(
        KubeConfigError,
        `The kubeconfig ${path} leads to ${server}, where credentials would be sent unencrypted. Use an https:// URL, or allow this with --allow-http-api-server.`,
      );
    }
    const path = await withCluster({ server: 'http://one:8080' });
    expect(loadKubeConfig(path, { allowHttp: true }).getCurrentCluster()?.server).to.equal('http://one:8080');
  });

  it('is refused if its proxy-url is no HTTP or SOCKS proxy, without its password', async () => {
    const server = 'https://one:6443';
    for (const proxy of ['http://me:hunter2@proxy:3128', 'https://proxy', 'socks5://proxy:1080'])
      expect(loadKubeConfig(await withCluster({ server, 'proxy-url': proxy })).getCurrentCluster()?.proxyUrl).to.equal(
        proxy,
      );
    const path = await withCluster({ server, 'proxy-url': 'ftp://me:hunter2@proxy' });
    expect(() => loadKubeConfig(path)).to.throw(
      KubeConfigError,
      `The kubeconfig ${path} cannot be used: proxy-url must be the address of an HTTP proxy, such as http://proxy.example.com:3128`,
    );
  });

  it('is reported if it does not verify the API server', async () => {
    const unchecked = { server: 'https://one:6443', 'insecure-skip-tls-verify': true };
    expect(insecureTls(loadKubeConfig(await withCluster(unchecked)))).to.match(
      /^The kubeconfig has insecure-skip-tls-verify: true for cluster "one", .* Set certificate-authority-data instead\.$/,
    );
    expect(insecureTls(loadKubeConfig(await withCluster({ server: 'https://one:6443' })))).to.equal(undefined);
  });
});

describe('the cluster', () => {
  let server: ScriptedApiServer;
  beforeEach(async () => {
    server = await ScriptedApiServer.start();
  });
  afterEach(() => server.stop());

  it('reports every request once, with its code, and sends a User-Agent', async () => {
    const seen: ObservedRequest[] = [];
    const cluster = createKubeClient(server.kubeConfig, {
      onRequest: (request) => seen.push(request),
      userAgent: 'tester/1',
    });
    const ok = cluster.getJson<V1Namespace>(toys);
    const first = await server.requests.next();
    expect(first.headers['user-agent']).to.equal('tester/1');
    first.json({ metadata: { name: 'toys' } });
    expect((await ok).metadata?.name).to.equal('toys');

    const refused = cluster.sendJson('PUT', toys, {}).catch(explain);
    (await server.requests.next()).refuse(403, 'no');
    expect(await refused).to.equal('the API server answered 403 Forbidden: no');

    const cut = cluster.getJson(toys).catch(explain);
    (await server.requests.next()).cut();
    expect(await cut).to.match(new RegExp(`^the API server at ${server.url} cannot be reached \\(.+\\)$`));

    const host = new URL(server.url).host;
    expect(seen).to.deep.equal([
      { method: 'GET', host, code: '200' },
      { method: 'PUT', host, code: '403' },
      { method: 'GET', host, code: '<error>' },
    ]);
    await cluster.close();
  });

  it('gives up on a server that does not answer, and on one that truncates its response', async () => {
    // Long enough for the request to be sent on a busy machine too: an unsent one is another case.
    const impatient = createKubeClient(server.kubeConfig, { timeoutMs: 1_000 });
    const unanswered = impatient.getJson(toys).catch(explain);
    await server.requests.next();
    expect(await unanswered).to.equal(`the API server at ${server.url} does not answer`);
    await impatient.close();

    const patient = createKubeClient(server.kubeConfig);
    const broken = patient.getJson(toys).catch(explain);
    const asked = await server.requests.next();
    asked.open();
    asked.cut();
    expect(await broken).to.contain(`the API server at ${server.url} cannot be reached`);
    await patient.close();
  });

  it('checks the fence right before each write, and sends nothing when it is closed', async () => {
    let mayWrite = false;
    const cluster = createKubeClient(server.kubeConfig, {
      beforeWrite() {
        if (!mayWrite) throw new NotLeading('not now');
      },
    });
    const create = (name: string) =>
      cluster.sendJson('POST', '/api/v1/namespaces', { metadata: { name } }).catch((error) => error);
    expect(await create('a'))
      .to.be.instanceOf(NotLeading)
      .and.to.have.property('message', 'not now');
    const read = cluster.getJson(toys);
    const first = await server.requests.next();
    expect(first.method).to.equal('GET');
    first.json({});
    await read;

    mayWrite = true;
    const created = create('b');
    const second = await server.requests.next();
    expect(second.body).to.deep.include({ metadata: { name: 'b' } });
    second.json({});
    await created;
    await cluster.close();
  });

  it('reports an unreachable server', async () => {
    const { kubeConfig, url } = server;
    await server.stop();
    const cluster = createKubeClient(kubeConfig);
    const words = await cluster.getJson(toys).catch(explain);
    expect(words).to.equal(`the API server at ${url} cannot be reached (ECONNREFUSED)`);
    await cluster.close();
    server = await ScriptedApiServer.start();
  });

  it('sends basic and bearer credentials', async () => {
    for (const [user, expected] of [
      [{ name: 'u', token: 'secret' }, 'Bearer secret'],
      [{ name: 'u', username: 'me', password: 'pass' }, `Basic ${Buffer.from('me:pass').toString('base64')}`],
    ] as const) {
      const config = new KubeConfig();
      config.loadFromClusterAndUser({ name: 'c', server: server.url, skipTLSVerify: false }, user);
      const cluster = createKubeClient(config);
      const answer = cluster.getJson(toys);
      const asked = await server.requests.next();
      expect(asked.headers.authorization).to.equal(expected);
      asked.json({});
      await answer;
      await cluster.close();
    }
  });
});

describe('connections over TLS', () => {
  it('are kept for the next request, and replaced when the credentials change', async () => {
    const { cert, key } = await makeLoopbackCertificate('api server');
    let connections = 0;
    const protocols = new Set<unknown>();
    const server = createServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, (_, response) => {
      response.setHeader('content-type', 'application/json').end('{}');
    }).on('secureConnection', ({ alpnProtocol }) => {
      connections++;
      protocols.add(alpnProtocol);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const directory = await mkdtemp(join(tmpdir(), 'ca-'));
    const caFile = join(directory, 'ca.pem');
    await writeFile(caFile, cert);
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: 'tls',
        server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        caFile,
        skipTLSVerify: false,
      },
      { name: 'u', token: 'x' },
    );
    const cluster = createKubeClient(config);
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) await cluster.getJson(toys);
      return connections;
    };
    const kept = await ask(2); // a second one is opened if the first has not finished its response
    expect(await ask(10)).to.equal(kept);

    expect([...protocols], 'a dead HTTP/2 connection would be kept too').to.deep.equal(['http/1.1']);

    await writeFile(caFile, `${cert}\n${cert}`); // a rotation
    const anew = await ask(2);
    expect(anew).to.be.above(kept);
    expect(await ask(10)).to.equal(anew);

    const stranger = await makeLoopbackCertificate('someone else');
    await writeFile(caFile, stranger.cert);
    expect(await cluster.getJson(toys).catch(explain)).to.match(/cannot be reached \([A-Z_]+: .+\)$/);

    await rm(directory, { recursive: true });
    expect(await cluster.getJson(toys).catch(explain)).to.contain('ENOENT');
    await cluster.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
