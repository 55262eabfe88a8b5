// The HTTP servers for /metrics (Prometheus) and for /livez and /readyz (the kubelet), with bounds on the number and duration
// of connections, requests and responses.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
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
  return listen(createServer(timeoutsOf(limits), metricsRoutes(page)), address, metricsFlag, limits);
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
  const options = { ...certificate, ...timeoutsOf(metricsLimits), handshakeTimeout: metricsLimits.maxRequestMs };
  const server = createSecureServer(options, metricsRoutes(page, guard));
  const running = await listen(server, address, metricsFlag, metricsLimits);
  return { ...running, renew: (next) => server.setSecureContext({ ...next }) };
}

const metricsFlag = { what: 'metrics', flag: '--metrics-bind-address' };

function metricsRoutes(page: MetricsPage, guard?: Guard): RequestListener {
  return respondBy({
    '/metrics': async ({ headers }) => {
      const verdict = await guard?.(headers.authorization);
      if (verdict && verdict.status !== 200) {
        const challenge = verdict.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
        return text(verdict.status, `${verdict.words}\n`, challenge);
      }
      return { status: 200, headers: { 'Content-Type': page.contentType }, body: await page.render() };
    },
  });
}

/** Serves /livez, /readyz, and /healthz for older clusters. Rejects with a BindError. */
export function serveHealth(address: Address, checks: Checks): Promise<RunningServer> {
  const answer = (group: Readonly<Record<string, Check>>) => () => {
    const outcomes = Object.entries(group).map(([name, check]) => ({ name, wrong: outcome(check) }));
    const healthy = outcomes.every(({ wrong }) => wrong === undefined);
    const lines = outcomes.map(({ name, wrong }) =>
      wrong === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${wrong}\n`,
    );
    return text(healthy ? 200 : 503, `${lines.join('')}${healthy ? 'ok' : 'not ok'}\n`);
  };
  const live = answer(checks.live);
  const routes = respondBy({ '/livez': live, '/healthz': live, '/readyz': answer(checks.ready) });
  const flag = { what: 'health probes', flag: '--health-probe-bind-address' };
  return listen(createServer(timeoutsOf(healthLimits), routes), address, flag, healthLimits);
}

/** A check that throws has failed. */
function outcome(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return errorMessage(error);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** By path. Plain node:http: these servers start with the operator, and a framework would load Node's Request and Response for them. */
type Routes = Readonly<Record<string, (request: IncomingMessage) => Answer | Promise<Answer>>>;

function respondBy(routes: Routes): RequestListener {
  return async (request, response) => {
    const { status, headers, body } = await answerTo(request, routes);
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
  };
}

async function answerTo(request: IncomingMessage, routes: Routes): Promise<Answer> {
  const { method, url = '' } = request;
  const path = url.split('?', 1)[0] ?? '';
  const route = (method === 'GET' || method === 'HEAD') && Object.hasOwn(routes, path) ? routes[path] : undefined;
  try {
    return (await route?.(request)) ?? text(404, '404 Not Found\n');
  } catch (error) {
    return text(500, `${errorMessage(error)}\n`);
  }
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    body,
  };
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
