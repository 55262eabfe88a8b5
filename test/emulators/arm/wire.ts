// Connections as the emulator breaks them: by RST, by silence, in the middle of an answer; and bodies that are not what they
// should be. Knows nothing of what the requests were about.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Fault } from './faults/fault.ts';

/** What the HTTPS server gives beside each request. */
export interface Bindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** The TCP connections under the TLS ones: only these can be reset. */
export class Connections {
  readonly #open = new Map<number, Socket>();

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      this.#open.set(remotePort, socket);
      socket.once('close', () => {
        if (this.#open.get(remotePort) === socket) this.#open.delete(remotePort);
      });
    });
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

  /** Announces the whole body, sends half of it, and resets. */
  async cut(bindings: Bindings, answer: Response): Promise<Response> {
    const { outgoing } = bindings;
    const body = Buffer.from(await answer.text());
    outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'content-length': body.length });
    // A client that has what was sent in hand sees the end of the answer missing; one that has not, a reset.
    await new Promise<void>((resolve) => outgoing.write(body.subarray(0, body.length >> 1), () => resolve()));
    return this.reset(bindings);
  }
}

/** The same status and headers, and another body. */
export async function malformed(answer: Response, how: Exclude<Fault<'malformed'>['how'], 'cut'>): Promise<Response> {
  const headers = new Headers(answer.headers);
  headers.delete('content-length');
  if (how === 'html') headers.set('content-type', 'text/html');
  const body = distorted(await answer.text(), how);
  const bodiless = answer.status === 204 || answer.status === 304;
  return new Response(bodiless ? null : body, { status: answer.status, headers });
}

function distorted(body: string, how: Exclude<Fault<'malformed'>['how'], 'cut'>): string {
  switch (how) {
    case 'half':
      return body.slice(0, body.length >> 1);
    case 'empty':
      return '';
    case 'html':
      return '<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Please wait</h1></body></html>';
    case 'strange':
      return '{"value":"42","properties":[null],"error":7}';
    default:
      return how satisfies never;
  }
}
