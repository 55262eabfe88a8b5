// The property of test/unit/replication/faults.test.ts once more, with what lies between the domain and ARM: the gateway, the
// SDK, the budget, TLS and sockets, and an emulator whose faults befall the wire itself. FC_SEED repeats a run.
import { expect } from 'chai';
import fc from 'fast-check';
import type { RegionSpec } from '../../src/api/registryreplication.ts';
import type { Arm, Replica } from '../../src/azure/arm.ts';
import { drawSteps, endTrouble, errorResponses, playSteps, type Step, staleReads } from '../emulators/arm/chaos.ts';
import type { ArmEmulator } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { seeded } from '../emulators/arm/random.ts';
import { isMoving } from '../emulators/arm/replica-lifecycle.ts';
import { FakeClock } from '../fake-clock.ts';
import { anyPrune, anyRegions, anyReplicas, expectDesired, isSettled } from '../unit/replication/arbitraries.ts';
import { anObject, aReplica, home } from '../unit/replication/fixtures.ts';
import { OperatorModel } from '../unit/replication/operator-model.ts';
import { startArmOverSockets } from './arm-over-sockets.ts';

const { registry } = anObject().spec;
const kinds = ['reset', 'malformed', ...errorResponses, ...staleReads] as const;
const scene = {
  registry: registry.name,
  locations: ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'],
};

/** Faults that come and go in the first minutes. */
const anySteps = fc
  .noShrink(fc.integer({ min: 0 }))
  .chain((seed) =>
    fc.subarray(drawSteps(60, scene, { kinds, drifts: [], paceMs: 2_000 }, seeded(seed)).filter(endsAtOnce)),
  );

/** A body that stalls lasts until the deadline of its request, and the clock of this test stands still during a pass. */
function endsAtOnce(step: Step): boolean {
  return step.kind !== 'on' || step.fault.kind !== 'malformed' || step.fault.how !== 'stall';
}

/** At the nth place (a request to ARM, its answer, a write to Kubernetes, its answer) the operator is killed. */
const anyKills = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 2 });
/** At the nth place somebody edits the object, be a pass under way or not. */
const anyEdits = fc.uniqueArray(fc.record({ at: fc.nat(60), regions: anyRegions }), {
  maxLength: 2,
  selector: ({ at }) => at,
});

interface World {
  readonly replicas: Replica[];
  readonly regions: RegionSpec[];
  readonly prune: 'Delete' | 'Retain';
  readonly steps: readonly Step[];
  readonly kills: readonly number[];
  readonly edits: readonly { readonly at: number; readonly regions: RegionSpec[] }[];
  /** Of the emulator's chance. */
  readonly seed: number;
}

const anyWorld: fc.Arbitrary<World> = fc.record({
  replicas: anyReplicas,
  regions: anyRegions,
  prune: anyPrune,
  steps: anySteps,
  kills: anyKills,
  edits: anyEdits,
  seed: fc.noShrink(fc.nat()),
});

/** ms; in the storm nobody waits longer for the next pass: it may come at any time, since people edit. */
const longestRest = 20_000;

class Killed extends Error {}

/** Every request of the operator, as it goes out and comes back. */
class Witness {
  readonly violations: string[] = [];
  /** Locations by the replica's name. */
  readonly locations = new Map<string, string>();
  /** Locations of writes before which ARM's answer to the GET was wrong. */
  readonly misled: string[] = [];
  readonly #emulator: ArmEmulator;
  /** What the operator was told by GET in this pass, by name; undefined: that there is none. */
  readonly #told = new Map<string, Replica | undefined>();
  readonly #onTheirWay = new Set<Promise<unknown>>();

  constructor(emulator: ArmEmulator) {
    this.#emulator = emulator;
  }

  passBegins(): void {
    this.#told.clear();
  }

