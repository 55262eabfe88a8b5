// A wire between client and server that a test can cut, stall, slow and mend: it forwards bytes, and knows nothing of what
// they say.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** How an open connection comes to its end: by FIN, by RST, or never, both ends left waiting for the other. */
export type Ending = 'close' | 'reset' | 'silence';

/** How slowly bytes go, in each direction: in pieces of at most so many bytes, each so many ms after the one before. */
export interface Pace {
  readonly bytes: number;
  readonly delay: number;
}

export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #server = createServer({ noDelay: true }, (client) => {
    const link = new Link(client, connect({ ...this.#target, noDelay: true }), () => this.#pace);
    this.#links.add(link);
    void link.broken.then(() => this.#links.delete(link));
    if (this.#mute) link.end('silence');
  });
  readonly port: number;
  #pace: Pace | undefined;
  #mute = false;

  private constructor(target: string, port: number) {
    const { hostname, port: targetPort } = new URL(target);
    this.#target = { host: hostname, port: Number(targetPort) };
    this.port = port;
  }

  /** On a port of its own, on which nobody listens until `mend`. @param target the server's URL. */
  static async to(target: string): Promise<TcpProxy> {
    return new TcpProxy(target, await freePort());
  }

  /** Listens, always on the same port. */
  async mend(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Breaks every connection and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }

  /** Refuses new connections; those that are open go on. */
  refuse(): void {
    this.#server.close();
  }

  /** Breaks every connection; new ones are welcome. */
  breakConnections(): void {
    for (const link of this.#links) link.end('close');
  }

  /**
   * Ends every open connection once the server has sent so many more bytes over it; new ones are welcome. One that has
   * fallen silent stays so until its client gives it up. Returns how many connections it is about.
   */
  end(how: Ending, afterBytes = 0): number {
    const open = [...this.#links].filter((link) => !link.isSilent);
    for (const link of open) link.end(how, afterBytes);
    return open.length;
  }

  /** From now on new connections are accepted, and nothing is ever said over them; what is open goes on. */
  mute(on: boolean): void {
    this.#mute = on;
  }

  /** Undefined: as fast as it goes. */
  pace(pace: Pace | undefined): void {
    this.#pace = pace;
  }
}

/** One connection, from the client to the server. */
class Link {
  /** Resolves once the client's end has gone. */
  readonly broken: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pace: () => Pace | undefined;
  /** What is to happen once the server has sent so many more bytes. */
  #ending: { readonly how: Ending; left: number } | undefined;

  constructor(client: Socket, server: Socket, pace: () => Pace | undefined) {
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
    // What the server does after a connection has fallen silent, its client does not learn.
    server.on('error', () => this.isSilent || client.destroy());
    server.on('close', () => this.isSilent || client.destroy());
    // Where a socket is destroyed, its reader is told by an error; `close` has dealt with the other end already.
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
        if (pace) await sleep(pace.delay);
        // Read on after the end, and thrown away: unread, a silent connection would not tell us that its client has given
        // it up.
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
