// A creation whose result the operator does not know, because it was killed or the response was lost. ARM shows the replica late.
import { expect } from 'chai';
import type { Spec } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

class Killed extends Error {}

const second = 1_000;
/** Terraform's and Crossplane's providers wait about half a minute for a new resource to become visible. */
const visibilityDelayMs = 40 * second;

/** The points of one pass at which it can be killed: before and after each request to ARM and each write to Kubernetes. */
const killPoints = Array.from({ length: 12 }, (_, point) => point);

function scenario(spec: Partial<Spec> = {}) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, [aReplica(home), aReplica('westeurope')]);
  arm.visibilityDelayMs = visibilityDelayMs;
  const regions = ['westeurope', 'japaneast'];
  const operator = new OperatorModel(anObject({ regions, spec, claimed: false }), arm, clock);
  /** From that point on, every request and write of the pass fails. */
  async function passKilledAt(killPoint: number): Promise<void> {
    let point = 0;
    const killIfReached = () => {
      if (point++ >= killPoint) throw new Killed();
    };
    arm.beforeRequest = arm.afterWrite = operator.interrupt = killIfReached;
    try {
      await operator.pass();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    arm.beforeRequest = arm.afterWrite = operator.interrupt = () => undefined;
    operator.restart();
  }
  return { clock, arm, operator, passKilledAt };
}

describe('a creation that ARM has accepted but does not show yet', () => {
  for (const point of killPoints) {
    it(`is deleted with the object when the operator was killed at point ${point} of a pass`, async () => {
      const { clock, arm, operator, passKilledAt } = scenario();
      await passKilledAt(point);
      operator.delete();
      await operator.runUntil(() => operator.isGone);
      await clock.advance(2 * visibilityDelayMs);
      expect([...arm.actualReplicas.keys()].filter((location) => location === 'japaneast')).to.deep.equal([]);
      expect(arm.forbiddenWrites).to.deep.equal([]);
    });

    it(`is deleted when the operator was killed at point ${point} and the region, then the object, is removed`, async () => {
      const { clock, arm, operator, passKilledAt } = scenario();
      await passKilledAt(point);
      operator.edit({ regions: [{ location: 'westeurope' }] });
      await clock.advance((await operator.pass()) ?? 0);
      operator.delete();
      await operator.runUntil(() => operator.isGone);
      await clock.advance(2 * visibilityDelayMs);
      expect([...arm.actualReplicas.keys()].filter((location) => location === 'japaneast')).to.deep.equal([]);
      expect(arm.forbiddenWrites).to.deep.equal([]);
    });
  }

  it('is deleted with the object when its response was lost', async () => {
    const { clock, arm, operator } = scenario();
    arm.afterWrite = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'the response was lost');
    };
    await operator.pass();
    operator.delete();
    await operator.runUntil(() => operator.isGone);
    await clock.advance(2 * visibilityDelayMs);
    expect(arm.actualReplicas.has('japaneast')).to.equal(false);
  });

  it('is pruned before the object becomes Ready without its region', async () => {
    const { arm, operator } = scenario();
    arm.afterWrite = () => {
      throw new Killed();
    };
    await operator.pass().catch(() => operator.restart());
    arm.afterWrite = () => undefined;
    operator.edit({ regions: [{ location: 'westeurope' }] });
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(arm.writes).to.deep.equal(['create japaneast', 'delete japaneast']);
  });

  it('does not count as a failed attempt if it never reached ARM and its region is listed again', async () => {
    const { arm, operator } = scenario();
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    arm.beforeRequest = () => undefined;
    operator.edit({ regions: [{ location: 'westeurope' }] });
    await operator.pass();
    operator.edit({ regions: [{ location: 'westeurope' }, { location: 'japaneast' }] });
    const attempts: (number | undefined)[] = [];
    await operator.runUntil(() => {
      attempts.push(operator.status.regions?.find(({ location }) => location === 'japaneast')?.attempts);
      return operator.condition('Ready')?.status === 'True';
    });
    expect(new Set(attempts)).to.deep.equal(new Set([undefined]));
    expect(arm.writes).to.deep.equal(['create japaneast']);
  });

  it('delays the deletion of the object by about a minute if it never reached ARM', async () => {
    const { clock, arm, operator } = scenario();
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    operator.delete();
    const deletedAt = clock.now().getTime();
    await operator.runUntil(() => operator.isGone);
    expect(clock.now().getTime() - deletedAt).to.be.within(60_000, 90_000);
    expect(arm.writes).to.deep.equal(['delete westeurope']);
  });

  it('is not waited for if it was held until other regions progressed', async () => {
    const { arm, operator } = scenario({
      regions: [{ location: 'westeurope' }, { location: 'japaneast' }, { location: 'uksouth' }],
    });
    operator.maxParallelActions = 1;
    arm.visibilityDelayMs = 0;
    await operator.pass();
    expect(operator.status.plan?.map(({ location, waitsFor }) => [location, waitsFor])).to.deep.equal([
      ['uksouth', 'japaneast'],
    ]);
    operator.delete();
    await operator.pass();
    expect(operator.status.regions?.map(({ location, state }) => [location, state])).to.deep.include([
      'japaneast',
      'Creating',
    ]);
    expect(operator.status.regions?.map(({ location, state }) => [location, state])).not.to.deep.include([
      'uksouth',
      'Creating',
    ]);
  });

  it('is not waited for if Azure denied it and it was not retried', async () => {
    const { arm, operator } = scenario();
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Denied', 'AuthorizationFailed', 'no right');
    };
    await operator.pass();
    operator.edit({ regions: [{ location: 'westeurope' }] });
    await operator.pass();
    expect(operator.condition('Ready')?.status).to.equal('True');
    expect(operator.status.regions?.map(({ location }) => location)).not.to.include('japaneast');
  });
});
