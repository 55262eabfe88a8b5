import { expect } from 'chai';
import fc from 'fast-check';
import { keysOwned, tagsToSet } from '../../../src/replication/tags.ts';

const anyTags = fc.dictionary(fc.constantFrom('team', 'Team', 'cost', 'owner', 'x'), fc.constantFrom('a', 'b'), {
  noNullPrototype: true,
});
const anyKeys = fc.subarray(['team', 'COST', 'owner']);
const withoutCase = (tags: Readonly<Record<string, string>>) =>
  new Map(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value]));

describe('the tags to set', () => {
  it('are none when every asked key has its value', () => {
    expect(tagsToSet({ team: 'web', theirs: '1' }, { team: 'web' }, ['team'])).to.equal(undefined);
  });

  it('keep the keys of others', () => {
    expect(tagsToSet({ theirs: '1' }, { team: 'web' }, [])).to.deep.equal({ theirs: '1', team: 'web' });
  });

  it('leave out a key that was owned and is no longer asked for', () => {
    expect(tagsToSet({ theirs: '1', team: 'web' }, {}, ['team'])).to.deep.equal({ theirs: '1' });
  });

  it('leave a key alone that was never owned', () => {
    expect(tagsToSet({ team: 'web' }, {}, [])).to.equal(undefined);
  });

  it('know a key whatever its case, as Azure does, and keep the spelling that is there', () => {
    expect(tagsToSet({ Team: 'web' }, { team: 'web' }, [])).to.equal(undefined);
    expect(tagsToSet({ Team: 'web' }, { team: 'data' }, [])).to.deep.equal({ Team: 'data' });
  });

  it('once set, are as asked: the asked have their values, the owned are gone, the others are untouched', () => {
    fc.assert(
      fc.property(anyTags, anyTags, anyKeys, (present, asked, owned) => {
        fc.pre(withoutCase(present).size === Object.keys(present).length);
        fc.pre(withoutCase(asked).size === Object.keys(asked).length);
        const set = tagsToSet(present, asked, owned) ?? present;
        const [after, before, wanted] = [withoutCase(set), withoutCase(present), withoutCase(asked)];
        for (const [key, value] of wanted) expect(after.get(key)).to.equal(value);
        for (const [key, value] of before) {
          const isOwned = owned.some((one) => one.toLowerCase() === key);
          if (!wanted.has(key)) expect(after.get(key)).to.equal(isOwned ? undefined : value);
        }
        expect([...after.keys()].every((key) => wanted.has(key) || before.has(key))).to.equal(true);
        expect(tagsToSet(set, asked, owned)).to.equal(undefined);
      }),
    );
  });
});

describe('the keys owned', () => {
  it('are those asked for, and those owned before that are still to be removed', () => {
    expect(keysOwned({ old: '1' }, { team: 'web' }, ['old', 'gone'])).to.deep.equal(['old', 'team']);
  });
});
