import { expect } from 'chai';
import type { Arm, ArmError } from '../../../../src/azure/arm.ts';
import { cloudFrom } from '../../../../src/azure/cloud.ts';
import { type Acting, ArmClientPool, maxIdentities } from '../../../../src/azure/identity/arm-client-pool.ts';
import type { Refused } from '../../../../src/azure/identity/federated-credential.ts';
import { RateLimiter } from '../../../../src/azure/rate-limit/rate-limiter.ts';
import { rejection } from '../../../arm-refusal.ts';
import { FakeClock } from '../../../fake-clock.ts';

const subscriptionId = '00000000-0000-0000-0000-000000000000';
const registry = { subscriptionId, resourceGroup: 'images', name: 'myACR0007' };
const tenantId = '11111111-1111-1111-1111-111111111111';
const [one, other] = ['44444444-4444-4444-4444-000000000001', '44444444-4444-4444-4444-000000000002'];
const web = { namespace: 'web', name: 'registries' };
const visitor = { id: 'object', priority: 'user' } as const;

function scene() {
  /** The identities that were connected, in order. */
  const connected: string[] = [];
  /** The identities that read a registry, in order. */
  const asked: string[] = [];
  /** The identities whose connections were given up, in order. */
  const released: string[] = [];
  /** The ServiceAccounts that were read, with the maximum age. */
  const read: string[] = [];
  const clock = new FakeClock();
  const state: { reading: { annotations: Record<string, string>; uid: string } | Refused } = {
    reading: annotatedWith(one),
  };
  const identities = new ArmClientPool({
    own: { getToken: async () => null },
    cloud: cloudFrom({}),
    homeTenant: undefined,
    clock,
    connect(_, whose) {
      const id = `${whose} #${connected.push(whose)}`;
      const arm = {
        async registry() {
          asked.push(id);
          return { id: '', location: 'eastus', sku: 'Premium' };
        },
      };
      return {
        arm: arm as unknown as Arm,
        rateLimiter: new RateLimiter({ now: () => 0 }),
        release: () => released.push(id),
      };
    },
    serviceAccounts: {
      async annotations({ namespace, name }, age) {
        read.push(`${namespace}/${name} ${age}`);
        return state.reading;
      },
      token: async () => ({ refused: 'missing', words: '' }),
    },
  });
  const ask = (acting: Partial<Acting> = {}) =>
    identities.armFor({ account: web, leaving: false, age: 60_000, ...acting }, visitor).registry(registry);
  return { identities, connected, asked, released, read, state, ask, clock };
}

function annotatedWith(clientId: string, uid = 'first') {
  return {
    uid,
    annotations: {
      'azure.workload.identity/client-id': clientId,
      'azure.workload.identity/tenant-id': tenantId,
    },
  };
}

