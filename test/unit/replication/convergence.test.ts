import { expect } from 'chai';
import fc from 'fast-check';
import type { RegionSpec } from '../../../src/api/registryreplication.ts';
import type { Replica } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { OperatorModel } from './operator-model.ts';
import { anObject, aReplica, home } from './world.ts';

const locations = [home, 'japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];

const replicaAt = (location: string): fc.Arbitrary<Replica> =>
  fc
    .record({
      odd: fc.boolean(),
      routing: fc.boolean(),
      failed: fc.integer({ min: 0, max: 9 }),
      tags: fc.constantFrom({}, { team: 'web' }, { x: '1' }),
    })
    .map(({ odd, routing, failed, tags }) =>
      aReplica(location, {
        name: odd && location !== home ? `rep${location}` : location,
        routing,
        tags,
        ...(failed === 0 && location !== home && { provisioningState: 'Failed' }),
      }),
    );

const anyReplicas: fc.Arbitrary<Replica[]> = fc
  .subarray(locations)
  .chain((some) => fc.tuple(...some.map(replicaAt)))
  .map((replicas) => replicas.filter(({ location }, _, all) => location !== home || all.length > 0));

const anyRegions: fc.Arbitrary<RegionSpec[]> = fc.subarray(locations, { minLength: 1 }).chain((some) =>
  fc.tuple(
    ...some.map((location) =>
      fc.record(
        {
          location: fc.constant(location),
          routing: fc.constantFrom('Enabled' as const, 'Disabled' as const, 'WhenReady' as const),
          tags: fc.constantFrom({ team: 'web' }, { team: 'data', cost: '7' }),
        },
        { requiredKeys: ['location'] },
      ),
    ),
  ),
);

const anyLies = fc.infiniteStream(
  fc.constantFrom('truth', 'truth', 'truth', 'stale', 'omit') as fc.Arbitrary<'truth' | 'stale' | 'omit'>,
);
const anyPrune = fc.constantFrom('Delete' as const, 'Retain' as const);
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
        // What LIST has never shown nobody can know: the drift check finds it.
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

/** Nothing more will happen by itself: Ready, or stopped by what a person has to decide. */
function isSettled(operator: OperatorModel): boolean {
  const ready = operator.condition('Ready');
  const rests = ['LastRoutedRegion', 'RegionFailed'].includes(ready?.reason ?? '');
  const moving = operator.status.regions?.some(({ state }) =>
    ['Creating', 'Syncing', 'Updating', 'Deleting'].includes(state),
  );
  return (
    ready?.status === 'True' ||
    (rests &&
      !moving &&
      operator.status.plan?.every(({ message }) =>
        /is not (deleted|unrouted)|waits|left as it is/.test(message ?? ''),
      ) === true)
  );
}

function expectDesired(
  arm: ArmModel,
  operator: OperatorModel,
  replicas: Replica[],
  regions: RegionSpec[],
  prune: string,
): void {
  const failed = replicas
    .filter(({ provisioningState }) => provisioningState === 'Failed')
    .map(({ location }) => location);
  const stuck = operator.condition('Ready')?.status !== 'True';
  for (const { location, routing, tags } of regions) {
    const replica = arm.truth.get(location);
    if (location === home && !replica) continue;
    expect(replica, location).not.to.equal(undefined);
    if (!replica || failed.includes(location)) continue;
    if (!stuck && routing) expect(replica.routing, `routing of ${location}`).to.equal(routing !== 'Disabled');
    expect(replica.tags).to.include(tags ?? {});
  }
  const unlisted = [...arm.truth.keys()].filter(
    (location) => location !== home && !regions.some((region) => region.location === location),
  );
  if (!stuck && prune === 'Delete') expect(unlisted).to.deep.equal([]);
  const deleted = arm.writes
    .filter((write) => write.startsWith('delete '))
    .map((write) => write.slice('delete '.length));
  if (prune === 'Retain') expect(deleted.filter((location) => !failed.includes(location))).to.deep.equal([]);
}
