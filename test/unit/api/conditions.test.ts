import { expect } from 'chai';
import { findCondition, stateConditions } from '../../../src/api/conditions.ts';

const before = '2026-11-22T00:00:00Z';
const now = '2026-11-22T01:00:00Z';
const ready = { type: 'Ready', status: 'True', reason: 'AllRegionsReady', message: '' } as const;
const stored = [{ ...ready, lastTransitionTime: before, observedGeneration: 1 }];

describe('stating conditions', () => {
  it('moves lastTransitionTime when the status changes, and only then (trap 26)', () => {
    const [same] = stateConditions(stored, [{ ...ready, message: 'other words' }], 2, now);
    expect(same).to.deep.include({ lastTransitionTime: before, observedGeneration: 2, message: 'other words' });
    const [changed] = stateConditions(stored, [{ ...ready, status: 'False' }], 2, now);
    expect(changed?.lastTransitionTime).to.equal(now);
  });

  it('drops a condition that is no longer stated', () => {
    expect(stateConditions(stored, [], 1, now)).to.deep.equal([]);
  });

  it("truncates a message to half of the API's bound (trap 29)", () => {
    const [long] = stateConditions([], [{ ...ready, message: 'x'.repeat(40_000) }], 1, now);
    expect(long?.message).to.have.length(16_384);
  });

  it('removes terminal control from messages', () => {
    const [said] = stateConditions([], [{ ...ready, message: 'a\u001b[2J\nb\u202ec' }], 1, now);
    expect(said?.message).to.equal('a [2J b c');
  });

  it('finds one by its type, also in an empty list', () => {
    expect(findCondition(stored, 'Ready')?.status).to.equal('True');
    expect(findCondition(undefined, 'Ready')).to.equal(undefined);
  });
});
