// The way to one API server: clients that share one kept-alive connection pool and report every request. It knows no kind of object and tries nothing twice.
import type { RequestOptions } from 'node:https';
import {
  type ApiConstructor,
  type ApiType,
  createConfiguration,
  type DispatcherOptions,
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  KubeConfig,
  Observable,
  RequestContext,
  ResponseContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { Agent, type buildConnector } from 'undici';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type Credential, type CredentialSource, credentialSource } from './credentials.ts';
import { asUnreachable } from './errors.ts';
import { KubeConfigError } from './kubeconfig.ts';

export { KubeConfigError, loadKubeConfig } from './kubeconfig.ts';

export interface ObservedRequest {
  readonly method: string;
  /** host:port */
  readonly host: string;
  /** The status code, or `<error>` where no answer came (client-go's word). */
  readonly code: string;
}

export interface KubeClientOptions {
  /** Told of every request once, watches included, when its answer begins. */
  readonly onRequest?: (request: ObservedRequest) => void;
  /** Sent as User-Agent; shows in the API server's audit log and as field manager. */
  readonly userAgent?: string;
  /**
   * Called right before each request that may change something is sent, on an open connection; when it throws a NotLeading,
   * nothing is sent and the request rejects with it.
   */
  readonly beforeWrite?: () => void;
  /** ms until a request without a whole answer is given up; watches have their own. Default 30 s. */
  readonly timeoutMs?: number;
  /** For the age of credentials. Default: the system's. */
  readonly clock?: Clock;
}

export interface KubeClient {
  /** The API server's URL. */
  readonly server: string;
  /** The namespace of the kubeconfig's context, in a pod the pod's own; `default` where none is named. */
  readonly namespace: string;
  /** For what takes a KubeConfig (client-node's Watch); it uses the same connections. */
  readonly config: KubeConfig;
  /**
   * One of client-node's API classes. Its methods reject with client-node's ApiException where the server answered, with
   * ApiServerUnreachable where it did not.
   */
  api<T extends ApiType>(type: ApiConstructor<T>): T;
  /** Ends all connections, watches included. */
  close(): Promise<void>;
}

export function createKubeClient(kubeConfig: KubeConfig, options: KubeClientOptions = {}): KubeClient {
  const { timeoutMs = 30_000 } = options;
  const config = new PooledKubeConfig(kubeConfig, options);
  const server = config.server;
  const http = new IsomorphicFetchHttpLibrary();

  const send = async (request: RequestContext): Promise<ResponseContext> => {
    const cancel = setTimeoutOn(request, timeoutMs);
    try {
      const response = await http.send(request).toPromise();
      // Read here, so that an answer that breaks off is told like one that never came.
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

  return {
    server,
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? 'default',
    config,
    api: (type) => new type(configuration),
    close: () => config.close(),
  };
}

/**
 * Aborts the request after so many ms, unless cancelled. An AbortSignal.timeout() cannot be cancelled, and keeps what listens to
 * it in memory: the requests of the last 30 s, answered or not.
 */
function setTimeoutOn(request: RequestContext, timeout: number): () => void {
  if (request.getSignal()) return () => undefined;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DOMException('no whole answer in time', 'TimeoutError')), timeout);
  request.setSignal(deadline.signal);
  return () => clearTimeout(timer);
}

/**
 * ms for which a connection that nobody uses is kept. API servers close theirs after 90 s and do not say so; undici on its own
 * would close after 4, and the first write after a quiet moment would pay for a TLS handshake.
 */
const keepAliveTimeoutMs = 60_000;

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

/**
 * client-node 2.0.1 makes a new undici agent, hence a new TLS connection, for every single request. This one keeps the
 * agent until the credentials change (rotated certificates, exec plugins), and lets every request through it be seen.
 */
class PooledKubeConfig extends KubeConfig {
  readonly server: string;
  readonly #options: KubeClientOptions;
  /** Undefined where the credentials are in the kubeconfig itself. */
  readonly #source: CredentialSource | undefined;
  #pool: { readonly credentials: string; readonly dispatcher: Promise<Dispatcher> } | undefined;