  /** What a process had sent when it was killed arrives nevertheless. */
  async arrivals(): Promise<void> {
    await Promise.allSettled(this.#onTheirWay);
  }

  /** `reach` is called before each request and after each answer. */
  watch(arm: Arm, reach: () => void): Arm {
    return new Proxy(arm, {
      get:
        (target, method: keyof Arm) =>
        async (...args: readonly unknown[]): Promise<unknown> => {
          reach();
          const name = String(args[1]);
          if (method === 'create' || method === 'update' || method === 'remove') this.#writes(method, name, args[2]);
          const sent: Promise<unknown> = Reflect.apply(target[method], target, args);
          this.#onTheirWay.add(sent);
          try {
            const answer = await sent;
            if (method === 'replica') this.#told.set(name, answer as Replica);
            return answer;
          } catch (error) {
            if (method === 'replica') this.#told.set(name, undefined);
            throw error;
          } finally {
            this.#onTheirWay.delete(sent);
            reach();
          }
        },
    });
  }

  #writes(method: 'create' | 'update' | 'remove', name: string, body: unknown): void {
    const is = this.#emulator.azure.replicas(registry).find((replica) => replica.name === name);
    const location =
      method === 'create' ? (body as Replica).location : (is?.location ?? this.#told.get(name)?.location);
    this.locations.set(name, location ?? name);
    const told = this.#told.get(name);
    const saysItMoves = told && told.provisioningState !== 'Succeeded' && told.provisioningState !== 'Failed';
    if (!this.#told.has(name) || saysItMoves || (told === undefined) !== (method === 'create'))
      this.violations.push(`${method} ${name} after GET had said ${told?.provisioningState ?? 'nothing'}`);
    if (location === home && method !== 'update') this.violations.push(`${method} of the home replica`);
    const isOtherwise = method === 'create' ? is !== undefined : is === undefined || isMoving(is.stage);
    if (isOtherwise) this.misled.push(this.locations.get(name) ?? name);
    // A creation over a replica that is there, and routed, takes it out of service: a PATCH more puts that right.
    const isUndone = method === 'create' && is?.routing && (body as Replica).routing === false;
    if (isUndone) this.misled.push(this.locations.get(name) ?? name);
  }
}

async function live(world: World): Promise<void> {
  const clock = new FakeClock();
  const { emulator, connect, close } = await startArmOverSockets(clock, { seed: world.seed });
  try {
    const { azure } = emulator;
    azure.addRegistry(registry, { location: home });
    for (const { location, name, routing, tags, provisioningState } of homeFirst(world.replicas)) {
      const state = provisioningState === 'Failed' ? 'Failed' : 'Ready';
      azure.addReplica(registry, location, { name, routing, tags, state });
    }
    const spec = { prune: world.prune };
    const operator = new OperatorModel(
      anObject({ regions: world.regions, spec, claimed: false }),
      connect().arm,
      clock,
    );
    const witness = new Witness(emulator);
    const edits = new Map(world.edits.map(({ at, regions }) => [at, regions]));
    let places = 0;
    let isDead = false;
    const edit = (place: number) => {
      const regions = edits.get(place);
      if (regions) operator.edit({ regions });
      edits.delete(place);
    };
    let reach = () => {
      edit(places);
      if (world.kills.includes(places)) isDead = true;
      places += 1;
      if (isDead) throw new Killed();
    };
    const begin = () => {
      isDead = false;
      operator.restart();
      const { armFor } = connect((arm) => witness.watch(arm, () => reach()));
      operator.armFor = (object) => {
        witness.passBegins();
        return armFor(object);
      };
    };
    operator.interrupt = () => reach();
    begin();
    const chaos = playSteps(azure, world.steps, clock);
    for (let pass = 0; pass < 40; pass++) {
      const wait = await operator.pass().catch(async (error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        await witness.arrivals();
        begin();
        return 500;
      });
      await clock.advance(Math.min(wait ?? 0, longestRest));
    }
    chaos.stop();
    endTrouble(azure);
    for (const place of [...edits.keys()].sort((a, b) => a - b)) edit(place);
    reach = () => undefined;
    await operator.runUntil(() => isSettled(operator), 600);
    judge(world, operator, emulator, witness);
  } finally {
    await close();
  }
}

/** With any other the home entry comes by itself. */
function homeFirst(replicas: readonly Replica[]): Replica[] {
  return [...replicas].sort((a, b) => Number(b.location === home) - Number(a.location === home));
}

function judge(world: World, operator: OperatorModel, { azure, journal }: ArmEmulator, witness: Witness): void {
  const { replicas, prune } = world;
  const truth = new Map(
    azure.replicas(registry).map(({ location, name, routing, tags }) => [location, { location, name, routing, tags }]),
  );
  const done = journal.writes.filter(isDone);
  const at = ({ replica = '' }: JournalEntry) => witness.locations.get(replica) ?? replica;
  const deletions = done.filter(({ method }) => method === 'DELETE').map((write) => `delete ${at(write)}`);
  expectDesired({ actualReplicas: truth, writes: deletions }, operator, replicas, operator.object.spec.regions, prune);
  expect(witness.violations).to.deep.equal([]);
  const toHome = journal.writes.filter(({ method, replica }) => method !== 'PATCH' && replica === home);
  expect(toHome, 'the home replica is left alone').to.deep.equal([]);
  const writes = Map.groupBy(done, at);
  for (const [location, own] of writes) {
    const excused = witness.misled.filter((misled) => misled === location).length;
    const most = mostWrites(location, world) + excused;
    const words = own.map(({ method, status, hidden }) => `${method} ${hidden ?? status}`).join(', ');
    expect(own.length, `${location}: ${words}; ${most} would do`).to.be.at.most(most);
  }
}

/** Whether ARM has carried it out, whatever became of the answer. */
function isDone({ status, hidden = status }: JournalEntry): boolean {
  return hidden >= 200 && hidden < 300;
}

/** So many writes are enough for one location, whatever is refused, unanswered or killed on the way. */
function mostWrites(location: string, { replicas, regions, edits, prune, kills }: World): number {
  const later = [...edits].sort((a, b) => a.at - b.at).map((edit) => edit.regions);
  const initial = replicas.find((replica) => replica.location === location);
  const isBroken = initial?.provisioningState === 'Failed';
  let is: Replica | undefined = initial;
  let most = 0;
  for (const [index, spec] of [regions, ...later].entries()) {
    const asked = spec.find((region) => region.location === location);
    if (!asked) {
      if (is && prune === 'Delete' && location !== home) most += 1;
      if (prune === 'Delete') is = undefined;
      continue;
    }
    const { routing, tags } = asked;
    // What is asked for is repeated five times on a Failed replica, once more where the operator was killed meanwhile.
    if (isBroken) most += 5 + kills.length;
    if (!is && location !== home) most += 1 + (routing === 'WhenReady' ? 1 : 0);
    else if (!is || index > 0)
      most += 2; // Whatever was asked for before may have been done, or not.
    else {
      const { routing: isRouted, tags: has } = is;
      // Two writes: routing may have to wait for another region while the tags need not.
      if (routing && (routing !== 'Disabled') !== isRouted) most += 1;
      if (Object.entries(tags ?? {}).some(([key, value]) => has[key] !== value)) most += 1;
    }
    is ??= aReplica(location);
  }
  return most;
}

describe('over real sockets, from any replicas, any spec, edits and faults in flight, and an operator that is killed', () => {
  it('the desired set is reached, home untouched, no write is sent to a replica in motion, and none too many', async function () {
    this.timeout(180_000);
    const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
    await fc.assert(fc.asyncProperty(anyWorld, live), { numRuns: 50, seed });
    console.log(`    50 runs over sockets, seed ${seed}`);
  });
});
