// Random sequences of what sources name and of edits of the spec, against a model of ARM whose LIST of replicas and list of regions come
// and go. An onlooker that knows what the sources have said judges each deletion.
import { expect } from 'chai';
import fc from 'fast-check';
import { listedRegions, type RegionSource, type Spec } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
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
/** `Mars North` is in ARM's list of regions only, not in the operator's table. */
const spellings = [
  'Japan East',
  'japaneast',
  'westeurope',
  'northeurope',
  'UK South',
  'Mars North',
  'eastus',
  'nowhere',
];
const allRegions = ['eastus', 'japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth', 'marsnorth'];

function ofGroup(group: string): RegionSource {
  return { resources: { apiVersion: `${group}/v1`, kind: 'MemberCluster', location: '.spec.location' } };
}
/** Two of them have one kind, and so one label. */
const sources: readonly { readonly entry: RegionSource; readonly label: string }[] = [
  { entry: { nodes: {} }, label: 'nodes' },
  { entry: ofGroup('one.example'), label: 'MemberCluster' },
  { entry: ofGroup('other.example'), label: 'MemberCluster' },
];
const indexes = sources.map((_, index) => index);

type State = Exclude<SourceReading['state'], 'Synced' | 'Listing'>;
type Move =
  | { readonly kind: 'names'; readonly source: number; readonly values: string[] }
  | { readonly kind: 'fails'; readonly source: number; readonly state: State | 'Listing' }
  | { readonly kind: 'follows'; readonly sources: number[] }
  | { readonly kind: 'lists'; readonly regions: string[] }
  | { readonly kind: 'switches'; readonly spec: Pick<Spec, 'suspend' | 'mode'> }
  | { readonly kind: 'catalog'; readonly regions: string[] | 'refused' }
  | { readonly kind: 'visibility'; readonly of: 'current' | 'stale' | 'omit' }
  | { readonly kind: 'outage'; readonly lasts: boolean }
  | { readonly kind: 'losesStatus' | 'restarts' }
  | { readonly kind: 'setsClockBack' | 'waits'; readonly ms: number };

