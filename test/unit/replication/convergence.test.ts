import { expect } from 'chai';
import fc from 'fast-check';
import { FakeClock } from '../../fake-clock.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const anyLies = fc.infiniteStream(
  fc.constantFrom('truth', 'truth', 'truth', 'stale', 'omit') as fc.Arbitrary<'truth' | 'stale' | 'omit'>,
);
const runs = { numRuns: 400 };

describe('from any replicas and any spec', () => {
  it('reaches the desired set in a bounded number of passes, however LIST lies meanwhile, and sends no write that it must not', async () => {
    await fc.assert(
      fc.asyncProperty(anyReplicas, anyRegions, anyPrune, anyLies, async (replicas, regions, prune, lies) => {
        const clock = new FakeClock();
        const arm = new ArmModel(clock, replicas);
        arm.lie = () => lies.next().value ?? 'truth';
        const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
        await operator.runUntil(() => isSettled(operator));
        // The operator cannot know what LIST has never shown: the drift check finds it.
        arm.lie = () => 'truth';
        await operator.runUntil(() => isSettled(operator));
        expect(arm.violations.join('; ')).to.equal('');
        expectDesired(arm, operator, replicas, regions, prune);
      }),
      runs,
    );
  });

  it('deletes what the object listed when the object is deleted, and never the home replica', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        anyLies,
        fc.nat(20),
        async (replicas, regions, prune, lies, passes) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          arm.lie = () => lies.next().value ?? 'truth';
          const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
          for (let n = 0; n < passes; n++) await clock.advance((await operator.pass()) ?? 0);
          operator.delete();
          await operator.runUntil(() => operator.isGone);
          expect(arm.violations.join('; ')).to.equal('');
          const listed = regions.map(({ location }) => location).filter((location) => location !== home);
          for (const location of listed) expect(arm.truth.has(location), location).to.equal(false);
        },
      ),
      runs,
    );
  });

  it('changes nothing in mode Observe', async () => {
    await fc.assert(
      fc.asyncProperty(anyReplicas, anyRegions, anyPrune, async (replicas, regions, prune) => {
        const clock = new FakeClock();
        const arm = new ArmModel(clock, replicas);
        const operator = new OperatorModel(
          anObject({ regions, spec: { prune, mode: 'Observe' }, held: false }),
          arm,
          clock,
        );
        for (let n = 0; n < 5; n++) await clock.advance((await operator.pass()) ?? 0);
        expect(arm.writes).to.deep.equal([]);
        expect(operator.object.metadata.finalizers).to.equal(undefined);
        expect(operator.status.phase).to.equal('Observing');
      }),
      runs,
    );
  });
});
