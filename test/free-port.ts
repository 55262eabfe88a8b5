// Ports for servers that are not there yet, or not all the time.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of loopback that nobody listens on: one that no system hands out by itself, neither to outgoing connections nor to
 * servers that take any, so that nobody else has it before whoever asked for it does, or while that is away.
 */
export async function freePort(): Promise<number> {
  for (let tries = 20; ; tries--) {
    const port = randomInt(12_000, 32_000);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch (error) {
      if (tries === 0) throw error;
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
