import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const kinds = ['throttled', 'unanswered', 'busy', 'denied', 'killed'] as const;

/** At the nth place where something can go wrong (a request to ARM, its answer, a write to Kubernetes, its answer), this does. */
const anyTroubles = fc
  .uniqueArray(fc.record({ at: fc.nat(80), kind: fc.constantFrom(...kinds) }), {
    maxLength: 12,
    selector: ({ at }) => at,
  })
  .map((troubles) => new Map(troubles.map(({ at, kind }) => [at, kind])));

const anyEdits = fc.array(fc.record({ pass: fc.nat(15), regions: anyRegions }), { maxLength: 2 });

class Killed extends Error {}

function troubled(kind: Exclude<(typeof kinds)[number], 'killed'>): ArmError {
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

describe('from any replicas, any spec, edits in flight, a troubled ARM and an operator that is killed', () => {
  it('reaches the desired set, home untouched, with no write too many', async function () {
    this.timeout(300_000);
    const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        anyTroubles,
        anyEdits,
        async (replicas, regions, prune, troubles, edits) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          const operator = new OperatorModel(anObject({ regions, spec: { prune }, held: false }), arm, clock);
          let places = 0;
          let isDead = false;
          const place = (inArm: boolean) => {
            const kind = troubles.get(places++);
            if (kind === 'killed') isDead = true;
            if (isDead) throw new Killed();
            if (kind && kind !== 'killed' && inArm) throw troubled(kind);
          };
          arm.before = () => place(true);
          arm.after = () => place(true);
          operator.interrupt = () => place(false);

          for (let pass = 0; pass < 40; pass++) {
            for (const edit of edits) if (edit.pass === pass) operator.edit({ regions: edit.regions });
            const wait = await operator.pass().catch((error: unknown) => {
              if (!(error instanceof Killed)) throw error;
              isDead = false;
              operator.restart();
              return 500;
            });
            await clock.advance(wait ?? 0);
          }
          troubles.clear();
          await operator.runUntil(() => isSettled(operator), 600);

          const last = operator.object.spec.regions;
          expect(arm.violations.join('; ')).to.equal('');
          expectDesired(arm, operator, replicas, last, prune);
          const creations = arm.writes.filter((write) => write.startsWith('create '));
          for (const write of new Set(creations)) {
            expect(creations.filter((one) => one === write).length, write).to.be.at.most(1 + edits.length);
          }
          expect(creations).not.to.include(`create ${home}`);
        },
      ),
      { numRuns: 2_000, seed },
    );
    console.log(`    2,000 runs, seed ${seed}`);
  });
});
