import { expect } from 'chai';
import { GroupIndex } from '../../../src/lib/group-index.ts';

describe('groups', () => {
  it('list their members in the order of assignment', () => {
    const groups = new GroupIndex();
    for (const member of ['b', 'a', 'b']) groups.assign(member, 'one');
    expect(groups.membersOf('one')).to.deep.equal(['b', 'a']);
    expect(groups.membersOf('other')).to.deep.equal([]);
  });

  it('have each member once: a reassigned member leaves its old group', () => {
    const groups = new GroupIndex();
    groups.assign('a', 'one');
    groups.assign('b', 'one');
    expect(groups.assign('a', 'other')).to.equal(undefined);
    expect([groups.membersOf('one'), groups.membersOf('other')]).to.deep.equal([['b'], ['a']]);
  });

  it('disappear with their last member, and report that once', () => {
    const groups = new GroupIndex();
    groups.assign('a', 'one');
    expect(groups.assign('a', undefined)).to.equal('one');
    expect(groups.has('one')).to.equal(false);
    expect(groups.assign('a', undefined)).to.equal(undefined);
  });
});
