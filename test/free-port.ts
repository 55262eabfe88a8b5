// Finds ports for servers that start later or are not always running.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A free port on loopback outside of the system's ephemeral range, so that neither outgoing connections nor servers on
 * port 0 get it before its server listens, or while that server is down.
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
