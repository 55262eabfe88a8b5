// An HTTP client for Azure's SDK on node:http and node:https. It bounds the size of responses and repeats no request.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https, { type Agent } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { gunzipSync, inflateSync } from 'node:zlib';
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ProxyError } from '../lib/tunnel.ts';
import { MalformedResponseError } from './arm-responses.ts';
import { ProxiedAgent, type ProxiedRequestOptions } from './https-agent.ts';
import { proxyErrorCode } from './rest-error.ts';

/** Of a response, compressed and decompressed. A LIST of 100 replicas has less than 100 kB. */
const maxBodyBytes = 16 * 1024 * 1024;

export interface HttpClientOptions {
  /** True keeps connections open for later requests. */
  readonly keepAlive: boolean;
  /** Called on the open connection right before a request other than GET is written; when it throws, nothing is sent. */
  readonly beforeWrite?: () => void;
  /** For the whole request with its body. Default: the request's own timeout. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

export interface ClosableHttpClient extends HttpClient {
  /** Ends the idle connections now, and every other one after its request. Requests can still be sent. */
  release(): void;
  /** Ends all connections, those in use included. */
  close(): void;
}

/**
 * Replaces the SDK's own client, which reads bodies of any size and does not notice a body that ends inside gzip. An aborted
 * request destroys its connection in every state. The agent that the SDK sets for a proxy is not used: ProxiedAgent is.
 */
export function createHttpClient(options: HttpClientOptions): ClosableHttpClient {
  const { keepAlive, clock = systemClock } = options;
  const agents = { http: new http.Agent({ keepAlive }), https: new ProxiedAgent({ keepAlive }, clock) };
  return {
    async sendRequest(request) {
      const timeoutMs = Math.min(
        request.timeout || Number.POSITIVE_INFINITY,
        options.timeoutMs ?? Number.POSITIVE_INFINITY,
      );
      const ended = new AbortController();
      const expire = () => ended.abort(timedOut(timeoutMs));
      const cancel = Number.isFinite(timeoutMs) ? clock.after(timeoutMs, expire) : () => undefined;
      // Not AbortSignal.any, which V8 keeps with its request until its next full collection.
      const asked = request.abortSignal as AbortSignal | undefined;
      const abort = () => ended.abort(asked?.reason);
      asked?.addEventListener('abort', abort);
      try {
        asked?.throwIfAborted();
        return await exchange(request, { agents, signal: ended.signal, beforeWrite: options.beforeWrite });
      } catch (error) {
        throw restError(ended.signal.aborted ? ended.signal.reason : error, request);
      } finally {
        cancel();
        asked?.removeEventListener('abort', abort);
      }
    },
    release() {
      for (const agent of [agents.http, agents.https]) {
        agent.maxFreeSockets = 0;
        for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

interface Exchange {
  readonly agents: { readonly http: http.Agent; readonly https: Agent };
  readonly signal: AbortSignal;
  readonly beforeWrite: (() => void) | undefined;
}

async function exchange(
  request: PipelineRequest,
  { agents, signal, beforeWrite }: Exchange,
): Promise<PipelineResponse> {
  const { method, allowInsecureConnection, body } = request;
  const { protocol, hostname, port, pathname, search } = new URL(request.url);
  const isSecure = protocol === 'https:';
  if (!isSecure && !allowInsecureConnection) throw new Error(`${request.url} is not https`);
  const options: ProxiedRequestOptions = {
    agent: isSecure ? agents.https : agents.http,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname + search,
    method,
    headers: request.headers.toJSON({ preserveCase: true }),
    signal,
    connectSignal: signal,
  };
  const outgoing = (isSecure ? https : http).request(options);
  const answered = answerTo(outgoing);
  // Nothing is written or buffered before the connection is open: a process that was suspended during the handshake must check
  // again whether it may write.
  outgoing.once('socket', (socket) =>
    whenSecure(socket, () => {
      if (outgoing.destroyed) return;
      try {
        if (method !== 'GET') beforeWrite?.();
        outgoing.end(bytesOf(body));
      } catch (error) {
        outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    }),
  );
  const incoming = await answered;
  const headers = createHttpHeaders();
  for (const [name, value] of Object.entries(incoming.headersDistinct)) if (value) headers.set(name, value.join(', '));
  return { request, status: incoming.statusCode ?? 0, headers, bodyAsText: await textOf(incoming) };
}

function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    // Not once: a connection that breaks during the response reports it here and in the response.
    outgoing.on('error', reject);
  });
}

/** Connections after their handshake: a reused one emits no second event. */
const secured = new WeakSet<Socket>();

function whenSecure(socket: Socket, call: () => void): void {
  if (!(socket instanceof TLSSocket) || secured.has(socket)) call();
  else
    socket.once('secureConnect', () => {
      secured.add(socket);
      call();
    });
}

function bytesOf(body: PipelineRequest['body']): string | Uint8Array | undefined {
  if (body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array)
    return body ?? undefined;
  throw new Error('only texts and bytes can be sent');
}

/** Rejects as soon as the response breaks off. */
async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return decompressed(Buffer.concat(chunks), incoming.headers['content-encoding']).toString('utf8');
}

/** A stream would not be faster for what Azure sends, and takes several turns of the event loop. Throws if the body ends early. */
function decompressed(body: Buffer, encoding = 'identity'): Buffer {
  const bounds = { maxOutputLength: maxBodyBytes };
  try {
    if (encoding === 'gzip') return gunzipSync(body, bounds);
    if (encoding === 'deflate') return inflateSync(body, bounds);
  } catch (error) {
    throw error instanceof RangeError ? tooLarge() : error;
  }
  if (encoding === 'identity') return body;
  throw new MalformedResponseError('the answer is compressed in a way that was not asked for');
}

function tooLarge(): MalformedResponseError {
  return new MalformedResponseError(`the answer is larger than ${maxBodyBytes / 1024 / 1024} MiB`);
}

/** The SDK repeats a token request that fails with this code. */
function timedOut(timeoutMs: number): Error {
  return Object.assign(new Error(`no answer within ${timeoutMs / 1_000} s`), { code: 'ETIMEDOUT' });
}

function restError(error: unknown, request: PipelineRequest): Error {
  if (error instanceof MalformedResponseError) return error;
  if (error instanceof ProxyError) return new RestError(error.message, { code: proxyErrorCode, request });
  const { message, code } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error), code: '' };
  return new RestError(message, { code: code || RestError.REQUEST_SEND_ERROR, request });
}
