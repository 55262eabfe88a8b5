// Connections to ARM: kept alive and shared, and handed to a request only once they are open, so that between the question
// whether a write may still be sent and its first byte there is no handshake in which the answer may change.
import { Agent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';

export class Connections extends Agent {
  readonly #beforeWrite: (() => void) | undefined;

  /** @param beforeWrite Called when a connection is open that was made for a write; when it throws, nothing is sent over it. */
  constructor(beforeWrite?: () => void) {
    super({ keepAlive: true });
    this.#beforeWrite = beforeWrite;
  }

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
      try {
        if (options.method !== 'GET') this.#beforeWrite?.();
        connected(null, socket);
      } catch (error) {
        socket.destroy();
        failed(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}
