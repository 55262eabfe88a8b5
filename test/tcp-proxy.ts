// A wire between client and server that a test can cut and mend: it forwards bytes, and knows nothing of what they say.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const server = connect(this.#target);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server).pipe(client);
  });
  #port = 0;

  /** @param target the server's URL; no connection is made to it yet. */
  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#target = { host: hostname, port: Number(port) };
  }

  /** Takes a port of its own, without listening on it until `mend`. */
  static async to(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.mend();
    await proxy.cut();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens, always on the same port. */
  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }

  /** Breaks every connection; new ones are welcome. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
