// The stages that an emulated replica goes through.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  isTemporary,
  nextStage,
  type SettledStage,
  type Stage,
  stageAt,
} from '../../emulators/arm/replica-lifecycle.ts';

describe('the lifecycle of an emulated replica', () => {
  const time = fc.nat({ max: 10_000 });
  const failure = { code: 'ReplicationFailed', message: 'It did not work.' };
  const resting: fc.Arbitrary<SettledStage> = fc.oneof(
    fc.record({ kind: fc.constant('Syncing' as const), since: time, until: time }),
    fc.record({ kind: fc.constant('Ready' as const), since: time }),
    fc.record({ kind: fc.constant('Failed' as const), since: time, failure: fc.constant(failure) }),
  );
  const stages: fc.Arbitrary<Stage> = fc.oneof(
    resting,
    fc.record({ kind: fc.constant('Awaited' as const), until: time }),
    fc.record({ kind: fc.constant('Creating' as const), since: time, until: time, sync: time }),
    fc.record({
      kind: fc.constant('Creating' as const),
      since: time,
      until: time,
      sync: time,
      ending: fc.constant({ kind: 'Failed' as const, failure }),
    }),
    fc.record({ kind: fc.constant('Updating' as const), since: time, until: time, rest: resting }),
    fc.record({ kind: fc.constant('Deleting' as const), since: time, until: time }),
  );

  it('does not depend on how often it is read', () => {
    fc.assert(
      fc.property(stages, time, time, (stage, a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(stageAt(stageAt(stage, early), late)).to.deep.equal(stageAt(stage, late));
      }),
    );
  });

  it('ends in a final stage', () => {
    fc.assert(
      fc.property(stages, (stage) => {
        const end = stageAt(stage, Number.MAX_SAFE_INTEGER);
        expect(['Ready', 'Failed', 'Gone']).to.include(end.kind);
        expect(nextStage(end, 0)).to.equal(end);
      }),
    );
  });

  it('stays in a held stage for ever', () => {
    fc.assert(
      fc.property(stages, time, (stage, now) => {
        fc.pre(isTemporary(stage));
        const still = { ...stage, until: Number.POSITIVE_INFINITY };
        expect(stageAt(still, now)).to.equal(still);
      }),
    );
  });
});
