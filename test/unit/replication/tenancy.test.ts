import { expect } from 'chai';
import { allowedRegistries, annotation } from '../../../src/api/registryreplication.ts';
import { ArmError, type IdentityReason } from '../../../src/azure/arm.ts';
import type { NamespaceReading } from '../../../src/replication/authorization.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, type ObjectParts } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const minute = 60_000;
const nothingAllowed: NamespaceReading = { annotations: { [allowedRegistries]: '' } };
const unreadable: NamespaceReading = { refused: 'forbidden', words: 'the API server answered 403 Forbidden' };

function scenario(parts: ObjectParts = {}) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, [aReplica('japaneast')]);
  const requests: string[] = [];
  arm.beforeRequest = (request) => void requests.push(request);
  return { clock, arm, requests, operator: new OperatorModel(anObject(parts), arm, clock) };
}

describe('an object that is not authorized', () => {
  for (const [reason, namespace] of [
    ['RegistryNotAllowed', nothingAllowed],
    ['NamespaceUnreadable', unreadable],
  ] as const) {
    for (const mode of ['Manage', 'Observe'] as const) {
      it(`sends no request to Azure in mode ${mode}, reports ${reason}, and is requeued within minutes`, async () => {
        const { operator, requests } = scenario({ spec: { mode } });
        operator.namespaces = { registries: namespace };
        const wait = await operator.pass();
        expect(requests).to.deep.equal([]);
        expect(operator.condition('Ready')).to.include({ status: 'False', reason });
        expect(operator.condition('Stalled')).to.include({ status: 'True', reason });
        expect(wait).to.be.within(minute, 10 * minute);
      });
    }
  }

  it('is reconciled once it is authorized', async () => {
    const { operator, arm } = scenario({ regions: ['westeurope'] });
    operator.namespaces = { registries: nothingAllowed };
    await operator.pass();
    operator.namespaces = {};
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.condition('Stalled')).to.equal(undefined);
    expect(arm.writes[0]).to.equal('create westeurope');
  });

  it('is denied without an identity when the default identity is denied, and is reconciled with one', async () => {
    const { operator, requests } = scenario();
    operator.rules = { defaultIdentity: 'deny', defaultRegistries: 'allow' };
    await operator.pass();
    expect(requests).to.deep.equal([]);
    expect(operator.condition('Ready')).to.include({ reason: 'DefaultIdentityDenied' });
    operator.edit({ identity: { serviceAccountName: 'registries' } });
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ status: 'True' });
  });

  it('does not keep a younger object from acquiring the registry', async () => {
    const { operator } = scenario({ claimed: false });
    const squatter = anObject({ claimed: false });
    Object.assign(squatter.metadata, { name: 'squatter', namespace: 'elsewhere', uid: 'old' });
    squatter.metadata.creationTimestamp = new Date('2020-01-01T00:00:00Z');
    operator.object.metadata.creationTimestamp = new Date('2026-01-01T00:00:00Z');
    operator.otherObjects = [squatter];
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ reason: 'RegistryClaimed' });
    // The squatter's own pass records the denial.
    operator.claims.deny(squatter, true);
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ status: 'True' });
  });

  it('is released immediately when it is deleted, without changing Azure, and reports that', async () => {
    const { operator, arm, requests } = scenario();
    operator.namespaces = { registries: nothingAllowed };
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(true);
    expect(requests).to.deep.equal([]);
    expect(operator.events.map(({ note }) => note).join()).to.contain('its namespace may not name the registry');
    expect(arm.actualReplicas.has('japaneast')).to.equal(true);
  });

  it('is kept when it is deleted while its authorization is unknown, and tells the user how to detach it', async () => {
    const { operator } = scenario();
    operator.namespaces = { registries: unreadable };
    operator.delete();
    const wait = await operator.pass();
    expect(operator.isGone).to.equal(false);
    expect(wait).to.be.at.least(minute);
    expect(operator.condition('Ready')?.message).to.contain(`${annotation.forceDetach}=true`);
  });
});

describe('an object whose identity yields no token', () => {
  const reasons: IdentityReason[] = [
    'ServiceAccountNotFound',
    'ServiceAccountNotAnnotated',
    'TokenRequestDenied',
    'TokenExchangeRefused',
  ];
  for (const reason of reasons) {
    it(`reports ${reason}, tells the user on deletion how to detach it, and retries at most once a minute`, async () => {
      const { operator, arm } = scenario();
      arm.beforeRequest = () => {
        throw new ArmError('Denied', reason, 'there is no token');
      };
      await operator.pass();
      expect(operator.condition('Stalled')).to.include({ reason, message: 'there is no token' });
      operator.delete();
      for (let n = 0; n < 5; n++) expect(await operator.pass()).to.be.at.least(minute);
      expect(operator.isGone).to.equal(false);
      expect(operator.condition('Ready')?.message).to.contain(`${annotation.forceDetach}=true`);
      operator.object.metadata.annotations = { [annotation.forceDetach]: 'true' };
      await operator.pass();
      expect(operator.isGone).to.equal(true);
    });
  }
});
