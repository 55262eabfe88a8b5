import { expect } from 'chai';
import { type Cloud, cloudFrom, scopeOf } from '../../src/azure/cloud.ts';
import {
  federatedCredential,
  type Refused,
  resolveClient,
  type ServiceAccountName,
} from '../../src/azure/identity/federated-credential.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { rejection } from '../arm-refusal.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import { TokenIssuer } from '../emulators/kubernetes/token-issuer.ts';
import { trust } from '../trust.ts';

const account: ServiceAccountName = { namespace: 'web', name: 'registries' };
const client = {
  clientId: '44444444-4444-4444-4444-444444444444',
  tenantId: '11111111-1111-1111-1111-111111111111',
  uid: 'c0ffee',
};
const issuer = 'https://kubernetes.default.svc.cluster.local';
const audience = 'api://AzureADTokenExchange';
const subject = 'system:serviceaccount:web:registries';

describe('the client of a ServiceAccount', () => {
  const clientId = 'azure.workload.identity/client-id';
  const tenant = 'azure.workload.identity/tenant-id';
  const read = (annotations: Record<string, string>, homeTenant?: string) =>
    resolveClient(account, {
      serviceAccounts: { annotations: async () => ({ annotations, uid: client.uid }) },
      age: 0,
      homeTenant,
    });

  it('is read from its annotations', async () => {
    const annotations = { [clientId]: ` ${client.clientId.toUpperCase()} `, [tenant]: client.tenantId };
    expect(await read(annotations)).to.deep.equal(client);
  });

  it("is in the operator's tenant by default", async () => {
    expect(await read({ [clientId]: client.clientId }, client.tenantId)).to.deep.equal(client);
    const error = await rejection(read({ [clientId]: client.clientId }));
    expect(error).to.include({ kind: 'Denied', reason: 'ServiceAccountNotAnnotated' });
    expect(error.message).to.contain(`annotation ${tenant} of ServiceAccount web/registries is not set`);
  });

  for (const hostile of [
    '',
    'common',
    '../../evil',
    'evil.example/x',
    `${client.tenantId}/..`,
    `x\n${client.tenantId}`,
  ])
    it(`is not ${JSON.stringify(hostile)}: only an id is put into the URL of a token request`, async () => {
      const error = await rejection(read({ [clientId]: client.clientId, [tenant]: hostile }));
      expect(error).to.include({ reason: 'ServiceAccountNotAnnotated' });
      expect(error.message).not.to.contain('\n');
    });

  for (const [refused, reason, words] of [
    ['missing', 'ServiceAccountNotFound', 'kubectl create serviceaccount -n web registries'],
    ['terminating', 'TokenRequestDenied', 'namespace web is being deleted'],
    ['forbidden', 'TokenRequestDenied', 'the Role and the RoleBinding of deploy/identity in namespace web'],
  ] as const)
    it(`is unknown if the ServiceAccount is ${refused}: ${reason}`, async () => {
      const annotations = async (): Promise<Refused> => ({ refused, words: 'so it is' });
      const error = await rejection(
        resolveClient(account, { serviceAccounts: { annotations }, age: 0, homeTenant: undefined }),
      );
      expect(error).to.include({ kind: 'Denied', reason });
      expect(error.message).to.contain(words);
    });

  it('is temporarily unknown while the API server does not answer', async () => {
    const annotations = () => Promise.reject(new Error('no answer'));
    const error = await rejection(
      resolveClient(account, { serviceAccounts: { annotations }, age: 0, homeTenant: undefined }),
    );
    expect(error).to.include({ kind: 'Transient' });
    expect(error.message).to.match(/^the API server does not answer about ServiceAccount web\/registries.*no answer/);
  });
});

