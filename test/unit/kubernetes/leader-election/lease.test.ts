import { expect } from 'chai';
import {
  type Lease,
  type Moment,
  msUntilDeadline,
  msUntilFree,
  observeLease,
  released,
  withHolder,
} from '../../../../src/kubernetes/leader-election/lease.ts';

const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const at = (monotonic: number, wall = monotonic): Moment => ({ monotonic, wall });
const noon = new Date('2026-11-22T12:00:00.123Z');
const lease = (spec: Lease['spec']): Lease => ({
  metadata: { name: 'operator', resourceVersion: '7' },
  ...(spec && { spec }),
});
const held = (by: string, spec: Lease['spec'] = {}): Lease =>
  lease({ holderIdentity: by, leaseDurationSeconds: 15, renewTime: '2026-11-22T11:59:59.000000Z', ...spec });

describe('a Lease with another holder', () => {
  it('is free after its duration without a change, counted from the first observation', () => {
    const first = observeLease({ phase: 'Unknown' }, held('a'), at(1_000), timings);
    expect(msUntilFree(first, 'me', at(1_000))).to.equal(15_000);
    const again = observeLease(first, held('a'), at(9_000), timings);
    expect([msUntilFree(again, 'me', at(9_000)), msUntilFree(again, 'me', at(16_000))]).to.deep.equal([7_000, 0]);
    const renewed = observeLease(again, held('a', { renewTime: 'later' }), at(12_000), timings);
    expect(msUntilFree(renewed, 'me', at(16_000))).to.equal(11_000);
  });

  it('is not extended by an edit of its metadata', () => {
    const first = observeLease({ phase: 'Unknown' }, held('a'), at(0), timings);
    const edited = { ...held('a'), metadata: { resourceVersion: '8', annotations: { looked: 'at' } } };
    expect(msUntilFree(observeLease(first, edited, at(9_000), timings), 'me', at(9_000))).to.equal(6_000);
  });

  it('is not freed by a clock step, and its own timestamps are ignored (trap 35)', () => {
    const first = observeLease(
      { phase: 'Unknown' },
      held('a', { renewTime: '1970-01-01T00:00:00.000000Z' }),
      at(0, 0),
      timings,
    );
    expect(msUntilFree(first, 'me', at(1_000, 9_999_999))).to.equal(14_000);
  });

  it('lasts for its own duration, or for ours if it has none', () => {
    const long = observeLease({ phase: 'Unknown' }, held('a', { leaseDurationSeconds: 60 }), at(0), timings);
    expect(msUntilFree(long, 'me', at(0))).to.equal(60_000);
    const silent = observeLease({ phase: 'Unknown' }, lease({ holderIdentity: 'a' }), at(0), timings);
    expect(msUntilFree(silent, 'me', at(0))).to.equal(15_000);
  });

  it('is still held after its deletion: the holder may not have noticed', () => {
    const first = observeLease({ phase: 'Unknown' }, held('a'), at(0), timings);
    const gone = observeLease(first, undefined, at(5_000), timings);
    expect([gone.lease, msUntilFree(gone, 'me', at(5_000)), msUntilFree(gone, 'me', at(15_000))]).to.deep.equal([
      undefined,
      10_000,
      0,
    ]);
  });
});

describe('a Lease without another holder', () => {
  it('is free at once if it is missing, if its holder is empty, and if we hold it ourselves', () => {
    for (const now of [undefined, lease(undefined), held(''), held('me')]) {
      expect(msUntilFree(observeLease({ phase: 'Unknown' }, now, at(0), timings), 'me', at(0))).to.equal(0);
    }
  });
});

describe('the record of a leader', () => {
  it('begins without leaseTransitions, with its duration in whole seconds, rounded up', () => {
    const { spec } = withHolder({}, 'me', noon, { ...timings, leaseDurationMs: 2_500 });
    expect(spec).to.deep.equal({
      holderIdentity: 'me',
      leaseDurationSeconds: 3,
      acquireTime: '2026-11-22T12:00:00.123000Z',
      renewTime: '2026-11-22T12:00:00.123000Z',
      leaseTransitions: 0,
    });
  });

  it('counts a transition and a new acquireTime on a change of holder, and neither on a renewal', () => {
    const others = held('a', { leaseTransitions: 4, acquireTime: 'then' });
    const taken = withHolder(others, 'me', noon, timings);
    expect(taken.spec).to.include({ leaseTransitions: 5, acquireTime: '2026-11-22T12:00:00.123000Z' });
    const later = withHolder(taken, 'me', new Date('2026-11-22T12:00:02Z'), timings);
    expect(later.spec).to.include({ leaseTransitions: 5, acquireTime: '2026-11-22T12:00:00.123000Z' });
    expect(later.spec?.renewTime).to.equal('2026-11-22T12:00:02.000000Z');
    expect(later.metadata).to.equal(others.metadata);
  });

  it('has no holder after a release, and keeps the number of transitions', () => {
    expect(released(held('me', { leaseTransitions: 4 }), noon).spec).to.deep.equal({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      acquireTime: '2026-11-22T12:00:00.123000Z',
      renewTime: '2026-11-22T12:00:00.123000Z',
      leaseTransitions: 4,
    });
  });
});

describe('the fence', () => {
  const leading = { phase: 'Leading', lease: held('me'), renewedAt: at(1_000, 501_000) } as const;

  it('is open until the deadline after the last renewal', () => {
    expect(msUntilDeadline(leading, at(1_000, 501_000), timings)).to.equal(10_000);
    expect(msUntilDeadline(leading, at(10_999, 510_999), timings)).to.equal(1);
    expect(msUntilDeadline(leading, at(11_000, 511_000), timings)).to.equal(0);
  });

  it('follows the clock that has advanced further', () => {
    expect(msUntilDeadline(leading, at(2_000, 511_000), timings), 'the machine slept').to.equal(0);
    expect(msUntilDeadline(leading, at(11_000, 0), timings), 'the time was set back').to.equal(0);
  });
});
