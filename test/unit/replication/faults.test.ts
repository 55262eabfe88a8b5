import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const kinds = ['throttled', 'unanswered', 'busy', 'denied', 'killed'] as const;

/** Faults by the index of the point at which they occur: before and after each request to ARM and each write to Kubernetes. */
const anyFaults = fc
  .uniqueArray(fc.record({ at: fc.nat(80), kind: fc.constantFrom(...kinds) }), {
    maxLength: 12,
    selector: ({ at }) => at,
  })
  .map((faults) => new Map(faults.map(({ at, kind }) => [at, kind])));

const anyEdits = fc.array(fc.record({ pass: fc.nat(15), regions: anyRegions }), { maxLength: 2 });

class Killed extends Error {}

function armErrorFor(kind: Exclude<(typeof kinds)[number], 'killed'>): ArmError {
  switch (kind) {
    case 'throttled':
      return new ArmError('Throttled', 'Throttled', 'too many requests', { retryAfter: 17_000 });
    case 'unanswered':
      return new ArmError('Transient', 'AzureUnreachable', 'no answer');
    case 'busy':
      return new ArmError('Conflict', 'Conflict', 'another operation is running');
    case 'denied':
      return new ArmError('Denied', 'AuthorizationFailed', 'no right');
    default:
      return kind satisfies never;
  }
}

describe('the operator, from any replicas and any spec, with edits between passes, ARM errors and crashes', () => {
  it('converges, never creates the home replica, and repeats no creation without an edit', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        anyFaults,
        anyEdits,
        async (replicas, regions, prune, faults, edits) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          const operator = new OperatorModel(anObject({ regions, spec: { prune }, claimed: false }), arm, clock);
          let point = 0;
          let isKilled = false;
          const injectFault = (inArm: boolean) => {
            const kind = faults.get(point++);
            if (kind === 'killed') isKilled = true;
            if (isKilled) throw new Killed();
            if (kind && kind !== 'killed' && inArm) throw armErrorFor(kind);
          };
          arm.beforeRequest = () => injectFault(true);
          arm.afterWrite = () => injectFault(true);
          operator.interrupt = () => injectFault(false);

          for (let pass = 0; pass < 40; pass++) {
            for (const edit of edits) if (edit.pass === pass) operator.edit({ regions: edit.regions });
            const wait = await operator.pass().catch((error: unknown) => {
              if (!(error instanceof Killed)) throw error;
              isKilled = false;
              operator.restart();
              return 500;
            });
            await clock.advance(wait ?? 0);
          }
          faults.clear();
          await operator.runUntil(() => isSettled(operator), 600);

          const last = operator.object.spec.regions ?? [];
          expect(arm.forbiddenWrites.join('; ')).to.equal('');
          expectDesired(arm, operator, replicas, last, prune);
          const creations = arm.writes.filter((write) => write.startsWith('create '));
          for (const write of new Set(creations)) {
            expect(creations.filter((one) => one === write).length, write).to.be.at.most(1 + edits.length);
          }
          expect(creations).not.to.include(`create ${home}`);
        },
      ),
      propertyRuns(2_000),
    );
  });
});
