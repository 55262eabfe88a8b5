// The property of test/unit/replication/convergence.test.ts with everything between the domain and ARM: the ARM client, the SDK,
// the rate limiter, TLS and sockets, and an emulator with transport faults.
import { expect } from 'chai';
import fc from 'fast-check';
import { listedRegions, type RegionSpec } from '../../src/api/registryreplication.ts';
import type { Arm, Replica } from '../../src/azure/arm.ts';
import { drawSteps, endTrouble, errorResponses, playSteps, type Step, staleReads } from '../emulators/arm/chaos.ts';
import type { ArmEmulator } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { seeded } from '../emulators/arm/random.ts';
import { isMoving } from '../emulators/arm/replica-lifecycle.ts';
import { FakeClock } from '../fake-clock.ts';
import { propertyRuns } from '../property-runs.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from '../unit/replication/arbitraries.ts';
import { anObject, aReplica, home } from '../unit/replication/fixtures.ts';
import { OperatorModel } from '../unit/replication/operator-model.ts';
import { startArmOverSockets } from './arm-over-sockets.ts';

const { registry } = anObject().spec;
const kinds = ['reset', 'malformed', ...errorResponses, ...staleReads] as const;
const targets = {
  registry: registry.name,
  locations: ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'],
};

/** Faults that begin and end in the first minutes. */
const anySteps = fc
  .noShrink(fc.integer({ min: 0 }))
  .chain((seed) =>
    fc.subarray(drawSteps(60, targets, { kinds, drifts: [], paceMs: 2_000 }, seeded(seed)).filter(isNotStall)),
  );

/** Excludes stalled bodies: they last until their request's deadline, and this test's clock stands still during a pass. */
function isNotStall(step: Step): boolean {
  return step.kind !== 'on' || step.fault.kind !== 'malformed' || step.fault.how !== 'stall';
}

/** The operator is killed at the nth point (a request to ARM, its response, a write to Kubernetes, its response). */
const anyKills = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 2 });
/** The object is edited at the nth point, during a pass or between passes. */
const anyEdits = fc.uniqueArray(fc.record({ at: fc.nat(60), regions: anyRegions }), {
  maxLength: 2,
  selector: ({ at }) => at,
});

interface Setup {
  readonly replicas: Replica[];
  readonly regions: RegionSpec[];
  readonly prune: 'Delete' | 'Retain';
  readonly steps: readonly Step[];
  readonly kills: readonly number[];
  readonly edits: readonly { readonly at: number; readonly regions: RegionSpec[] }[];
  /** Seed of the emulator. */
  readonly seed: number;
}

const anySetup: fc.Arbitrary<Setup> = fc.record({
  replicas: anyReplicas,
  regions: anyRegions,
  prune: anyPrune,
  steps: anySteps,
  kills: anyKills,
  edits: anyEdits,
  seed: fc.noShrink(fc.nat()),
});

/** Upper bound in ms for the time between passes during the faults: edits may cause a pass at any time. */
const maxIntervalMs = 20_000;

class Killed extends Error {}

