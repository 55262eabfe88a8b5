// An API server whose test answers each request, over a real socket: for faults that a real one shows
// only now and then.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient } from '../../../../src/kubernetes/client/client.ts';
import { Journal } from '../journal.ts';

/** One request, unanswered until the test answers it. */
export class Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;
  readonly #response: ServerResponse;
  /** Resolves when the connection of this request has ended, by either side. */
  readonly closed: Promise<void>;

  constructor(
    method: string,
    url: URL,
    headers: NodeJS.Dict<string | string[]>,
    body: unknown,
    response: ServerResponse,
  ) {
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.body = body;
    this.#response = response;
    this.closed = new Promise((resolve) => response.on('close', () => resolve()));
  }

  get isWatch(): boolean {
    return this.url.searchParams.get('watch') === 'true';
  }

  json(body: unknown, status = 200, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  refuse(code: number, message: string, headers: Record<string, string> = {}): void {
    this.json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message }, code, headers);
  }

  list(items: object[], resourceVersion: string, token?: string): void {
    this.json({ kind: 'WidgetList', metadata: { resourceVersion, ...(token && { continue: token }) }, items });
  }

  /** Accepts the watch; events may follow. */
  open(): void {
    this.#response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  }

  event(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: object): void {
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
  }

  end(): void {
    this.#response.end();
  }

  /** Resets the connection. */
  cut(): void {
    this.#response.destroy();
  }
}

export class ScriptedApiServer {
  readonly requests = new Journal<Asked>();
  readonly #server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      this.requests.push(
        new Asked(method, new URL(url, this.url), headers, text ? JSON.parse(text) : undefined, response),
      );
    });
  });
  url = '';

  static async start(): Promise<ScriptedApiServer> {
    const server = new ScriptedApiServer();
    await server.listenAgain();
    return server;
  }

  /** Listens, after a stop on the same port. */
  async listenAgain(): Promise<void> {
    const port = this.url ? Number(new URL(this.url).port) : 0;
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get kubeConfig(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'scripted', server: this.url, skipTLSVerify: true }, { name: 'tester' });
    return config;
  }

  nextList(): Promise<Asked> {
    return this.requests.next((asked) => asked.method === 'GET' && !asked.isWatch);
  }

  nextWatch(): Promise<Asked> {
    return this.requests.next((asked) => asked.isWatch);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A server and its client, anew for each test of the suite that calls this. */
export function serverForEachTest(): { readonly server: ScriptedApiServer; readonly cluster: KubeClient } {
  let server: ScriptedApiServer;
  let cluster: KubeClient;
  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    cluster = createKubeClient(server.kubeConfig);
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
  });
  return {
    get server() {
      return server;
    },
    get cluster() {
      return cluster;
    },
  };
}
