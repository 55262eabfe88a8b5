// The HTTP servers for /metrics (Prometheus) and for /livez and /readyz (the kubelet), with bounds on the number and duration
// of connections, requests and responses.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { errorMessage } from '../lib/sanitize.ts';
import type { Guard } from './metrics-auth.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { Certificate } from './self-signed.ts';

/** No host means every address; port 0 lets the system choose. */
export interface Address {
  readonly host?: string;
  readonly port: number;
}

export interface RunningServer {
  /** The port that was bound. */
  readonly port: number;
  /** Resolves when the server is closed and no connection is left. */
  close(): Promise<void>;
}

/** The address cannot be bound; the message is one sentence that names the flag. */
export class BindError extends Error {
  override readonly name = 'BindError';
}

export interface Limits {
  /** Above this, a new connection is closed at once. */
  readonly maxConnections: number;
  /** Timeout for receiving a request. */
  readonly maxRequestMs: number;
  /** Timeout for the client to read a response. */
  readonly maxAnswerMs: number;
}

/** Prometheus uses one connection and gives up after 10 s. */
const metricsLimits: Limits = { maxConnections: 64, maxRequestMs: 5_000, maxAnswerMs: 15_000 };
/** More connections, since responses are cheap, and a probe without a free connection restarts the pod. */
const healthLimits: Limits = { ...metricsLimits, maxConnections: 1_024 };

/** Returns a sentence if something is wrong, else undefined. */
export type Check = () => string | undefined;

/** Checks by name, as the response shows them. */
export interface Checks {
  /** If they keep failing, the process is restarted. */
  readonly live: Readonly<Record<string, Check>>;
  readonly ready: Readonly<Record<string, Check>>;
}

/** Serves every client over plain HTTP. Rejects with a BindError. */
export async function serveMetrics(
  address: Address,
  page: MetricsPage,
  limits: Limits = metricsLimits,
): Promise<RunningServer> {
  return listen(plainServer(metricsApp(page), limits), address, metricsFlag, limits);
}

export interface SecureServerRunning extends RunningServer {
  /** Uses this certificate for new connections. */
  renew(certificate: Certificate): void;
}

/** Serves clients that the guard authorizes, over HTTPS. Rejects with a BindError. */
export async function serveMetricsSecurely(
  address: Address,
  page: MetricsPage,
  { certificate, guard }: { readonly certificate: Certificate; readonly guard: Guard },
): Promise<SecureServerRunning> {
  const server = createAdaptorServer({
    fetch: metricsApp(page, guard).fetch,
    overrideGlobalObjects: false,
    createServer: createSecureServer,
    serverOptions: { ...certificate, ...timeoutsOf(metricsLimits), handshakeTimeout: metricsLimits.maxRequestMs },
  }) as SecureServer;
  const running = await listen(server, address, metricsFlag, metricsLimits);
  return { ...running, renew: (next) => server.setSecureContext({ ...next }) };
}

const metricsFlag = { what: 'metrics', flag: '--metrics-bind-address' };

function metricsApp(page: MetricsPage, guard?: Guard): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) => {
    const verdict = await guard?.(c.req.header('Authorization'));
    if (verdict && verdict.status !== 200) {
      const challenge = verdict.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
      return c.text(`${verdict.words}\n`, verdict.status, { 'Cache-Control': 'no-store', ...challenge });
    }
    return c.body(await page.render(), 200, { 'Content-Type': page.contentType });
  });
  return app;
}

/** Serves /livez, /readyz, and /healthz for older clusters. Rejects with a BindError. */
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
  const flag = { what: 'health probes', flag: '--health-probe-bind-address' };
  return listen(plainServer(app, healthLimits), address, flag, healthLimits);
}

/** A check that throws has failed. */
function outcome(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return errorMessage(error);
  }
}

function plainServer(app: Hono, limits: Limits): Server {
  return createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: timeoutsOf(limits),
  }) as Server;
}

/** Node's defaults are 60 s for the headers and 300 s for a request, checked every 30 s. */
function timeoutsOf({ maxRequestMs }: Limits) {
  return {
    headersTimeout: maxRequestMs,
    requestTimeout: maxRequestMs,
    connectionsCheckingInterval: Math.min(1_000, maxRequestMs),
  };
}

/** Ends the connection of a client that does not read its response in time. */
function limitAnswers(server: Server | SecureServer, { maxAnswerMs }: Limits): void {
  server.on('request', (_: IncomingMessage, response: ServerResponse) => {
    const timer = setTimeout(() => response.destroy(), maxAnswerMs);
    response.once('close', () => clearTimeout(timer));
  });
}

function listen(
  server: Server | SecureServer,
  { host, port }: Address,
  { what, flag }: { readonly what: string; readonly flag: string },
  limits: Limits,
): Promise<RunningServer> {
  server.maxConnections = limits.maxConnections;
  limitAnswers(server, limits);
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