describe('the token of the client of a ServiceAccount', () => {
  let emulator: ArmEmulator;
  let cloud: Cloud;
  let given: string[];
  let asked: string[];
  let distrust: () => void;

  before(async () => {
    emulator = await startArmEmulator();
    cloud = cloudFrom(emulator.environment);
    distrust = trust(emulator.certificate);
  });
  after(async () => {
    distrust();
    await emulator.close();
  });
  beforeEach(() => {
    emulator.register(client.clientId, [{ issuer, subject, audience }]);
    given = [];
    asked = [];
  });

  /** Serves tokens as a cluster does; `shown` is the token's ServiceAccount. */
  function credential({ of = client, shown = account, at = cloud } = {}) {
    const tokens = new TokenIssuer(systemClock);
    const metadata = { ...shown, uid: 'u', resourceVersion: '1', creationTimestamp: '' };
    const serviceAccounts = {
      async token(_: ServiceAccountName, audience: string) {
        asked.push(audience);
        const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
        const { status } = tokens.answer(object, { spec: { audiences: [audience], expirationSeconds: 600 } });
        const { token } = status as { token: string };
        given.push(token);
        return { token };
      },
    };
    return federatedCredential(account, of, { serviceAccounts, cloud: at });
  }

  it('is exchanged for a new token with the audience of Entra each time', async () => {
    const exchange = credential();
    for (const _ of [1, 2]) {
      const answer = await exchange.getToken(scopeOf(cloud));
      const claims = JSON.parse(Buffer.from(answer?.token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).to.include({ appid: client.clientId, tid: client.tenantId });
    }
    expect(asked).to.deep.equal([audience, audience]);
  });

  const refusals: [what: string, federated: { issuer: string; subject: string; audience: string }, code: string][] = [
    ['issuer', { issuer: 'https://other', subject, audience }, 'AADSTS700211'],
    ['subject', { issuer, subject: 'system:serviceaccount:api:registries', audience }, 'AADSTS700213'],
    ['audience', { issuer, subject, audience: 'api://other' }, 'AADSTS700212'],
  ];
  for (const [what, federated, code] of refusals)
    it(`is refused for another ${what}, with Entra's message and the remedy, but without the token`, async () => {
      emulator.register(client.clientId, [federated]);
      const error = await rejection(Promise.resolve(credential().getToken(scopeOf(cloud))));
      expect(error).to.include({ kind: 'Denied', reason: 'TokenExchangeRefused' });
      expect(error.message)
        .to.contain(code)
        .and.contain(`issuer ${issuer}, subject ${subject} and audience ${audience}`);
      expect(error.message).not.to.match(/Trace ID|Correlation ID|Timestamp/);
      for (const token of given) expect(error.message).not.to.contain(token);
    });

  it('is refused for a ServiceAccount of another namespace', async () => {
    const stolen = credential({ shown: { namespace: 'api', name: 'registries' } });
    const error = await rejection(Promise.resolve(stolen.getToken(scopeOf(cloud))));
    expect(error).to.include({ reason: 'TokenExchangeRefused' });
    expect(error.message).to.contain('AADSTS700213');
  });

  it('is refused for an application that does not exist', async () => {
    const of = { ...client, clientId: '55555555-5555-5555-5555-555555555555' };
    const error = await rejection(Promise.resolve(credential({ of }).getToken(scopeOf(cloud))));
    expect(error).to.include({ reason: 'TokenExchangeRefused' });
    expect(error.message).to.contain('AADSTS700016');
  });

  it('is requested again if the tenant is unknown or the endpoint does not answer, and the message says what to check', async () => {
    const nowhere = { ...cloud, authority: 'https://127.0.0.1:1' };
    const strange = { ...client, tenantId: '66666666-6666-6666-6666-666666666666' };
    for (const exchange of [credential({ at: nowhere }), credential({ of: strange })]) {
      const error = await rejection(Promise.resolve(exchange.getToken(scopeOf(cloud))));
      expect(error).to.include({ kind: 'Transient' });
      expect(error.message).to.contain('check azure.workload.identity/tenant-id and the network');
    }
  });
});
