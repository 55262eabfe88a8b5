// Random trouble is repeatable, follows its schedule, and ends.
import { expect } from 'chai';
import fc from 'fast-check';
import { Azure } from '../../emulators/arm/azure.ts';
import {
  applyStep,
  denials,
  drawSteps,
  endTrouble,
  playSteps,
  provisioningFaults,
  type Step,
  staleReads,
  transportFaults,
} from '../../emulators/arm/chaos.ts';
import { readDrift } from '../../emulators/arm/drift.ts';
import { kinds, readFault } from '../../emulators/arm/faults/fault.ts';
import { Faults } from '../../emulators/arm/faults/faults.ts';
import { seeded } from '../../emulators/arm/random.ts';
import { realistic } from '../../emulators/arm/timings.ts';
import { World } from '../../emulators/arm/world.ts';
import { FakeClock } from '../../fake-clock.ts';

const targets = { registry: 'myACR0007', locations: ['japaneast', 'westeurope'], elsewhere: ['uksouth'] };
const reference = { subscriptionId: 's', resourceGroup: 'g', name: 'myACR0007' };

describe('chaos', () => {
  function anAzure(clock = new FakeClock()): Azure {
    const faults = new Faults(() => clock.now().getTime(), seeded(1));
    const azure = new Azure(new World(clock, seeded(2), realistic, faults));
    azure.addRegistry(reference);
    azure.addReplica(reference, 'japaneast');
    return azure;
  }

  it('draws the same steps from the same seed', () => {
    const drawn = (seed: number) => drawSteps(50, targets, { paceMs: 1_000 }, seeded(seed));
    expect(drawn(1)).to.deep.equal(drawn(1));
    expect(drawn(1)).not.to.deep.equal(drawn(2));
  });

  it('draws every kind of fault, each accepted by the admin API and limited in time', () => {
    const steps = drawSteps(2_000, targets, { kinds, paceMs: 1_000 }, seeded(1));
    const drawn = new Set<string>();
    for (const step of steps) {
      if (step.kind === 'on') {
        drawn.add(readFault(JSON.parse(JSON.stringify(step.fault))).kind);
        expect(step.fault.for).to.be.within(1_000, 10_000);
      } else if (step.kind === 'drift') readDrift(JSON.parse(JSON.stringify(step.drift)));
    }
    expect([...drawn]).to.have.members(kinds);
  });

  it('applies any steps in any order, and endTrouble turns every fault off', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat({ max: 40 }), (seed, count) => {
        const azure = anAzure();
        const options = { kinds: [...transportFaults, ...staleReads, ...provisioningFaults, ...denials], paceMs: 500 };
        for (const step of drawSteps(count, targets, options, seeded(seed))) applyStep(azure, step);
        endTrouble(azure);
        expect(azure.faults.list()).to.deep.equal([]);
        expect(azure.replica(reference, 'eastus')).to.deep.include({ routing: true, tags: {} });
      }),
    );
  });

  it('removes stuck creations in endTrouble', () => {
    const azure = anAzure();
    azure.faults.add({ kind: 'stuckCreation' });
    azure.addReplica(reference, 'westeurope', { state: 'Creating' });
    azure.settle();
    expect(azure.replica(reference, 'westeurope')?.stage.kind).to.equal('Creating');
    endTrouble(azure);
    expect(azure.replica(reference, 'westeurope')).to.equal(undefined);
    expect(azure.replica(reference, 'japaneast')).not.to.equal(undefined);
  });

  const steps: Step[] = [
    { kind: 'on', after: 100, name: 'a', fault: { kind: 'hang' } },
    { kind: 'drift', after: 50, drift: { kind: 'replicaRemoved', registry: 'myACR0007', location: 'japaneast' } },
    { kind: 'drift', after: 0, drift: { kind: 'replicaRemoved', registry: 'myACR0007', location: 'japaneast' } },
    { kind: 'off', after: 100, name: 'a' },
  ];

  it('plays each step in its time, and reports those that were applied', async () => {
    const clock = new FakeClock();
    const azure = anAzure(clock);
    const told: [Step, number][] = [];
    const start = clock.now().getTime();
    const { done } = playSteps(azure, steps, clock, (step) => told.push([step, clock.now().getTime() - start]));
    await clock.advance(149);
    expect(azure.faults.list()).to.have.length(1);
    expect(azure.replica(reference, 'japaneast')).not.to.equal(undefined);
    await clock.advance(101);
    await done;
    expect(told).to.deep.equal([
      [steps[0], 100],
      [steps[1], 150],
      [steps[3], 250],
    ]);
  });

  it('stops on request, even in the middle of a step', async () => {
    const clock = new FakeClock();
    const azure = anAzure(clock);
    const running = playSteps(azure, steps, clock, () => running.stop());
    await clock.advance(1_000);
    await running.done;
    expect(clock.nextIn).to.equal(undefined);
    expect(azure.faults.list()).to.have.length(1);
  });
});
