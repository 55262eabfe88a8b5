import { expect } from 'chai';
import { annotation } from '../../../src/api/registryreplication.ts';
import { urgencyOf } from '../../../src/replication/urgency.ts';
import { anObject, aStatus } from './world.ts';

const todo = [{ action: 'create' as const, location: 'japaneast', message: 'create replica japaneast' }];

describe('who goes first where the budget is short', () => {
  it('is nobody whose object is as asked, or only on its way', () => {
    expect(urgencyOf(anObject({ status: aStatus([{}]) }))).to.equal('upkeep');
    expect(urgencyOf(anObject({ status: aStatus([{ state: 'Creating' }], { plan: [] }) }))).to.equal('upkeep');
  });

  it('is a person who has created, edited or deleted an object, or asked for a look', () => {
    const status = aStatus([{}]);
    expect(urgencyOf(anObject())).to.equal('edit');
    expect(urgencyOf(anObject({ status, generation: 2 }))).to.equal('edit');
    expect(urgencyOf(anObject({ status, deleting: true }))).to.equal('edit');
    expect(urgencyOf(anObject({ status, annotations: { [annotation.reconcileRequestedAt]: 'now' } }))).to.equal('edit');
  });

  it('is a person until what was asked for has been sent to Azure, unless the object only observes', () => {
    const status = aStatus([{}], { plan: todo });
    expect(urgencyOf(anObject({ status }))).to.equal('edit');
    expect(urgencyOf(anObject({ status, spec: { mode: 'Observe' } }))).to.equal('upkeep');
  });
});
