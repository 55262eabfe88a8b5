import { expect } from 'chai';
import fc from 'fast-check';
import { percentile, spread } from '../../bench/statistics.ts';

describe('percentile', () => {
  const samples = fc.array(fc.integer(), { minLength: 1 });

  it('is the nearest rank, in any order of the samples', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.5, 0.9, 0.99, 1].map((share) => percentile(hundred, share))).to.deep.equal([50, 90, 99, 100]);
  });

  it('is one of the samples, and at least the given share of them does not exceed it', () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (samples, share) => {
        const value = percentile(samples, share);
        const within = samples.filter((sample) => sample <= value).length;
        return samples.includes(value) && within >= share * samples.length;
      }),
    );
  });

  it('does not change the samples', () => {
    const samples = [3, 1, 2];
    percentile(samples, 0.5);
    expect(samples).to.deep.equal([3, 1, 2]);
  });

  it('is NaN without samples', () => {
    expect(percentile([], 0.5)).to.be.NaN;
  });
});

describe('spread', () => {
  it('has the median, and the bound with the highest figure', () => {
    const samples = Array.from({ length: 200 }, (_, index) => index + 1);
    expect(spread('an edit', samples, { unit: 'ms', top: 'p99', atMost: 50 })).to.deep.equal([
      { what: 'an edit, p50', value: 100, unit: 'ms' },
      { what: 'an edit, p99', value: 198, unit: 'ms', atMost: 50 },
    ]);
    expect(spread('an edit', samples, { unit: 'ms', top: 'max' }).at(-1)?.value).to.equal(200);
  });
});
