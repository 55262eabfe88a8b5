// The requests that a pass sends to ARM, and the time until the next pass.
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError, type Registry, type Replica } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anyPrune, anyRegions, anyReplicas } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aRegistry, aReplica, home, type ObjectParts } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const minute = 60_000;
const five = ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];

function scenario(parts: ObjectParts = {}, replicas: Replica[] = []) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, replicas);
  const requests: string[] = [];
  arm.beforeRequest = (request) => void requests.push(request);
  const operator = new OperatorModel(anObject({ claimed: false, ...parts }), arm, clock);
  /** Returns the requests since the previous call. */
  const takeRequests = () => requests.splice(0);
  return { clock, arm, takeRequests, operator };
}

const isReady = (operator: OperatorModel) => operator.condition('Ready')?.status === 'True';

describe('the reads of a pass', () => {
  it('are one LIST while replicas are in transition, however many there are', async () => {
    const { operator, clock, takeRequests } = scenario({ regions: five.slice(0, 3) });
    await clock.advance((await operator.pass()) ?? 0);
    takeRequests();
    await operator.pass();
    expect(takeRequests()).to.deep.equal(['LIST']);
  });

  it('are one LIST a minute and one GET of the registry every five minutes while a replica is Syncing for days', async () => {
    const { operator, clock, takeRequests } = scenario({}, [
      aReplica(home),
      aReplica('japaneast', { displayStatus: 'Syncing' }),
    ]);
    await operator.pass();
    await clock.advance(24 * 60 * minute);
    await operator.pass();
    takeRequests();
    for (let n = 0; n < 60; n++) {
      await clock.advance(minute);
      await operator.pass();
    }
    const requests = takeRequests();
    expect(requests.filter((request) => request === 'LIST')).to.have.length(60);
    expect(requests.filter((request) => request === 'GET registry')).to.have.length(12);
    expect(requests).to.have.length(72);
  });

  it('are a GET of the registry and a LIST once the object is Ready', async () => {
    const { operator, clock, takeRequests } = scenario();
    await operator.runUntil(() => isReady(operator));
    takeRequests();
    await clock.advance(1_000);
    await operator.pass();
    expect(takeRequests()).to.deep.equal(['GET registry', 'LIST']);
  });

  it('leave no registry in the cache once the object is Ready, because there may be 10,000 of them', async () => {
    const { operator, clock } = scenario();
    const remembered = () =>
      operator.processState.registries.recall(operator.object.spec.registry, minute, clock.now());
    await operator.pass();
    expect(remembered()).to.include({ location: home });
    await operator.runUntil(() => isReady(operator));
    expect(remembered()).to.equal(undefined);
  });

  it('include the GET of the registry immediately after an edit', async () => {
    const { operator, clock, takeRequests } = scenario();
    await clock.advance((await operator.pass()) ?? 0);
    takeRequests();
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.pass();
    expect(takeRequests().slice(0, 2)).to.deep.equal(['GET registry', 'LIST']);
  });

  it('include a new GET of the registry before a write that a progress poll finds due', async () => {
    const { operator, takeRequests } = scenario({}, [aReplica(home), aReplica('uksouth')]);
    await operator.runUntil(
      () => isReady(operator) || operator.status.regions?.some(({ state }) => state === 'Deleting') === true,
    );
    const requests = takeRequests();
    const deletion = requests.indexOf('DELETE uksouth');
    expect(requests.slice(0, deletion).at(-1)).to.equal('GET registry');
    expect(requests.filter((request) => request === 'GET registry')).to.have.length(2);
  });
});

