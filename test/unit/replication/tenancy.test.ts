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

function scene(parts: ObjectParts = {}) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, [aReplica('japaneast')]);
  const requests: string[] = [];
  arm.before = (request) => void requests.push(request);
  return { clock, arm, requests, operator: new OperatorModel(anObject(parts), arm, clock) };
}

describe('an object that may not act', () => {
  for (const [why, namespace] of [
    ['RegistryNotAllowed', nothingAllowed],
    ['NamespaceUnreadable', unreadable],
  ] as const) {
    for (const mode of ['Manage', 'Observe'] as const) {
      it(`asks Azure nothing in mode ${mode}, says ${why}, and is looked at again within minutes`, async () => {
        const { operator, requests } = scene({ spec: { mode } });
        operator.namespaces = { registries: namespace };
        const wait = await operator.pass();
        expect(requests).to.deep.equal([]);
        expect(operator.condition('Ready')).to.include({ status: 'False', reason: why });
        expect(operator.condition('Stalled')).to.include({ status: 'True', reason: why });
        expect(wait).to.be.within(minute, 10 * minute);
      });
    }
  }

  it('acts once it may', async () => {
    const { operator, arm } = scene({ regions: ['westeurope'] });
    operator.namespaces = { registries: nothingAllowed };
    await operator.pass();
    operator.namespaces = {};
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.condition('Stalled')).to.equal(undefined);
    expect(arm.writes[0]).to.equal('create westeurope');
  });

  it('without an identity is refused where the operator lends none, and acts with one', async () => {
    const { operator, requests } = scene();
    operator.rules = { defaultIdentity: 'deny', defaultRegistries: 'allow' };
    await operator.pass();
    expect(requests).to.deep.equal([]);
    expect(operator.condition('Ready')).to.include({ reason: 'DefaultIdentityDenied' });
    operator.edit({ identity: { serviceAccountName: 'registries' } });
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ status: 'True' });
  });

  it('keeps no other object from the registry, however old it is', async () => {
    const { operator } = scene({ held: false });
    const squatter = anObject({ held: false });
    Object.assign(squatter.metadata, { name: 'squatter', namespace: 'elsewhere', uid: 'old' });
    squatter.metadata.creationTimestamp = new Date('2020-01-01T00:00:00Z');
    operator.object.metadata.creationTimestamp = new Date('2026-01-01T00:00:00Z');
    operator.others = [squatter];
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ reason: 'RegistryClaimed' });
    // Its own pass has found that.
    operator.claims.deny(squatter, true);
    await operator.pass();
    expect(operator.condition('Ready')).to.include({ status: 'True' });
  });

  it('goes at once when it is deleted, leaves Azure as it is, and says so', async () => {
    const { operator, arm, requests } = scene();
    operator.namespaces = { registries: nothingAllowed };
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(true);
    expect(requests).to.deep.equal([]);
    expect(operator.happenings.map(({ note }) => note).join()).to.contain('its namespace may not name the registry');
    expect(arm.truth.has('japaneast')).to.equal(true);
  });

  it('stays when it is deleted while its authorization is unknown, and says how to let it go', async () => {
    const { operator } = scene();
    operator.namespaces = { registries: unreadable };
    operator.delete();
    const wait = await operator.pass();
    expect(operator.isGone).to.equal(false);
    expect(wait).to.be.at.least(minute);
    expect(operator.condition('Ready')?.message).to.contain(`${annotation.forceDetach}=true`);
  });
});

describe('an object whose identity gives no token', () => {
  const reasons: IdentityReason[] = [
    'ServiceAccountNotFound',
    'ServiceAccountNotAnnotated',
    'TokenRequestDenied',
    'TokenExchangeRefused',
  ];
  for (const reason of reasons) {
    it(`says ${reason}, and when it is deleted how to let it go, without ever hurrying`, async () => {
      const { operator, arm } = scene();
      arm.before = () => {
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
