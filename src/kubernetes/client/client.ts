// The client of one API server, for all kinds of objects. Wraps client-node: all requests share a pool of kept-alive connections, each
// request is counted, and errors name the server. A request is sent once; retries are up to the caller.
import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { proxyName } from '../../lib/proxy.ts';
import { proxyOf } from './connector.ts';
import { unreachable } from './errors.ts';
import { PooledKubeConfig, type PoolOptions } from './pooled-kube-config.ts';

export { KubeConfigError, loadKubeConfig } from './kubeconfig.ts';
export type { ObservedRequest } from './pooled-kube-config.ts';

export interface KubeClientOptions extends PoolOptions {
  /** After which a request without a complete response is aborted; watches have their own timeout. Default 30 s. */
  readonly timeoutMs?: number;
}

export interface KubeClient {
  /** The API server's URL. */
  readonly server: string;
  /** `host:port` of the proxy before it; undefined if there is none. */
  readonly proxy: string | undefined;
  /** The namespace of the kubeconfig's context, or in a pod the pod's own; `default` if there is none. */
  readonly namespace: string;
  /** For client-node's Watch, which takes a KubeConfig; it uses the same connections. */
  readonly config: KubeConfig;
  /** Rejects with client-node's ApiException if the server answered with an error, and with ApiServerUnreachable if it did not answer. */
  getJson<T>(path: string, options?: RequestOptions): Promise<T>;
  /** Sends `body` as JSON, and resolves to the JSON of the response. Rejects as `getJson` does. */
  sendJson<T>(method: WriteMethod, path: string, body: object, options?: WriteOptions): Promise<T>;
  /** Ends all connections, watches included. */
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number>>;
  /** Default: `application/json`. */
  readonly accept?: string;
}

export type WriteMethod = 'POST' | 'PUT' | 'PATCH';

export interface WriteOptions extends RequestOptions {
  /** Default: `application/json`. */
  readonly contentType?: string;
}

export const jsonPatch = 'application/json-patch+json';
export const mergePatch = 'application/merge-patch+json';

export function createKubeClient(kubeConfig: KubeConfig, options: KubeClientOptions = {}): KubeClient {
  const { timeoutMs = 30_000 } = options;
  const config = new PooledKubeConfig(kubeConfig, options);
  const server = config.server;

  const requestJson = async <T>(method: 'GET' | WriteMethod, path: string, options: WriteOptions, body?: object) => {
    const { query = {}, accept = 'application/json', contentType = 'application/json' } = options;
    const url = new URL(server + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const { dispatcher, headers } = await config.access();
    const request = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { ...headers, Accept: accept, ...(body && { 'Content-Type': contentType }) },
      body: body ? JSON.stringify(body) : null,
    };
    const answer = await send(dispatcher, request, timeoutMs).catch((error) => {
      throw unreachable(error, server);
    });
    const { code, text } = answer;
    if (code < 200 || code > 299) throw new ApiException(code, `${method} ${path}`, text, answer.headers);
    return JSON.parse(text) as T;
  };

  const cluster = kubeConfig.getCurrentCluster();
  const proxy = cluster && !cluster.proxyUrl?.startsWith('socks') ? proxyOf(cluster) : undefined;
  return {
    server,
    proxy: proxy && proxyName(proxy),
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default',
    config,
    getJson: (path, options = {}) => requestJson('GET', path, options),
    sendJson: (method, path, body, options = {}) => requestJson(method, path, options, body),
    close: () => config.close(),
  };
}

interface Answer {
  readonly code: number;
  /** By name in lower case. */
  readonly headers: { [name: string]: string };
  readonly text: string;
}

/**
 * Rejects with undici's error, or after `timeoutMs` with a TimeoutError, if the whole answer does not come.
 *
 * undici's `request` and `fetch` do the same with a stream for each answer, which V8 keeps until its next full collection: with them
 * twice as many objects outlive the collections between (seen with undici 8.12 and Node 24.21).
 */
async function send(to: Dispatcher, request: Dispatcher.DispatchOptions, timeoutMs: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let sent: Dispatcher.DispatchController | undefined;
  let late: Error | undefined;
  const answer = { code: 0, headers: {} };
  const chunks: Buffer[] = [];
  to.dispatch(request, {
    onRequestStart(controller) {
      sent = controller;
      // What its caller has given up is not sent; the connection can be used by others.
      if (late) throw late;
    },
    onResponseStart(_, code, headers) {
      const named = Object.entries(headers).map(([name, value]) => [name, String(value)]);
      Object.assign(answer, { code, headers: Object.fromEntries(named) });
    },
    onResponseData: (_, chunk) => void chunks.push(chunk),
    onResponseEnd: () => resolve({ ...answer, text: Buffer.concat(chunks).toString() }),
    onResponseError: (_, error) => reject(error),
  });
  const timer = setTimeout(() => {
    late = new DOMException('no whole answer in time', 'TimeoutError');
    sent?.abort(late);
    reject(late);
  }, timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
