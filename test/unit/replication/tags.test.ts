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
  it('are undefined when every specified key has its value', () => {
    expect(tagsToSet({ team: 'web', theirs: '1' }, { team: 'web' }, ['team'])).to.equal(undefined);
  });

  it('keep the keys of other owners', () => {
    expect(tagsToSet({ theirs: '1' }, { team: 'web' }, [])).to.deep.equal({ theirs: '1', team: 'web' });
  });

  it('omit an owned key that is no longer specified', () => {
    expect(tagsToSet({ theirs: '1', team: 'web' }, {}, ['team'])).to.deep.equal({ theirs: '1' });
  });

  it('keep a key that was never owned', () => {
    expect(tagsToSet({ team: 'web' }, {}, [])).to.equal(undefined);
  });

  it('match keys regardless of case, as Azure does, and keep the existing case', () => {
    expect(tagsToSet({ Team: 'web' }, { team: 'web' }, [])).to.equal(undefined);
    expect(tagsToSet({ Team: 'web' }, { team: 'data' }, [])).to.deep.equal({ Team: 'data' });
  });

  it('set the specified values, remove owned keys that are no longer specified, and keep all others', () => {
    fc.assert(
      fc.property(anyTags, anyTags, anyKeys, (present, specified, owned) => {
        fc.pre(withoutCase(present).size === Object.keys(present).length);
        fc.pre(withoutCase(specified).size === Object.keys(specified).length);
        const set = tagsToSet(present, specified, owned) ?? present;
        const [after, before, wanted] = [withoutCase(set), withoutCase(present), withoutCase(specified)];
        for (const [key, value] of wanted) expect(after.get(key)).to.equal(value);
        for (const [key, value] of before) {
          const isOwned = owned.some((one) => one.toLowerCase() === key);
          if (!wanted.has(key)) expect(after.get(key)).to.equal(isOwned ? undefined : value);
        }
        expect([...after.keys()].every((key) => wanted.has(key) || before.has(key))).to.equal(true);
        expect(tagsToSet(set, specified, owned)).to.equal(undefined);
      }),
    );
  });
});

describe('the owned keys', () => {
  it('are the specified keys and the previously owned keys that are still to be removed', () => {
    expect(keysOwned({ old: '1' }, { team: 'web' }, ['old', 'gone'])).to.deep.equal(['old', 'team']);
  });
});
