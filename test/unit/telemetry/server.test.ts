import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { Counter, Gauge, Registry } from 'prom-client';
import { metricsPage } from '../../../src/telemetry/metrics-page.ts';
import { type RunningServer, serveHealth, serveMetrics } from '../../../src/telemetry/server.ts';
import { FakeClock } from '../../fake-clock.ts';

const anywhere = { host: '127.0.0.1', port: 0 };
const emptyPage = () => metricsPage(new Registry(), new FakeClock());

describe('the servers of metrics and probes', () => {
  const running: RunningServer[] = [];
  const started = async (server: Promise<RunningServer>) => {
    running.push(await server);
    return running.at(-1) as RunningServer;
  };
  const get = (server: RunningServer, path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);

  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  it('serve the metrics in the format that Prometheus reads', async () => {
    const registry = new Registry();
    new Counter({ name: 'things_total', help: 'Things', registers: [registry] }).inc(3);
    const response = await get(
      await started(serveMetrics(anywhere, metricsPage(registry, new FakeClock()))),
      '/metrics',
    );
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).to.contain('things_total 3');
  });

  it('report success, check by check', async () => {
    const server = await started(serveHealth(anywhere, { live: { loop: () => undefined }, ready: {} }));
    for (const path of ['/livez', '/healthz']) {
      const response = await get(server, path);
      expect([response.status, await response.text()]).to.deep.equal([200, '[+]loop ok\nok\n']);
    }
    expect((await get(server, '/readyz')).status).to.equal(200);
  });

  it('report failing checks, and run the checks on each request', async () => {
    let wrong: string | undefined = 'the caches are not filled yet';
    const ready = { caches: () => wrong, server: () => undefined };
    const server = await started(serveHealth(anywhere, { live: {}, ready }));
    const response = await get(server, '/readyz');
    expect(response.status).to.equal(503);
    expect(await response.text()).to.equal('[-]caches failed: the caches are not filled yet\n[+]server ok\nnot ok\n');
    expect((await get(server, '/livez')).status).to.equal(200);
    wrong = undefined;
    expect((await get(server, '/readyz')).status).to.equal(200);
  });

  it('treat a check that throws as failed', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const server = await started(serveHealth(anywhere, { live: { broken }, ready: {} }));
    const response = await get(server, '/livez');
    expect([response.status, await response.text()]).to.deep.equal([503, '[-]broken failed: broken\nnot ok\n']);
  });

  it('answer other paths with 404', async () => {
    const server = await started(serveHealth(anywhere, { live: {}, ready: {} }));
    expect((await get(server, '/metrics')).status).to.equal(404);
  });

  it('report in one sentence an address in use, and the flag to change it', async () => {
    const { port } = await started(serveMetrics(anywhere, emptyPage()));
    const error = await serveHealth({ host: '127.0.0.1', port }, { live: {}, ready: {} }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(error).to.equal(
      `cannot serve health probes on 127.0.0.1:${port}: the address is in use; choose another with --health-probe-bind-address`,
    );
  });

  it('close with their kept-alive connections', async () => {
    const server = await started(serveMetrics(anywhere, emptyPage()));
    await (await get(server, '/metrics')).text();
    await running.pop()?.close();
    const again = await started(serveMetrics({ host: '127.0.0.1', port: server.port }, emptyPage()));
    expect(again.port).to.equal(server.port);
  });
});

describe('the metrics server under load', () => {
  const clients: Socket[] = [];
  let server: RunningServer | undefined;

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server?.close();
    server = undefined;
  });

  /** A registry that counts its renderings, each of which takes a turn of the event loop. */
  function countingRegistry() {
    const registry = new Registry();
    let renderings = 0;
    const gauge = new Gauge({
      name: 'things',
      help: 'Things',
      registers: [registry],
      async collect() {
        renderings += 1;
        await new Promise(setImmediate);
        gauge.set(renderings);
      },
    });
    return { registry, renderings: () => renderings };
  }

  function open({ port }: RunningServer): Socket {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined); // a refused connection may be reset
    clients.push(client);
    return client;
  }

  /** A reset counts as well; `once` would reject. */
  function closeOf(client: Socket): Promise<void> {
    return new Promise((resolve) => client.once('close', () => resolve()));
  }

  /** What the server sends until it has sent a whole page or closed the connection. */
  async function scrape(client: Socket): Promise<string> {
    let answer = '';
    client.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const whole = new Promise<void>((resolve) => {
      client.on('data', (chunk) => {
        answer += chunk;
        if (/things \d/.test(answer)) resolve();
      });
    });
    await Promise.race([whole, closeOf(client)]);
    return answer;
  }

  it('renders once for simultaneous requests, and at most once a second', async () => {
    const { registry, renderings } = countingRegistry();
    const clock = new FakeClock();
    server = await serveMetrics(anywhere, metricsPage(registry, clock));
    const running = server;
    const burst = () => Promise.all(Array.from({ length: 50 }, () => scrape(open(running))));
    expect((await burst()).filter((answer) => answer.includes('things 1'))).to.have.length(50);
    for (const client of clients.splice(0)) client.destroy();
    expect((await burst()).filter((answer) => answer.includes('things 1'))).to.have.length(50);
    expect(renderings()).to.equal(1);
    await clock.advance(1_000);
    for (const client of clients.splice(0)) client.destroy();
    expect((await burst()).filter((answer) => answer.includes('things 2'))).to.have.length(50);
    expect(renderings()).to.equal(2);
  });

  it('closes connections above its limit, and serves again when others are closed', async () => {
    const { registry } = countingRegistry();
    server = await serveMetrics(anywhere, metricsPage(registry, new FakeClock()));
    const running = server;
    const answers = await Promise.all(Array.from({ length: 400 }, () => scrape(open(running))));
    const served = answers.filter((answer) => answer.startsWith('HTTP/1.1 200')).length;
    expect(served).to.be.within(1, 64);
    const gone = clients.splice(0).map(async (client) => {
      if (client.closed) return;
      client.destroy();
      await closeOf(client);
    });
    await Promise.all(gone);
    let answer = '';
    while (answer === '') answer = await scrape(open(running));
    expect(answer).to.match(/^HTTP\/1\.1 200/);
  });

  const short = { maxConnections: 64, maxRequestMs: 50, maxAnswerMs: 100 };

  it('closes the connection of a client that never completes its request', async () => {
    server = await serveMetrics(anywhere, emptyPage(), short);
    const [silent, slow] = [open(server), open(server)];
    slow.write('GET /metrics HTTP/1.1\r\nHost:');
    await Promise.all([silent.resume(), slow.resume()].map((client) => closeOf(client)));
  });

  it('closes the connection of a client that does not read its response', async () => {
    const bytes = new Uint8Array(64 * 1024 * 1024);
    const page = { contentType: 'text/plain', render: async () => bytes };
    server = await serveMetrics(anywhere, page, { ...short, maxConnections: 1 });
    const request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const reader = open(server);
    reader.write(request);
    await once(reader, 'readable');
    // The next client is served only after the server's only connection is closed.
    for (let isServed = false; !isServed; ) {
      const next = open(server);
      next.write(request);
      isServed = await Promise.race([once(next, 'data').then(() => true), closeOf(next).then(() => false)]);
      next.destroy();
    }
    expect(reader.bytesRead).to.be.below(bytes.length);
  });
});
