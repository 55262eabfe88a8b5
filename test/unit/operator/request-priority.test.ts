import { expect } from 'chai';
import { annotation } from '../../../src/api/registryreplication.ts';
import { priorityOf, writesAhead } from '../../../src/operator/request-priority.ts';
import { anObject, aStatus, now } from '../replication/fixtures.ts';

const todo = [{ action: 'create' as const, location: 'japaneast', message: 'create replica japaneast' }];

describe('who goes first where the budget is short', () => {
  it('is background for an object that is in sync or in progress', () => {
    expect(priorityOf(anObject({ status: aStatus([{}]) }))).to.equal('background');
    expect(priorityOf(anObject({ status: aStatus([{ state: 'Creating' }], { plan: [] }) }))).to.equal('background');
  });

  it('is a person who has created, edited or deleted an object, or asked for a look', () => {
    const status = aStatus([{}]);
    expect(priorityOf(anObject())).to.equal('user');
    expect(priorityOf(anObject({ status, generation: 2 }))).to.equal('user');
    expect(priorityOf(anObject({ status, deleting: true }))).to.equal('user');
    expect(priorityOf(anObject({ status, annotations: { [annotation.reconcileRequestedAt]: 'now' } }))).to.equal(
      'user',
    );
  });

  it('is a person until what was asked for has been sent to Azure, unless the object only observes', () => {
    const status = aStatus([{}], { plan: todo });
    expect(priorityOf(anObject({ status }))).to.equal('user');
    expect(priorityOf(anObject({ status, spec: { mode: 'Observe' } }))).to.equal('background');
  });
});

describe('the writes that the next pass will probably ask for', () => {
  const remove = { action: 'delete' as const, location: 'westus2', message: 'delete replica westus2' };
  const planned = (plan: object[], parts: object = {}) =>
    anObject({ status: aStatus([{}], { plan: plan as typeof todo }), ...parts });

  it('are those of the stored plan that nothing holds back', () => {
    expect(writesAhead(planned([...todo, remove]), now)).to.deep.equal(['writes', 'deletes']);
    expect(writesAhead(planned([{ ...remove, waitsFor: 'japaneast' }]), now)).to.deep.equal([]);
    expect(writesAhead(planned([{ ...remove, notBefore: '2099-01-01T00:00:00Z' }]), now)).to.deep.equal([]);
  });

  it('are unknown after an edit, and none in mode Observe', () => {
    expect(writesAhead(planned(todo, { generation: 2 }), now)).to.deep.equal([]);
    expect(writesAhead(planned(todo, { spec: { mode: 'Observe' } }), now)).to.deep.equal([]);
  });
});
