// Requests to ARM and Entra through a CONNECT proxy on loopback, which refuses, stalls and breaks off as proxies do.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { TokenCredential } from '@azure/core-auth';
import { ClientSecretCredential } from '@azure/identity';
import { expect } from 'chai';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { toArmError } from '../../src/azure/errors.ts';
import { authorityOptions, defaultCredential } from '../../src/azure/identity/credential.ts';
import { federatedCredential } from '../../src/azure/identity/federated-credential.ts';
import { createTokenHttpClient, followed } from '../../src/azure/identity/token-endpoint.ts';
import { rejection } from '../arm-refusal.ts';
import { ConnectProxy } from '../connect-proxy.ts';
import { type Certificate, makeLoopbackCertificate } from '../emulators/certificate.ts';
import { FakeClock } from '../fake-clock.ts';
import { trust } from '../trust.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'mygroup',
  name: 'myACR0007',
};
const tenantId = '11111111-1111-1111-1111-111111111111';
const clientId = '44444444-4444-4444-4444-000000000001';
const arm = 'management.azure.test:443';
const entra = 'login.azure.test:443';
const cloud = cloudFrom({
  AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://management.azure.test',
  AZURE_AUTHORITY_HOST: 'https://login.azure.test',
});
const scope = 'https://management.azure.com/.default';

