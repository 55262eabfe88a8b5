// Who may talk to the map's server, over real sockets.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type RunningMap, startMap } from '../../src/map/map.ts';
import { serveMap } from '../../src/map/server.ts';
import { StateStream } from '../../src/map/stream.ts';
import { MapClient } from '../map-client.ts';

const page = {
  '/': { type: 'text/html', content: '<title>map</title>' },
  '/map.js': { type: 'text/javascript', content: '' },
};
const health = () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] });
const store = { list: () => [], read: () => undefined };
const change = { action: 'add', location: 'japaneast', uid: 'one', generation: 1 };
const objectPath = '/api/registries/default/myacr0007';

describe("access to the map's server", () => {
  let map: RunningMap;
  let client: MapClient;
  let changes: unknown[];

  beforeEach(async () => {
    changes = [];
    map = await startMap({
      address: { port: 0 },
      store,
      health,
      clock,
      assets: page,
      editor: async (name, request) => {
        changes.push([name, request]);
        return { kind: 'done' };
      },
    });
    client = new MapClient(map.url);
  });
  afterEach(() => map.close());
  const token = () => new URL(map.url).searchParams.get('token') ?? '';

  it('begins with the token, for which the browser gets a cookie that no script and no other site can use', async () => {
    const { status, headers } = await client.open();
    expect(status).to.equal(200);
    expect(headers['set-cookie']?.[0]).to.match(
      /^georep-map=[\w-]{43}; Path=\/[\w-]{22}\/; HttpOnly; SameSite=Strict$/,
    );
    expect(headers['set-cookie']?.[0]).not.to.contain(token());
    expect((await client.get('/')).text).to.equal('<title>map</title>');
    expect((await client.get('/map.js')).status).to.equal(200);
  });

  it('gives a cookie for a path that cannot be guessed, since browsers send cookies to every port of loopback', async () => {
    const { headers } = await client.open();
    const [, path] = /; Path=([^;]+);/.exec(headers['set-cookie']?.[0] ?? '') ?? [];
    expect(headers.refresh).to.equal(`0; url=${path}`);
    const again = await startMap({ address: { port: 0 }, store, health, clock, assets: page, needsToken: true });
    expect((await new MapClient(again.url).open()).headers.refresh).not.to.equal(headers.refresh);
    await again.close();
    const Cookie = headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
    for (const path of ['/', '/map.js', '/api/stream'])
      expect((await new MapClient(client.origin).request(path, { headers: { Cookie } })).status, path).to.equal(403);
  });

  it('also begins with a token that works once, for the command line of a browser', async () => {
    const opened = new MapClient(map.onceUrl);
    expect((await opened.open()).status).to.equal(200);
    expect((await opened.get('/')).status).to.equal(200);
    expect((await new MapClient(map.onceUrl).open()).status).to.equal(403);
    for (const _ of [1, 2]) expect((await client.open()).status).to.equal(200);
    expect(map.onceUrl).not.to.contain(token());
  });

  it('is refused without the cookie, or with a wrong one or a wrong token', async () => {
    await client.open();
    for (const path of ['/', '/map.js', '/api/stream', '/nothing']) {
      expect((await client.request(path)).status, path).to.equal(403);
      const Cookie = 'georep-map=wrong';
      expect((await client.request(path, { headers: { Cookie } })).status, path).to.equal(403);
    }
    for (const wrong of ['', 'wrong', `${token()}x`]) expect((await client.enter(wrong)).status).to.equal(403);
    for (const path of ['/', '/api/stream'])
      expect((await client.request(`${path}?token=${token()}`)).status, path).to.equal(403);
  });

  it('is refused under another name, as after DNS rebinding', async () => {
    await client.open();
    const hosts = [
      'evil.example',
      `evil.example:${map.port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example:80',
      '10.0.0.1',
    ];
    for (const Host of hosts) {
      expect((await client.get('/api/stream', { Host })).status, Host).to.equal(403);
      expect((await client.enter(token(), { Host })).status).to.equal(403);
    }
  });

  it('works through a port-forward to another port of loopback', async () => {
    const Host = 'localhost:9999';
    expect((await client.enter(token(), { Host })).status).to.equal(200);
    await client.open();
    expect((await client.get('/map.js', { Host })).status).to.equal(200);
  });

  it('is refused to other origins and sites, a link to the first page aside', async () => {
    await client.open();
    for (const Origin of [
      'https://evil.example',
      'null',
      `http://localhost:${map.port}`,
      `http://127.0.0.1:${map.port + 1}`,
    ]) {
      expect((await client.get('/api/stream', { Origin })).status, Origin).to.equal(403);
      expect((await client.post(objectPath, change, { Origin })).status, Origin).to.equal(403);
    }
    for (const site of ['cross-site', 'same-site'])
      expect((await client.get('/api/stream', { 'Sec-Fetch-Site': site })).status, site).to.equal(403);
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document' };
    expect((await client.enter(token(), link)).status).to.equal(200);
    const frame = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' };
    expect((await client.enter(token(), frame)).status).to.equal(403);
    expect(changes).to.deep.equal([]);
  });

  it('takes a change only with an Origin, as JSON, complete, and of a moderate size', async () => {
    await client.open();
    const withoutOrigin = { method: 'POST', headers: { Cookie: 'x' }, body: JSON.stringify(change) };
    expect((await client.request(objectPath, withoutOrigin)).status).to.equal(403);
    expect((await client.post(objectPath, change, { 'Content-Type': 'text/plain' })).status).to.equal(415);
    expect((await client.post(objectPath, { ...change, action: 'replace' })).status).to.equal(400);
    expect((await client.post(objectPath, { ...change, generation: '1' })).status).to.equal(400);
    expect((await client.post(objectPath, { ...change, location: 'x'.repeat(20_000) })).status).to.equal(413);
    expect(changes).to.deep.equal([]);
    expect((await client.post(objectPath, change)).status).to.equal(200);
    expect(changes).to.deep.equal([[{ namespace: 'default', name: 'myacr0007' }, change]]);
  });

  it('answers 405 to other methods', async () => {
    await client.open();
    for (const path of ['/', '/map.js', '/api/stream']) {
      const { status, headers } = await client.post(path, {});
      expect(status, path).to.equal(405);
      expect(headers.allow).to.equal('GET');
    }
    expect((await client.get(objectPath)).status).to.equal(405);
    const { origin: Origin } = client;
    for (const path of ['/map.js', '/api/stream'])
      expect((await client.get(path, { Origin }, 'HEAD')).status, path).to.equal(405);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      expect((await client.request(objectPath, { method, headers: { Origin } })).status).to.equal(403);
  });

  it('lets pages run no script but its own, sit in no frame, and reach no other server', async () => {
    const { headers } = await client.open();
    const policy = headers['content-security-policy'];
    expect(policy).to.contain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).to.contain("frame-ancestors 'none'");
    expect(policy).not.to.match(/unsafe|data:|https?:|\*/);
    expect(headers['x-content-type-options']).to.equal('nosniff');
    expect(headers['referrer-policy']).to.equal('no-referrer');
    expect(headers['cache-control']).to.equal('no-store');
  });
});

