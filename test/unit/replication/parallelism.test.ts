// How many replicas of one registry are in motion at a time where Azure refuses more (trap 13).
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError } from '../../../src/azure/arm.ts';
import {
  adaptLimit,
  ParallelismLimits,
  type PassWrites,
  type ReducedLimit,
} from '../../../src/replication/parallelism.ts';
import type { Result } from '../../../src/replication/pass.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anObject, aReplica } from './fixtures.ts';

const { registry } = anObject().spec;
const hour = 3_600_000;

/** The limit after these passes, from the operator's limit on. */
function limitAfter(flag: number, ...passes: readonly Partial<PassWrites>[]): number {
  let reduced: ReducedLimit | undefined;
  for (const writes of passes) reduced = adaptLimit(reduced, { inMotion: 0, accepted: 0, refused: 0, ...writes }, flag);
  return reduced?.limit ?? flag;
}

describe('the limit of replicas in motion', () => {
  it("is the operator's while Azure accepts all writes", () => {
    expect(limitAfter(10, { accepted: 10 }, { inMotion: 9, accepted: 1 })).to.equal(10);
  });

  it('is halved once by a pass, however many of its writes were refused', () => {
    expect(limitAfter(10, { accepted: 1, refused: 9 })).to.equal(5);
  });

  it('is half of what was tried, where that is less than the limit', () => {
    expect(limitAfter(10, { inMotion: 1, accepted: 1, refused: 2 })).to.equal(2);
  });

  it('is never less than one', () => {
    expect(limitAfter(10, { refused: 10 }, { refused: 5 }, { refused: 2 }, { inMotion: 1, refused: 1 })).to.equal(1);
  });

  it('stays where the only write was refused and nothing was in motion: another client was in the way', () => {
    expect(limitAfter(10, { refused: 1 })).to.equal(10);
  });

  it('rises by one with each accepted write', () => {
    expect(limitAfter(10, { accepted: 1, refused: 9 }, { accepted: 1 })).to.equal(6);
    expect(limitAfter(10, { accepted: 1, refused: 9 }, { accepted: 5 })).to.equal(10);
    expect(limitAfter(10, { accepted: 1, refused: 9 }, { accepted: 8 })).to.equal(10);
  });

  it('rises half as fast after each further refusal', () => {
    const twice = [
      { accepted: 1, refused: 9 },
      { inMotion: 1, refused: 4 },
    ];
    expect(limitAfter(10, ...twice, { accepted: 1 })).to.equal(2);
    expect(limitAfter(10, ...twice, { accepted: 1 }, { accepted: 1 })).to.equal(3);
  });

  it("is restored by the first accepted write where another client's operation was in the way", () => {
    expect(limitAfter(10, { refused: 10 }, { refused: 5 })).to.equal(2);
    expect(limitAfter(10, { refused: 10 }, { refused: 5 }, { accepted: 1 })).to.equal(10);
  });

  const anyPass = fc.record({ inMotion: fc.nat(20), accepted: fc.nat(20), refused: fc.nat(20) });

  it("is always between one and the operator's, and falls only by a refusal", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(anyPass), (flag, passes) => {
        let reduced: ReducedLimit | undefined;
        for (const writes of passes) {
          const before = reduced?.limit ?? flag;
          reduced = adaptLimit(reduced, writes, flag);
          const after = reduced?.limit ?? flag;
          expect(after).to.be.within(1, flag);
          if (writes.refused === 0) expect(after).to.be.at.least(before);
          else expect(after).to.be.at.most(before);
        }
      }),
      propertyRuns(1_000),
    );
  });

  it("reaches the operator's again by accepted writes alone, after any sequence", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(anyPass), (flag, passes) => {
        const accepted = Array.from({ length: 16 * flag }, () => ({ accepted: 1 }));
        expect(limitAfter(flag, ...passes, ...accepted)).to.equal(flag);
      }),
      propertyRuns(200),
    );
  });
});

describe('the limits of all registries', () => {
  const step = {
    action: 'create',
    location: 'japaneast',
    name: 'japaneast',
    replica: { location: 'japaneast' },
    message: '',
  } as const;
  const accepted: Result = { step, outcome: { kind: 'written', replica: aReplica('japaneast') } };
  const refused = (kind: ArmError['kind'], code: string): Result => ({
    step,
    outcome: { kind: 'notAccepted', error: new ArmError(kind, 'Conflict', '', { code }) },
  });
  const busy = refused('Conflict', 'AnotherOperationInProgress');

  it('are separate, by name in any case', () => {
    const limits = new ParallelismLimits(new FakeClock());
    limits.record(registry, 0, [busy, busy, accepted, accepted], 10);
    expect(limits.limitOf({ ...registry, name: registry.name.toUpperCase() }, 10)).to.equal(2);
    expect(limits.limitOf({ ...registry, name: 'another' }, 10)).to.equal(10);
  });

  it('fall by no other refusal', () => {
    const limits = new ParallelismLimits(new FakeClock());
    const others = [
      refused('Conflict', 'InvalidResourceLocation'),
      refused('Denied', 'ScopeLocked'),
      refused('Throttled', ''),
      refused('Transient', ''),
    ];
    limits.record(registry, 3, others, 10);
    expect(limits.limitOf(registry, 10)).to.equal(10);
  });

  it("are never above the operator's", () => {
    const limits = new ParallelismLimits(new FakeClock());
    limits.record(registry, 8, [busy, accepted], 10);
    expect(limits.limitOf(registry, 2)).to.equal(2);
  });

  it('start over an hour after the last write', async () => {
    const clock = new FakeClock();
    const limits = new ParallelismLimits(clock);
    limits.record(registry, 8, [busy, accepted], 10);
    await clock.advance(hour - 1_000);
    expect(limits.limitOf(registry, 10)).to.equal(5);
    await clock.advance(2_000);
    expect(limits.limitOf(registry, 10)).to.equal(10);
  });

  it('start over with a new object', () => {
    const limits = new ParallelismLimits(new FakeClock());
    limits.record(registry, 8, [busy, accepted], 10);
    limits.forget(registry);
    expect(limits.limitOf(registry, 10)).to.equal(10);
  });
});
