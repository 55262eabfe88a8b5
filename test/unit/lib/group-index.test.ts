import { expect } from 'chai';
import { GroupIndex } from '../../../src/lib/group-index.ts';

describe('groups', () => {
  it('find their members, in the order of their coming', () => {
    const groups = new GroupIndex();
    for (const member of ['b', 'a', 'b']) groups.assign(member, 'one');
    expect(groups.membersOf('one')).to.deep.equal(['b', 'a']);
    expect(groups.membersOf('other')).to.deep.equal([]);
  });

  it('have each member once: who comes to another has left the first', () => {
    const groups = new GroupIndex();
    groups.assign('a', 'one');
    groups.assign('b', 'one');
    expect(groups.assign('a', 'other')).to.equal(undefined);
    expect([groups.membersOf('one'), groups.membersOf('other')]).to.deep.equal([['b'], ['a']]);
  });

  it('are gone, and say so once, with their last member', () => {
    const groups = new GroupIndex();
    groups.assign('a', 'one');
    expect(groups.assign('a', undefined)).to.equal('one');
    expect(groups.has('one')).to.equal(false);
    expect(groups.assign('a', undefined)).to.equal(undefined);
  });
});
