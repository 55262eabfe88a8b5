// Credentials over real sockets to a failing token endpoint: a temporary failure is Transient, a refusal is Denied.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { TokenCredential } from '@azure/core-auth';
import { ClientSecretCredential } from '@azure/identity';
import { expect } from 'chai';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { toArmError } from '../../src/azure/errors.ts';
import { authorityOptions, defaultCredential } from '../../src/azure/identity/credential.ts';
import { federatedCredential } from '../../src/azure/identity/federated-credential.ts';
import { createTokenHttpClient, followed } from '../../src/azure/identity/token-endpoint.ts';
import { makeLoopbackCertificate } from '../emulators/certificate.ts';
import { FakeClock } from '../fake-clock.ts';
import { trust } from '../trust.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const scope = 'https://management.azure.com/.default';
const tenantId = '11111111-1111-1111-1111-111111111111';
const clientId = '44444444-4444-4444-4444-000000000001';

const say =
  (status: number, body: object | string): Answer =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

const troubles: Record<string, Answer> = {
  'a reset': (request) => request.socket.destroy(),
  'a 404': say(404, { error: 'Not found' }),
  'a 429': say(429, { error: 'temporarily_unavailable', error_description: 'AADSTS90055: slow down' }),
  'a 500': say(500, { error: 'server_error' }),
  'a 503 of a gateway': say(503, '<html>busy</html>'),
  'a 403 of a proxy': say(403, '<html>blocked</html>'),
  'a page instead of a token': say(200, '<html>sign in</html>'),
};
const refusals: Record<string, Answer> = {
  'an identity that is not there': say(400, { error: 'invalid_request', error_description: 'Identity not found' }),
  'a wrong secret': say(401, { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret.' }),
};

async function portOf(server: Server | TcpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function failureOf(credential: TokenCredential) {
  return credential.getToken(scope).then(
    () => expect.fail('there was a token'),
    (error: unknown) => toArmError(error, 'read registry myACR0007'),
  );
}

describe('a credential whose token endpoint fails', () => {
  let metadata: Server;
  let authority: Server;
  let answer: Answer;
  let url: string;
  let pem: string;
  let distrust: () => void;
  const environment = { ...process.env };

  /** Serves Entra's tenant metadata, and the test's response to everything else. */
  const answerOrDescribe: Answer = (request, response) => {
    if (!request.url?.includes('.well-known')) return answer(request, response);
    const tenant = `${url}/${tenantId}`;
    say(200, {
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
      authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
      issuer: `${tenant}/v2.0`,
      jwks_uri: `${tenant}/keys`,
    })(request, response);
  };

  before(async () => {
    const { cert, key } = await makeLoopbackCertificate('an authority in trouble');
    pem = cert;
    metadata = createServer((request, response) => answer(request, response));
    authority = createHttpsServer({ cert, key }, answerOrDescribe);
    process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = `http://127.0.0.1:${await portOf(metadata)}`;
    url = `https://127.0.0.1:${await portOf(authority)}`;
  });
  beforeEach(() => {
    distrust = trust(pem);
  });
  afterEach(() => distrust());
  after(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    for (const server of [metadata, authority]) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });

  const cloud = () => cloudFrom({ AZURE_AUTHORITY_HOST: url, AZURE_RESOURCE_MANAGER_ENDPOINT: url });
  const credentials: Record<string, () => TokenCredential> = {
    'a managed identity': () => {
      process.env.AZURE_TOKEN_CREDENTIALS = 'ManagedIdentityCredential';
      return defaultCredential(cloud());
    },
    'a managed identity in a chain': () => {
      process.env.AZURE_TOKEN_CREDENTIALS = 'prod';
      return defaultCredential(cloud());
    },
    'a client secret': () =>
      followed(new ClientSecretCredential(tenantId, clientId, 's3cret', authorityOptions(cloud()))),
    'a federated ServiceAccount': () =>
      federatedCredential(
        { namespace: 'web', name: 'registries' },
        { clientId, tenantId, uid: 'uid-1' },
        { serviceAccounts: { token: async () => ({ token: 'assertion' }) }, cloud: cloud() },
      ),
  };

  for (const [who, create] of Object.entries(credentials)) {
    for (const [what, trouble] of Object.entries(troubles))
      it(`reports ${what} as Transient: ${who}`, async () => {
        answer = trouble;
        const error = await failureOf(create());
        expect(error, error.message).to.include({ kind: 'Transient', reason: 'AzureUnreachable' });
        expect(error.message).to.contain('127.0.0.1');
      });

    for (const [what, refused] of Object.entries(refusals))
      it(`reports ${what} as Denied: ${who}`, async () => {
        answer = refused;
        expect((await failureOf(create())).kind).to.equal('Denied');
      });
  }

  it('names an untrusted certificate and its remedy', async () => {
    distrust();
    // A resumed TLS session of another test would skip the certificate check.
    const options = { ...authorityOptions(cloud()), httpClient: createTokenHttpClient() };
    const untrusting = followed(new ClientSecretCredential(tenantId, clientId, 's3cret', options));
    const { kind, message } = await failureOf(untrusting);
    expect(kind).to.equal('Transient');
    expect(message)
      .to.match(/DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY/)
      .and.to.contain('NODE_EXTRA_CA_CERTS');
  });

  for (const [file, reason] of [
    ['/nowhere/token', 'ENOENT: no such file or directory'],
    [import.meta.dirname, 'EISDIR: illegal operation on a directory, read'],
  ] as const)
    it(`names a token file that cannot be read: ${reason}`, async () => {
      const workload = {
        AZURE_TENANT_ID: tenantId,
        AZURE_CLIENT_ID: clientId,
        AZURE_TOKEN_CREDENTIALS: 'WorkloadIdentityCredential',
        AZURE_FEDERATED_TOKEN_FILE: file,
      };
      Object.assign(process.env, workload);
      const { kind, message } = await failureOf(defaultCredential(cloud()));
      for (const name of Object.keys(workload)) delete process.env[name];
      expect(kind).to.equal('Denied');
      expect(message).to.contain(`(the token file ${file} of AZURE_FEDERATED_TOKEN_FILE cannot be read: ${reason})`);
    });

  it("requests a managed identity's token again after a reset", async () => {
    let asked = 0;
    answer = (request, response) => {
      asked += 1;
      const body = { access_token: `token-${asked}`, expires_in: '86400', resource: scope, token_type: 'Bearer' };
      say(200, { ...body, expires_on: String(Math.floor(Date.now() / 1_000) + 86_400) })(request, response);
    };
    process.env.AZURE_TOKEN_CREDENTIALS = 'ManagedIdentityCredential';
    const credential = defaultCredential(cloud());
    expect(await credential.getToken(scope)).to.include({ token: 'token-1' });
    credential.reset?.();
    expect(await credential.getToken(scope)).to.include({ token: 'token-2' });
  });
});

describe('a token endpoint that accepts connections and never responds', () => {
  it('leaves no socket open after the deadline of the request', async () => {
    const open = new Set<Socket>();
    const mute = createTcpServer((socket) => {
      open.add(socket.resume().on('error', () => undefined));
      socket.once('close', () => open.delete(socket));
    });
    const url = `https://127.0.0.1:${await portOf(mute)}`;
    const clock = new FakeClock();
    const cloud = cloudFrom({ AZURE_AUTHORITY_HOST: url, AZURE_RESOURCE_MANAGER_ENDPOINT: url });
    const options = {
      ...authorityOptions(cloud),
      httpClient: createTokenHttpClient(clock),
      retryOptions: { maxRetries: 0 },
    };
    try {
      const waiting = Array.from({ length: 10 }, () =>
        failureOf(followed(new ClientSecretCredential(tenantId, clientId, 's3cret', options))),
      );
      while (open.size < 10) await once(mute, 'connection');
      await clock.advance(9_000);
      for (const { kind, message } of await Promise.all(waiting)) {
        expect(kind).to.equal('Transient');
        expect(message).to.contain('no answer within 9 s').and.not.to.contain('s3cret');
      }
      for (const socket of open) if (!socket.closed) await once(socket, 'close');
      expect(open.size).to.equal(0);
    } finally {
      for (const socket of open) socket.destroy();
      mute.close();
      await once(mute, 'close');
    }
  });
});