describe('a page that does not read its stream', () => {
  it('is disconnected, and gives its place to another one', async () => {
    // More than the sockets' buffers hold.
    const kubectlArgs = ['x'.repeat(20_000_000)];
    const limits = { maxClients: 1, maxStallMs: 200, heartbeatMs: 100 };
    const map = await startMap({ address: { port: 0 }, store, health, clock, assets: page, limits, kubectlArgs });
    try {
      const client = new MapClient(map.url);
      await client.open();
      // Nothing is read of it, so it sees its end only below.
      const stalled = await client.connect();
      expect(stalled.statusCode).to.equal(200);
      let next = await client.connect();
      while (next.statusCode === 503) {
        next.destroy();
        next = await client.connect();
      }
      next.destroy();
      const error = await stalled.toArray().then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error,
      );
      expect(error?.code).to.equal('ECONNRESET');
    } finally {
      await map.close();
    }
  });
});

describe('a client that does not read', () => {
  /** Sockets as the server has them. */
  const diagnostics = new EventEmitter<{ socket: [{ socket: Socket }] }>();
  const tell = (message: unknown) => diagnostics.emit('socket', message as { socket: Socket });
  before(() => subscribe('net.server.socket', tell));
  after(() => unsubscribe('net.server.socket', tell));

  const requests = (port: number, count: number) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`.repeat(count);

  it('gets one answer for each connection, however many requests it sends', async () => {
    const map = await startMap({ address: { port: 0 }, needsToken: false, store, health, clock, assets: page });
    const socket = connect(map.port, '127.0.0.1');
    socket.write(requests(map.port, 100));
    const answers = Buffer.concat(await socket.toArray()).toString();
    expect(answers.split('<title>map</title>')).to.have.length(2);
    await map.close();
  });

  it('is disconnected after a while, also if it has sent nothing', async () => {
    const stream = new StateStream({
      state: () => expect.fail(),
      regions: () => [],
      read: () => undefined,
      view: () => expect.fail(),
      contact: (before) => before,
      clock,
    });
    // More than the sockets' buffers hold.
    const assets = { '/': { type: 'text/html', content: 'x'.repeat(20_000_000) } };
    const server = await serveMap({ port: 0, needsToken: false, maxIdleMs: 200, assets, stream });
    for (const count of [0, 1]) {
      const accepted = once(diagnostics, 'socket');
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(requests(server.port, count));
      const [{ socket: other }] = await accepted;
      await once(other, 'close');
      socket.destroy();
    }
    await server.close();
  });
});

describe('a read-only map', () => {
  it('answers 405 to every change', async () => {
    const map = await startMap({ address: { port: 0 }, store, health, clock, assets: page });
    try {
      const client = new MapClient(map.url);
      await client.open();
      const { status, text } = await client.post(objectPath, change);
      expect(status).to.equal(405);
      expect(JSON.parse(text)).to.deep.equal({ message: 'This map is read-only.' });
      expect((await client.get(`${objectPath}/events`)).status).to.equal(404);
    } finally {
      await map.close();
    }
  });

  it('can do without a token, and refuses other names and pages all the same', async () => {
    const map = await startMap({ address: { port: 0 }, needsToken: false, store, health, clock, assets: page });
    try {
      const client = new MapClient(map.url);
      expect(map.url).to.equal(`${client.origin}/`);
      expect((await client.request('/')).status).to.equal(200);
      expect((await client.request('/map.js')).status).to.equal(200);
      const headers = [
        { Host: 'evil.example' },
        { Origin: 'https://evil.example' },
        { 'Sec-Fetch-Site': 'cross-site' },
      ];
      for (const wrong of headers)
        expect((await client.request('/api/stream', { headers: wrong })).status).to.equal(403);
      expect((await client.post(objectPath, change)).status).to.equal(405);
    } finally {
      await map.close();
    }
  });

  it('is served on loopback only', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      const error = await startMap({ address: { host, port: 0 }, store, health, clock, assets: page }).then(
        () => undefined,
        (error: Error) => error,
      );
      expect(error?.message).to.equal(`the map is served on loopback only, and ${host} is another address`);
    }
  });

  it('names an address that is in use', async () => {
    const map = await startMap({ address: { port: 0 }, store, health, clock, assets: page });
    const second = await startMap({ address: { port: map.port }, store, health, clock, assets: page }).then(
      () => undefined,
      (error: Error) => error,
    );
    await map.close();
    expect(second?.message).to.equal(`cannot serve the map on 127.0.0.1:${map.port}: the address is in use`);
  });
});
