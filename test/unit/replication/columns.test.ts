import { expect } from 'chai';
import { ArmError, type Replica } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, home, type ObjectParts } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const names = [...'abcdefghij'].map((letter) => `region${letter}`);

function operatorOf(parts: ObjectParts, replicas: Replica[] = []) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, replicas);
  arm.regions = [home, ...names];
  return { arm, clock, operator: new OperatorModel(anObject(parts), arm, clock) };
}

function refuse(arm: ArmModel, request: string, error: ArmError): void {
  arm.beforeRequest = (sent) => {
    if (sent === request) throw error;
  };
}

const locked = new ArmError('Denied', 'Locked', 'a resource lock is in the way');

describe('the columns of kubectl get', () => {
  it('name at most 3 regions in SYNCING and 6 in REGIONS, and the number of the others', async () => {
    const { operator } = operatorOf({ regions: names }, [
      aReplica(home),
      ...names.slice(0, 7).map((name) => aReplica(name)),
    ]);
    operator.object = anObject({ regions: names, spec: { mode: 'Observe' } });
    await operator.pass();
    expect(operator.status.regionList).to.equal('eastus*,regiona,regionb,regionc,regiond,regione,+2');
    operator.object = anObject({ regions: names });
    operator.maxParallelActions = 1;
    await operator.pass();
    expect(operator.status.syncing).to.equal('regionh,regioni,regionj');
    const { operator: empty } = operatorOf({ regions: names });
    await empty.pass();
    expect(empty.status).to.include({
      syncing: 'regiona,regionb,regionc,+7',
      regionList: `${home}*,regiona,regionb,regionc`,
    });
  });

  it('show the message of Ready, cut to 160 characters', async () => {
    const { operator, arm } = operatorOf({ regions: ['regiona'] });
    refuse(arm, 'PUT regiona', new ArmError('Denied', 'Locked', `locked: ${'x'.repeat(300)}`));
    await operator.pass();
    expect(operator.status.message)
      .to.have.length(160)
      .and.match(/^regiona: locked: x+…$/);
    expect(operator.condition('Ready')?.message).to.have.length.above(300);
  });

  it('show a region in SYNCING while its tags or routing change', async () => {
    const regions = [{ location: 'regiona', routing: 'Disabled' as const }];
    const { operator, arm } = operatorOf({ regions }, [aReplica(home), aReplica('regiona')]);
    refuse(arm, 'PATCH regiona', new ArmError('Conflict', 'Conflict', 'busy'));
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Syncing', readyRegions: '1/1', syncing: 'regiona' });
  });

  it('show a failed region in SYNCING while it waits for its next attempt', async () => {
    const failed = { provisioningState: 'Failed', displayStatus: 'Failed' };
    const regions = [{ location: 'regiona', tags: { team: 'web' } }];
    const { operator } = operatorOf({ regions }, [aReplica(home), aReplica('regiona', failed)]);
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Syncing', readyRegions: '0/1', syncing: 'regiona' });
  });

  it('show no region in SYNCING that is gone from Azure while its object is deleted', async () => {
    const { operator, arm } = operatorOf({ regions: ['regiona', 'regionb'] }, [aReplica(home), aReplica('regiona')]);
    refuse(arm, 'PUT regionb', locked);
    await operator.pass();
    refuse(arm, 'DELETE regiona', locked);
    operator.delete();
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Deleting' }).and.not.have.property('syncing');
  });

  it('show no region in SYNCING once no pass observes it any more', async () => {
    const { operator } = operatorOf({ regions: ['regiona'] });
    await operator.pass();
    expect(operator.status.syncing).to.equal('regiona');
    operator.edit({ suspend: true });
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Suspended' }).and.not.have.property('syncing');
  });
});

describe('the phase', () => {
  it('is Pruning while every listed region is ready and an unlisted replica goes', async () => {
    const { operator } = operatorOf(
      { regions: ['regiona'] },
      [home, 'regiona', 'regionb'].map((name) => aReplica(name)),
    );
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Pruning', readyRegions: '1/1' }).and.not.have.property('syncing');
    expect(operator.condition('Ready')).to.include({ status: 'False', reason: 'Pruning' });
    expect(operator.condition('Available')?.status).to.equal('True');
  });

  it('is Degraded when every listed region is ready and a prune is refused', async () => {
    const { operator, arm } = operatorOf(
      { regions: ['regiona'] },
      [home, 'regiona', 'regionb'].map((name) => aReplica(name)),
    );
    refuse(arm, 'DELETE regionb', locked);
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Degraded', readyRegions: '1/1' });
    expect(operator.condition('Ready')).to.include({ status: 'False', reason: 'PruneBlocked' });
    expect(operator.condition('Stalled')?.status).to.equal('True');
  });

  it('is Degraded when every listed region is ready and a change of one is refused', async () => {
    const regions = [{ location: 'regiona', tags: { team: 'web' } }];
    const { operator, arm } = operatorOf({ regions }, [aReplica(home), aReplica('regiona')]);
    refuse(arm, 'PATCH regiona', locked);
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Degraded', readyRegions: '1/1' });
  });

  it('is Failed when a listed region is not ready and needs a user', async () => {
    const { operator, arm } = operatorOf({ regions: ['regiona', 'regionb'] }, [aReplica(home), aReplica('regiona')]);
    refuse(arm, 'PUT regionb', locked);
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Failed', readyRegions: '1/2' });
  });
});
