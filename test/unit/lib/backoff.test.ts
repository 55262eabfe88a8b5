import { expect } from 'chai';
import fc from 'fast-check';
import { delayAfter } from '../../../src/lib/backoff.ts';

const backoff = { firstMs: 500, maxMs: 30_000, jitter: 0.5 };

describe('the backoff', () => {
  it('doubles with each failure up to its maximum', () => {
    const waits = [1, 2, 3, 7, 8, 10_000].map((failures) => delayAfter(failures, backoff, () => 0));
    expect(waits).to.deep.equal([500, 1000, 2000, 30_000, 30_000, 30_000]);
  });

  it('is reduced by at most its share of jitter, and never increased', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, random) => {
          const whole = delayAfter(n, backoff, () => 0);
          expect(delayAfter(n, backoff, () => random)).to.be.within(whole / 2, whole);
        },
      ),
    );
  });
});
