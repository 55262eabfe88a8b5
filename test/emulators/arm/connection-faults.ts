// The emulator's TCP connections: accepts and counts them, and breaks them by RST, by silence or in the middle of a
// response.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Faults } from './faults/faults.ts';

/** What the HTTPS server passes along with each request. */
export interface Bindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface ConnectionCounts {
  /** Not closed by the client yet, stalled ones included. */
  readonly open: number;
  /** Those whose TLS handshake is never answered. */
  readonly stalled: number;
  /** Accepted since the start. */
  readonly accepted: number;
}

/** Keeps the TCP sockets below the TLS ones: only these can be reset. */
export class Connections {
  readonly #faults: Faults;
  /** By the client's port. */
  readonly #open = new Map<number, Socket>();
  readonly #stalled = new Set<Socket>();
  #accepted = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** Hands a new connection to the server, unless a fault stalls its handshake. */
  accept(socket: Socket, server: Server): void {
    const { remotePort = 0 } = socket;
    this.#accepted++;
    this.#open.set(remotePort, socket);
    socket.once('close', () => {
      this.#stalled.delete(socket);
      if (this.#open.get(remotePort) === socket) this.#open.delete(remotePort);
    });
    if (!this.#faults.consume('stalledHandshake', () => true)) {
      server.emit('connection', socket);
      return;
    }
    this.#stalled.add(socket);
    socket.on('error', () => undefined); // `close` follows.
    socket.resume(); // An unread socket does not report that the client has closed it.
  }

  get counts(): ConnectionCounts {
    return { open: this.#open.size, stalled: this.#stalled.size, accepted: this.#accepted };
  }

  /** Ends every connection. */
  end(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }

  /** The client sees ECONNRESET. */
  reset({ incoming }: Bindings): Response {
    this.#open.get(incoming.socket.remotePort ?? 0)?.resetAndDestroy();
    return RESPONSE_ALREADY_SENT;
  }

  /** Resolves when the client has given up. */
  async hang({ incoming }: Bindings): Promise<Response> {
    if (!incoming.socket.destroyed) await once(incoming.socket, 'close');
    return RESPONSE_ALREADY_SENT;
  }

  /** Announces the whole body, sends half of it, and then resets the connection or falls silent. */
  async truncate(bindings: Bindings, answer: Response, ending: 'reset' | 'silence'): Promise<Response> {
    const { outgoing } = bindings;
    const body = Buffer.from(await answer.arrayBuffer());
    outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'content-length': body.length });
    // A client that has received this half sees a truncated response; one that has not sees a reset.
    await new Promise<void>((resolve) => outgoing.write(body.subarray(0, body.length >> 1), () => resolve()));
    return ending === 'reset' ? this.reset(bindings) : this.hang(bindings);
  }
}