const anyMs = fc.integer({ min: 0, max: 3 * hour });
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('names' as const),
      source: fc.constantFrom(...indexes),
      values: fc.subarray(spellings),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('waits' as const), ms: anyMs }) },
  fc.record({
    kind: fc.constant('fails' as const),
    source: fc.constantFrom(...indexes),
    state: fc.constantFrom('Forbidden', 'NotInstalled', 'NotSynced', 'NotAllowed', 'Invalid', 'Listing'),
  }),
  fc.record({ kind: fc.constant('follows' as const), sources: fc.subarray(indexes) }),
  fc.record({
    kind: fc.constant('lists' as const),
    regions: fc.subarray(['brazilsouth', 'uksouth', 'westeurope'], { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('switches' as const),
    spec: fc.constantFrom(
      { suspend: true },
      { suspend: false },
      { mode: 'Observe' as const },
      { mode: 'Manage' as const },
    ),
  }),
  fc.record({
    kind: fc.constant('catalog' as const),
    regions: fc.oneof(fc.constant('refused' as const), fc.constant(allRegions), fc.constant(allRegions.slice(0, 3))),
  }),
  fc.record({ kind: fc.constant('visibility' as const), of: fc.constantFrom('current', 'stale', 'omit') }),
  fc.record({ kind: fc.constant('outage' as const), lasts: fc.boolean() }),
  fc.constantFrom({ kind: 'losesStatus' as const }, { kind: 'restarts' as const }),
  fc.record({ kind: fc.constant('setsClockBack' as const), ms: anyMs }),
);

function named(reading: SourceReading | undefined): string[] {
  return reading?.state === 'Synced'
    ? [...reading.values.keys()].map(normalise).filter((one) => one !== 'nowhere')
    : [];
}

function reading(values: readonly string[]): SourceReading {
  return { state: 'Synced', values: new Map(values.map((value) => [value, { count: 1 }])) };
}

class World {
  readonly clock = new FakeClock();
  readonly arm = new ArmModel(this.clock, []);
  readonly operator: OperatorModel;
  readonly readings: SourceReading[] = [reading(['japaneast']), reading(['westeurope']), reading(['uksouth'])];
  followed: readonly number[] = indexes;
  isOut = false;
  isCatalogRefused = false;
  /** When the status, or the claim with what it says of regions, was lost last, in ms of the monotonic clock. */
  #forgotAt: number | undefined;
  /** The regions that the spec has listed, or a source named, since then. */
  #wantedSince = new Set<string>();
  /** When each region was last named by a source that is followed and listed, in ms of the monotonic clock. */
  readonly #lastNamed = new Map<string, number>();
  /** The labels of which a source has named a region. An entry that takes the place of another of its label counts as the same source. */
  #labels = new Set<string>();
  /** What each source named when it named any, since it is followed. */
  readonly #lastOf = new Map<number, { readonly regions: readonly string[]; readonly at: number }>();

  constructor() {
    const regionsFrom = sources.map(({ entry }) => entry);
    const spec: Partial<Spec> = { regionsFrom, keepUnused: '2h', interval: '10m' };
    this.operator = new OperatorModel(anObject({ regions: ['brazilsouth'], spec }), this.arm, this.clock);
    this.arm.regions = allRegions;
    this.arm.beforeRequest = (request) => {
      const [, location] = /^DELETE (\S+)/.exec(request) ?? [];
      if (location) expect(this.#protects(location), request).to.equal(undefined);
      if (this.isOut) throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
      if (this.isCatalogRefused && request === 'GET locations')
        throw new ArmError('Denied', 'AuthorizationFailed', 'no right to list the regions');
    };
  }

  follow(indexes: readonly number[]): void {
    for (const [index] of sources.entries()) if (!indexes.includes(index)) this.#lastOf.delete(index);
    this.#labels = this.#labels.intersection(new Set(indexes.map((index) => sources[index]?.label ?? '')));
    this.followed = indexes;
    this.operator.edit({ regionsFrom: indexes.map((index) => sources[index]?.entry ?? { nodes: {} }) });
  }

  /** Runs passes until the object is at rest, 20 at most. */
  async settle(): Promise<void> {
    this.operator.sources = this.followed.map((index) => this.readings[index] ?? { state: 'Listing' });
    this.look();
    for (let passes = 0; passes < 20; passes++) {
      const wait = await this.operator.pass();
      if (wait === undefined || isSettled(this.operator)) return;
      await this.clock.advance(Math.min(wait, 600_000));
      this.look();
    }
  }

  look(): void {
    for (const index of this.followed) {
      const regions = named(this.readings[index]);
      for (const location of regions) this.#wantedSince.add(location);
      for (const location of regions) this.#lastNamed.set(location, this.clock.monotonic());
      if (regions.length === 0) continue;
      this.#lastOf.set(index, { regions, at: this.clock.monotonic() });
      this.#labels.add(sources[index]?.label ?? '');
    }
    for (const { location } of listedRegions(this.operator.object.spec)) this.#wantedSince.add(location);
  }

  forget(): void {
    this.#forgotAt = this.clock.monotonic();
    this.#wantedSince = new Set();
  }

  /** Why the replica in this region must not be deleted now; undefined if it may. */
  #protects(location: string): string | undefined {
    this.look();
    const { spec } = this.operator.object;
    if (spec.suspend || spec.mode === 'Observe') return 'the object changes nothing';
    if (location === home || listedRegions(spec).some((one) => one.location === location)) return 'the spec lists it';
    const broken = this.followed.find((index) => this.readings[index]?.state !== 'Synced');
    if (broken !== undefined) return `source ${broken} cannot be read`;
    const empty = this.followed.filter((index) => named(this.readings[index]).length === 0);
    const last = empty.find((index) => {
      const { regions = [], at = 0 } = this.#lastOf.get(index) ?? {};
      return regions.includes(location) && !this.#isForgotten(location, at);
    });
    if (last !== undefined) return `source ${last} names no region now, and this was one of its last`;
    const silent = empty.find((index) => !this.#labels.has(sources[index]?.label ?? ''));
    if (silent !== undefined) return `source ${silent} has named no region yet`;
    // Without its status, an object that follows nothing does not know that it did: then only spec.pruneDelay holds.
    if (this.#forgotAt !== undefined && this.followed.length === 0) return undefined;
    const namedAt = this.#lastNamed.get(location) ?? Number.NEGATIVE_INFINITY;
    if (this.#isForgotten(location, namedAt)) return undefined;
    const age = this.clock.monotonic() - namedAt;
    return age < keepMs ? `it was named ${age} ms ago` : undefined;
  }

  /**
   * True if the status that said that a source named the region is lost, and the region was wanted for another reason since: it goes
   * when that reason is gone. One that nothing has wanted since stays as one that the object never listed.
   */
  #isForgotten(location: string, namedAt: number): boolean {
    return this.#forgotAt !== undefined && namedAt <= this.#forgotAt && this.#wantedSince.has(location);
  }

  async make(move: Move): Promise<void> {
    const { operator, arm } = this;
    switch (move.kind) {
      case 'names':
        this.readings[move.source] = reading(move.values);
        return;
      case 'fails':
        this.readings[move.source] =
          move.state === 'Listing' ? { state: 'Listing' } : { state: move.state, message: 'no' };
        return;
      case 'follows':
        return this.follow(move.sources);
      case 'lists':
        return operator.edit({ regions: move.regions.map((location) => ({ location })) });
      case 'switches':
        if (move.spec.mode === 'Observe') this.forget();
        return operator.edit(move.spec);
      case 'catalog':
        this.isCatalogRefused = move.regions === 'refused';
        if (move.regions !== 'refused') arm.regions = move.regions;
        return;
      case 'visibility':
        arm.listVisibility = () => move.of;
        return;
      case 'outage':
        this.isOut = move.lasts;
        return;
      case 'losesStatus':
        this.forget();
        operator.object = { ...operator.object, status: {} };
        return;
      case 'restarts':
        return operator.restart();
      case 'setsClockBack':
        return this.clock.step(-move.ms);
      case 'waits':
        return this.clock.advance(move.ms);
      default:
        return move satisfies never;
    }
  }

  async comeToRest(): Promise<void> {
    const { operator, arm } = this;
    const end: Move[] = [
      { kind: 'outage', lasts: false },
      { kind: 'visibility', of: 'current' },
      { kind: 'catalog', regions: allRegions },
      { kind: 'switches', spec: { suspend: false, mode: 'Manage' } },
      { kind: 'lists', regions: ['brazilsouth'] },
      { kind: 'follows', sources: [0, 1] },
      { kind: 'names', source: 0, values: ['japaneast'] },
      { kind: 'names', source: 1, values: ['UK South', 'Mars North'] },
    ];
    for (const move of end) await this.make(move);
    operator.restart();
    await this.settle();
    await this.clock.advance(keepMs + 60_000);
    await operator.runUntil(() => isSettled(operator) && arm.actualReplicas.size === 5);
  }
}

describe('an object whose spec and sources change', () => {
  it('deletes no region that is needed, or was within keepUnused, and nothing while a source cannot be read; at rest the replicas are as asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMove, { minLength: 3, maxLength: 20 }), async (moves) => {
        const world = new World();
        await world.settle();
        for (const move of moves) {
          world.look();
          await world.make(move);
          await world.settle();
        }
        await world.comeToRest();
        const expected = ['brazilsouth', home, 'japaneast', 'marsnorth', 'uksouth'];
        expect([...world.arm.actualReplicas.keys()].sort()).to.deep.equal(expected.sort());
        expect(world.arm.forbiddenWrites.join('; ')).to.equal('');
      }),
      propertyRuns(500, 30),
    );
  });
});
