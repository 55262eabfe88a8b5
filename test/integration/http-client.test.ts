// The HTTP client over real sockets: a server that stalls, breaks off or sends an endless response uses bounded sockets, memory and
// time, and another origin gets no token.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { type Cloud, cloudFrom } from '../../src/azure/cloud.ts';
import { RateLimiter } from '../../src/azure/rate-limit/rate-limiter.ts';
import { withRateLimit } from '../../src/azure/rate-limit/with-rate-limit.ts';
import { rejection } from '../arm-refusal.ts';
import { makeLoopbackCertificate } from '../emulators/certificate.ts';
import { FakeClock, settled } from '../fake-clock.ts';
import { trust } from '../trust.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'myresourcegroup',
  name: 'myACR0007',
};
const MiB = 1024 * 1024;

/** Counts TCP connections of any protocol. */
async function listen(server: Server | HttpsServer) {
  const open = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    open,
    accepted: () => accepted,
    /** Resolves once so many connections are open. */
    async opened(count: number): Promise<void> {
      while (open.size < count) await once(server, 'connection');
    },
    /** Resolves once none is open. */
    async emptied(): Promise<void> {
      for (const socket of open) if (!socket.closed) await once(socket, 'close');
    },
    async close(): Promise<void> {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

type Listening = Awaited<ReturnType<typeof listen>>;

function credentialOn(clock: FakeClock): TokenCredential {
  return { getToken: async () => ({ token: 'secret', expiresOnTimestamp: clock.now().getTime() + 3_600_000 }) };
}

function cloudAt(url: string): Cloud {
  return cloudFrom({ AZURE_RESOURCE_MANAGER_ENDPOINT: url, AZURE_AUTHORITY_HOST: url });
}

describe('requests to a server that never finishes the TLS handshake', () => {
  let mute: Listening;
  let clock: FakeClock;
  before(async () => {
    mute = await listen(createServer((socket) => socket.resume()));
  });
  after(() => mute.close());
  beforeEach(() => {
    clock = new FakeClock();
  });

  for (const method of ['registry', 'create'] as const)
    it(`leave no socket behind: ${method}`, async () => {
      const arm = createArmClient({ credential: credentialOn(clock), cloud: cloudAt(mute.url), clock });
      const before = mute.accepted();
      const asked = Array.from({ length: 20 }, () =>
        rejection(
          method === 'registry' ? arm.registry(registry) : arm.create(registry, 'japaneast', { location: 'japaneast' }),
        ),
      );
      await mute.opened(20);
      await clock.advance(30_000);
      for (const error of await Promise.all(asked)) expect(error).to.include({ kind: 'Transient' });
      await mute.emptied();
      expect(mute.accepted() - before).to.equal(20);
    });
});

describe('responses of a hostile server', () => {
  let server: Listening;
  let distrust: () => void;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let seen: IncomingMessage[];
  let clock: FakeClock;

  before(async () => {
    const { cert, key } = await makeLoopbackCertificate('a hostile server');
    distrust = trust(cert);
    server = await listen(
      createHttpsServer({ cert, key }, (request, response) => {
        seen.push(request);
        answer(request, response);
      }),
    );
  });
  after(async () => {
    distrust();
    await server.close();
  });
  beforeEach(() => {
    seen = [];
    clock = new FakeClock();
  });

  const connect = () => createArmClient({ credential: credentialOn(clock), cloud: cloudAt(server.url), clock });
  const begin = (response: ServerResponse, headers: Record<string, string | number> = {}) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers });

  it('are read up to 16 MiB, and no further', async () => {
    let offered = 0;
    const closed = new Promise<void>((resolve) => {
      answer = (_, response) => {
        begin(response);
        response.once('close', resolve);
        const chunk = Buffer.alloc(64 * 1024, ' ');
        const pour = () => {
          while (offered < 1024 * MiB && !response.destroyed) {
            offered += chunk.length;
            if (!response.write(chunk)) return void response.once('drain', pour);
          }
        };
        pour();
      };
    });
    const error = await rejection(connect().replicas(registry));
    expect(error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
    expect(error.message).to.contain('larger than 16 MiB');
    await closed;
    // Plus the buffers of both kernels and both streams.
    expect(offered).to.be.lessThan(40 * MiB);
  });

  it('are read up to 16 MiB after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MiB, ' '));
    answer = (_, response) => begin(response, { 'content-encoding': 'gzip' }).end(bomb);
    expect(bomb.length).to.be.lessThan(MiB);
    expect((await rejection(connect().replicas(registry))).message).to.contain('larger than 16 MiB');
  });

  it('are decompressed', async () => {
    const body = JSON.stringify({ id: '/x', location: 'eastus', sku: { name: 'Premium' } });
    answer = (_, response) => begin(response, { 'content-encoding': 'gzip' }).end(gzipSync(body));
    expect(await connect().registry(registry)).to.include({ location: 'eastus', sku: 'Premium' });
  });

  const whole = gzipSync(JSON.stringify({ id: '/x', location: 'eastus', sku: { name: 'Premium' } }));
  for (const [how, breakOff] of [
    ['ends too early', (response: ServerResponse) => response.end(whole.subarray(0, 40))],
    [
      'loses its connection',
      (response: ServerResponse) => response.write(whole.subarray(0, 40), () => response.destroy()),
    ],
  ] as const)
    it(`that are compressed are rejected at once when the response ${how}`, async () => {
      answer = (_, response) => void breakOff(begin(response, { 'content-encoding': 'gzip' }));
      // The clock stands still: no deadline expires.
      expect(await rejection(connect().registry(registry))).to.include({ kind: 'Transient' });
    });

  it('cannot redirect a LIST, and its token, to another origin', async () => {
    const asked: IncomingMessage[] = [];
    const { cert, key } = await makeLoopbackCertificate('elsewhere');
    const distrustOther = trust(cert);
    const elsewhere = await listen(
      createHttpsServer({ cert, key }, (request, response) => {
        asked.push(request);
        begin(response).end(JSON.stringify({ value: [] }));
      }),
    );
    try {
      for (const origin of [elsewhere.url, elsewhere.url.replace('https:', 'http:'), 'https://localhost']) {
        answer = (_, response) => begin(response).end(JSON.stringify({ value: [], nextLink: `${origin}/next` }));
        const error = await rejection(connect().replicas(registry));
        expect(error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
        expect(error.message).to.contain(`the answer leads to ${origin}`).and.to.contain(server.url);
      }
      expect(asked).to.deep.equal([]);
    } finally {
      distrustOther();
      await elsewhere.close();
    }
  });

  it('may link to a next page of their own origin', async () => {
    answer = (request, response) => {
      const nextLink = `${server.url}/next`;
      begin(response).end(JSON.stringify(request.url?.startsWith('/next') ? { value: [] } : { value: [], nextLink }));
    };
    expect(await connect().replicas(registry)).to.deep.equal([]);
    expect(seen.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer secret', 'Bearer secret']);
  });
});

describe('a token that comes after the deadline of its request', () => {
  it('reserves no tokens: drift checks continue', async () => {
    const clock = new FakeClock();
    const late: ((token: AccessToken) => void)[] = [];
    const credential: TokenCredential = { getToken: () => new Promise((resolve) => late.push(resolve)) };
    const rateLimiter = new RateLimiter({ now: () => clock.now().getTime() });
    const unreachable = await listen(createServer((socket) => socket.resume()));
    try {
      const arm = createArmClient({ credential, cloud: cloudAt(unreachable.url), clock, rateLimiter });
      for (let look = 0; look < 14; look += 1) {
        const visit = withRateLimit(arm, rateLimiter, { id: `object ${look}`, priority: 'user' });
        const asked = [rejection(visit.registry(registry)), rejection(visit.replicas(registry))];
        await clock.advance(30_000);
        for (const error of await Promise.all(asked)) expect(error).to.include({ kind: 'Transient' });
        for (const give of late.splice(0)) give({ token: 'late', expiresOnTimestamp: 0 });
        await settled();
      }
      expect(unreachable.accepted(), 'requests sent after their deadline').to.equal(0);
      const [reads] = rateLimiter.levels();
      expect(reads).to.include({ operation: 'reads', tokens: 40 });
      const drift = withRateLimit(arm, rateLimiter, { id: 'drift', priority: 'background' });
      const asked = rejection(drift.registry(registry));
      await clock.advance(30_000);
      expect(await asked).to.include({ kind: 'Transient' });
    } finally {
      await unreachable.close();
    }
  });
});
