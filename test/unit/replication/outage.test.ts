import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, home } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

describe("an outage of the registry's home region, in which Azure accepts reads but no writes", () => {
  it('is retried with about one write a minute and leaves the other regions as they are (trap 24)', async () => {
    const clock = new FakeClock();
    const arm = new ArmModel(clock, [aReplica(home), aReplica('japaneast')]);
    const operator = new OperatorModel(anObject(), arm, clock);
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    const since = operator.status.regions?.find(({ location }) => location === 'japaneast')?.since;

    let refused = 0;
    arm.beforeRequest = (request) => {
      if (!request.startsWith('PUT ')) return;
      refused++;
      throw new ArmError('Transient', 'AzureUnreachable', 'the home region is down');
    };
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    const end = clock.now().getTime() + 6 * 3_600_000;
    await operator.runUntil(() => clock.now().getTime() >= end, 2_000);
    expect(refused).to.be.within(30, 6 * 60 + 30);
    expect(operator.status.regions?.find(({ location }) => location === 'japaneast')).to.include({
      state: 'Ready',
      since,
    });
    expect(operator.condition('Stalled')).to.equal(undefined);

    arm.beforeRequest = () => {};
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
  });
});
