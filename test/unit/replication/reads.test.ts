// What a pass asks of ARM, and when it comes back to ask again.
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError, type Registry, type Replica } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { anyPrune, anyRegions, anyReplicas } from './arbitraries.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aRegistry, aReplica, home, type ObjectParts } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const minute = 60_000;
const five = ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];

function scene(parts: ObjectParts = {}, replicas: Replica[] = []) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, replicas);
  const requests: string[] = [];
  arm.before = (request) => void requests.push(request);
  const operator = new OperatorModel(anObject({ held: false, ...parts }), arm, clock);
  const since = () => requests.splice(0);
  return { clock, arm, since, operator };
}

const isReady = (operator: OperatorModel) => operator.condition('Ready')?.status === 'True';

describe('the requests of a pass', () => {
  it('are one LIST while replicas are in motion, whatever their number', async () => {
    const { operator, clock, since } = scene({ regions: five.slice(0, 3) });
    await clock.advance((await operator.pass()) ?? 0);
    since();
    await operator.pass();
    expect(since()).to.deep.equal(['LIST']);
  });

  it('are one LIST a minute while a replica is Syncing for days, and the registry every few minutes', async () => {
    const { operator, clock, since } = scene({}, [aReplica(home), aReplica('japaneast', { displayStatus: 'Syncing' })]);
    await operator.pass();
    await clock.advance(24 * 60 * minute);
    await operator.pass();
    since();
    for (let n = 0; n < 60; n++) {
      await clock.advance(minute);
      await operator.pass();
    }
    const asked = since();
    expect(asked.filter((request) => request === 'LIST')).to.have.length(60);
    expect(asked.filter((request) => request === 'GET registry')).to.have.length(12);
    expect(asked).to.have.length(72);
  });

  it('are the registry and its LIST once it is settled', async () => {
    const { operator, clock, since } = scene();
    await operator.runUntil(() => isReady(operator));
    since();
    await clock.advance(1_000);
    await operator.pass();
    expect(since()).to.deep.equal(['GET registry', 'LIST']);
  });

  it('leave no registry in memory once it is settled: there may be 10,000', async () => {
    const { operator, clock } = scene();
    const remembered = () => operator.memory.registries.recall(operator.object.spec.registry, minute, clock.now());
    await operator.pass();
    expect(remembered()).to.include({ location: home });
    await operator.runUntil(() => isReady(operator));
    expect(remembered()).to.equal(undefined);
  });

  it('are both at once where a person asks for a look, or has edited the object', async () => {
    const { operator, clock, since } = scene();
    await clock.advance((await operator.pass()) ?? 0);
    since();
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.pass();
    expect(since().slice(0, 2)).to.deep.equal(['GET registry', 'LIST']);
  });

  it('begin with the registry again before a write that a look between finds due', async () => {
    const { operator, since } = scene({}, [aReplica(home), aReplica('uksouth')]);
    await operator.runUntil(
      () => isReady(operator) || operator.status.regions?.some(({ state }) => state === 'Deleting') === true,
    );
    const asked = since();
    const deletion = asked.indexOf('DELETE uksouth');
    expect(asked.slice(0, deletion).at(-1)).to.equal('GET registry');
    expect(asked.filter((request) => request === 'GET registry')).to.have.length(2);
  });
});

describe('a creation', () => {
  it('is first asked about a quarter later than Azure hints, and then after a quarter of its time', async () => {
    const { operator, arm, clock, since } = scene();
    arm.askAfter = 10_000;
    const waits: (number | undefined)[] = [];
    for (let n = 0; n < 4; n++) {
      const wait = await operator.pass();
      waits.push(wait);
      arm.replicas = async () => [aReplica('japaneast', { provisioningState: 'Creating' })];
      await clock.advance(wait ?? 0);
    }
    expect(waits).to.deep.equal([12_500, 3_000, 3_750, 4_750]);
    expect(since()).to.include('PUT japaneast');
  });

  it('is never first asked about later than after a minute, whatever Azure hints', async () => {
    const { operator, arm } = scene();
    arm.askAfter = 86_400_000;
    expect(await operator.pass()).to.equal(minute);
  });

  it('costs, of five at once in the time that Azure takes for them, one write and on average at most three reads', async () => {
    const reads: number[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 8_000, max: 19_000 }), { minLength: 5, maxLength: 5 }),
        async (times) => {
          const { operator, arm, since } = scene({ regions: five });
          operator.maxParallelActions = 5;
          arm.askAfter = 10_000;
          arm.lasts = (location) => ({ creating: (times[five.indexOf(location)] ?? 0) - 1, syncing: 1 });
          await operator.runUntil(() => isReady(operator));
          // The list of regions is read once a day for all replicas of a subscription.
          const asked = since().filter((request) => request !== 'GET locations');
          expect(asked.filter((request) => request.startsWith('PUT'))).to.have.length(5);
          // Where the five end far apart, there is a look more.
          expect(asked.length - 5, asked.join()).to.be.at.most(16);
          reads.push(asked.length - 5);
        },
      ),
      { numRuns: 300 },
    );
    expect(reads.reduce((sum, count) => sum + count, 0) / reads.length).to.be.at.most(15);
  });
});

describe('a registry that is another one than a short while ago', () => {
  const others: Record<string, Partial<Registry>> = {
    'made again with another home': { creationDate: '2026-11-22T00:00:00.000Z', location: 'westeurope' },
    'downgraded to Basic': { sku: 'Basic' },
    'in motion itself': { provisioningState: 'Updating' },
  };
  for (const [what, change] of Object.entries(others)) {
    it(`is seen before anything is written: ${what}`, async () => {
      const { operator, arm, clock } = scene({ regions: ['japaneast', 'westeurope'] }, [aReplica('japaneast')]);
      operator.maxParallelActions = 1;
      await clock.advance((await operator.pass()) ?? 0);
      arm.registryNow = aRegistry(change);
      for (let n = 0; n < 20; n++) await clock.advance((await operator.pass()) ?? 0);
      expect(arm.violations).to.deep.equal([]);
      expect(operator.status.registry?.homeRegion).to.equal(change.location ?? home);
    });
  }

  it('is told to be gone, by a look between, when Azure no longer lists its replicas', async () => {
    const { operator, arm, clock } = scene();
    await clock.advance((await operator.pass()) ?? 0);
    arm.before = (request) => {
      if (!request.startsWith('PUT')) throw new ArmError('NotFound', 'NotFound', '', { code: 'ResourceNotFound' });
    };
    await operator.pass();
    expect(operator.condition('Ready')?.reason).to.equal('RegistryNotFound');
  });

  it('never makes the operator write what it must not, whenever that happens', async () => {
    const anyChange = fc.record({ pass: fc.nat(12), change: fc.constantFrom(...Object.values(others)) });
    await fc.assert(
      fc.asyncProperty(
        anyReplicas,
        anyRegions,
        anyPrune,
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        async (replicas, regions, prune, changes) => {
          const clock = new FakeClock();
          const arm = new ArmModel(clock, replicas);
          const operator = new OperatorModel(anObject({ regions, spec: { prune } }), arm, clock);
          for (let pass = 0; pass < 30; pass++) {
            for (const { change } of changes.filter((one) => one.pass === pass)) arm.registryNow = aRegistry(change);
            if (pass === 20)
              arm.registryNow = aRegistry(
                changes.at(-1)?.change.creationDate ? others['made again with another home'] : {},
              );
            await clock.advance((await operator.pass()) ?? 0);
          }
          expect(arm.violations.join('; ')).to.equal('');
        },
      ),
      { numRuns: 400 },
    );
  });
});
