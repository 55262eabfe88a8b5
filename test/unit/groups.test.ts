import { expect } from 'chai';
import { Groups } from '../../src/groups.ts';

describe('groups', () => {
  it('find their members, in the order of their coming', () => {
    const groups = new Groups();
    for (const member of ['b', 'a', 'b']) groups.put(member, 'one');
    expect(groups.membersOf('one')).to.deep.equal(['b', 'a']);
    expect(groups.membersOf('other')).to.deep.equal([]);
  });

  it('have each member once: who comes to another has left the first', () => {
    const groups = new Groups();
    groups.put('a', 'one');
    groups.put('b', 'one');
    expect(groups.put('a', 'other')).to.equal(undefined);
    expect([groups.membersOf('one'), groups.membersOf('other')]).to.deep.equal([['b'], ['a']]);
  });

  it('are gone, and say so once, with their last member', () => {
    const groups = new Groups();
    groups.put('a', 'one');
    expect(groups.put('a', undefined)).to.equal('one');
    expect(groups.has('one')).to.equal(false);
    expect(groups.put('a', undefined)).to.equal(undefined);
  });
});