describe('polling a creation', () => {
  it("starts after Azure's Retry-After, then follows a fortieth of the time since it began", async () => {
    const { operator, arm, clock, takeRequests } = scenario();
    arm.askAfter = 10_000;
    const waits: (number | undefined)[] = [];
    for (let n = 0; n < 12; n++) {
      const wait = await operator.pass();
      waits.push(wait);
      arm.replicas = async () => [aReplica('japaneast', { provisioningState: 'Creating' })];
      await clock.advance(wait ?? 0);
    }
    expect(waits).to.deep.equal([10_000, 250, 250, 250, 250, 275, 275, 275, 275, 300, 300, 300]);
    expect(takeRequests()).to.include('PUT japaneast');
  });

  it('counts the time that the pass takes', async () => {
    const { operator, arm, clock } = scenario();
    arm.askAfter = 10_000;
    await clock.advance((await operator.pass()) ?? 0);
    arm.replicas = async () => {
      await clock.advance(30);
      return [aReplica('japaneast', { provisioningState: 'Creating' })];
    };
    expect(await operator.pass()).to.equal(250 - 30);
  });

  it('slows down to an eighth of the time in the state while many registries are polled', async () => {
    const { operator, arm, clock } = scenario();
    arm.askAfter = 10_000;
    for (let n = 0; n < 1_000; n++) operator.processState.pollPacing.polled(clock.monotonic());
    const waits: (number | undefined)[] = [await operator.pass()];
    arm.replicas = async () => [aReplica('japaneast', { provisioningState: 'Creating' })];
    for (let n = 0; n < 4; n++) {
      await clock.advance(waits.at(-1) ?? 0);
      for (let others = 0; others < 1_000; others++) operator.processState.pollPacing.polled(clock.monotonic());
      waits.push(await operator.pass());
    }
    expect(waits).to.deep.equal([10_000, 3_333, 3_333, 3_333, 3_333]);
  });

  it("starts within a minute, whatever Azure's Retry-After", async () => {
    const { operator, arm } = scenario();
    arm.askAfter = 86_400_000;
    expect(await operator.pass()).to.equal(minute);
  });

  it('shows a synchronization of up to a minute at most 8 s late', async () => {
    for (let syncing = 1_000; syncing <= minute; syncing += 1_000) {
      const { operator, arm, clock } = scenario();
      arm.askAfter = 10_000;
      const creating = 8_000 + (syncing % 11_000);
      arm.durationsFor = () => ({ creating, syncing });
      const from = clock.now().getTime();
      await operator.runUntil(() => isReady(operator));
      const lateMs = clock.now().getTime() - from - creating - syncing;
      expect(lateMs, `${syncing / 1_000} s`).to.be.within(0, 8_000);
    }
  });

  it('shows five created at once within 1.03 times the slowest creation and its synchronization', async () => {
    const anyDuration = fc.record({
      creating: fc.integer({ min: 10_001, max: 19_000 }),
      syncing: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 120_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyDuration, { minLength: 5, maxLength: 5 }), async (durations) => {
        const { operator, arm, clock } = scenario({ regions: five });
        operator.maxParallelActions = 5;
        arm.askAfter = 10_000;
        arm.durationsFor = (location) => durations[five.indexOf(location)] ?? { creating: 0, syncing: 0 };
        const from = clock.now().getTime();
        await operator.runUntil(() => isReady(operator));
        const slowest = Math.max(...durations.map(({ creating, syncing }) => creating + syncing));
        expect((clock.now().getTime() - from) / slowest).to.be.within(1, 1.03);
      }),
      propertyRuns(30),
    );
  });

  it('costs one write and at most eight reads per replica when five are created in parallel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 8_000, max: 19_000 }), { minLength: 5, maxLength: 5 }),
        async (times) => {
          const { operator, arm, takeRequests } = scenario({ regions: five });
          operator.maxParallelActions = 5;
          arm.askAfter = 10_000;
          arm.durationsFor = (location) => ({ creating: (times[five.indexOf(location)] ?? 0) - 1, syncing: 1 });
          await operator.runUntil(() => isReady(operator));
          // The list of regions is read once a day for all replicas of a subscription.
          const sent = takeRequests().filter((request) => request !== 'GET locations');
          expect(sent.filter((request) => request.startsWith('PUT'))).to.have.length(5);
          expect(sent.length - 5, sent.join()).to.be.at.most(40);
        },
      ),
      propertyRuns(30),
    );
  });

  it('costs at most 40 reads for a replica that is created alone', async () => {
    const { operator, arm, takeRequests } = scenario();
    arm.askAfter = 10_000;
    arm.durationsFor = () => ({ creating: 19_000, syncing: 0 });
    await operator.runUntil(() => isReady(operator));
    const reads = takeRequests().filter((request) => request.startsWith('GET') || request === 'LIST');
    expect(reads, reads.join()).to.have.length.at.most(40);
  });
});

describe('a registry that changed a short while ago', () => {
  const changes: Record<string, Partial<Registry>> = {
    'recreated with another home region': { creationDate: '2026-11-22T00:00:00.000Z', location: 'westeurope' },
    'downgraded to Basic': { sku: 'Basic' },
    'being updated itself': { provisioningState: 'Updating' },
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`is read again before any write: ${what}`, async () => {
      const { operator, arm, clock } = scenario({ regions: ['japaneast', 'westeurope'] }, [aReplica('japaneast')]);
      operator.maxParallelActions = 1;
      await clock.advance((await operator.pass()) ?? 0);
      arm.currentRegistry = aRegistry(change);
      for (let n = 0; n < 20; n++) await clock.advance((await operator.pass()) ?? 0);
      expect(arm.forbiddenWrites).to.deep.equal([]);
      expect(operator.status.registry?.homeRegion).to.equal(change.location ?? home);
    });
  }

  it('is reported as RegistryNotFound by a progress poll when LIST returns 404', async () => {
    const { operator, arm, clock } = scenario();
    await clock.advance((await operator.pass()) ?? 0);
    arm.beforeRequest = (request) => {
      if (!request.startsWith('PUT')) throw new ArmError('NotFound', 'NotFound', '', { code: 'ResourceNotFound' });
    };
    await operator.pass();
    expect(operator.condition('Ready')?.reason).to.equal('RegistryNotFound');
  });

  it('never leads to a forbidden write, whenever it changes', async () => {
    const anyChange = fc.record({ pass: fc.nat(12), change: fc.constantFrom(...Object.values(changes)) });
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        async (replicas, regions, prune, scheduled) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
          for (let pass = 0; pass < 30; pass++) {
            for (const { change } of scheduled.filter((one) => one.pass === pass))
              arm.currentRegistry = aRegistry(change);
            if (pass === 20)
              arm.currentRegistry = aRegistry(
                scheduled.at(-1)?.change.creationDate ? changes['recreated with another home region'] : {},
              );
            await clock.advance((await operator.pass()) ?? 0);
          }
          expect(arm.forbiddenWrites.join('; ')).to.equal('');
        },
      ),
      propertyRuns(400),
    );
  });
});
