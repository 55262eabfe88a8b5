// The two small HTTP servers that a cluster asks: /metrics for Prometheus, /livez and /readyz for the kubelet. They only answer;
// what is healthy is decided by the checks that are passed in.
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Registry } from 'prom-client';

/** Left out, the host is every address; port 0 lets the system choose. */
export interface Address {
  readonly host?: string;
  readonly port: number;
}

export interface RunningServer {
  /** The port that was bound. */
  readonly port: number;
  /** Resolves once nothing listens and no connection is left. */
  close(): Promise<void>;
}

/** The address cannot be bound; the message is one sentence that names the flag. */
export class BindError extends Error {
  override readonly name = 'BindError';
}

/** A sentence when something is wrong, else undefined. */
export type Check = () => string | undefined;

/** Checks by name, as each shows in the answer. */
export interface Checks {
  /** Failing for long, the process is restarted. */
  readonly live: Readonly<Record<string, Check>>;
  readonly ready: Readonly<Record<string, Check>>;
}

/** Rejects with a BindError. */
export function serveMetrics(address: Address, registry: Registry): Promise<RunningServer> {
  const app = new Hono();
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType }));
  return listen(app, address, 'metrics', '--metrics-bind-address');
}

/** /livez, /readyz, and /healthz as older clusters ask. Rejects with a BindError. */
export function serveHealth(address: Address, checks: Checks): Promise<RunningServer> {
  const app = new Hono();
  const answer = (group: Readonly<Record<string, Check>>) => () => {
    const lines = Object.entries(group).map(([name, check]) => ({ name, wrong: outcome(check) }));
    const healthy = lines.every(({ wrong }) => wrong === undefined);
    const text = lines.map(({ name, wrong }) =>
      wrong === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${wrong}\n`,
    );
    return new Response(`${text.join('')}${healthy ? 'ok' : 'not ok'}\n`, {
      status: healthy ? 200 : 503,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
    });
  };
  app.get('/livez', answer(checks.live));
  app.get('/healthz', answer(checks.live));
  app.get('/readyz', answer(checks.ready));
  return listen(app, address, 'health probes', '--health-probe-bind-address');
}

/** A check that throws is a check that failed. */
function outcome(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function listen(app: Hono, { host, port }: Address, what: string, flag: string): Promise<RunningServer> {
  // Without createServer it is always a plain HTTP/1.1 server.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the address is in use' : error.message;
      reject(
        new BindError(`cannot serve ${what} on ${host ?? ''}:${port}: ${why}; choose another with ${flag}`, {
          cause: error,
        }),
      );
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound ? bound.port : port,
        close: () => closed(server),
      });
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
