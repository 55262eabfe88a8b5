// Random sequences of what sources name, restarts and passes, against a model of ARM.
import { expect } from 'chai';
import fc from 'fast-check';
import { normalise } from '../../../src/replication/location.ts';
import type { SourceReading } from '../../../src/replication/sources.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { isSettled } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const hour = 3_600_000;
const keepMs = 2 * hour;
const spellings = ['Japan East', 'westeurope', 'northeurope', 'UK South', 'eastus', 'us-east-1'];
const label = ['the first source', 'the second source'];
const resources = { apiVersion: 'example.com/v1', kind: 'MemberCluster', location: '.spec.location' };

type Move =
  | { readonly kind: 'names'; readonly source: number; readonly values: string[] }
  | {
      readonly kind: 'fails';
      readonly source: number;
      readonly how: 'Forbidden' | 'NotInstalled' | 'NotSynced' | 'Listing';
    }
  | { readonly kind: 'restart' }
  | { readonly kind: 'wait'; readonly ms: number };

const anySource = fc.nat(1);
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('names' as const), source: anySource, values: fc.subarray(spellings) }),
  fc.record({
    kind: fc.constant('fails' as const),
    source: anySource,
    how: fc.constantFrom('Forbidden', 'NotInstalled', 'NotSynced', 'Listing'),
  }),
  fc.constant({ kind: 'restart' as const }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3 * hour }) }),
);

function reading(values: readonly string[]): SourceReading {
  return { state: 'Synced', values: new Map(values.map((value) => [value, { count: 1 }])) };
}

function regionsOf(one: SourceReading): string[] {
  return one.state === 'Synced' ? [...one.values.keys()].map(normalise).filter((value) => value !== 'us-east-1') : [];
}

function isEmpty(one: SourceReading): boolean {
  return one.state === 'Synced' && regionsOf(one).length === 0;
}

/** What the sources have said, as an onlooker notes it. */
class Onlooker {
  /** When each region was last named by a source that is known, in ms since the epoch. */
  readonly #lastNamed = new Map<string, number>();
  /** The regions that each source named when it named any. */
  readonly #lastOf: (readonly string[])[] = [];
  readonly #operator: OperatorModel;
  readonly #clock: FakeClock;

  constructor(operator: OperatorModel, clock: FakeClock) {
    this.#operator = operator;
    this.#clock = clock;
  }

  look(): void {
    for (const [index, one] of this.#operator.sources.entries()) {
      const named = regionsOf(one);
      for (const location of named) this.#lastNamed.set(location, this.#clock.now().getTime());
      if (named.length > 0) this.#lastOf[index] = named;
    }
  }

  /** Why the replica in this region must not be deleted now; undefined if it may. */
  protects(location: string): string | undefined {
    this.look();
    const { sources } = this.#operator;
    const broken = sources.findIndex(({ state }) => state !== 'Synced');
    if (broken >= 0) return `${label[broken]} cannot be read`;
    const empty = sources.findIndex((one, index) => isEmpty(one) && this.#lastOf[index]?.includes(location));
    if (empty >= 0) return `${label[empty]} names no region now, and this was one of its last`;
    const age = this.#clock.now().getTime() - (this.#lastNamed.get(location) ?? Number.NEGATIVE_INFINITY);
    return age < keepMs ? `it was named ${age} ms ago` : undefined;
  }
}

for (const [what, regionsFrom] of [
  ['two sources', [{ nodes: {} }, { resources }]],
  [
    'two entries of one kind',
    ['web', 'batch'].map((pool) => ({ resources: { ...resources, selector: { matchLabels: { pool } } } })),
  ],
] as const)
  describe(`an object that follows ${what}`, () => {
    it('deletes no region that a source names, or named within keepUnused, and nothing while one cannot be read; at rest the replicas are as asked', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyMove, { minLength: 3, maxLength: 25 }), async (moves) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, []);
          const object = anObject({
            regions: ['brazilsouth'],
            spec: { regionsFrom: [...regionsFrom], keepUnused: '2h', interval: '10m' },
          });
          const operator = new OperatorModel(object, arm, clock);
          operator.sources = [reading(['japaneast']), reading(['westeurope'])];
          const onlooker = new Onlooker(operator, clock);
          arm.beforeRequest = (request) => {
            const [, location] = /^DELETE (\S+)/.exec(request) ?? [];
            if (location) expect(onlooker.protects(location), request).to.equal(undefined);
          };
          const settle = async () => {
            onlooker.look();
            await operator.runUntil(() => isSettled(operator) || operator.passes % 20 === 0);
          };
          await settle();
          for (const move of moves) {
            if (move.kind === 'names') operator.sources[move.source] = reading(move.values);
            else if (move.kind === 'fails')
              operator.sources[move.source] =
                move.how === 'Listing' ? { state: 'Listing' } : { state: move.how, message: 'it fails' };
            else if (move.kind === 'restart') operator.restart();
            else await clock.advance(move.ms);
            await settle();
          }
          // At rest the replicas are those of the spec and of the sources.
          operator.sources = [reading(['japaneast']), reading(['UK South'])];
          await settle();
          await clock.advance(keepMs + 60_000);
          await operator.runUntil(() => isSettled(operator) && arm.actualReplicas.size === 4);
          expect([...arm.actualReplicas.keys()].sort()).to.deep.equal(
            ['brazilsouth', home, 'japaneast', 'uksouth'].sort(),
          );
          expect(arm.forbiddenWrites.join('; ')).to.equal('');
        }),
        propertyRuns(200),
      );
    });
  });