/** Records and checks every request of the operator and its response. */
class RequestChecker {
  readonly violations: string[] = [];
  /** Locations by the replica's name. */
  readonly locations = new Map<string, string>();
  /** Locations of writes that followed a wrong response of ARM to GET. */
  readonly misinformed: string[] = [];
  readonly #emulator: ArmEmulator;
  /** The responses to GET in this pass, by name; undefined: not found. */
  readonly #got = new Map<string, Replica | undefined>();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(emulator: ArmEmulator) {
    this.#emulator = emulator;
  }

  startPass(): void {
    this.#got.clear();
  }

  /** Resolves when requests that a killed process had sent have arrived. */
  async arrivals(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  /** `onPoint` is called before each request and after each response. */
  watch(arm: Arm, onPoint: () => void): Arm {
    return new Proxy(arm, {
      get:
        (target, method: keyof Arm) =>
        async (...args: readonly unknown[]): Promise<unknown> => {
          onPoint();
          const name = String(args[1]);
          if (method === 'create' || method === 'update' || method === 'remove') this.#writes(method, name, args[2]);
          const sent: Promise<unknown> = Reflect.apply(target[method], target, args);
          this.#inFlight.add(sent);
          try {
            const answer = await sent;
            if (method === 'replica') this.#got.set(name, answer as Replica);
            return answer;
          } catch (error) {
            if (method === 'replica') this.#got.set(name, undefined);
            throw error;
          } finally {
            this.#inFlight.delete(sent);
            onPoint();
          }
        },
    });
  }

  #writes(method: 'create' | 'update' | 'remove', name: string, body: unknown): void {
    const is = this.#emulator.azure.replicas(registry).find((replica) => replica.name === name);
    const location = method === 'create' ? (body as Replica).location : (is?.location ?? this.#got.get(name)?.location);
    this.locations.set(name, location ?? name);
    const got = this.#got.get(name);
    const saysItMoves = got && got.provisioningState !== 'Succeeded' && got.provisioningState !== 'Failed';
    if (!this.#got.has(name) || saysItMoves || (got === undefined) !== (method === 'create'))
      this.violations.push(`${method} ${name} after GET had said ${got?.provisioningState ?? 'nothing'}`);
    if (location === home && method !== 'update') this.violations.push(`${method} of the home replica`);
    const isOtherwise = method === 'create' ? is !== undefined : is === undefined || isMoving(is.stage);
    if (isOtherwise) this.misinformed.push(this.locations.get(name) ?? name);
    // A creation over an existing routed replica takes it out of service; one more PATCH repairs that.
    const isUndone = method === 'create' && is?.routing && (body as Replica).routing === false;
    if (isUndone) this.misinformed.push(this.locations.get(name) ?? name);
  }
}

async function runOnce(setup: Setup): Promise<void> {
  const clock = new FakeClock();
  const { emulator, connect, close } = await startArmOverSockets(clock, { seed: setup.seed });
  try {
    const { azure } = emulator;
    azure.addRegistry(registry, { location: home });
    for (const { location, name, routing, tags, provisioningState } of homeFirst(setup.replicas)) {
      const state = provisioningState === 'Failed' ? 'Failed' : 'Ready';
      azure.addReplica(registry, location, { name, routing, tags, state });
    }
    const spec = { prune: setup.prune };
    const operator = new OperatorModel(
      anObject({ regions: setup.regions, spec, claimed: false }),
      connect().arm,
      clock,
    );
    const checker = new RequestChecker(emulator);
    const edits = new Map(setup.edits.map(({ at, regions }) => [at, regions]));
    let points = 0;
    let isDead = false;
    const edit = (point: number) => {
      const regions = edits.get(point);
      if (regions) operator.edit({ regions });
      edits.delete(point);
    };
    let onPoint = () => {
      edit(points);
      if (setup.kills.includes(points)) isDead = true;
      points += 1;
      if (isDead) throw new Killed();
    };
    const startOperator = () => {
      isDead = false;
      operator.restart();
      const { armFor } = connect((arm) => checker.watch(arm, () => onPoint()));
      operator.armFor = (object) => {
        checker.startPass();
        return armFor(object);
      };
    };
    operator.interrupt = () => onPoint();
    startOperator();
    const chaos = playSteps(azure, setup.steps, clock);
    for (let pass = 0; pass < 40; pass++) {
      const wait = await operator.pass().catch(async (error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        await checker.arrivals();
        startOperator();
        return 500;
      });
      await clock.advance(Math.min(wait ?? 0, maxIntervalMs));
    }
    chaos.stop();
    endTrouble(azure);
    for (const point of [...edits.keys()].sort((a, b) => a - b)) edit(point);
    onPoint = () => undefined;
    await operator.runUntil(() => isSettled(operator), 600);
    checkOutcome(setup, operator, emulator, checker);
  } finally {
    await close();
  }
}

/** In any other order the emulator adds the home entry by itself. */
function homeFirst(replicas: readonly Replica[]): Replica[] {
  return [...replicas].sort((a, b) => Number(b.location === home) - Number(a.location === home));
}

function checkOutcome(
  setup: Setup,
  operator: OperatorModel,
  { azure, journal }: ArmEmulator,
  checker: RequestChecker,
): void {
  const { replicas, prune } = setup;
  const truth = new Map(
    azure.replicas(registry).map(({ location, name, routing, tags }) => [location, { location, name, routing, tags }]),
  );
  const done = journal.writes.filter(isDone);
  const at = ({ replica = '' }: JournalEntry) => checker.locations.get(replica) ?? replica;
  const deletions = done.filter(({ method }) => method === 'DELETE').map((write) => `delete ${at(write)}`);
  expectDesired(
    { actualReplicas: truth, writes: deletions },
    operator,
    replicas,
    listedRegions(operator.object.spec),
    prune,
  );
  expect(checker.violations).to.deep.equal([]);
  const toHome = journal.writes.filter(({ method, replica }) => method !== 'PATCH' && replica === home);
  expect(toHome, 'the home replica is left alone').to.deep.equal([]);
  const writes = Map.groupBy(done, at);
  for (const [location, own] of writes) {
    const excused = checker.misinformed.filter((misinformed) => misinformed === location).length;
    const max = maxWrites(location, setup) + excused;
    const words = own.map(({ method, status, hidden }) => `${method} ${hidden ?? status}`).join(', ');
    expect(own.length, `${location}: ${words}; ${max} would do`).to.be.at.most(max);
  }
}

/** Whether ARM has carried it out, even if its response was lost. */
function isDone({ status, hidden = status }: JournalEntry): boolean {
  return hidden >= 200 && hidden < 300;
}

/** The number of writes that suffice for one location, whatever is refused, unanswered or killed. */
function maxWrites(location: string, { replicas, regions, edits, prune, kills }: Setup): number {
  const later = [...edits].sort((a, b) => a.at - b.at).map((edit) => edit.regions);
  const initial = replicas.find((replica) => replica.location === location);
  const isBroken = initial?.provisioningState === 'Failed';
  let is: Replica | undefined = initial;
  let max = 0;
  for (const [index, spec] of [regions, ...later].entries()) {
    const desired = spec.find((region) => region.location === location);
    if (!desired) {
      if (is && prune === 'Delete' && location !== home) max += 1;
      if (prune === 'Delete') is = undefined;
      continue;
    }
    const { routing, tags } = desired;
    // Changes of a Failed replica are repeated five times, and once more for each kill.
    if (isBroken) max += 5 + kills.length;
    if (!is && location !== home) max += 1 + (routing === 'WhenReady' ? 1 : 0);
    else if (!is || index > 0)
      max += 2; // The previous change may or may not have been carried out.
    else {
      const { routing: isRouted, tags: has } = is;
      // Two writes: routing may have to wait for another region while the tags need not.
      if (routing && (routing !== 'Disabled') !== isRouted) max += 1;
      if (Object.entries(tags ?? {}).some(([key, value]) => has[key] !== value)) max += 1;
    }
    is ??= aReplica(location);
  }
  return max;
}

describe('over real sockets, with any replicas, spec, edits and faults, and an operator that is killed', () => {
  it('the desired state is reached, home is untouched, no write goes to a replica in motion, and none is needless', async () => {
    await fc.assert(fc.asyncProperty(anySetup, runOnce), propertyRuns(50, 8));
  });
});
