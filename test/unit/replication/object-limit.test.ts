import { expect } from 'chai';
import { finalizer } from '../../../src/api/registryreplication.ts';
import type { Arm } from '../../../src/azure/arm.ts';
import { admissionHistory } from '../../../src/replication/unobserved-status.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const untouched = new Proxy({} as Arm, {
  get: () => {
    throw new Error('Azure was asked');
  },
});

describe('an object over --max-objects', () => {
  async function refused(parts: Parameters<typeof anObject>[0] = {}) {
    const clock = new FakeClock();
    const arm = new ArmModel(clock, [aReplica(home)]);
    const operator = new OperatorModel(anObject({ claimed: false, ...parts }), arm, clock);
    operator.armFor = () => untouched;
    operator.overLimit = () => 2;
    expect(await operator.pass()).to.equal(undefined);
    operator.armFor = () => arm;
    return operator;
  }

  it('is refused, without a claim or a finalizer, and does nothing until it is taken in', async () => {
    const operator = await refused();
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'TooManyObjects' });
    expect(operator.condition('Ready')?.message).to.contain('at most 2 objects (--max-objects)');
    expect(operator.status.claim).to.equal(undefined);
    expect(operator.object.metadata.finalizers).to.equal(undefined);
    expect(operator.reasons).to.deep.equal(['Stalled']);
  });

  it('is known as refused by its status until it is edited or deleted, and as worked on once it was taken in', async () => {
    const operator = await refused();
    const history = () => admissionHistory(operator.object);
    expect(history()).to.deep.equal({ isIncumbent: false, isReported: true });
    operator.edit({ regions: [{ location: 'uksouth' }] });
    expect(history()).to.deep.equal({ isIncumbent: false, isReported: false });
    operator.overLimit = () => undefined;
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(history()).to.deep.equal({ isIncumbent: true, isReported: false });
  });

  it('is worked on by its status also where it is suspended when it is taken in', async () => {
    const operator = await refused({ spec: { suspend: true } });
    operator.overLimit = () => undefined;
    await operator.pass();
    expect(operator.condition('Ready')).to.deep.include({ status: 'Unknown', reason: 'Suspended' });
    expect(admissionHistory(operator.object).isIncumbent).to.equal(true);
  });

  it('is new to the operator where its status says nothing', () => {
    const { metadata, spec } = anObject();
    expect(admissionHistory({ metadata, spec })).to.deep.equal({ isIncumbent: false, isReported: false });
    expect(
      admissionHistory({ metadata, spec, status: { claim: { since: '2026-01-01T00:00:00Z' } } }).isIncumbent,
    ).to.equal(true);
  });

  it('is let go without a request to Azure when it is deleted', async () => {
    const operator = await refused();
    operator.armFor = () => untouched;
    operator.object = { ...operator.object, metadata: { ...operator.object.metadata, finalizers: [finalizer] } };
    operator.delete();
    expect(operator.isGone).to.equal(false);
    await operator.pass();
    expect(operator.isGone).to.equal(true);
  });
});
