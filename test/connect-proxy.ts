// An HTTP proxy on loopback for CONNECT, and a server that inspects the TLS of its tunnels. The proxy knows names that no resolver
// knows, so only its clients reach them.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Certificate } from './emulators/certificate.ts';

/** What it does with a CONNECT: connect, answer with this status, never answer, or close the connection. */
export type ProxyBehaviour = 'connect' | number | 'stall' | 'close';

export interface ConnectProxyOptions {
  /** The local URL of each `name:port`; `*.example.com:443` stands for all names that end so. */
  readonly targets?: Readonly<Record<string, string>>;
  /** `user:password`; other clients are answered with 407. */
  readonly credentials?: string;
  /** Serves the proxy itself over TLS. */
  readonly certificate?: Certificate;
}

export class ConnectProxy {
  /** The `name:port` of every CONNECT, and method and URL of every other request, in order. */
  readonly requests: string[] = [];
  /** The open connections of clients. */
  readonly clients = new Set<Socket>();
  behaviour: ProxyBehaviour = 'connect';
  readonly targets: Record<string, string>;
  readonly #credentials: string | undefined;
  readonly #server: Server;
  readonly #scheme: string;

  private constructor({ targets = {}, credentials, certificate }: ConnectProxyOptions) {
    this.targets = { ...targets };
    this.#credentials = credentials;
    this.#scheme = certificate ? 'https' : 'http';
    this.#server = certificate ? createHttpsServer(certificate) : createServer();
    this.#server.on('connection', (socket) => {
      this.clients.add(socket);
      socket.once('close', () => this.clients.delete(socket));
    });
    this.#server.on('connect', (request, client: Socket) => this.#connect(request, client));
    this.#server.on('request', ({ method, url }, response) => {
      this.requests.push(`${method} ${url}`);
      response.writeHead(501).end();
    });
  }

  static async start(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** With these credentials in it. */
  url(credentials?: string): string {
    return `${this.#scheme}://${credentials === undefined ? '' : `${credentials}@`}${this.address}`;
  }

  /** Resolves once `count` connections of clients are open. */
  async opened(count: number): Promise<void> {
    while (this.clients.size < count) await once(this.#server, 'connection');
  }

  /** Resolves once no connection of a client is open. */
  async emptied(): Promise<void> {
    for (const socket of this.clients) if (!socket.closed) await once(socket, 'close');
  }

  /** Resolves once `target` was asked for. */
  async asked(target: string): Promise<void> {
    while (!this.requests.includes(target)) await once(this.#server, 'connect');
  }

  async close(): Promise<void> {
    for (const socket of this.clients) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect({ url = '', headers }: IncomingMessage, client: Socket): void {
    client.on('error', () => undefined);
    // Node's HTTP servers leave half-open connections open.
    client.on('end', () => client.end());
    this.requests.push(url);
    const expected = this.#credentials && `Basic ${Buffer.from(this.#credentials).toString('base64')}`;
    const target = this.targets[url] ?? this.targets[url.replace(/^[^.]+(?:\.[^.]+\.geo)?\./, '*.')];
    if (expected && headers['proxy-authorization'] !== expected) refuse(client, 407);
    else if (this.behaviour === 'stall') client.resume();
    else if (this.behaviour === 'close') client.destroy();
    else if (this.behaviour !== 'connect') refuse(client, this.behaviour);
    else if (target === undefined) refuse(client, 502);
    else join(client, target);
  }
}

function join(client: Socket, target: string): void {
  const { hostname: host, port } = new URL(target);
  const server = connect({ host, port: Number(port), noDelay: true }, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(server).pipe(client);
  });
  server.on('error', () => client.destroy());
  server.on('close', () => client.destroy());
  client.on('close', () => server.destroy());
}

function refuse(client: Socket, status: number): void {
  client.end(`HTTP/1.1 ${status} No\r\ncontent-type: text/html\r\n\r\n<html>no</html>`);
}

/** Ends TLS with its own certificate, as a proxy that inspects traffic does, and passes the requests on to the HTTPS server `url`. */
export async function startInspector(
  certificate: Certificate,
  { url, certificate: ca }: { readonly url: string; readonly certificate: string },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createHttpsServer(certificate, (request, response) => {
    const { method, url: path, headers } = request;
    const onward = httpsRequest(new URL(path ?? '/', url), { method, headers, ca, servername: 'localhost' });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