/** An Entra and an ARM that answer everything. */
function azureAt(certificate: Certificate): Server {
  const tenant = `https://login.azure.test/${tenantId}`;
  const metadata = {
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    issuer: `${tenant}/v2.0`,
    jwks_uri: `${tenant}/keys`,
  };
  const registryBody = { id: '/x', location: 'eastus', sku: { name: 'Premium' } };
  const token = { access_token: 'a-token', expires_in: 3600, token_type: 'Bearer' };
  return createServer(certificate, ({ url = '', headers }, response) => {
    const body = url.includes('.well-known') ? metadata : url.includes('/token') ? token : registryBody;
    if (headers['proxy-authorization']) response.statusCode = 500;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
}

async function listening(server: Server | TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('requests to Azure through a proxy', () => {
  const environment = { ...process.env };
  let certificate: Certificate;
  let azure: Server;
  let targets: Record<string, string>;
  let proxy: ConnectProxy;
  let distrust: () => void;
  let clock: FakeClock;

  before(async () => {
    certificate = await makeLoopbackCertificate('Azure', ['management.azure.test', 'login.azure.test']);
    distrust = trust(certificate.cert);
    azure = azureAt(certificate);
    const url = `https://${await listening(azure)}`;
    targets = { [arm]: url, [entra]: url };
  });
  after(async () => {
    distrust();
    azure.closeAllConnections();
    azure.close();
    await once(azure, 'close');
  });
  beforeEach(async () => {
    clock = new FakeClock();
    proxy = await ConnectProxy.start({ targets });
    process.env.HTTPS_PROXY = proxy.url();
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    await proxy.close();
  });

  const credential: TokenCredential = {
    getToken: async () => ({ token: 'secret', expiresOnTimestamp: Date.now() * 2 }),
  };
  const connect = () => createArmClient({ credential, cloud, clock });

  it('reuse their tunnel', async () => {
    const client = connect();
    for (let count = 0; count < 3; count += 1)
      expect(await client.registry(registry)).to.include({ location: 'eastus' });
    expect(proxy.requests).to.deep.equal([arm]);
    client.close();
    await proxy.emptied();
  });

  it('send user and password to the proxy only', async () => {
    const protectedProxy = await ConnectProxy.start({ targets, credentials: 'me:p@ss/word' });
    try {
      process.env.HTTPS_PROXY = protectedProxy.url('me:p%40ss%2Fword');
      const client = connect();
      expect(await client.registry(registry)).to.include({ location: 'eastus' });
      client.close();
    } finally {
      await protectedProxy.close();
    }
  });

  it('verify the certificate of a proxy that is itself reached over TLS', async () => {
    const secure = await ConnectProxy.start({ targets, certificate: await makeLoopbackCertificate('proxy') });
    const trusted = await ConnectProxy.start({ targets, certificate });
    try {
      process.env.HTTPS_PROXY = secure.url();
      const { message } = await rejection(connect().registry(registry));
      expect(message).to.contain(`the proxy ${secure.address} gave no connection to ${arm}`);
      expect(message).to.contain('NODE_EXTRA_CA_CERTS');
      process.env.HTTPS_PROXY = trusted.url();
      const client = connect();
      expect(await client.registry(registry)).to.include({ location: 'eastus' });
      expect(await client.registry(registry)).to.include({ location: 'eastus' });
      expect(trusted.requests).to.deep.equal([arm]);
      client.close();
      await trusted.emptied();
      await secure.emptied();
    } finally {
      await Promise.all([secure.close(), trusted.close()]);
    }
  });

  it('name the remedy if the proxy replaces certificates and its CA is not trusted', async () => {
    const replaced = await makeLoopbackCertificate('inspecting proxy', ['management.azure.test']);
    const inspector = azureAt(replaced);
    proxy.targets[arm] = `https://${await listening(inspector)}`;
    const { kind, message } = await rejection(connect().registry(registry));
    inspector.closeAllConnections();
    inspector.close();
    await once(inspector, 'close');
    expect(kind).to.equal('Transient');
    expect(message).to.contain('name a private CA with NODE_EXTRA_CA_CERTS');
  });

  for (const [behaviour, words] of [
    [
      407,
      'answered 407 Proxy Authentication Required to CONNECT management.azure.test:443 (check the user and password in HTTPS_PROXY)',
    ],
    [502, 'answered 502 Bad Gateway to CONNECT management.azure.test:443'],
    [403, 'answered 403 Forbidden to CONNECT management.azure.test:443 (it must allow this)'],
    ['close', 'gave no connection to management.azure.test:443: socket hang up'],
  ] as const)
    it(`say what the proxy did, without its password: ${behaviour}`, async () => {
      proxy.behaviour = behaviour;
      process.env.HTTPS_PROXY = proxy.url('me:hunter2');
      const error = await rejection(connect().create(registry, 'japaneast', { location: 'japaneast' }));
      expect(error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      expect(error.message).to.contain(`the proxy ${proxy.address} ${words}`).and.not.to.contain('hunter2');
      await proxy.emptied();
      expect(proxy.requests).to.deep.equal([arm]);
    });

  it('say that the proxy has no user and password', async () => {
    proxy.behaviour = 407;
    const { message } = await rejection(connect().registry(registry));
    expect(message)
      .to.contain('407 Proxy Authentication Required')
      .and.to.contain('HTTPS_PROXY has no user and password');
  });

  it('say that the proxy refuses connections', async () => {
    const { address } = proxy;
    await proxy.close();
    const { message } = await rejection(connect().registry(registry));
    expect(message).to.contain(`the proxy ${address} gave no connection to ${arm}: connect ECONNREFUSED`);
    proxy = await ConnectProxy.start();
  });

  it('leave no socket behind when the proxy stalls', async () => {
    proxy.behaviour = 'stall';
    const client = connect();
    const asked = Array.from({ length: 20 }, () => rejection(client.registry(registry)));
    await proxy.opened(20);
    await clock.advance(8_000);
    for (const { kind, message } of await Promise.all(asked)) {
      expect(kind).to.equal('Transient');
      expect(message).to.contain(`the proxy ${proxy.address} did not connect to ${arm} within 8 s`);
    }
    await proxy.emptied();
  });

  for (const scheme of ['http', 'https'])
    it(`leave no socket behind when the server behind the proxy never finishes the TLS handshake: ${scheme}`, async () => {
      const mute = createTcpServer((socket) => {
        socket.on('error', () => undefined).once('data', () => mute.emit('hello'));
      });
      const url = `tcp://${await listening(mute)}`;
      const via = await ConnectProxy.start({ targets: { [arm]: url }, ...(scheme === 'https' && { certificate }) });
      process.env.HTTPS_PROXY = via.url();
      const client = connect();
      const asked = Array.from({ length: 5 }, () => rejection(client.registry(registry)));
      // Their first message of TLS shows that the clients know of their tunnels.
      for (let count = 0; count < 5; count += 1) await once(mute, 'hello');
      await clock.advance(30_000);
      for (const { kind, message } of await Promise.all(asked)) {
        expect(kind).to.equal('Transient');
        expect(message).to.contain('no answer within 30 s');
      }
      await via.emptied();
      await via.close();
      mute.close();
      await once(mute, 'close');
    });

  it('leave no socket behind when they are aborted while the proxy stalls', async () => {
    proxy.behaviour = 'stall';
    const client = connect();
    const asked = rejection(client.registry(registry));
    await proxy.asked(arm);
    client.close();
    expect(await asked).to.include({ kind: 'Transient' });
    await proxy.emptied();
  });

  const credentials: Record<string, () => TokenCredential> = {
    'a client secret': () =>
      followed(new ClientSecretCredential(tenantId, clientId, 's3cret', authorityOptions(cloud))),
    'a federated ServiceAccount': () =>
      federatedCredential(
        { namespace: 'web', name: 'registries' },
        { clientId, tenantId, uid: 'uid-1' },
        { serviceAccounts: { token: async () => ({ token: 'assertion' }) }, cloud },
      ),
    'workload identity': () => {
      process.env.AZURE_TOKEN_CREDENTIALS = 'WorkloadIdentityCredential';
      process.env.AZURE_TENANT_ID = tenantId;
      process.env.AZURE_CLIENT_ID = clientId;
      process.env.AZURE_FEDERATED_TOKEN_FILE = new URL(import.meta.url).pathname;
      return defaultCredential(cloud);
    },
  };
  for (const [who, create] of Object.entries(credentials)) {
    it(`get a token through it: ${who}`, async () => {
      expect(await create().getToken(scope)).to.include({ token: 'a-token' });
      expect(new Set(proxy.requests)).to.deep.equal(new Set([entra]));
      await proxy.emptied();
    });

    it(`say why there is no token: ${who}`, async () => {
      proxy.behaviour = 407;
      const error = await create()
        .getToken(scope)
        .then(
          () => expect.fail('there was a token'),
          (error: unknown) => toArmError(error),
        );
      expect(error).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
      // The cause comes first: kubectl shows the first 160 characters.
      expect(error.message).to.match(/^the proxy 127\.0\.0\.1:\d+ answered 407 Proxy .*: cannot .* yet$/);
      await proxy.emptied();
    });
  }

  it('give up on a proxy that stalls before the token request does', async () => {
    proxy.behaviour = 'stall';
    const options = { ...authorityOptions(cloud), httpClient: createTokenHttpClient(clock) };
    const asked = followed(new ClientSecretCredential(tenantId, clientId, 's3cret', options))
      .getToken(scope)
      .then(() => expect.fail('there was a token'), toArmError);
    await proxy.asked(entra);
    await clock.advance(8_000);
    expect((await asked).message).to.contain(`the proxy ${proxy.address} did not connect to ${entra} within 8 s`);
    await proxy.emptied();
  });
});
