// Connections to ARM, kept alive and shared. The last question whether a write may still be sent is asked here, over an open
// connection and with nothing left to do but to write: a process that is put to sleep wakes up wherever it was, and there must
// be no handshake, and next to no work, between the answer and the first byte.
import type { ClientRequest } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';

export class Connections extends Agent {
  readonly #beforeWrite: () => void;

  /** @param beforeWrite When it throws, nothing is sent, and the request fails with what was thrown. */
  constructor(beforeWrite: () => void = () => undefined) {
    super({ keepAlive: true });
    this.#beforeWrite = beforeWrite;
  }

  /** Hands the connection over only once it is open; node:https on its own does so at once, and the request waits inside. */
  override createConnection(
    options: RequestOptions,
    connected: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const socket = super.createConnection(options);
    if (!socket) throw new Error('node:https makes its connections itself');
    const failed = (error: Error) => connected(error, socket);
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      socket.off('error', failed);
      const refusal = this.#refusalOf(options.method);
      if (!refusal) return connected(null, socket);
      socket.destroy();
      failed(refusal);
    });
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    super.reuseSocket(socket, request);
    // The event comes right before the request is written.
    request.once('socket', () => {
      const refusal = this.#refusalOf(request.method);
      if (refusal) request.destroy(refusal);
    });
  }

  #refusalOf(method: string | undefined): Error | undefined {
    if (method === 'GET') return undefined;
    try {
      this.#beforeWrite();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
