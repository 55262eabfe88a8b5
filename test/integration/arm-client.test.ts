// The ARM client over real sockets: against the emulator for what Azure does, against a bare server for what it should never do.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mock } from 'node:test';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { ClientSecretCredential } from '@azure/identity';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Arm, ArmRequest } from '../../src/azure/arm.ts';
import { createArmClient } from '../../src/azure/arm-client.ts';
import type { ArmOptions } from '../../src/azure/arm-connection.ts';
import { type Cloud, cloudFrom, scopeOf } from '../../src/azure/cloud.ts';
import { checkCredential, defaultCredential } from '../../src/azure/identity/credential.ts';
import { OperationUrls } from '../../src/azure/operation-urls.ts';
import { rejection } from '../arm-refusal.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { held } from '../emulators/arm/timings.ts';
import { makeLoopbackCertificate } from '../emulators/certificate.ts';
import { FakeClock, settled } from '../fake-clock.ts';
import { propertyRuns } from '../property-runs.ts';
import { trust } from '../trust.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'myresourcegroup',
  name: 'myACR0007',
};

describe('the ARM client', () => {
  let emulator: ArmEmulator;
  let cloud: Cloud;
  let distrust: () => void;
  let arm: Arm;
  let reports: ArmRequest[];

  before(async () => {
    emulator = await startArmEmulator({ timings: held, pageSize: 2 });
    distrust = trust(emulator.certificate);
    cloud = cloudFrom(emulator.environment);
  });
  after(async () => {
    distrust();
    await emulator.close();
  });

  beforeEach(async () => {
    emulator.azure.addRegistry(registry, { location: 'eastus' });
    emulator.azure.faults.clear();
    reports = [];
    arm = connect();
    await arm.registry(registry);
    emulator.journal.clear();
    reports.length = 0;
  });

  function connect(secret = emulator.environment.AZURE_CLIENT_SECRET ?? '', shared: Partial<ArmOptions> = {}): Arm {
    const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '' } = emulator.environment;
    const credential = new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, secret, {
      authorityHost: cloud.authority,
      disableInstanceDiscovery: true,
    });
    const onRequest = (request: ArmRequest) => void reports.push(request);
    return createArmClient({ credential, cloud, userAgent: 'test/1', onRequest, ...shared });
  }

  const requests = () =>
    emulator.journal.entries.map(({ method, path }) => `${method} ${path.split('/registries/')[1] ?? path}`);

  it('reads a registry', async () => {
    const { id, location, sku, provisioningState, creationDate, loginServer } = await arm.registry(registry);
    expect(id).to.match(/\/registries\/myACR0007$/);
    expect({ location, sku, provisioningState }).to.deep.equal({
      location: 'eastus',
      sku: 'Premium',
      provisioningState: 'Succeeded',
    });
    expect(new Date(creationDate ?? '').toISOString()).to.equal(creationDate);
    expect(loginServer).to.equal('myacr0007.azurecr.io');
  });

  it('lists the replicas of every page (trap 6)', async () => {
    const locations = ['japaneast', 'westeurope', 'westus2', 'uksouth', 'brazilsouth'];
    for (const location of locations) emulator.azure.addReplica(registry, location);
    const listed = (await arm.replicas(registry)).map(({ location }) => location);
    expect(listed).to.include.members(locations);
    expect(requests().length).to.be.at.least(3);
  });

  it('lists none if there are none', async () => {
    expect(await arm.replicas(registry)).to.deep.equal([]);
  });

  it('creates a replica with one request and returns its state', async () => {
    const { createdAt, ...replica } = (await arm.create(registry, 'japaneast', { location: 'Japan East' })).replica;
    expect(createdAt).to.match(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
    expect(replica).to.deep.equal({
      name: 'japaneast',
      location: 'japaneast',
      provisioningState: 'Creating',
      routing: true,
      tags: {},
    });
    expect(requests()).to.deep.equal(['PUT myACR0007/replications/japaneast']);
  });

  it('returns the reason of a failed creation once, and forgets the signed URL', async () => {
    emulator.azure.faults.add({
      kind: 'failedCreation',
      times: 1,
      code: 'QuotaExceeded',
      message: 'The quota of the region is used up.',
    });
    expect(await arm.failure(registry, 'japaneast')).to.equal(undefined);
    await arm.create(registry, 'japaneast', { location: 'japaneast' });
    emulator.azure.finish(registry, 'japaneast');
    expect(await arm.failure(registry, 'japaneast')).to.equal('QuotaExceeded: The quota of the region is used up.');
    expect(await arm.failure(registry, 'japaneast')).to.equal(undefined);
    expect(requests().filter((request) => request.includes('operationStatuses'))).to.have.length(1);
  });

  it('returns the reason also with a client that was made since then, where both share the URLs', async () => {
    const shared = { operationUrls: new OperationUrls(cloud.endpoint) };
    emulator.azure.faults.add({ kind: 'failedCreation', times: 1, code: 'QuotaExceeded', message: 'Used up.' });
    await connect(undefined, shared).create(registry, 'japaneast', { location: 'japaneast' });
    emulator.azure.finish(registry, 'japaneast');
    expect(await connect(undefined, shared).failure(registry, 'japaneast')).to.equal('QuotaExceeded: Used up.');
  });

  it('returns the reason why a replica vanished during its creation', async () => {
    const fault = { code: 'PrivateEndpointIpExhausted', message: 'The subnet has no free IP address.' };
    emulator.azure.faults.add({ kind: 'vanishingCreation', times: 1, ...fault });
    await arm.create(registry, 'japaneast', { location: 'japaneast' });
    emulator.azure.finish(registry, 'japaneast');
    expect(await arm.failure(registry, 'JapanEast')).to.equal(`${fault.code}: ${fault.message}`);
  });

  it("returns ARM's hint for the first poll", async () => {
    emulator.azure.timings = { ...held, retryAfter: 10 };
    const { askAfter } = await arm.create(registry, 'japaneast', { location: 'japaneast' });
    emulator.azure.timings = held;
    expect(askAfter).to.equal(10_000);
  });

  it('never polls the operations that it started (traps 18, 19)', async () => {
    emulator.azure.addReplica(registry, 'westeurope');
    emulator.azure.addReplica(registry, 'westus2');
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      await arm.create(registry, 'japaneast', { location: 'japaneast' });
      await arm.update(registry, 'westeurope', { routing: false });
      await arm.remove(registry, 'westus2');
      mock.timers.tick(3_600_000);
    } finally {
      mock.timers.reset();
    }
    await arm.replica(registry, 'japaneast');
    expect(requests()).to.deep.equal([
      'PUT myACR0007/replications/japaneast',
      'PATCH myACR0007/replications/westeurope',
      'DELETE myACR0007/replications/westus2',
      'GET myACR0007/replications/japaneast',
    ]);
  });

  it('sends only the fields that it was given (traps 8, 9, 11)', async () => {
    await arm.create(registry, 'japaneast', { location: 'japaneast' });
    await arm.create(registry, 'westus2', { location: 'westus2', routing: false, tags: { team: 'web' } });
    emulator.azure.addReplica(registry, 'westeurope');
    await arm.update(registry, 'westeurope', { tags: {} });
    await arm.update(registry, 'westeurope', { routing: false });
    expect(emulator.journal.writes.map(({ body }) => body)).to.deep.equal([
      { location: 'japaneast' },
      { location: 'westus2', tags: { team: 'web' }, properties: { regionEndpointEnabled: false } },
      { tags: {} },
      { properties: { regionEndpointEnabled: false } },
    ]);
  });

  it('replaces all tags of a replica and returns the new ones', async () => {
    emulator.azure.addReplica(registry, 'westeurope', { tags: { owner: 'a', team: 'b' } });
    const { replica } = await arm.update(registry, 'westeurope', { tags: { team: 'web' } });
    expect(replica.tags).to.deep.equal({ team: 'web' });
  });

  it('returns the new routing while the change is in progress', async () => {
    emulator.azure.addReplica(registry, 'westeurope');
    const { replica } = await arm.update(registry, 'westeurope', { routing: false });
    expect(replica).to.include({ routing: false, provisioningState: 'Updating' });
  });

  it('reads the status of a Syncing replica', async () => {
    emulator.azure.addReplica(registry, 'westeurope', { name: 'backup01', state: 'Syncing' });
    const replica = await arm.replica(registry, 'backup01');
    expect(replica).to.include({ location: 'westeurope', provisioningState: 'Succeeded', displayStatus: 'Syncing' });
  });

  it('deletes a replica, also one that does not exist', async () => {
    emulator.azure.addReplica(registry, 'westeurope');
    await arm.remove(registry, 'westeurope');
    emulator.azure.settle();
    await arm.remove(registry, 'westeurope');
    expect(emulator.azure.replica(registry, 'westeurope')).to.equal(undefined);
  });

  it('deletes a replica of a registry that is gone', async () => {
    await arm.remove({ ...registry, name: 'nosuchregistry' }, 'westeurope');
  });

  it('distinguishes a missing registry, replica and subscription', async () => {
    const missing = await rejection(arm.registry({ ...registry, name: 'nosuchregistry' }));
    expect(missing).to.include({ kind: 'NotFound', code: 'ResourceNotFound' });
    expect(missing.message).to.match(/^not found: cannot read registry nosuchregistry/);
    expect(await rejection(arm.replica(registry, 'japaneast'))).to.include({ kind: 'NotFound' });
    const elsewhere = { ...registry, subscriptionId: '99999999-9999-9999-9999-999999999999' };
    expect(await rejection(arm.registry(elsewhere))).to.include({ kind: 'Denied', reason: 'SubscriptionNotFound' });
  });

  it('says that a region does not exist', async () => {
    const error = await rejection(arm.create(registry, 'atlantis', { location: 'atlantis' }));
    expect(error).to.include({ kind: 'Invalid', reason: 'RegionNotAvailable' });
    expect(error.message).to.match(
      /^the region does not exist or offers no container registries: cannot create the replica/,
    );
  });

  it('lists the regions of a subscription that take resources', async () => {
    const locations = (await arm.locations(registry.subscriptionId)).map(({ name }) => name);
    expect(locations).to.include.members(['eastus', 'japaneast', 'westeurope']).and.not.to.include('europe');
    expect(emulator.journal.entries.map(({ method, endpoint }) => `${method} ${endpoint}`)).to.deep.equal([
      'GET locations',
    ]);
  });

  it('reads name, geography and place of a region', async () => {
    const locations = await arm.locations(registry.subscriptionId);
    expect(locations.find(({ name }) => name === 'japaneast')).to.deep.equal({
      name: 'japaneast',
      displayName: 'Japan East',
      geography: 'Japan',
      coordinates: { latitude: 35.68, longitude: 139.77 },
    });
  });

  it('reports a missing right to read the regions', async () => {
    emulator.azure.faults.add({ kind: 'forbidden', actions: ['Microsoft.Resources/subscriptions/locations/read'] });
    const error = await rejection(arm.locations(registry.subscriptionId));
    expect(error).to.include({ kind: 'Denied', reason: 'AuthorizationFailed' });
    expect(error.message).to.contain('Microsoft.Resources/subscriptions/locations/read');
  });

  it('does not retry a 429, and returns its Retry-After', async () => {
    emulator.azure.refuse(() => true, {
      status: 429,
      code: 'SubscriptionRequestsThrottled',
      message: "Number of 'read' requests for subscription 'S' actor 'O' exceeded.",
      headers: { 'retry-after': '17' },
    });
    expect(await rejection(arm.replicas(registry))).to.include({ kind: 'Throttled', retryAfter: 17_000 });
    expect(requests()).to.have.length(1);
  });

  it('does not retry a failure of ARM', async () => {
    emulator.azure.refuse(() => true, { status: 503, code: 'ServerBusy', message: 'later' });
    expect(await rejection(arm.create(registry, 'japaneast', { location: 'japaneast' }))).to.include({
      kind: 'Transient',
    });
    expect(requests()).to.have.length(1);
  });

  it('reports each request once, with its status', async () => {
    await arm.registry(registry);
    await rejection(arm.replica(registry, 'japaneast'));
    expect(reports.map(({ method, status }) => `${method} ${status}`)).to.deep.equal(['GET 200', 'GET 404']);
    for (const { durationMs, correlationId } of reports) {
      expect(durationMs).to.be.above(0);
      expect(correlationId).to.match(/^[0-9a-f-]{36}$/);
    }
  });

  it("returns ARM's id of each write, also with a refusal", async () => {
    emulator.azure.addReplica(registry, 'westeurope');
    const created = await arm.create(registry, 'japaneast', { location: 'japaneast' });
    const updated = await arm.update(registry, 'westeurope', { tags: {} });
    const removed = await arm.remove(registry, 'nosuchreplica');
    const refused = await rejection(
      arm.create({ ...registry, name: 'nosuchregistry' }, 'westus2', { location: 'westus2' }),
    );
    const ids = [created, updated, removed, refused].map(({ correlationId }) => correlationId);
    expect(ids).to.deep.equal(reports.map(({ correlationId }) => correlationId));
    expect(new Set(ids).size).to.equal(4);
  });

  it('reports a wrong secret', async () => {
    const error = await rejection(connect('wrong').registry(registry));
    expect(error).to.include({ kind: 'Denied', reason: 'AuthenticationFailed' });
    expect(error.message).to.contain('AADSTS7000215').and.not.to.contain('wrong');
  });

  async function withEnvironment<T>(env: Readonly<Record<string, string>>, call: () => Promise<T>): Promise<T> {
    const azure = () => Object.keys(process.env).filter((name) => name.startsWith('AZURE_'));
    const before = { ...process.env };
    for (const name of azure()) delete process.env[name];
    Object.assign(process.env, env, { AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
    try {
      return await call();
    } finally {
      for (const name of azure()) delete process.env[name];
      Object.assign(process.env, before);
    }
  }

  it('finds its credential in the environment, and reports in one sentence if there is none', async () => {
    const check = () => checkCredential(defaultCredential(cloud), cloud);
    expect(await withEnvironment(emulator.environment, check)).to.equal(undefined);
    expect(await withEnvironment({}, check)).to.contain('Set AZURE_TENANT_ID');
  });

  it('gets a new token from a credential after a reset, although MSAL caches the old one', async () => {
    await withEnvironment(emulator.environment, async () => {
      const credential = defaultCredential(cloud);
      const token = async () => (await credential.getToken(scopeOf(cloud)))?.token;
      const first = await token();
      expect(await token()).to.equal(first);
      credential.reset?.();
      expect(await token()).not.to.equal(first);
    });
  });

  it("replaces the SDK's credential, which keeps something of each request, after 24 tokens", async () => {
    await withEnvironment(emulator.environment, async () => {
      const credential = defaultCredential(cloud);
      const tokens: (string | undefined)[] = [];
      for (let n = 0; n < 49; n++) tokens.push((await credential.getToken(scopeOf(cloud)))?.token);
      // Each credential caches its first token.
      expect(tokens.map((token) => tokens.indexOf(token))).to.deep.equal([
        ...Array(24).fill(0),
        ...Array(24).fill(24),
        48,
      ]);
    });
  });
});

