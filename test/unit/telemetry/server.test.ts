import { expect } from 'chai';
import { Counter, Registry } from 'prom-client';
import { type RunningServer, serveHealth, serveMetrics } from '../../../src/telemetry/server.ts';

const anywhere = { host: '127.0.0.1', port: 0 };

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
    const response = await get(await started(serveMetrics(anywhere, registry)), '/metrics');
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).to.contain('things_total 3');
  });

  it('say that all is well, check by check', async () => {
    const server = await started(serveHealth(anywhere, { live: { loop: () => undefined }, ready: {} }));
    for (const path of ['/livez', '/healthz']) {
      const response = await get(server, path);
      expect([response.status, await response.text()]).to.deep.equal([200, '[+]loop ok\nok\n']);
    }
    expect((await get(server, '/readyz')).status).to.equal(200);
  });

  it('say what is wrong, and ask the checks anew each time', async () => {
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

  it('take a check that throws for one that failed', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const server = await started(serveHealth(anywhere, { live: { broken }, ready: {} }));
    const response = await get(server, '/livez');
    expect([response.status, await response.text()]).to.deep.equal([503, '[-]broken failed: broken\nnot ok\n']);
  });

  it('answer nothing else', async () => {
    const server = await started(serveHealth(anywhere, { live: {}, ready: {} }));
    expect((await get(server, '/metrics')).status).to.equal(404);
  });

  it('say in one sentence which address is taken, and by which flag to choose another', async () => {
    const { port } = await started(serveMetrics(anywhere, new Registry()));
    const error = await serveHealth({ host: '127.0.0.1', port }, { live: {}, ready: {} }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(error).to.equal(
      `cannot serve health probes on 127.0.0.1:${port}: the address is in use; choose another with --health-probe-bind-address`,
    );
  });

  it('are gone once closed, kept-alive connections included', async () => {
    const server = await started(serveMetrics(anywhere, new Registry()));
    await (await get(server, '/metrics')).text();
    await running.pop()?.close();
    const again = await started(serveMetrics({ host: '127.0.0.1', port: server.port }, new Registry()));
    expect(again.port).to.equal(server.port);
  });
});