  constructor(from: KubeConfig, options: KubeClientOptions) {
    super();
    this.loadFromOptions(from);
    const cluster = from.getCurrentCluster();
    if (!cluster) throw new KubeConfigError('The kubeconfig has no current cluster.');
    this.server = cluster.server.replace(/\/+$/, '');
    this.clusters = this.clusters.map((c) =>
      // Without TLS there is nothing to verify; client-node refuses plain http unless told so.
      c.name === cluster.name
        ? { ...c, server: this.server, skipTLSVerify: c.skipTLSVerify || isHttp(this.server) }
        : c,
    );
    this.#options = options;
    const user = from.getCurrentUser();
    this.#source = user ? credentialSource(user, cluster, options.clock ?? systemClock) : undefined;
    if (user && this.#source) {
      // client-node would read the file and run the plugin itself, and keep what they gave after a 401.
      this.users = this.users.map(({ exec, authProvider, token, ...one }) =>
        one.name === user.name ? one : { ...one, exec, authProvider, ...(token !== undefined && { token }) },
      );
    }
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const headers: Record<string, string> = {};
    const credential = await this.#source?.current();
    const options = await this.#connectionOptions(credential, headers);
    if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    if (this.#options.userAgent) headers['User-Agent'] = this.#options.userAgent;
    for (const [name, value] of Object.entries(headers)) context.setHeaderParam(name, value);

    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const dispatcher = await this.#dispatcher([ca, cert, key, rejectUnauthorized, servername].join('\n'), credential);
    const unauthorized = () => credential && this.#source?.reject(credential);
    context.setDispatcher(withHooks(dispatcher, { ...this.#options, unauthorized }));
  }

  /** How to connect; what is to be sent with each request is put into `headers`. */
  async #connectionOptions(
    credential: Credential | undefined,
    headers: Record<string, string> = {},
  ): Promise<RequestOptions> {
    const options: RequestOptions = { headers };
    await this.applyToHTTPSOptions(options);
    if (!credential) return options;
    const { token, cert, key } = credential;
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    return { ...options, ...(cert !== undefined && { cert, key }) };
  }

  /**
   * HTTP/1.1 only: over HTTP/2, undici 8 shares one connection, and when that one goes silent every further request runs into
   * it for minutes, watches included; over 1.1 a request that is given up takes its dead connection with it. (Seen through
   * a proxy that stops forwarding: 80 s and more against one timeout for each connection.)
   * And an agent of our own also where the system's CAs do, so that those requests are seen too.
   */
  override createDispatcherOptions(...args: Parameters<KubeConfig['createDispatcherOptions']>): DispatcherOptions {
    const options = super.createDispatcherOptions(...args);
    const http1 = { allowH2: false };
    switch (options.type) {
      case 'none':
        return { type: 'agent', connect: { keepAlive: true, ...http1 } };
      case 'agent':
        return { ...options, connect: { ...options.connect, ...http1 } };
      case 'proxy':
      case 'socks':
        return { ...options, requestTls: { ...options.requestTls, ...http1 } };
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    const dispatcher = await pool?.dispatcher.catch(() => undefined); // the request that wanted it has its error
    await dispatcher?.destroy();
  }

  async #dispatcher(credentials: string, credential: Credential | undefined): Promise<Dispatcher> {
    if (this.#pool?.credentials !== credentials) {
      const old = this.#pool;
      const pool = { credentials, dispatcher: this.#newDispatcher(credential) };
      this.#pool = pool;
      pool.dispatcher.catch(() => {
        if (this.#pool === pool) this.#pool = undefined;
      });
      // Requests and watches that run on the old credentials may end in peace.
      old?.dispatcher.then((dispatcher) => dispatcher.close()).catch(() => undefined);
    }
    return this.#pool.dispatcher;
  }

  /** Credentials newer than those it is kept under do no harm: the next request then finds them changed. */
  async #newDispatcher(credential: Credential | undefined): Promise<Dispatcher> {
    const { ca, cert, key, rejectUnauthorized, servername } = await this.#connectionOptions(credential);
    const tls = { ca, cert, key, servername, ...(rejectUnauthorized !== undefined && { rejectUnauthorized }) };
    const options = this.createDispatcherOptions(this.getCurrentCluster(), tls);
    if (options.type === 'agent') {
      // The two packages' types differ only in whether a `port` that is left out may be undefined.
      const connect = options.connect as buildConnector.BuildOptions;
      return new Agent({ connect, keepAliveTimeout: keepAliveTimeoutMs });
    }
    const probe = new RequestContext(this.server, HttpMethod.GET);
    await super.applySecurityAuthentication(probe);
    const dispatcher = probe.getDispatcher();
    if (!dispatcher) throw new Error('client-node made no dispatcher');
    return dispatcher;
  }
}

interface RequestHooks extends Pick<KubeClientOptions, 'onRequest' | 'beforeWrite'> {
  /** The API server has answered 401. */
  readonly unauthorized: () => void;
}

function withHooks(dispatcher: Dispatcher, { onRequest, beforeWrite, unauthorized }: RequestHooks): Dispatcher {
  return dispatcher.compose((dispatch) => (request, handler) => {
    const method = request.method;
    const host = request.origin ? new URL(request.origin).host : '';
    let told = false;
    const tell = (code: string) => {
      if (!told) onRequest?.({ method, host, code });
      told = true;
    };
    const observed: typeof handler = {
      // Here and not before: a connection may have to be made first, and that takes as long as it takes.
      onRequestStart(controller, context) {
        if (method !== 'GET') beforeWrite?.();
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart(controller, code, headers, message) {
        if (code >= 200) tell(String(code)); // 1xx is not the answer yet
        if (code === 401) unauthorized();
        handler.onResponseStart?.(controller, code, headers, message);
      },
      onResponseError(controller, error) {
        tell('<error>');
        handler.onResponseError?.(controller, error);
      },
    };
    return dispatch(
      request,
      new Proxy(handler, {
        get(target, name: keyof typeof handler) {
          const method = observed[name] ?? target[name];
          return typeof method === 'function' && !observed[name] ? method.bind(target) : method;
        },
      }),
    );
  });
}

function isHttp(server: string): boolean {
  return server.startsWith('http:');
}
