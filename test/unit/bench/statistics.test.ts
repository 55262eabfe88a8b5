import { expect } from 'chai';
import fc from 'fast-check';
import { percentile, summary } from '../../bench/statistics.ts';

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

describe('summary', () => {
  it('has the number of samples', () => {
    expect(summary([1, 2, 30])).to.equal('p50 2.0 ms   p90 30.0 ms   p99 30.0 ms   max 30.0 ms   (3 samples)');
  });
});
