// A TCP proxy between client and server that a test can cut, stall, slow and restore. It forwards bytes without reading them.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** How an open connection ends: by FIN, by RST, or never, so that both ends wait for each other. */
export type Ending = 'close' | 'reset' | 'silence';

/** The speed in each direction: chunks of at most `bytes` bytes, `delay` ms apart. */
export interface Throttle {
  readonly bytes: number;
  readonly delayMs: number;
}

export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #links = new Set<ProxiedConnection>();
  readonly #server = createServer({ noDelay: true }, (client) => {
    const link = new ProxiedConnection(client, connect({ ...this.#target, noDelay: true }), () => this.#pace);
    this.#links.add(link);
    void link.broken.then(() => this.#links.delete(link));
    if (this.#mute) link.end('silence');
  });
  readonly port: number;
  #pace: Throttle | undefined;
  #mute = false;

  private constructor(target: string, port: number) {
    const { hostname, port: targetPort } = new URL(target);
    this.#target = { host: hostname, port: Number(targetPort) };
    this.port = port;
  }

  /** Reserves a port, on which the proxy listens only after `listen`. @param target the server's URL. */
  static async create(target: string): Promise<TcpProxy> {
    return new TcpProxy(target, await freePort());
  }

  /** Listens, always on the same port. */
  async listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Closes every connection and refuses new ones. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }

  /** Refuses new connections; open ones continue. */
  refuse(): void {
    this.#server.close();
  }

  /** Closes every connection; new ones are accepted. */
  breakConnections(): void {
    for (const link of this.#links) link.end('close');
  }

  /**
   * Ends every open connection after `afterBytes` more bytes from the server; new ones are accepted. A silent connection
   * stays open until its client gives up. Returns the number of affected connections.
   */
  end(how: Ending, afterBytes = 0): number {
    const open = [...this.#links].filter((link) => !link.isSilent);
    for (const link of open) link.end(how, afterBytes);
    return open.length;
  }

  /** While on, new connections are accepted and never answered; open ones continue. */
  mute(on: boolean): void {
    this.#mute = on;
  }

  /** Undefined: full speed. */
  throttle(pace: Throttle | undefined): void {
    this.#pace = pace;
  }
}

/** One connection from the client to the server. */
class ProxiedConnection {
  /** Resolves when the client's end is closed. */
  readonly broken: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pace: () => Throttle | undefined;
  /** How the connection ends, and after how many more bytes from the server. */
  #ending: { readonly how: Ending; left: number } | undefined;

  constructor(client: Socket, server: Socket, pace: () => Throttle | undefined) {
    this.#client = client;
    this.#server = server;
    this.#pace = pace;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.broken = promise;
    client.on('error', () => server.destroy());
    client.on('close', () => {
      server.destroy();
      resolve();
    });
    // The client of a silent connection must not learn what the server does.
    server.on('error', () => this.isSilent || client.destroy());
    server.on('close', () => this.isSilent || client.destroy());
    // A destroyed socket makes its reader throw; the `close` handler has dealt with the other end already.
    this.#pump(client, server).catch(() => undefined);
    this.#pump(server, client).catch(() => undefined);
  }

  get isSilent(): boolean {
    return this.#ending?.how === 'silence' && this.#ending.left === 0;
  }

  end(how: Ending, afterBytes = 0): void {
    this.#ending = { how, left: afterBytes };
    if (afterBytes === 0) this.#end(how);
  }

  async #pump(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from) {
      for (let rest: Buffer = chunk; rest.length > 0; ) {
        const pace = this.#pace();
        if (pace) await sleep(pace.delayMs);
        // Data after the end is read and dropped: an unread silent connection would not report that its client has closed
        // it.
        if (this.#ending?.left === 0) break;
        const allowed = from === this.#server ? (this.#ending?.left ?? rest.length) : rest.length;
        const piece = rest.subarray(0, Math.min(allowed, pace?.bytes ?? rest.length));
        rest = rest.subarray(piece.length);
        const isFlowing = to.write(piece);
        if (from === this.#server && this.#ending) {
          this.#ending.left -= piece.length;
          if (this.#ending.left === 0) this.#end(this.#ending.how);
        }
        if (!isFlowing) await Promise.race([once(to, 'drain'), this.broken]);
      }
    }
    if (from === this.#client || !this.isSilent) to.end();
  }

  #end(how: Ending): void {
    switch (how) {
      case 'close':
        this.#client.destroy();
        this.#server.destroy();
        return;
      case 'reset':
        this.#client.resetAndDestroy();
        this.#server.destroy();
        return;
      case 'silence':
        return;
      default:
        how satisfies never;
    }
  }
}
