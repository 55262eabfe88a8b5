// Active faults: when they apply, how often, for how long, and with which chance.
import { expect } from 'chai';
import { readFault } from '../../emulators/arm/faults/fault.ts';
import { Faults } from '../../emulators/arm/faults/faults.ts';
import { seeded } from '../../emulators/arm/random.ts';

describe('active faults', () => {
  const any = () => true;
  let now = 0;
  let faults = new Faults(() => now, seeded(1));

  beforeEach(() => {
    now = 0;
    faults = new Faults(() => now, seeded(1));
  });

  it('apply as often as given, and then no more', () => {
    faults.add({ kind: 'hang', times: 2 });
    const due = Array.from({ length: 3 }, () => faults.consume('hang', any) !== undefined);
    expect(due).to.deep.equal([true, true, false]);
    expect(faults.list()).to.deep.equal([]);
  });

  it('count only what they select', () => {
    faults.add({ kind: 'hang', times: 1 });
    expect(faults.consume('hang', () => false)).to.equal(undefined);
    expect(faults.consume('reset', any)).to.equal(undefined);
    expect(faults.consume('hang', any)).not.to.equal(undefined);
  });

  it('end after their time', () => {
    faults.add({ kind: 'hang', for: 1_000 });
    now = 999;
    expect(faults.consume('hang', any)).not.to.equal(undefined);
    now = 1_000;
    expect(faults.consume('hang', any)).to.equal(undefined);
  });

  it('apply oldest first, and the next one when one is used up', () => {
    faults.set('first', { kind: 'latency', ms: 1, times: 1 });
    faults.set('second', { kind: 'latency', ms: 2 });
    const names = Array.from({ length: 3 }, () => faults.consume('latency', any)?.name);
    expect(names).to.deep.equal(['first', 'second', 'second']);
  });

  it('start counting again when they are set again', () => {
    faults.set('one', { kind: 'hang', times: 1 });
    faults.consume('hang', any);
    faults.set('one', { kind: 'hang', times: 1 });
    expect(faults.list()).to.have.length(1);
    expect(faults.consume('hang', any)).not.to.equal(undefined);
  });

  it('with a chance apply to about that share, and count only when they apply', () => {
    faults.add({ kind: 'hang', chance: 0.3, times: 1_000 });
    const befallen = Array.from({ length: 1_000 }, () => faults.consume('hang', any)).filter(Boolean).length;
    expect(befallen).to.be.within(250, 350);
    expect(faults.list()[0]?.left).to.equal(1_000 - befallen);
  });

  it('can be undone repeatedly without affecting others', () => {
    const undo = faults.add({ kind: 'hang' });
    faults.add({ kind: 'reset' });
    undo();
    undo();
    expect(faults.list().map(({ fault }) => fault.kind)).to.deep.equal(['reset']);
  });

  it('survive a round trip through JSON', () => {
    const fault = { kind: 'policyTags', tags: { a: 'b' }, scope: '/subscriptions/s', chance: 0.5 } as const;
    expect(readFault(JSON.parse(JSON.stringify(fault)))).to.deep.equal(fault);
  });
});
