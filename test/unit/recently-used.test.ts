import { expect } from 'chai';
import { RecentlyUsed } from '../../src/recently-used.ts';

describe('what was used recently', () => {
  it('is kept, and what was not used for longest makes room', () => {
    const kept = new RecentlyUsed<number>(2);
    kept.set('a', 1);
    kept.set('b', 2);
    expect(kept.get('a')).to.equal(1);
    kept.set('c', 3);
    expect([kept.get('a'), kept.get('b'), kept.get('c')]).to.deep.equal([1, undefined, 3]);
  });

  it('can be put anew under its key, and forgotten', () => {
    const kept = new RecentlyUsed<number>(2);
    kept.set('a', 1);
    kept.set('a', 2);
    expect(kept.get('a')).to.equal(2);
    kept.delete('a');
    expect(kept.get('a')).to.equal(undefined);
  });
});
