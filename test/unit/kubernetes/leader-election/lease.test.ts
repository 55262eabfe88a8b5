import { expect } from 'chai';
import {
  freeIn,
  type Lease,
  type Moment,
  observed,
  openFor,
  released,
  withHolder,
} from '../../../../src/kubernetes/leader-election/lease.ts';

const terms = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 };
const at = (monotonic: number, wall = monotonic): Moment => ({ monotonic, wall });
const noon = new Date('2026-11-22T12:00:00.123Z');
const lease = (spec: Lease['spec']): Lease => ({
  metadata: { name: 'operator', resourceVersion: '7' },
  ...(spec && { spec }),
});
const held = (by: string, spec: Lease['spec'] = {}): Lease =>
  lease({ holderIdentity: by, leaseDurationSeconds: 15, renewTime: '2026-11-22T11:59:59.000000Z', ...spec });

describe('a Lease that somebody else holds', () => {
  it('is free once it has not changed for as long as it says, counted from when it was first seen', () => {
    const first = observed({ phase: 'Unknown' }, held('a'), at(1_000), terms);
    expect(freeIn(first, 'me', at(1_000))).to.equal(15_000);
    const again = observed(first, held('a'), at(9_000), terms);
    expect([freeIn(again, 'me', at(9_000)), freeIn(again, 'me', at(16_000))]).to.deep.equal([7_000, 0]);
    const renewed = observed(again, held('a', { renewTime: 'later' }), at(12_000), terms);
    expect(freeIn(renewed, 'me', at(16_000))).to.equal(11_000);
  });

  it('is not kept alive by an edit of its metadata', () => {
    const first = observed({ phase: 'Unknown' }, held('a'), at(0), terms);
    const edited = { ...held('a'), metadata: { resourceVersion: '8', annotations: { looked: 'at' } } };
    expect(freeIn(observed(first, edited, at(9_000), terms), 'me', at(9_000))).to.equal(6_000);
  });

  it('is not freed by a clock that is set, and its own timestamps mean nothing (trap 35)', () => {
    const first = observed(
      { phase: 'Unknown' },
      held('a', { renewTime: '1970-01-01T00:00:00.000000Z' }),
      at(0, 0),
      terms,
    );
    expect(freeIn(first, 'me', at(1_000, 9_999_999))).to.equal(14_000);
  });

  it('counts for its own duration, and for ours where it does not say', () => {
    const long = observed({ phase: 'Unknown' }, held('a', { leaseDurationSeconds: 60 }), at(0), terms);
    expect(freeIn(long, 'me', at(0))).to.equal(60_000);
    const silent = observed({ phase: 'Unknown' }, lease({ holderIdentity: 'a' }), at(0), terms);
    expect(freeIn(silent, 'me', at(0))).to.equal(15_000);
  });

  it('is still held when it was deleted: the holder may not know yet', () => {
    const first = observed({ phase: 'Unknown' }, held('a'), at(0), terms);
    const gone = observed(first, undefined, at(5_000), terms);
    expect([gone.lease, freeIn(gone, 'me', at(5_000)), freeIn(gone, 'me', at(15_000))]).to.deep.equal([
      undefined,
      10_000,
      0,
    ]);
  });
});

describe('a Lease that nobody else holds', () => {
  it('is free at once: where there is none, where its holder is empty, and where we hold it ourselves', () => {
    for (const now of [undefined, lease(undefined), held(''), held('me')]) {
      expect(freeIn(observed({ phase: 'Unknown' }, now, at(0), terms), 'me', at(0))).to.equal(0);
    }
  });
});

describe('the record of a leader', () => {
  it('begins with its first transition unsaid, in whole seconds rounded up', () => {
    const { spec } = withHolder({}, 'me', noon, { ...terms, leaseDuration: 2_500 });
    expect(spec).to.deep.equal({
      holderIdentity: 'me',
      leaseDurationSeconds: 3,
      acquireTime: '2026-11-22T12:00:00.123000Z',
      renewTime: '2026-11-22T12:00:00.123000Z',
      leaseTransitions: 0,
    });
  });

  it('is one transition further and acquired anew when it was another one’s, and neither when it is renewed', () => {
    const others = held('a', { leaseTransitions: 4, acquireTime: 'then' });
    const taken = withHolder(others, 'me', noon, terms);
    expect(taken.spec).to.include({ leaseTransitions: 5, acquireTime: '2026-11-22T12:00:00.123000Z' });
    const later = withHolder(taken, 'me', new Date('2026-11-22T12:00:02Z'), terms);
    expect(later.spec).to.include({ leaseTransitions: 5, acquireTime: '2026-11-22T12:00:00.123000Z' });
    expect(later.spec?.renewTime).to.equal('2026-11-22T12:00:02.000000Z');
    expect(later.metadata).to.equal(others.metadata);
  });

  it('is emptied when given back, and keeps count', () => {
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
  const leading = { phase: 'Leading', lease: held('me'), renewed: at(1_000, 501_000) } as const;

  it('is open until the deadline after the last renewal', () => {
    expect(openFor(leading, at(1_000, 501_000), terms)).to.equal(10_000);
    expect(openFor(leading, at(10_999, 510_999), terms)).to.equal(1);
    expect(openFor(leading, at(11_000, 511_000), terms)).to.equal(0);
  });

  it('goes by whichever clock has gone further', () => {
    expect(openFor(leading, at(2_000, 511_000), terms), 'the machine slept').to.equal(0);
    expect(openFor(leading, at(11_000, 0), terms), 'the time was set back').to.equal(0);
  });
});
