import { expect } from 'chai';
import fc from 'fast-check';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const anyListResults = fc.infiniteStream(
  fc.constantFrom('current', 'current', 'current', 'stale', 'omit') as fc.Arbitrary<'current' | 'stale' | 'omit'>,
);
const runs = propertyRuns(400);

describe('the operator, from any replicas and any spec', () => {
  it('converges in a bounded number of passes, whatever LIST returns meanwhile, and never sends a forbidden write', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        anyListResults,
        async (replicas, regions, prune, listResults) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          arm.listVisibility = () => listResults.next().value ?? 'current';
          const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
          await operator.runUntil(() => isSettled(operator));
          // The operator cannot know a replica that LIST has never shown: the drift check finds it.
          arm.listVisibility = () => 'current';
          await operator.runUntil(() => isSettled(operator));
          expect(arm.forbiddenWrites.join('; ')).to.equal('');
          expectDesired(arm, operator, replicas, regions, prune);
        },
      ),
      runs,
    );
  });

  it('deletes the listed replicas when the object is deleted, and never the home replica', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        anyListResults,
        fc.nat(20),
        async (replicas, regions, prune, listResults, passes) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          arm.listVisibility = () => listResults.next().value ?? 'current';
          const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
          for (let n = 0; n < passes; n++) await clock.advance((await operator.pass()) ?? 0);
          operator.delete();
          await operator.runUntil(() => operator.isGone);
          expect(arm.forbiddenWrites.join('; ')).to.equal('');
          const listed = regions.map(({ location }) => location).filter((location) => location !== home);
          for (const location of listed) expect(arm.actualReplicas.has(location), location).to.equal(false);
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
          anObject({ regions, spec: { prune, mode: 'Observe' }, claimed: false }),
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
