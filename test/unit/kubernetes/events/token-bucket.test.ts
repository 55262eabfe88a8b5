import { expect } from 'chai';
import fc from 'fast-check';
import { TokenBuckets } from '../../../../src/kubernetes/events/token-bucket.ts';

describe('a token bucket', () => {
  const allowance = { burst: 3, refill: 100, keys: 10 };

  it('gives its burst at once, then one token for each refill', () => {
    const buckets = new TokenBuckets(allowance);
    expect([0, 0, 0, 0, 99, 100, 100, 350, 350, 350].map((now) => buckets.take('bear', now))).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('is one for each key', () => {
    const buckets = new TokenBuckets({ ...allowance, burst: 1 });
    expect(['bear', 'doll', 'bear', 'doll'].map((key) => buckets.take(key, 0))).to.deep.equal([
      true,
      true,
      false,
      false,
    ]);
  });

  it('forgets full buckets, and beyond its capacity the key that asked longest ago', () => {
    const buckets = new TokenBuckets({ burst: 1, refill: 100, keys: 2 });
    for (const key of ['bear', 'doll', 'bear', 'kite']) buckets.take(key, 0);
    expect(buckets.size).to.equal(2);
    expect(buckets.take('bear', 0)).to.equal(false);
    expect(buckets.take('doll', 0)).to.equal(true);
    expect(buckets.take('yoyo', 1000)).to.equal(true);
    expect(buckets.size).to.equal(1);
  });

  it('never gives more than its burst and what was refilled, nor less', () => {
    const waits = fc.array(fc.nat({ max: 250 }), { maxLength: 60 });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 5 }), (ms, burst) => {
        const buckets = new TokenBuckets({ ...allowance, burst });
        let tokens = burst; // the textbook's bucket, in fractions of a token
        let now = 0;
        for (const wait of ms) {
          now += wait;
          tokens = Math.min(burst, tokens + wait / 100);
          const expected = tokens > 1 - 1e-9;
          if (expected) tokens--;
          expect(buckets.take('bear', now)).to.equal(expected);
        }
      }),
    );
  });
});
