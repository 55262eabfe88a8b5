// The client of one API server, for all kinds of objects. Wraps client-node: all requests share a pool of kept-alive connections, each
// request is counted, and errors name the server. A request is sent once; retries are up to the caller.
import {
  type ApiConstructor,
  ApiException,
  type ApiType,
  createConfiguration,
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  type KubeConfig,
  Observable,
  RequestContext,
  ResponseContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { proxyName } from '../../lib/proxy.ts';
import { proxyOf } from './connector.ts';
import { asUnreachable } from './errors.ts';
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
  /**
   * Creates one of client-node's API classes, whose methods reject as `getJson` does. The operator and the plugin use none: each class
   * brings the 700 models of all of Kubernetes, which costs 10 MB of memory.
   */
  api<T extends ApiType>(type: ApiConstructor<T>): T;
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
  const http = new IsomorphicFetchHttpLibrary();

  const send = async (request: RequestContext): Promise<ResponseContext> => {
    const cancel = setTimeoutOn(request, timeoutMs);
    try {
      const response = await http.send(request).toPromise();
      // Read here, so that a response that breaks off is reported like one that never came.
      const text = await response.body.text();
      const body = { text: async () => text, binary: async () => Buffer.from(text), stream: () => null };
      return new ResponseContext(response.httpStatusCode, response.headers, body);
    } catch (error) {
      throw asUnreachable(error, server);
    } finally {
      cancel();
    }
  };
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    httpApi: { send: (request) => new Observable(send(request)) },
  });

  const requestJson = async <T>(method: HttpMethod, path: string, options: WriteOptions, body?: object): Promise<T> => {
    const { query = {}, accept = 'application/json', contentType = 'application/json' } = options;
    const request = new RequestContext(server + path, method);
    request.setHeaderParam('Accept', accept);
    for (const [name, value] of Object.entries(query)) request.setQueryParam(name, String(value));
    if (body) {
      request.setHeaderParam('Content-Type', contentType);
      request.setBody(JSON.stringify(body));
    }
    await config.applySecurityAuthentication(request);
    const { httpStatusCode: code, headers, body: answer } = await send(request);
    const text = await answer.text();
    if (code < 200 || code > 299) throw new ApiException(code, `${method} ${path}`, text, headers);
    return JSON.parse(text);
  };

  const cluster = kubeConfig.getCurrentCluster();
  const proxy = cluster && !cluster.proxyUrl?.startsWith('socks') ? proxyOf(cluster) : undefined;
  return {
    server,
    proxy: proxy && proxyName(proxy),
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default',
    config,
    getJson: (path, options = {}) => requestJson(HttpMethod.GET, path, options),
    sendJson: (method, path, body, options = {}) => requestJson(HttpMethod[method], path, options, body),
    api: (type) => new type(configuration),
    close: () => config.close(),
  };
}

/**
 * Aborts the request after `timeoutMs`, unless cancelled. An AbortSignal.timeout() cannot be cancelled, so it would keep every
 * request of the last 30 s in memory.
 */
function setTimeoutOn(request: RequestContext, timeoutMs: number): () => void {
  if (request.getSignal()) return () => undefined;
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new DOMException('no whole answer in time', 'TimeoutError')),
    timeoutMs,
  );
  request.setSignal(deadline.signal);
  return () => clearTimeout(timer);
}
