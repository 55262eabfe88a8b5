import { expect } from 'chai';
import { annotation } from '../../../src/api/registryreplication.ts';
import { priorityOf, writesAhead } from '../../../src/operator/request-priority.ts';
import { anObject, aStatus, now } from '../replication/fixtures.ts';

const plannedCreation = [{ action: 'create' as const, location: 'japaneast', message: 'create replica japaneast' }];

describe('the priority of requests under a short rate limit', () => {
  it('is background for an object that is in sync or in progress', () => {
    expect(priorityOf(anObject({ status: aStatus([{}]) }))).to.equal('background');
    expect(priorityOf(anObject({ status: aStatus([{ state: 'Creating' }], { plan: [] }) }))).to.equal('background');
  });

  it('is user for a new, edited or deleted object, and for a reconcile request', () => {
    const status = aStatus([{}]);
    expect(priorityOf(anObject())).to.equal('user');
    expect(priorityOf(anObject({ status, generation: 2 }))).to.equal('user');
    expect(priorityOf(anObject({ status, deleting: true }))).to.equal('user');
    expect(priorityOf(anObject({ status, annotations: { [annotation.reconcileRequestedAt]: 'now' } }))).to.equal(
      'user',
    );
  });

  it('is user until all planned writes have been sent to Azure, except in mode Observe', () => {
    const status = aStatus([{}], { plan: plannedCreation });
    expect(priorityOf(anObject({ status }))).to.equal('user');
    expect(priorityOf(anObject({ status, spec: { mode: 'Observe' } }))).to.equal('background');
  });
});

describe('the expected writes of the next pass', () => {
  const remove = { action: 'delete' as const, location: 'westus2', message: 'delete replica westus2' };
  const planned = (plan: object[], parts: object = {}) =>
    anObject({ status: aStatus([{}], { plan: plan as typeof plannedCreation }), ...parts });

  it('are the steps of the stored plan that are not held', () => {
    expect(writesAhead(planned([...plannedCreation, remove]), now)).to.deep.equal(['writes', 'deletes']);
    expect(writesAhead(planned([{ ...remove, waitsFor: 'japaneast' }]), now)).to.deep.equal([]);
    expect(writesAhead(planned([{ ...remove, notBefore: '2099-01-01T00:00:00Z' }]), now)).to.deep.equal([]);
  });

  it('are none after an edit and none in mode Observe', () => {
    expect(writesAhead(planned(plannedCreation, { generation: 2 }), now)).to.deep.equal([]);
    expect(writesAhead(planned(plannedCreation, { spec: { mode: 'Observe' } }), now)).to.deep.equal([]);
  });
});
