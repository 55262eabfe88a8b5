// A KubeConfig whose requests share a pool of connections and can be observed. client-node 2.0.1 creates a new undici agent, hence a
// new TLS connection, for each request.
import type { RequestOptions } from 'node:https';
import { type DispatcherOptions, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type ConnectorOptions, createConnector } from './connector.ts';
import { type Credential, type CredentialSource, credentialSource } from './credentials.ts';
import { KubeConfigError } from './kubeconfig.ts';

export interface ObservedRequest {
  readonly method: string;
  /** host:port */
  readonly host: string;
  /** The status code, or `<error>` without a response, as in client-go. */
  readonly code: string;
}

export interface PoolOptions {
  /** Called once for each request, watches included, when its response begins. */
  readonly onRequest?: (request: ObservedRequest) => void;
  /** Sent as User-Agent; appears in the API server's audit log and as field manager. */
  readonly userAgent?: string;
  /**
   * Called right before each request other than GET is sent, on an open connection. If it throws a NotLeading, nothing is sent and
   * the request rejects with it.
   */
  readonly beforeWrite?: () => void;
  /** For the age of credentials. Default: the system's clock. */
  readonly clock?: Clock;
}

/**
 * For which an idle connection is kept. API servers close idle connections after 90 s, without notice. undici's default of 4 s would
 * cost a TLS handshake for the first write after each idle time.
 */
const keepAliveTimeoutMs = 60_000;

export interface Access {
  readonly dispatcher: Dispatcher;
  /** Of the credential, and the User-Agent. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Keeps one undici dispatcher until the credentials change (a rotated certificate, an exec plugin). */
export class PooledKubeConfig extends KubeConfig {
  readonly server: string;
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** Undefined if the credentials are in the kubeconfig itself. */
  readonly #source: CredentialSource | undefined;
  #pool: { readonly credentials: string; readonly dispatcher: Promise<Dispatcher> } | undefined;

  constructor(from: KubeConfig, options: PoolOptions) {
    super();
    this.loadFromOptions(from);
    const cluster = from.getCurrentCluster();
    if (!cluster) throw new KubeConfigError('The kubeconfig has no current cluster.');
    this.server = cluster.server.replace(/\/+$/, '');
    this.clusters = this.clusters.map((c) =>
      // client-node refuses plain http unless verification is off; without TLS there is nothing to verify.
      c.name === cluster.name
        ? { ...c, server: this.server, skipTLSVerify: c.skipTLSVerify || isHttp(this.server) }
        : c,
    );
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const user = from.getCurrentUser();
    this.#source = user ? credentialSource(user, cluster, this.#clock) : undefined;
    if (user && this.#source) {
      // Otherwise client-node would read the file and run the plugin itself, and keep the credential after a 401.
      this.users = this.users.map(({ exec, authProvider, token, ...one }) =>
        one.name === user.name ? one : { ...one, exec, authProvider, ...(token !== undefined && { token }) },
      );
    }
  }

  /** For client-node's Watch. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const { dispatcher, headers } = await this.access();
    for (const [name, value] of Object.entries(headers)) context.setHeaderParam(name, value);
    context.setDispatcher(dispatcher);
  }

  /** What to send a request with. Rejects if a credential cannot be had. */
  async access(): Promise<Access> {
    const headers: Record<string, string> = {};
    const credential = await this.#source?.current();
    const options = await this.#connectionOptions(credential, headers);
    if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    if (this.#options.userAgent) headers['User-Agent'] = this.#options.userAgent;

    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const dispatcher = await this.#dispatcher([ca, cert, key, rejectUnauthorized, servername].join('\n'), credential);
    const onUnauthorized = () => credential && this.#source?.reject(credential);
    return { headers, dispatcher: withHooks(dispatcher, { ...this.#options, onUnauthorized }) };
  }

  /** The TLS options; the headers of the credential are added to `headers`. */
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
   * HTTP/1.1 only. Over HTTP/2, undici 8 shares one connection: when it falls silent, all requests and watches wait on it for
   * minutes. Over HTTP/1.1 an aborted request closes its dead connection. (Seen through a proxy that stops forwarding: 80 s and
   * more against one timeout for each connection.)
   * Also returns an agent where client-node needs none (the system's CAs), so that its requests are observed too.
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
    this.#closing.abort();
    const pool = this.#pool;
    this.#pool = undefined;
    const dispatcher = await pool?.dispatcher.catch(() => undefined); // the request that needed it has rejected
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
      // Requests and watches with the old credentials are not cut off.
      old?.dispatcher.then((dispatcher) => dispatcher.close()).catch(() => undefined);
    }
    return this.#pool.dispatcher;
  }

  /** If the credentials change meanwhile, the next request replaces the dispatcher. */
  async #newDispatcher(credential: Credential | undefined): Promise<Dispatcher> {
    const { ca, cert, key, rejectUnauthorized, servername } = await this.#connectionOptions(credential);
    const tls = { ca, cert, key, servername, ...(rejectUnauthorized !== undefined && { rejectUnauthorized }) };
    const cluster = this.getCurrentCluster();
    const options = this.createDispatcherOptions(cluster, tls);
    if (cluster && (options.type === 'agent' || (options.type === 'proxy' && !isHttp(this.server)))) {
      // The types of the two packages differ only in whether an omitted `port` may be undefined.
      const connection = (options.type === 'agent' ? options.connect : options.requestTls) as ConnectorOptions;
      const connect = createConnector(cluster, connection, { clock: this.#clock, signal: this.#closing.signal });
      return new Agent({ connect, keepAliveTimeout: keepAliveTimeoutMs });
    }
    // SOCKS, and plain HTTP through a proxy.
    const probe = new RequestContext(this.server, HttpMethod.GET);
    await super.applySecurityAuthentication(probe);
    const dispatcher = probe.getDispatcher();
    if (!dispatcher) throw new Error('client-node made no dispatcher');
    return dispatcher;
  }
}

interface RequestHooks extends Pick<PoolOptions, 'onRequest' | 'beforeWrite'> {
  /** Called when the API server answers 401. */
  readonly onUnauthorized: () => void;
}

function withHooks(dispatcher: Dispatcher, { onRequest, beforeWrite, onUnauthorized }: RequestHooks): Dispatcher {
  return dispatcher.compose((dispatch) => (request, handler) => {
    const method = request.method;
    const host = request.origin ? new URL(request.origin).host : '';
    let isReported = false;
    const report = (code: string) => {
      if (!isReported) onRequest?.({ method, host, code });
      isReported = true;
    };
    const observed: typeof handler = {
      // Checked now, not when the request is queued: opening a connection may have taken long.
      onRequestStart(controller, context) {
        if (method !== 'GET') beforeWrite?.();
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart(controller, code, headers, message) {
        if (code >= 200) report(String(code)); // 1xx precedes the response
        if (code === 401) onUnauthorized();
        handler.onResponseStart?.(controller, code, headers, message);
      },
      onResponseError(controller, error) {
        report('<error>');
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
        // undici's agent for plain HTTP through a proxy puts its own method in front of ours.
        set: (_, name, value) => Reflect.set(observed, name, value),
      }),
    );
  });
}

function isHttp(server: string): boolean {
  return server.startsWith('http:');
}
