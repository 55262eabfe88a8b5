// Opens connections through an HTTP proxy with CONNECT. Unlike https-proxy-agent, it leaves no socket behind when the proxy stalls,
// and unlike Node's own agent it shows no password of the proxy in an error.
import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { withCertificateRemedy } from './certificate-remedy.ts';
import { type Clock, systemClock } from './clock.ts';
import { type ProxyServer, portOf, proxyName } from './proxy.ts';
import { errorMessage, sanitize } from './sanitize.ts';

/** Less than the timeout of a token request (9 s), so that the error names the proxy. */
const connectTimeoutMs = 8_000;

/** The proxy gave no connection. The message names the proxy and the target, and has no credentials. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

export interface TunnelOptions {
  /** Ends the attempt; a tunnel that is open already stays. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** @param target `host:port`; IPv6 addresses in brackets. @throws ProxyError, or the signal's reason. */
export async function openTunnel(
  proxy: ProxyServer,
  target: string,
  { signal, clock = systemClock }: TunnelOptions = {},
): Promise<Socket> {
  signal?.throwIfAborted();
  const request = connectRequest(proxy, target);
  const timeout = `did not connect to ${target} within ${connectTimeoutMs / 1_000} s`;
  const cancel = clock.after(connectTimeoutMs, () => request.destroy(proxyError(proxy, timeout)));
  const abort = () => request.destroy(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await tunnelOf(request, proxy, target);
  } catch (error) {
    if (error instanceof ProxyError || signal?.aborted) throw error;
    throw proxyError(proxy, `gave no connection to ${target}: ${reasonOf(error)}`);
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}

function connectRequest({ url }: ProxyServer, target: string): ClientRequest {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const user = [url.username, url.password].map(decodeURIComponent).join(':');
  const request = (url.protocol === 'https:' ? https : http).request({
    agent: false,
    hostname,
    port: portOf(url),
    // Otherwise Node would expect the certificate of the target, from the header Host.
    servername: isIP(hostname) ? '' : hostname,
    method: 'CONNECT',
    path: target,
    headers: {
      host: target,
      ...(user !== ':' && { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }),
    },
  });
  return request.end();
}

function tunnelOf(request: ClientRequest, proxy: ProxyServer, target: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Not once: a request that is destroyed may report a second error.
    request.on('error', reject);
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      socket.destroy();
      const status = `${statusCode} ${http.STATUS_CODES[statusCode] ?? ''}`.trimEnd();
      reject(proxyError(proxy, `answered ${status} to CONNECT ${target}${remedy(statusCode, proxy)}`));
    });
  });
}

function remedy(status: number, { url, setBy }: ProxyServer): string {
  if (status === 403) return ' (it must allow this)';
  if (status !== 407) return '';
  return url.username || url.password
    ? ` (check the user and password in ${setBy})`
    : ` (${setBy} has no user and password)`;
}

function proxyError(proxy: ProxyServer, words: string): ProxyError {
  return new ProxyError(`the proxy ${proxyName(proxy)} ${words}`);
}

function reasonOf(error: unknown): string {
  return withCertificateRemedy(error, sanitize(errorMessage(error), 256));
}
