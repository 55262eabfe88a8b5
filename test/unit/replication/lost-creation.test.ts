// A creation of which the operator heard no more: it was killed, or the answer was lost, and for a while ARM shows no replica.
import { expect } from 'chai';
import type { Spec } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

class Killed extends Error {}

const second = 1_000;
/** Terraform's and Crossplane's providers wait about half a minute for a new resource to show. */
const lag = 40 * second;

/** Of one pass every place in which it can end: a request to ARM, its answer, a write to Kubernetes, its answer. */
const places = Array.from({ length: 12 }, (_, place) => place);

function scene(spec: Partial<Spec> = {}) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, [aReplica(home), aReplica('westeurope')]);
  arm.lag = lag;
  const regions = ['westeurope', 'japaneast'];
  const operator = new OperatorModel(anObject({ regions, spec, held: false }), arm, clock);
  /** From here on everything fails that the pass does, until the pass is over. */
  async function passKilledAt(last: number): Promise<void> {
    let place = 0;
    const die = () => {
      if (place++ >= last) throw new Killed();
    };
    arm.before = arm.after = operator.interrupt = die;
    try {
      await operator.pass();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    arm.before = arm.after = operator.interrupt = () => undefined;
    operator.restart();
  }
  return { clock, arm, operator, passKilledAt };
}

describe('a creation that ARM has taken on and does not show yet', () => {
  for (const place of places) {
    it(`is not left behind when the operator is killed at place ${place} of a pass and the object is deleted`, async () => {
      const { clock, arm, operator, passKilledAt } = scene();
      await passKilledAt(place);
      operator.delete();
      await operator.runUntil(() => operator.isGone);
      await clock.advance(2 * lag);
      expect([...arm.truth.keys()].filter((location) => location === 'japaneast')).to.deep.equal([]);
      expect(arm.violations).to.deep.equal([]);
    });

    it(`is not left behind when the operator is killed at place ${place} and the region, then the object, is taken away`, async () => {
      const { clock, arm, operator, passKilledAt } = scene();
      await passKilledAt(place);
      operator.edit({ regions: [{ location: 'westeurope' }] });
      await clock.advance((await operator.pass()) ?? 0);
      operator.delete();
      await operator.runUntil(() => operator.isGone);
      await clock.advance(2 * lag);
      expect([...arm.truth.keys()].filter((location) => location === 'japaneast')).to.deep.equal([]);
      expect(arm.violations).to.deep.equal([]);
    });
  }

  it('is not left behind when its answer was lost and the object is deleted', async () => {
    const { clock, arm, operator } = scene();
    arm.after = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'the answer was lost');
    };
    await operator.pass();
    operator.delete();
    await operator.runUntil(() => operator.isGone);
    await clock.advance(2 * lag);
    expect(arm.truth.has('japaneast')).to.equal(false);
  });

  it('is pruned by the time that the object without its region is Ready', async () => {
    const { arm, operator } = scene();
    arm.after = () => {
      throw new Killed();
    };
    await operator.pass().catch(() => operator.restart());
    arm.after = () => undefined;
    operator.edit({ regions: [{ location: 'westeurope' }] });
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(arm.writes).to.deep.equal(['create japaneast', 'delete japaneast']);
  });

  it('is no failed attempt where it never was and its region is listed again meanwhile', async () => {
    const { arm, operator } = scene();
    arm.before = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    arm.before = () => undefined;
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

  it('is waited for a minute and no longer where it never was', async () => {
    const { clock, arm, operator } = scene();
    arm.before = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    operator.delete();
    const deletedAt = clock.now().getTime();
    await operator.runUntil(() => operator.isGone);
    expect(clock.now().getTime() - deletedAt).to.be.within(60_000, 90_000);
    expect(arm.writes).to.deep.equal(['delete westeurope']);
  });

  it('is not waited for where it was still to wait for other regions', async () => {
    const { arm, operator } = scene({
      regions: [{ location: 'westeurope' }, { location: 'japaneast' }, { location: 'uksouth' }],
    });
    operator.maxParallelActions = 1;
    arm.lag = 0;
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

  it('is not waited for where Azure has refused it, and it has not been tried again', async () => {
    const { arm, operator } = scene();
    arm.before = (request) => {
      if (request.startsWith('PUT')) throw new ArmError('Denied', 'AuthorizationFailed', 'no right');
    };
    await operator.pass();
    operator.edit({ regions: [{ location: 'westeurope' }] });
    await operator.pass();
    expect(operator.condition('Ready')?.status).to.equal('True');
    expect(operator.status.regions?.map(({ location }) => location)).not.to.include('japaneast');
  });
});
