// Arbitrary replicas and specs, and the expected outcome once an object has settled, for the property tests.
import { expect } from 'chai';
import fc from 'fast-check';
import type { RegionSpec } from '../../../src/api/registryreplication.ts';
import type { Replica } from '../../../src/azure/arm.ts';
import type { ArmModel } from './arm-model.ts';
import { aReplica, home } from './fixtures.ts';
import type { OperatorModel } from './operator-model.ts';

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

export const anyReplicas: fc.Arbitrary<Replica[]> = fc
  .subarray(locations)
  .chain((some) => fc.tuple(...some.map(replicaAt)))
  .map((replicas) => replicas.filter(({ location }, _, all) => location !== home || all.length > 0));

export const anyRegions: fc.Arbitrary<RegionSpec[]> = fc.subarray(locations, { minLength: 1 }).chain((some) =>
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

export const anyPrune = fc.constantFrom('Delete' as const, 'Retain' as const);

/** True if no further change is expected: the object is Ready, or waits for a user. */
export function isSettled(operator: OperatorModel): boolean {
  const ready = operator.condition('Ready');
  const waitsForUser = ['LastRoutedRegion', 'RegionFailed'].includes(ready?.reason ?? '');
  const moving = operator.status.regions?.some(({ state }) =>
    ['Creating', 'Syncing', 'Updating', 'Deleting'].includes(state),
  );
  return (
    ready?.status === 'True' ||
    (waitsForUser && !moving && (operator.status.plan ?? []).every(({ message }) => /held: |waits/.test(message ?? '')))
  );
}

export function expectDesired(
  arm: Pick<ArmModel, 'actualReplicas' | 'writes'>,
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
    const replica = arm.actualReplicas.get(location);
    if (location === home && !replica) continue;
    expect(replica, location).not.to.equal(undefined);
    if (!replica || failed.includes(location)) continue;
    if (!stuck && routing) expect(replica.routing, `routing of ${location}`).to.equal(routing !== 'Disabled');
    expect(replica.tags).to.include(tags ?? {});
  }
  const unlisted = [...arm.actualReplicas.keys()].filter(
    (location) => location !== home && !regions.some((region) => region.location === location),
  );
  if (!stuck && prune === 'Delete') expect(unlisted).to.deep.equal([]);
  const deleted = arm.writes
    .filter((write) => write.startsWith('delete '))
    .map((write) => write.slice('delete '.length));
  if (prune === 'Retain') expect(deleted).to.deep.equal([]);
}