describe('the identity of an object', () => {
  it("is the operator's own without a ServiceAccount, without a request to Kubernetes", async () => {
    const { asked, read, ask } = scene();
    await ask({ account: undefined });
    expect(asked).to.deep.equal(["the operator's identity #1"]);
    expect(read).to.deep.equal([]);
  });

  it('is the client of its ServiceAccount, the same for every object and pass', async () => {
    const { identities, asked, connected, ask } = scene();
    for (const object of ['web/a', 'web/b']) {
      identities.setIdentity(object, web);
      await ask();
    }
    await Promise.all([ask(), ask()]);
    expect(connected).to.have.length(2);
    expect(new Set(asked)).to.deep.equal(new Set(['the identity of ServiceAccount web/registries #2']));
  });

  it('is resolved at the first request, once a pass', async () => {
    const { identities, read } = scene();
    const arm = identities.armFor({ account: web, leaving: false, age: 7 }, visitor);
    expect(read).to.deep.equal([]);
    await Promise.all([arm.registry(registry), arm.registry(registry)]);
    expect(read).to.deep.equal(['web/registries 7']);
  });

  it('changes with the client in the annotations', async () => {
    const { identities, asked, state, ask } = scene();
    identities.setIdentity('web/a', web);
    await ask();
    state.reading = annotatedWith(other);
    await ask();
    expect(asked.map((who) => who.slice(-1))).to.deep.equal(['2', '3']);
  });

  it('changes when the ServiceAccount is deleted and created again: the old token is not used', async () => {
    const { identities, asked, state, ask } = scene();
    identities.setIdentity('web/a', web);
    await ask();
    state.reading = annotatedWith(one, 'second');
    await ask();
    expect(asked.map((who) => who.slice(-1))).to.deep.equal(['2', '3']);
  });

  it('is forgotten after an hour without use', async () => {
    const { identities, connected, ask, clock } = scene();
    const other = { ...web, name: 'other' };
    identities.setIdentity('web/a', web);
    identities.setIdentity('web/b', other);
    await ask();
    await clock.advance(59 * 60_000);
    await ask();
    expect(connected).to.have.length(2);
    await clock.advance(60 * 60_000);
    await ask({ account: other });
    // Now the first is idle; it is connected again when it is needed.
    await ask();
    expect(connected).to.have.length(4);
  });

  it('is one of a bounded number: the least recently used one is dropped', async () => {
    const { identities, connected, ask } = scene();
    const accounts = Array.from({ length: maxIdentities + 1 }, (_, n) => ({ ...web, name: `account-${n}` }));
    for (const account of accounts) {
      identities.setIdentity(`web/${account.name}`, account);
      await ask({ account });
    }
    const before = connected.length;
    await ask({ account: accounts.at(-1) });
    await ask({ account: accounts[1] });
    expect(connected).to.have.length(before);
    await ask({ account: accounts[0] });
    expect(connected).to.have.length(before + 1);
  });

  it('is forgotten with the last object that names it', async () => {
    const { identities, connected, ask } = scene();
    identities.setIdentity('web/a', web);
    identities.setIdentity('web/b', web);
    await ask();
    identities.removeObject('web/a');
    await ask();
    expect(connected).to.have.length(2);
    identities.removeObject('web/b');
    identities.setIdentity('web/c', web);
    await ask();
    expect(connected).to.have.length(3);
  });

  it('is forgotten when the object names another ServiceAccount', async () => {
    const { identities, connected, ask } = scene();
    identities.setIdentity('web/a', web);
    await ask();
    identities.setIdentity('web/a', { ...web, name: 'other' });
    identities.setIdentity('web/a', web);
    await ask();
    expect(connected).to.have.length(3);
  });

  it('is not kept for an object that is deleted meanwhile', async () => {
    const { identities, connected, ask } = scene();
    await ask();
    identities.setIdentity('web/a', web);
    await ask();
    expect(connected).to.have.length(3);
  });

  it('gives up its connections when it is dropped, replaced or not kept, and not before', async () => {
    const { identities, released, state, ask } = scene();
    const numbers = () => released.map((who) => who.slice(-1));
    await ask(); // no object names it: not kept
    expect(numbers()).to.deep.equal(['2']);
    identities.setIdentity('web/a', web);
    await ask();
    await ask();
    expect(numbers()).to.deep.equal(['2']);
    state.reading = annotatedWith(other);
    await ask();
    expect(numbers()).to.deep.equal(['2', '3']);
    identities.removeObject('web/a');
    expect(numbers()).to.deep.equal(['2', '3', '4']);
  });

  it('is missing with its ServiceAccount, but an object that is being deleted may use the last client', async () => {
    const { identities, asked, state, ask } = scene();
    identities.setIdentity('web/a', web);
    state.reading = { refused: 'missing', words: '404' };
    expect(await rejection(ask({ leaving: true }))).to.include({ reason: 'ServiceAccountNotFound' });
    state.reading = annotatedWith(one);
    await ask();
    state.reading = { refused: 'missing', words: '404' };
    expect(await rejection(ask())).to.include({ kind: 'Denied', reason: 'ServiceAccountNotFound' });
    await ask({ leaving: true });
    expect(asked).to.have.length(2);
  });

  it('has a rate limiter of its own: an identity without tokens delays no other', async () => {
    const { identities, ask } = scene();
    const held = await Promise.all(
      Array.from({ length: 60 }, () =>
        ask({ account: undefined }).then(
          () => 'sent',
          ({ kind }: ArmError) => kind,
        ),
      ),
    );
    expect(held).to.include('NotSent');
    identities.setIdentity('web/a', web);
    await ask();
    const levels = identities.levels().filter(({ operation }) => operation === 'reads');
    expect(levels).to.have.length(1);
    expect(levels[0]).to.include({ subscriptionId });
    expect(levels[0]?.waiting).to.be.at.least(1);
  });
});
