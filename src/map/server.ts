// The map's HTTP server, on loopback only: the page, the state as a stream, and, where it was made writable, changes. The
// browser gets no credential of the cluster.
import { createServer, type Server } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { explain } from '../kubernetes/client/errors.ts';
import type { ObjectName } from '../kubernetes/client/resource.ts';
import { isLoopback } from '../lib/loopback.ts';
import { errorMessage } from '../lib/sanitize.ts';
import { type AccessControl, accessControl, securityHeaders } from './access.ts';
import type { Editor } from './editor.ts';
import type { ChangeRequest, EventView } from './model.ts';
import type { StateStream } from './stream.ts';

/** The page's files, by their path below the page's own. */
export type Assets = Readonly<Record<string, { readonly type: string; readonly content: string }>>;

export interface MapServerOptions {
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: the system chooses. */
  readonly port: number;
  /** Of a connection that neither sends nor takes anything; default: 2 min. A stream sends something every 15 s. */
  readonly maxIdleMs?: number | undefined;
  /** Default: true. Without a token, every client on loopback may read the map. */
  readonly needsToken?: boolean | undefined;
  readonly assets: Assets;
  readonly stream: StateStream;
  /** Undefined: changes are refused with 405. */
  readonly editor?: Editor | undefined;
  /** Undefined: 404. Rejects as client-node does. */
  readonly events?: ((name: ObjectName) => Promise<EventView[]>) | undefined;
}

export interface RunningMapServer {
  readonly port: number;
  /** With the token, if one is needed. */
  readonly url: string;
  /** For a browser's command line: its token works once. */
  readonly onceUrl: string;
  /** Resolves when no connection is left. */
  close(): Promise<void>;
}

/** The map cannot be served; the message is one sentence. */
export class MapServerError extends Error {
  override readonly name = 'MapServerError';
}

const maxConnections = 64;
const maxRequestMs = 10_000;
const maxBodyBytes = 16_384;

/** Rejects with a MapServerError. */
export async function serveMap(options: MapServerOptions): Promise<RunningMapServer> {
  const { host = '127.0.0.1', stream, maxIdleMs = 120_000 } = options;
  if (!isLoopback(host)) throw new MapServerError(`the map is served on loopback only, and ${host} is another address`);
  const { app, access } = mapApp(options);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: { headersTimeout: maxRequestMs, requestTimeout: maxRequestMs, connectionsCheckingInterval: 1_000 },
  }) as Server;
  server.maxConnections = maxConnections;
  // One each: a client that sends requests without reading would otherwise make the server keep all answers.
  server.maxRequestsPerSocket = 1;
  server.setTimeout(maxIdleMs);
  const port = await listen(server, host, options.port);
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const withToken = (token: string | undefined) => `${origin}/${token === undefined ? '' : `?token=${token}`}`;
  return {
    port,
    url: withToken(access.token),
    onceUrl: withToken(access.onceToken),
    close: () => {
      stream.close();
      return closed(server);
    },
  };
}

function mapApp(options: MapServerOptions): { app: Hono; access: AccessControl } {
  const { assets, stream, editor, events } = options;
  const access = accessControl(options.needsToken ?? true);
  const app = new Hono();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    const { method, path } = c.req;
    // Hono would open a stream for it, and drop it unread.
    if (method === 'HEAD') return notAllowed('GET')(c);
    const answer = access.check({
      method,
      path,
      token: c.req.query('token'),
      header: (name) => c.req.header(name),
    });
    if (!answer.allowed) return path.includes('/api/') ? refuse(c, 403, answer.message) : c.text(answer.message, 403);
    if (!answer.cookie) return next();
    c.header('Set-Cookie', answer.cookie);
    // After a redirect the browser would still count the page with the link as the one that asks, and keep the cookie back.
    c.header('Refresh', `0; url=${access.home}`);
    return c.html('<!doctype html><title>Registry replicas</title>');
  });
  const at = app.basePath(access.home);
  for (const [path, { type, content }] of Object.entries(assets)) {
    at.on('GET', path, (c) => c.body(content, 200, { 'Content-Type': type }));
    at.all(path, notAllowed('GET'));
  }
  at.on('GET', '/api/stream', (c) => openStream(c, stream));
  at.all('/api/stream', notAllowed('GET'));
  if (events) {
    at.on('GET', '/api/registries/:namespace/:name/events', (c) =>
      events(nameIn(c)).then(
        (list) => c.json(list),
        (error) => refuse(c, 502, explain(error)),
      ),
    );
    at.all('/api/registries/:namespace/:name/events', notAllowed('GET'));
  }
  if (editor) {
    const limit = bodyLimit({ maxSize: maxBodyBytes, onError: (c) => refuse(c, 413, 'The request is too long.') });
    at.on('POST', '/api/registries/:namespace/:name', limit, (c) => changeRegion(c, editor));
  }
  at.all('/api/registries/:namespace/:name', notAllowed(editor ? 'POST' : ''));
  app.notFound((c) => refuse(c, 404, 'There is no such page.'));
  app.onError((error, c) => refuse(c, 500, errorMessage(error)));
  return { app, access };
}

function openStream(c: Context, stream: StateStream): Response {
  const { outgoing } = c.env as HttpBindings;
  const body = stream.open(() => outgoing.destroy());
  if (!body) return refuse(c, 503, 'Too many pages show this map. Close one, and reload.');
  return c.body(body, 200, { 'Content-Type': 'text/event-stream' });
}

async function changeRegion(c: Context, editor: Editor): Promise<Response> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    return refuse(c, 415, 'A change is sent as application/json.');
  }
  const request = changeRequest(await c.req.json().catch(() => undefined));
  if (!request) return refuse(c, 400, 'A change has action (add or remove), location, uid and generation.');
  const result = await editor(nameIn(c), request);
  return result.kind === 'done' ? c.json({}) : refuse(c, result.status, result.message);
}

function changeRequest(body: unknown): ChangeRequest | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { action, location, uid, generation } = body as Readonly<Record<string, unknown>>;
  if (action !== 'add' && action !== 'remove') return undefined;
  if (typeof location !== 'string' || typeof uid !== 'string' || typeof generation !== 'number') return undefined;
  return { action, location, uid, generation };
}

function nameIn(c: Context): ObjectName {
  return { namespace: c.req.param('namespace') ?? '', name: c.req.param('name') ?? '' };
}

function notAllowed(allow: string): (c: Context) => Response {
  return (c) => {
    c.header('Allow', allow);
    return refuse(c, 405, allow ? `Only ${allow} is allowed here.` : 'This map is read-only.');
  };
}

type Refusal = 400 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 500 | 502 | 503;

function refuse(c: Context, status: Refusal, message: string): Response {
  return c.json({ message }, status);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the address is in use' : error.message;
      reject(new MapServerError(`cannot serve the map on ${host}:${port}: ${why}`, { cause: error }));
    });
    server.listen({ host, port }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound ? bound.port : port);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
