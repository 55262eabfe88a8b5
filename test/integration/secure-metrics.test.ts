// The metrics over HTTPS with bearer tokens, over real sockets: the API server authenticates and authorizes the client.
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { Counter, Registry } from 'prom-client';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { type SecureMetricsOptions, serveSecureMetrics } from '../../src/telemetry/secure-metrics.ts';
import { selfSigned } from '../../src/telemetry/self-signed.ts';
import type { RunningServer } from '../../src/telemetry/server.ts';
import type { Account } from '../access.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { FakeClock } from '../fake-clock.ts';
import { freePort } from '../free-port.ts';
import { kubeApi } from '../kube-api.ts';
import { LogJournal } from '../unit/kubernetes/journal.ts';

const prometheus: Account = { namespace: 'default', name: 'prometheus' };
const stranger: Account = { namespace: 'default', name: 'stranger' };

describe('secure metrics', () => {
  let kubernetes: TestCluster;
  let log: LogJournal;
  const registry = new Registry();
  const running: RunningServer[] = [];

  before(async () => {
    new Counter({ name: 'things_total', help: 'Things', registers: [registry] }).inc(3);
    kubernetes = await startCluster({ crds: [] });
    const admin = createKubeClient(loadKubeConfig(kubernetes.kubeconfig));
    for (const { namespace, name } of kubernetes.hasRoles ? [prometheus, stranger] : [])
      await kubeApi(admin, CoreV1Api).createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
    await admin.close();
    await kubernetes.grant(prometheus, '/metrics');
  });
  after(() => kubernetes?.close());

  beforeEach(() => {
    log = new LogJournal();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  async function serve(options: Partial<SecureMetricsOptions> = {}): Promise<RunningServer> {
    const cluster: KubeClient = options.cluster ?? createKubeClient(loadKubeConfig(kubernetes.kubeconfig));
    const address = { host: '127.0.0.1', port: 0 };
    const server = await serveSecureMetrics({ address, registry, cluster, clock: new FakeClock(), log, ...options });
    running.push(server);
    return server;
  }

  async function tokenOf(account: Account): Promise<string> {
    const config = new KubeConfig();
    config.loadFromString(await kubernetes.kubeconfigOf(account));
    return config.getCurrentUser()?.token ?? '';
  }

  interface Answer {
    readonly status: number | undefined;
    readonly challenge: string | undefined;
    readonly body: string;
    /** The certificate's serial number. */
    readonly fingerprint: string;
  }

  async function scrape({ port }: RunningServer, token?: string, path = '/metrics'): Promise<Answer> {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const outgoing = request({ host: '127.0.0.1', port, path, headers, rejectUnauthorized: false, agent: false });
    const fingerprint = once(outgoing, 'socket').then(async ([socket]: TLSSocket[]) => {
      await once(socket as TLSSocket, 'secureConnect');
      return socket?.getPeerCertificate().fingerprint256 ?? '';
    });
    outgoing.end();
    const [incoming] = await once(outgoing, 'response');
    return {
      status: incoming.statusCode,
      challenge: incoming.headers['www-authenticate'],
      body: await text(incoming),
      fingerprint: await fingerprint,
    };
  }

  it('are served to an account with the right', async () => {
    const { status, body } = await scrape(await serve(), await tokenOf(prometheus));
    expect([status, body]).to.deep.equal([
      200,
      '# HELP things_total Things\n# TYPE things_total counter\nthings_total 3\n',
    ]);
  });

  it('are refused without a token, and with one that the API server does not know: 401', async () => {
    const server = await serve();
    for (const token of [undefined, 'nonsense']) {
      const { status, challenge, body } = await scrape(server, token);
      expect([status, challenge, body]).to.deep.equal([401, 'Bearer', 'Unauthorized\n']);
    }
  });

  it('are refused to an account without the right: 403', async () => {
    const { status, body } = await scrape(await serve(), await tokenOf(stranger));
    expect(status).to.equal(403);
    expect(body).to.equal('Forbidden: user "system:serviceaccount:default:stranger" may not get path "/metrics"\n');
  });

  it('are the only path: any other is 404, with any token', async () => {
    const server = await serve();
    for (const path of ['/', '/metrics/', '/metrics/../metrics', '/debug/pprof', '//metrics', '/%6detrics/x'])
      expect((await scrape(server, undefined, path)).status, path).to.be.oneOf([401, 404]);
    expect((await scrape(server, await tokenOf(prometheus), '/')).status).to.equal(404);
  });

  it('are not served over plain HTTP', async () => {
    const { port } = await serve();
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      ({ status }) => status,
      () => 'none',
    );
    expect(answer).to.equal('none');
  });

  it('are refused while the API server is unavailable: 503, and one line in the log', async () => {
    const url = `https://127.0.0.1:${await freePort()}`;
    const away = new KubeConfig();
    away.loadFromClusterAndUser({ name: 'away', server: url, skipTLSVerify: false }, { name: 'away' });
    const server = await serve({ cluster: createKubeClient(away) });
    for (let attempt = 1; attempt <= 3; attempt++) expect((await scrape(server, 'some-token')).status).to.equal(503);
    expect(log.all).to.have.length(1);
    expect(log.all[0]?.sentence).to.contain(`the API server at ${url} cannot be reached (ECONNREFUSED)`);
    expect(JSON.stringify(log.all)).not.to.contain('some-token');
  });

  it('are served with the certificate of the directory, and with a renewed one at once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'certificate-'));
    const put = async () => {
      const { cert, key } = await selfSigned('operator', new Date());
      await writeFile(join(directory, 'crt'), cert);
      await writeFile(join(directory, 'key'), key);
      for (const name of ['crt', 'key']) await rename(join(directory, name), join(directory, `tls.${name}`));
    };
    await put();
    const clock = new FakeClock();
    const server = await serve({ certDir: directory, clock });
    const { fingerprint } = await scrape(server);
    expect((await scrape(server)).fingerprint).to.equal(fingerprint);
    await put();
    await clock.advance(10_000);
    await log.next(({ sentence }) => sentence === 'The certificate of the metrics was renewed');
    expect((await scrape(server)).fingerprint).not.to.equal(fingerprint);
    await rm(directory, { recursive: true });
  });

  it('have no server if the certificate is invalid', async () => {
    const refusal = await serve({ certDir: '/nowhere' }).catch((error: Error) => error.message);
    expect(refusal).to.contain('cannot use the certificate in /nowhere: ENOENT');
  });
});