describe('the ARM client at a server that misbehaves', () => {
  let server: Server;
  let distrust: () => void;
  let cloud: Cloud;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let seen: IncomingMessage[];
  let tokens: number;
  let clock: FakeClock;
  let arm: Arm;

  const credential: TokenCredential = {
    getToken: async () => {
      tokens += 1;
      return { token: `token-${tokens}`, expiresOnTimestamp: clock.now().getTime() + 3_600_000 };
    },
  };

  before(async () => {
    const { cert, key } = await makeLoopbackCertificate('a server that misbehaves');
    distrust = trust(cert);
    // Keeps idle connections: a request on one that is being closed would fail.
    server = createServer({ cert, key, keepAliveTimeout: 60_000 }, (request, response) => {
      seen.push(request);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    cloud = cloudFrom({ AZURE_RESOURCE_MANAGER_ENDPOINT: url, AZURE_AUTHORITY_HOST: url });
  });
  after(async () => {
    distrust();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });

  beforeEach(() => {
    seen = [];
    tokens = 0;
    clock = new FakeClock();
    answer = json(200, { id: '/x', name: 'n', location: 'l', sku: { name: 'Premium' } });
    arm = createArmClient({ credential, cloud, clock, userAgent: 'test/1' });
  });
  afterEach(() => {
    expect(clock.nextIn, 'a timer was left behind').to.equal(undefined);
  });

  function json(status: number, body: unknown, headers: Record<string, string> = {}) {
    return (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
  }

  const everything: Record<string, () => Promise<unknown>> = {
    registry: () => arm.registry(registry),
    replicas: () => arm.replicas(registry),
    replica: () => arm.replica(registry, 'japaneast'),
    create: () => arm.create(registry, 'japaneast', { location: 'japaneast' }),
    update: () => arm.update(registry, 'japaneast', { routing: true }),
    remove: () => arm.remove(registry, 'japaneast'),
    locations: () => arm.locations(registry.subscriptionId),
  };
  const reading = Object.entries(everything).filter(([name]) => name !== 'remove');

  it('sends a new request id and its User-Agent with each request', async () => {
    for (const [name, call] of Object.entries(everything))
      if (name !== 'replicas' && name !== 'locations') await call();
    const ids = seen.map(({ headers }) => headers['x-ms-client-request-id']);
    expect(new Set(ids).size).to.equal(5);
    expect(seen.map(({ headers }) => headers['user-agent'])).to.satisfy((names: string[]) =>
      names.every((name) => name.startsWith('test/1 ')),
    );
  });

  it('ignores a hint that is no number of seconds', async () => {
    const body = { id: '/x', name: 'japaneast', location: 'japaneast' };
    for (const hint of ['soon', '-1', '1e9', 'Sun, 22 Nov 2026 00:00:00 GMT', undefined]) {
      answer = json(201, body, hint === undefined ? {} : { 'retry-after': hint });
      expect(await arm.create(registry, 'japaneast', { location: 'japaneast' })).to.have.all.keys(
        'replica',
        'correlationId',
      );
    }
  });

  it('reads every page of the regions', async () => {
    answer = (request, response) => {
      const isFirst = !request.url?.includes('page=2');
      const nextLink = isFirst ? { nextLink: `${cloud.endpoint}${request.url}&page=2` } : {};
      json(200, { value: [{ name: isFirst ? 'eastus' : 'japaneast' }], ...nextLink })(request, response);
    };
    expect(await arm.locations(registry.subscriptionId)).to.deep.equal([{ name: 'eastus' }, { name: 'japaneast' }]);
    expect(seen).to.have.length(2);
  });

  it('follows no endless list of regions, and none to another origin', async () => {
    const page = (nextLink: string) => json(200, { value: [{ name: 'eastus' }], nextLink });
    answer = (request, response) => page(`${cloud.endpoint}${request.url}`)(request, response);
    const endless = await rejection(arm.locations(registry.subscriptionId));
    expect(endless).to.include({ kind: 'Transient' });
    expect(endless.message).to.contain('goes on after 100 pages');
    seen = [];
    for (const link of ['https://127.0.0.1:1/subscriptions', '/subscriptions', 'file:///etc/passwd', 'x']) {
      answer = page(link);
      expect(await rejection(arm.locations(registry.subscriptionId))).to.include({ kind: 'Transient' });
    }
    expect(seen).to.have.length(4);
  });

  it('reports a list without a region as Transient', async () => {
    answer = json(200, { value: [{ name: 'europe', metadata: { regionType: 'Logical' } }] });
    const error = await rejection(arm.locations(registry.subscriptionId));
    expect(error).to.include({ kind: 'Transient' });
    expect(error.message).to.contain('the list of locations has none');
  });

  it('keeps its connection', async () => {
    let connections = 0;
    const count = () => {
      connections += 1;
    };
    await arm.registry(registry);
    server.on('connection', count);
    for (let i = 0; i < 10; i += 1) await arm.registry(registry);
    server.off('connection', count);
    expect(connections).to.equal(0);
    expect(tokens).to.equal(1);
  });

  for (const [name, call] of Object.entries(everything)) {
    it(`times out ${name} after 30 s without a response`, async () => {
      const asked = once(server, 'request');
      answer = () => {};
      const error = rejection(call());
      await asked;
      await clock.advance(29_999);
      expect(clock.nextIn).to.equal(1);
      await clock.advance(1);
      expect(await error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      expect((await error).message).to.contain('no answer within 30 s');
    });

    it(`keeps the status of a refusal of ${name} that has no body`, async () => {
      answer = json(429, '', { 'retry-after': '3' });
      expect(await rejection(call())).to.include({ kind: 'Throttled', retryAfter: 3_000 });
      answer = json(403, '');
      expect(await rejection(call())).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      answer = json(404, '');
      expect(await rejection(call())).to.include({ kind: 'Transient' });
      expect(seen).to.have.length(3);
    });

    it(`reports a connection that breaks during ${name} as Transient`, async () => {
      answer = (request) => request.socket.destroy();
      expect(await rejection(call())).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      expect(seen).to.have.length(1);
    });
  }

  it('times out after 30 s when a response does not end', async () => {
    const begun = new Promise<void>((resolve) => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"id":', () => resolve());
      };
    });
    const error = rejection(arm.registry(registry));
    await begun;
    await clock.advance(30_000);
    expect(await error).to.include({ kind: 'Transient' });
  });

  it('times out after 30 s without a token', async () => {
    arm = createArmClient({ credential: { getToken: () => new Promise(() => {}) }, cloud, clock });
    const error = rejection(arm.registry(registry));
    await clock.advance(30_000);
    expect(await error).to.include({ kind: 'Transient' });
    expect(seen).to.have.length(0);
  });

  it('checks right before each write, after the token, whether it may be sent (trap 31)', async () => {
    const slow = Promise.withResolvers<AccessToken>();
    let mayWrite = true;
    arm = createArmClient({
      credential: { getToken: () => slow.promise },
      cloud,
      clock,
      beforeWrite() {
        if (!mayWrite) throw new Error('not any more');
      },
    });
    const tried = ['create', 'update', 'remove'].map((name) => rejection(everything[name]?.() ?? Promise.resolve()));
    await settled();
    mayWrite = false; // while the token is waited for
    slow.resolve({ token: 'slow', expiresOnTimestamp: clock.now().getTime() + 3_600_000 });
    for (const error of await Promise.all(tried)) expect(error.message).to.contain('not any more');
    await arm.registry(registry);
    mayWrite = true;
    await everything.create?.();
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET', 'PUT']);
  });

  it('checks again on the open connection, and sends nothing if writes are forbidden meanwhile (trap 31)', async () => {
    let mayWrite = true;
    const beforeWrite = () => {
      if (!mayWrite) throw new Error('not any more');
    };
    arm = createArmClient({ credential, cloud, clock, beforeWrite });
    server.once('connection', () => {
      mayWrite = false; // the handshake is still to come
    });
    const error = await rejection(arm.create(registry, 'japaneast', { location: 'japaneast' }));
    expect(error.message).to.contain('not any more');
    await arm.registry(registry);
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET']);
  });

  it('checks again right before a write on a reused connection (trap 31)', async () => {
    let asked = 0;
    const beforeWrite = () => {
      if (++asked > 1) throw new Error('not any more');
    };
    arm = createArmClient({ credential, cloud, clock, beforeWrite });
    await arm.registry(registry);
    const error = await rejection(arm.create(registry, 'japaneast', { location: 'japaneast' }));
    expect(error.message).to.contain('not any more');
    await arm.registry(registry);
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET', 'GET']);
  });

  it('sends nothing after the deadline when the token comes late', async () => {
    const late = Promise.withResolvers<AccessToken>();
    arm = createArmClient({ credential: { getToken: () => late.promise }, cloud, clock });
    const error = rejection(arm.create(registry, 'japaneast', { location: 'japaneast' }));
    await clock.advance(30_000);
    await error;
    late.resolve({ token: 'late', expiresOnTimestamp: clock.now().getTime() + 3_600_000 });
    await settled();
    await arm.registry(registry);
    expect(seen.map(({ method }) => method)).to.deep.equal(['GET']);
  });

  for (const body of [
    '',
    'null',
    '[]',
    '{}',
    '"text"',
    '{"name":"n"}',
    '{"name":1,"location":2,"sku":{}}',
    '{"half":',
    '<html>',
    '{"value":[null]}',
    '{"value":{}}',
  ]) {
    it(`reports ${body || 'an empty body'} as Transient`, async () => {
      answer = json(200, body);
      for (const [name, call] of reading) {
        expect(await rejection(call()), name).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      }
    });
  }

  it('stops following an endless list', async () => {
    answer = (request, response) =>
      json(200, { value: [], nextLink: `${cloud.endpoint}${request.url}` })(request, response);
    expect(await rejection(arm.replicas(registry))).to.include({ kind: 'Transient' });
    expect(seen.length).to.be.within(50, 200);
  });

  it('follows no redirection with its token', async () => {
    answer = (_, response) => response.writeHead(307, { location: 'https://example.invalid/' }).end();
    expect(await rejection(arm.registry(registry))).to.include({ kind: 'Transient' });
    expect(seen).to.have.length(1);
  });

  it('sends a new token after a 401', async () => {
    answer = json(401, { error: { code: 'ExpiredAuthenticationToken', message: 'expired' } });
    expect(await rejection(arm.registry(registry))).to.include({ kind: 'Transient' });
    answer = json(200, { id: '/x', location: 'l', sku: { name: 'Premium' } });
    await arm.registry(registry);
    expect(seen.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer token-1', 'Bearer token-2']);
  });

  it('keeps each name within its segment of the URL', async () => {
    const hostile = fc.oneof(
      fc.constantFrom('..', '.', '', '%2e%2e', '../..', '..%2f', 'a/b', 'a\\b', 'a?b=c', 'a#b', 'a b', '{a}', '\ud800'),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({ unit: fc.constantFrom(...'./%2ef\\?#;:@&{}') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.tuple(hostile, hostile, hostile, hostile), async (names) => {
        const [subscriptionId, resourceGroup, name, replica] = names;
        seen = [];
        const asked = await arm
          .replica({ subscriptionId, resourceGroup, name }, replica)
          .catch((error: unknown) => error);
        const [request] = seen;
        if (!request) {
          expect(asked).to.include({ kind: 'Invalid', reason: 'InvalidRequest' });
          expect(names.some((name) => /^\.*$/.test(name) || !name.isWellFormed())).to.equal(true);
          return;
        }
        const [path = '', query] = (request.url ?? '').split('?');
        expect(query).to.equal('api-version=2025-11-01');
        expect(path.split('/').map(decodeURIComponent)).to.deep.equal([
          '',
          'subscriptions',
          subscriptionId,
          'resourceGroups',
          resourceGroup,
          'providers',
          'Microsoft.ContainerRegistry',
          'registries',
          name,
          'replications',
          replica,
        ]);
      }),
      propertyRuns(100),
    );
  });
});
