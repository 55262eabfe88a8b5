// The two small HTTP servers that a cluster asks: /metrics for Prometheus, /livez and /readyz for the kubelet. They only answer;
// what is healthy is decided by the checks that are passed in.
import type { Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import { messageOf } from '../words.ts';
import type { Guard } from './scrape-guard.ts';
import type { Certificate } from './self-signed.ts';

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

/** To whoever asks, over plain HTTP. Rejects with a BindError. */
export async function serveMetrics(address: Address, registry: Registry): Promise<RunningServer> {
  return listen(plainServer(metricsApp(registry)), address, metricsFlag);
}

export interface SecureServerRunning extends RunningServer {
  /** Connections from now on are served with this one. */
  renew(certificate: Certificate): void;
}

/** To whoever the guard lets in, over HTTPS. Rejects with a BindError. */
export async function serveMetricsSecurely(
  address: Address,
  registry: Registry,
  { certificate, guard }: { readonly certificate: Certificate; readonly guard: Guard },
): Promise<SecureServerRunning> {
  const server = createAdaptorServer({
    fetch: metricsApp(registry, guard).fetch,
    overrideGlobalObjects: false,
    createServer: createSecureServer,
    serverOptions: { ...certificate },
  }) as SecureServer;
  const running = await listen(server, address, metricsFlag);
  return { ...running, renew: (next) => server.setSecureContext({ ...next }) };
}

const metricsFlag = { what: 'metrics', flag: '--metrics-bind-address' };

function metricsApp(registry: Registry, guard?: Guard): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) => {
    const verdict = await guard?.(c.req.header('Authorization'));
    if (verdict && verdict.status !== 200) {
      const challenge = verdict.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
      return c.text(`${verdict.words}\n`, verdict.status, { 'Cache-Control': 'no-store', ...challenge });
    }
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType });
  });
  return app;
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
  return listen(plainServer(app), address, { what: 'health probes', flag: '--health-probe-bind-address' });
}

/** A check that throws is a check that failed. */
function outcome(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return messageOf(error);
  }
}

function plainServer(app: Hono): Server {
  // Without createServer it is always a plain HTTP/1.1 server.
  return createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
}

function listen(
  server: Server | SecureServer,
  { host, port }: Address,
  { what, flag }: { readonly what: string; readonly flag: string },
): Promise<RunningServer> {
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

function closed(server: Server | SecureServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
