import { expect } from 'chai';
import { finalizer } from '../../../src/api/registryreplication.ts';
import { ArmError, type Replica } from '../../../src/azure/arm.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aRegistry, aReplica, home, type ObjectParts } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const minute = 60_000;

function scenario(parts: ObjectParts = {}, replicas: Replica[] = [], registry = aRegistry()) {
  const clock = new FakeClock();
  const arm = new ArmModel(clock, replicas, registry);
  const requests: string[] = [];
  const errors = new Map<string, ArmError>();
  arm.beforeRequest = (request) => {
    requests.push(request);
    const error = errors.get(request);
    if (error) throw error;
  };
  return {
    clock,
    arm,
    requests,
    errors,
    operator: new OperatorModel(anObject({ claimed: false, ...parts }), arm, clock),
  };
}

const failing = { provisioningState: 'Failed', displayStatus: 'Failed' };

/** Every creation ends Failed as soon as it is provisioned, until `heal` is called. */
function failingScenario(parts: ObjectParts = {}) {
  const made = scenario(parts);
  const { arm } = made;
  const replica = arm.replica.bind(arm);
  const replicas = arm.replicas.bind(arm);
  let isFailing = true;
  const asFailed = (one: Replica): Replica =>
    isFailing && one.location === 'japaneast' && one.provisioningState === 'Succeeded' ? { ...one, ...failing } : one;
  arm.replica = async (_, name) => asFailed(await replica(_, name));
  arm.replicas = async () => (await replicas()).map(asFailed);
  return { ...made, heal: () => (isFailing = false) };
}

describe('a reconcile pass', () => {
  it('stores the finalizer before the first write to ARM', async () => {
    const { operator, arm } = scenario();
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) expect(operator.object.metadata.finalizers).to.deep.equal([finalizer]);
    };
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create japaneast']);
  });

  it('keeps no state of an object that was deleted during the pass', async () => {
    const { operator, arm, clock } = scenario({}, [aReplica(home)]);
    const { contention, unreachableSince } = operator.processState;
    const { uid = '' } = operator.object.metadata;
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    for (const _ of [1, 2, 3]) contention.recordCorrection(uid, 'japaneast', 'create', clock.now());

    arm.beforeRequest = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    expect(unreachableSince.has(uid)).to.equal(true);
    expect(contention.pausedUntil(uid, 'japaneast', clock.now())).not.to.equal(undefined);

    arm.beforeRequest = () => {
      operator.isGone = true;
      operator.processState.forget(operator.object);
      throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    expect(unreachableSince.has(uid)).to.equal(false);
    expect(contention.pausedUntil(uid, 'japaneast', clock.now())).to.equal(undefined);
  });

  it('keeps no state of an object that was deleted and created again during the pass', async () => {
    const { operator, arm } = scenario();
    const old = operator.object;
    arm.beforeRequest = () => {
      operator.object = { ...old, metadata: { ...old.metadata, uid: 'another' } };
      throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    await operator.pass();
    expect([...operator.processState.unreachableSince.keys()]).to.deep.equal([]);
  });

  it('sets lastHandledReconcileAt only at the end of the pass', async () => {
    const annotations = { 'georeplication.dev/reconcile-requested-at': 'now' };
    const { operator, arm } = scenario({ annotations });
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) expect(operator.status.lastHandledReconcileAt).to.equal(undefined);
    };
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create japaneast']);
    expect(operator.status.lastHandledReconcileAt).to.equal('now');
  });

  it('stores managedTags before it sets the tags', async () => {
    const { operator, arm } = scenario({ regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) expect(operator.status.regions?.[0]?.managedTags).to.deep.equal(['team']);
    };
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create japaneast']);
  });

  it('creates a replica through Creating and Syncing to Ready, with one event per step', async () => {
    const { operator, clock } = scenario();
    const states = new Set<string>();
    await operator.runUntil(() => {
      const [row] = operator.status.regions ?? [];
      states.add(`${operator.status.phase} ${row?.state}`);
      return operator.condition('Ready')?.status === 'True';
    });
    expect([...states]).to.deep.equal(['Syncing Creating', 'Syncing Syncing', 'Ready Ready']);
    expect(operator.reasons).to.deep.equal(['ReplicaCreating', 'ReplicaSyncing', 'ReplicaReady']);
    expect(clock.now().getTime()).to.be.lessThan(Date.parse('2026-11-22T00:01:00Z'));
  });

  it('records the event of a write to Azure even when the following status write fails', async () => {
    const { operator, arm } = scenario();
    let refused = 0;
    operator.interrupt = (when) => {
      if (when === 'after' || arm.writes.length === 0 || refused > 0) return;
      refused += 1;
      throw new Error('409 Conflict');
    };
    const failure = await operator.pass().then(String, (error: Error) => error.message);
    expect(failure).to.equal('409 Conflict');
    expect(operator.reasons).to.deep.equal(['ReplicaCreating']);
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.reasons).to.deep.equal(['ReplicaCreating', 'ReplicaSyncing', 'ReplicaReady']);
  });

  it('sends two reads and no write for a settled registry, and requeues after the interval', async () => {
    const { operator, requests } = scenario({ claimed: true }, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    requests.length = 0;
    const writes = operator.statusWrites;
    expect(await operator.pass()).to.equal(10 * minute);
    expect(requests).to.deep.equal(['GET registry', 'LIST']);
    expect(operator.statusWrites).to.equal(writes);
  });

  it('requeues after spec.interval when the object sets it', async () => {
    const { operator } = scenario({ claimed: true, spec: { interval: '2m' } }, [aReplica(home), aReplica('japaneast')]);
    expect(await operator.pass()).to.equal(2 * minute);
  });

  it('requeues 2 s after it has submitted a creation', async () => {
    const { operator } = scenario();
    expect(await operator.pass()).to.equal(2_000);
  });

  it('confirms an instantly completed creation by GET before it enables routing', async () => {
    const { operator, arm, requests } = scenario({ regions: [{ location: 'japaneast', routing: 'WhenReady' }] });
    arm.durationsFor = () => ({ creating: 0, syncing: 0 });
    expect(await operator.pass()).to.equal(2_000);
    expect(operator.condition('Ready')?.status).to.equal('False');
    requests.length = 0;
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(requests.filter((request) => /japaneast/.test(request)).slice(0, 2)).to.deep.equal([
      'GET japaneast',
      'PATCH japaneast',
    ]);
    expect(operator.reasons).to.deep.equal(['ReplicaCreating', 'RoutingChanged', 'ReplicaReady']);
  });

  it('stores the expected registry id when ARM returns one in another form', async () => {
    const { operator } = scenario(
      {},
      [aReplica(home), aReplica('japaneast')],
      aRegistry({ id: '/registries/myacr0007' }),
    );
    await operator.pass();
    await operator.pass();
    expect(operator.condition('Ready')?.status).to.equal('True');
    expect(operator.status.registry?.id).to.equal(aRegistry().id);
  });

  it("keeps the case of ARM's registry id", async () => {
    const id = aRegistry().id.toUpperCase();
    const { operator } = scenario({}, [aReplica(home), aReplica('japaneast')], aRegistry({ id }));
    await operator.pass();
    expect(operator.status.registry?.id).to.equal(id);
  });

  it('polls a long-lasting Syncing once a minute (trap 32)', async () => {
    const { operator, clock } = scenario({}, [aReplica('japaneast', { displayStatus: 'Syncing' })]);
    await operator.pass();
    await clock.advance(24 * 60 * minute);
    expect(await operator.pass()).to.equal(minute);
    expect(operator.condition('Stalled')).to.equal(undefined);
  });

  it('keeps `since` and lastTransitionTime while nothing changes', async () => {
    const { operator, clock } = scenario({}, [aReplica('japaneast')]);
    await operator.pass();
    const { regions, conditions } = operator.status;
    await clock.advance(minute);
    await operator.pass();
    expect(operator.status.regions).to.deep.equal(regions);
    expect(operator.status.conditions).to.deep.equal(conditions);
  });

  it('corrects drift and records DriftCorrected', async () => {
    const { operator, arm } = scenario({ regions: [{ location: 'japaneast', routing: 'Enabled' }] }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    await arm.update(undefined, 'japaneast', { routing: false });
    await operator.runUntil(() => arm.actualReplicas.get('japaneast')?.routing === true);
    expect(operator.reasons).to.deep.equal(['ReplicaReady', 'DriftCorrected']);
  });

  it('prunes an unlisted region once the listed ones are ready, and is Ready only after that', async () => {
    const { operator, arm } = scenario({}, [aReplica(home), aReplica('northeurope')]);
    await operator.pass();
    expect(operator.status.plan).to.deep.equal([
      {
        action: 'delete',
        location: 'northeurope',
        waitsFor: 'japaneast',
        message: 'delete the replica: not in spec.regions; waits until japaneast has been ready',
      },
    ]);
    await operator.runUntil(() => operator.condition('Available')?.status === 'True');
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'Pruning' });
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect([...arm.actualReplicas.keys()]).to.have.members([home, 'japaneast']);
    expect(operator.reasons).to.include('ReplicaDeleted');
  });

  it('is Ready with only the home region listed, before Azure has created its replica entry', async () => {
    const { operator } = scenario({ regions: ['East US'] });
    await operator.pass();
    expect(operator.status).to.deep.include({ phase: 'Ready', readyRegions: '1/1', regionList: `${home}*` });
  });
});

describe('a request that Azure denies', () => {
  const denied = new ArmError('Denied', 'AuthorizationFailed', 'no right to write', { code: 'AuthorizationFailed' });

  it('is retried after 1, 1, 2, 4, 8 and then every 10 minutes, and recovers without an edit (trap 22)', async () => {
    const { operator, clock, requests, errors } = scenario();
    errors.set('PUT japaneast', denied);
    const attempts: number[] = [];
    const start = clock.now().getTime();
    for (let putsBefore = 0; clock.now().getTime() < start + 45 * minute; ) {
      const wait = await operator.pass();
      const puts = requests.filter((request) => request.startsWith('PUT')).length;
      if (puts > putsBefore) attempts.push(Math.round((clock.now().getTime() - start) / minute));
      putsBefore = puts;
      await clock.advance(wait ?? 0);
    }
    expect(attempts).to.deep.equal([0, 1, 2, 4, 8, 16, 26, 36]);
    expect(operator.condition('Stalled')?.status).to.equal('True');
    errors.clear();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.condition('Stalled')).to.equal(undefined);
  });

  it('does not stop other regions (trap 14)', async () => {
    const { operator, arm, errors } = scenario({ regions: ['japaneast', 'westeurope'] });
    errors.set('PUT japaneast', denied);
    await operator.runUntil(() => operator.status.readyRegions === '1/2');
    expect(arm.actualReplicas.has('westeurope')).to.equal(true);
    expect(operator.status.phase).to.equal('Failed');
    expect(operator.condition('Ready')).to.deep.include({
      reason: 'AuthorizationFailed',
      message: 'japaneast: no right to write',
    });
  });

  it('is shown on its region, and the plan shows the next retry or the reason for the hold', async () => {
    const { operator, errors } = scenario({ regions: ['japaneast', { location: home, routing: 'Disabled' }] }, [
      aReplica(home),
    ]);
    errors.set('PUT japaneast', new ArmError('Denied', 'AuthorizationFailed', 'no right'));
    await operator.pass();
    expect(operator.status.plan?.map(({ message }) => message)).to.deep.equal([
      'create the replica; next attempt at 00:01 UTC',
      'turn routing off; held: LastRoutedRegion',
    ]);
    expect(operator.status.regions?.map(({ message }) => message)).to.deep.equal([
      'no right',
      'no other replica is routed and ready: routing off would cut clients off. Set routing: Enabled for this region or another; the home region can be listed for it',
    ]);
  });

  it('is retried immediately after an edit of the spec', async () => {
    const { operator, requests, errors } = scenario();
    errors.set('PUT japaneast', denied);
    await operator.pass();
    await operator.pass();
    operator.edit({ regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    await operator.pass();
    expect(requests.filter((request) => request.startsWith('PUT'))).to.have.length(2);
  });

  it('sets PruneBlocked when it was the deletion of an unlisted replica', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast'), aReplica('northeurope')]);
    errors.set('DELETE northeurope', new ArmError('Denied', 'Locked', 'there is a lock'));
    await operator.pass();
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'PruneBlocked' });
    expect(operator.condition('Available')?.status).to.equal('True');
    expect(operator.condition('Stalled')?.status).to.equal('True');
  });

  it('sets Ready to False immediately when it was a read, and keeps the last observed regions', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    const { regions } = operator.status;
    errors.set('GET registry', denied);
    expect(await operator.pass()).to.equal(minute);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'AuthorizationFailed' });
    expect(operator.status.regions).to.deep.equal(regions);
  });
});

describe('a region that does not exist', () => {
  const misspelt = { regions: ['japaneest', 'westeurope'] };

  it('is reported once, without a request to create it, and does not block other regions', async () => {
    const { operator, arm } = scenario(misspelt);
    await operator.runUntil(() => operator.status.readyRegions === '1/2');
    expect(arm.writes).to.deep.equal(['create westeurope']);
    expect(operator.condition('Stalled')).to.deep.include({ reason: 'RegionNotAvailable' });
    expect(operator.condition('Ready')?.message).to.contain('did you mean japaneast?');
    expect(operator.reasons.filter((reason) => reason === 'Stalled')).to.have.length(1);
  });

  it('gets its replica as soon as the name is corrected', async () => {
    const { operator, arm } = scenario(misspelt);
    await operator.pass();
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create westeurope', 'create japaneast']);
    expect(operator.status.regions?.map(({ location }) => location)).to.deep.equal(['japaneast', 'westeurope', home]);
  });

  it('gets its replica within 20 minutes after it becomes available to the subscription', async () => {
    const { operator, arm, clock } = scenario({ regions: ['newregion'] });
    await operator.pass();
    arm.regions.push('newregion');
    const since = clock.now().getTime();
    await operator.runUntil(() => arm.writes.length > 0);
    expect(clock.now().getTime() - since).to.be.at.most(20 * minute);
  });

  it('is reported in mode Observe too', async () => {
    const { operator } = scenario({ ...misspelt, spec: { mode: 'Observe' } });
    await operator.pass();
    expect(operator.status.plan?.[0]?.message).to.contain('did you mean japaneast?');
  });

  it('is left for Azure to validate when the list of regions is denied, and that denial is not shown on the object', async () => {
    const { operator, requests, errors } = scenario(misspelt);
    errors.set('GET locations', new ArmError('Denied', 'AuthorizationFailed', 'no right to read the regions'));
    await operator.pass();
    await operator.pass();
    expect(requests.filter((request) => /^PUT|locations/.test(request))).to.deep.equal([
      'GET locations',
      'PUT japaneest',
      'PUT westeurope',
    ]);
    expect(JSON.stringify(operator.status)).not.to.contain('no right to read the regions');
  });
});

describe('a denied read of the registry', () => {
  it('is retried after a minute, however short the interval is', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    operator.intervalMs = 1_000;
    await operator.pass();
    errors.set('GET registry', new ArmError('Denied', 'AuthorizationFailed', 'no right'));
    expect(await operator.pass()).to.equal(minute);
    errors.clear();
    expect(await operator.pass()).to.equal(1_000);
  });
});

describe('throttling and transient errors', () => {
  const throttled = new ArmError('Throttled', 'Throttled', 'slow down', { retryAfter: 17_000 });
  const silent = new ArmError('Transient', 'AzureUnreachable', 'no answer');

  it('keep the last status and requeue after Retry-After (trap 26)', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    const { status } = operator;
    errors.set('LIST', throttled);
    expect(await operator.pass()).to.equal(17_000);
    expect(operator.status).to.deep.equal(status);
  });

  it('set Ready to Unknown also if LIST succeeds and only the confirming GETs keep failing', async () => {
    const { operator, arm, clock } = scenario();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    arm.replicas = async () => [aReplica(home), aReplica('japaneast', { provisioningState: 'Failed' })];
    // The GET by id shows the replica in another region, so it confirms nothing.
    arm.replica = async (_, name) => ({ ...aReplica('westeurope'), name });
    const end = clock.now().getTime() + 60 * minute;
    for (let pass = 0; clock.now().getTime() < end && pass < 200; pass++)
      await clock.advance((await operator.pass()) ?? 10 * minute);
    expect(operator.condition('Ready')).to.include({ status: 'Unknown', reason: 'AzureUnreachable' });
    expect(operator.passes).to.be.lessThan(150);
  });

  it('set Ready to Unknown only when they last longer than three intervals', async () => {
    const { operator, clock, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    errors.set('GET registry', silent);
    await operator.pass();
    await clock.advance(29 * minute);
    await operator.pass();
    expect(operator.condition('Ready')?.status).to.equal('True');
    await clock.advance(2 * minute);
    expect(await operator.pass()).to.equal(minute);
    expect(operator.condition('Ready')).to.deep.include({ status: 'Unknown', reason: 'AzureUnreachable' });
    errors.clear();
    await operator.pass();
    expect(operator.condition('Ready')?.status).to.equal('True');
  });

  it('of a write are retried and never reported as a failure (trap 13)', async () => {
    const { operator, errors } = scenario();
    errors.set('PUT japaneast', throttled);
    expect(await operator.pass()).to.equal(17_000);
    expect(operator.status.phase).to.equal('Syncing');
    expect(operator.condition('Stalled')).to.equal(undefined);
    expect(operator.status.regions?.[0]).to.deep.include({ reason: 'Throttled', retryAfter: '2026-11-22T00:00:17Z' });
    expect(operator.reasons, 'no event is recorded').to.deep.equal([]);
    errors.clear();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
  });

  it('of a GET of one replica hold back only that region', async () => {
    const { operator, arm, errors } = scenario({ regions: ['japaneast', 'westeurope'] });
    errors.set('GET japaneast', silent);
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create westeurope']);
    errors.clear();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
  });

  it('in the first pass leave a new object Pending, with Ready Unknown', async () => {
    const { operator, errors } = scenario();
    errors.set('GET registry', silent);
    expect(await operator.pass()).to.equal(2_000);
    expect(operator.status.phase).to.equal('Pending');
    expect(operator.condition('Ready')).to.deep.include({
      status: 'Unknown',
      reason: 'AzureUnreachable',
      message: 'no answer; it is tried again by itself',
    });
    expect(operator.condition('Reconciling')?.reason).to.equal('AzureUnreachable');
    expect(operator.reasons).to.deep.equal(['AzureUnreachable']);
    expect(operator.object.metadata.finalizers).to.equal(undefined);
  });

  for (const [error, event] of [
    [silent, 'AzureUnreachable'],
    [throttled, 'Throttled'],
    [new ArmError('NotSent', 'Throttled', 'slow down', { retryAfter: 17_000 }), 'Throttled'],
  ] as const)
    it(`show an edit that was not observed at once, with one event: ${error.kind}`, async () => {
      const { operator, clock, errors } = scenario({}, [aReplica(home), aReplica('japaneast'), aReplica('westeurope')]);
      operator.edit({ regions: [{ location: 'japaneast' }, { location: 'West Europe' }] });
      await operator.pass();
      expect(operator.status).to.include({ phase: 'Ready', readyRegions: '2/2' });
      const before = operator.events.length;
      errors.set('LIST', error);
      operator.edit({ regions: ['japaneast', 'West Europe', 'northeurope'].map((location) => ({ location })) });
      await clock.advance((await operator.pass()) ?? 0);
      expect(operator.status).to.include({ phase: 'Syncing', readyRegions: '2/3', syncing: 'northeurope' });
      expect(operator.status.observedGeneration).to.equal(2);
      const ready = operator.condition('Ready');
      expect(ready).to.include({ status: 'Unknown', reason: error.reason, observedGeneration: 3 });
      expect(ready?.message).to.match(/; edit not observed since 00:00 UTC, it is tried again by itself$/);
      await clock.advance((await operator.pass()) ?? 0);
      expect(operator.reasons.slice(before)).to.deep.equal([event]);
      errors.clear();
      await operator.pass();
      expect(operator.condition('Ready')).to.include({ status: 'False', reason: 'Syncing' });
      expect(operator.status.observedGeneration).to.equal(3);
    });

  for (const what of ['a new object', 'an edited object', 'an object that was Ready'])
    it(`cost ${what} two status writes in an outage of a day in which 429 and 503 alternate`, async () => {
      const { operator, clock, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
      if (what !== 'a new object') await operator.pass();
      if (what === 'an edited object')
        operator.edit({ regions: ['japaneast', 'northeurope'].map((location) => ({ location })) });
      const [before, passes, end] = [operator.statusWrites, operator.passes, clock.now().getTime() + 24 * 60 * minute];
      for (let n = 0; clock.now().getTime() < end; n++) {
        const words = `answer ${n}`;
        errors.set(
          'GET registry',
          n % 2 === 0
            ? new ArmError('Throttled', 'Throttled', words)
            : new ArmError('Transient', 'AzureUnreachable', words),
        );
        await clock.advance((await operator.pass()) ?? 0);
      }
      expect(operator.passes - passes).to.be.greaterThan(1_000);
      expect(operator.statusWrites - before).to.be.within(1, 2);
      expect(operator.condition('Ready')).to.include({ status: 'Unknown', reason: 'AzureUnreachable' });
    });

  it('leave a new object Pending until Azure answers, with the generation that the API server sets', async () => {
    const { operator, clock, errors } = scenario({ status: { observedGeneration: -1 } });
    errors.set('GET registry', silent);
    for (let n = 0; n < 3; n++) {
      await clock.advance((await operator.pass()) ?? 0);
      expect(operator.status.phase).to.equal('Pending');
    }
    expect(operator.condition('Ready')?.message).not.to.contain('edit');
  });

  it('show no region in SYNCING for an unobserved edit that adds none', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    errors.set('LIST', silent);
    operator.edit({ regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Syncing', readyRegions: '1/1' }).and.not.have.property('syncing');
  });

  it('show a phase other than Ready once Ready is Unknown', async () => {
    const { operator, clock, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    errors.set('GET registry', silent);
    await operator.pass();
    expect(operator.status.phase).to.equal('Ready');
    await clock.advance(31 * minute);
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Pending', readyRegions: '1/1' });
    expect(operator.condition('Ready')?.message).to.equal('no answer; not observed since 00:00 UTC');
    expect(operator.reasons).to.include('AzureUnreachable');
  });

  it('say nothing of the old spec when Azure denies the reads of an edited object', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    errors.set('LIST', new ArmError('Denied', 'AuthorizationFailed', 'no right'));
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.pass();
    expect(operator.status).to.include({ phase: 'Failed', readyRegions: '1/2' });
  });
});

describe("a request that the operator's own rate limiter holds back", () => {
  const waiting = (retryAfter: number) => new ArmError('NotSent', 'Throttled', 'waits for its turn', { retryAfter });

  it('stays in the plan and is no failure: no region reason, no event and no further status write', async () => {
    const { operator, clock, errors, arm } = scenario();
    errors.set('PUT japaneast', waiting(7_000));
    expect(await operator.pass()).to.equal(7_000);
    expect(operator.status.plan).to.deep.equal([
      { action: 'create', location: 'japaneast', message: 'create the replica; waits for its turn' },
    ]);
    expect(operator.status.regions?.[0]).to.not.have.any.keys('reason', 'retryAfter', 'message');
    expect(operator.condition('Stalled')).to.equal(undefined);
    const writes = operator.statusWrites;
    await clock.advance(7_000);
    errors.set('PUT japaneast', waiting(2_500));
    expect(await operator.pass()).to.equal(2_500);
    expect(operator.statusWrites).to.equal(writes);
    expect(operator.reasons).to.deep.equal([]);
    errors.clear();
    await clock.advance(2_500);
    await operator.pass();
    expect(arm.writes).to.deep.equal(['create japaneast']);
    expect(operator.status.plan).to.equal(undefined);
    expect(operator.reasons).to.deep.equal(['ReplicaCreating']);
  });

  it('keeps the conditions of the denial that it was to retry, and so does a 429', async () => {
    const { operator, clock, errors } = scenario();
    errors.set('PUT japaneast', new ArmError('Denied', 'AuthorizationFailed', 'no right'));
    await clock.advance((await operator.pass()) ?? 0);
    const { conditions } = operator.status;
    for (const error of [waiting(7_000), new ArmError('Throttled', 'Throttled', 'slow down', { retryAfter: 17_000 })]) {
      errors.set('PUT japaneast', error);
      const wait = await operator.pass();
      expect(wait).to.equal(error.retryAfter);
      await clock.advance(wait ?? 0);
    }
    expect(operator.status.conditions).to.deep.equal(conditions);
    expect(operator.reasons).to.deep.equal(['AuthorizationFailed']);
  });

  it('keeps a Ready object Ready without a status write, however often the pass is delayed', async () => {
    const { operator, clock, errors } = scenario({ claimed: true }, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    const writes = operator.statusWrites;
    for (const wait of [7_000, 3_000, 1_000]) {
      errors.set('LIST', waiting(wait));
      expect(await operator.pass()).to.equal(wait);
      await clock.advance(wait);
    }
    expect(operator.condition('Ready')?.status).to.equal('True');
    expect(operator.statusWrites).to.equal(writes);
  });
});

describe('an object that must not change Azure', () => {
  it('keeps its last conditions and sends no request when it is suspended', async () => {
    const { operator, requests } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    const before = operator.status;
    operator.edit({ suspend: true, regions: [{ location: 'westeurope' }] });
    requests.length = 0;
    // It has the claim, which it must lose if its namespace may no longer name the registry.
    expect(await operator.pass()).to.equal(operator.intervalMs);
    expect(requests).to.deep.equal([]);
    expect(operator.status).to.deep.equal({ ...before, observedGeneration: 2, phase: 'Suspended' });
    expect(operator.condition('Ready')?.observedGeneration).to.equal(1);
  });

  it('reports what is wrong with an invalid spec and waits for an edit', async () => {
    const { operator, requests } = scenario({ regions: ['Japan East', 'japaneast'] });
    expect(await operator.pass()).to.equal(undefined);
    expect(requests).to.deep.equal([]);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'InvalidSpec' });
    expect(operator.status.phase).to.equal('Failed');
  });

  it('shows the plan in mode Observe, adds no finalizer and writes nothing', async () => {
    const { operator, arm } = scenario({ spec: { mode: 'Observe' } }, [aReplica(home), aReplica('northeurope')]);
    await operator.pass();
    expect(arm.writes).to.deep.equal([]);
    expect(operator.object.metadata.finalizers).to.equal(undefined);
    expect(operator.status.plan?.map(({ action, location }) => `${action} ${location}`)).to.deep.equal([
      'create japaneast',
      'delete northeurope',
    ]);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'OutOfSync' });
  });

  it('writes nothing to a registry that is not Premium and tells the user what to do', async () => {
    const { operator, arm } = scenario({}, [], aRegistry({ sku: 'Standard' }));
    expect(await operator.pass()).to.equal(minute);
    expect(arm.writes).to.deep.equal([]);
    expect(operator.condition('Ready')?.reason).to.equal('RegistryNotPremium');
    expect(operator.condition('Stalled')?.message).to.contain('az acr update');
  });
});

describe('the deletion of an object', () => {
  const settled = [aReplica(home), aReplica('japaneast')];

  it('waits until its replicas are deleted', async () => {
    const { operator, arm } = scenario({ claimed: true }, settled);
    await operator.pass();
    operator.delete();
    await operator.pass();
    expect(operator.status.phase).to.equal('Deleting');
    expect(operator.condition('Ready')?.message).to.equal('deleting japaneast');
    await operator.runUntil(() => operator.isGone);
    expect([...arm.actualReplicas.keys()]).to.deep.equal([home]);
    expect(operator.reasons.slice(-2)).to.deep.equal(['ReplicaDeleting', 'ReplicaDeleted']);
  });

  const leavesAzureAlone: [string, ObjectParts][] = [
    ['deletionPolicy: Retain', { spec: { deletionPolicy: 'Retain' } }],
    ['mode: Observe', { spec: { mode: 'Observe' } }],
    ['suspend', { spec: { suspend: true } }],
    ['an invalid spec', { regions: ['Japan East', 'japaneast'] }],
    ['the annotation force-detach', { annotations: { 'georeplication.dev/force-detach': 'true' } }],
  ];
  for (const [what, parts] of leavesAzureAlone) {
    it(`sends no request to ARM with ${what} (trap 25)`, async () => {
      const { operator, requests } = scenario({ claimed: true, ...parts }, settled);
      operator.delete();
      await operator.pass();
      expect(operator.isGone).to.equal(true);
      expect(requests).to.deep.equal([]);
    });
  }

  it('detaches instead of deleting replicas while the CRD is being deleted', async () => {
    const { operator, requests } = scenario({ claimed: true }, settled);
    operator.crdTerminating = true;
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(true);
    expect(requests).to.deep.equal([]);
  });

  it("ignores an object without the operator's finalizer", async () => {
    const { operator, requests } = scenario({}, settled);
    operator.delete();
    expect(await operator.pass()).to.equal(undefined);
    expect(requests).to.deep.equal([]);
  });

  it('does not take a 403 for a missing registry, and tells the user how to detach (trap 23)', async () => {
    const { operator, errors } = scenario({ claimed: true }, settled);
    errors.set('GET registry', new ArmError('Denied', 'AuthorizationFailed', 'no right to read.'));
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(false);
    expect(operator.condition('Ready')?.message).to.contain('georeplication.dev/force-detach=true');
  });

  it('completes when the registry no longer exists (trap 23)', async () => {
    const { operator, errors } = scenario({ claimed: true }, settled);
    const gone = new ArmError('NotFound', 'NotFound', 'gone', { code: 'ResourceGroupNotFound' });
    errors.set('GET registry', gone).set('LIST', gone);
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(true);
  });

  it('does not take the registry for deleted while LIST still shows its replicas', async () => {
    const { operator, errors } = scenario({ claimed: true }, settled);
    errors.set('GET registry', new ArmError('NotFound', 'NotFound', 'gone', { code: 'ResourceNotFound' }));
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(false);
  });
});

describe('waiting', () => {
  it('polls the home region while its routing is being enabled', async () => {
    const { operator, arm } = scenario({ claimed: true }, [aReplica(home, { routing: false }), aReplica('japaneast')]);
    await arm.update(undefined, home, { routing: false });
    operator.delete();
    expect(await operator.pass()).to.equal(2_000);
    expect(operator.status.plan?.map(({ action, waitsFor }) => `${action} waits for ${waitsFor}`)).to.deep.equal([
      `update waits for ${home}`,
      `delete waits for ${home}`,
    ]);
  });

  it('does not retry a throttled write earlier after an edit', async () => {
    const { operator, requests, errors } = scenario();
    errors.set('PUT japaneast', new ArmError('Throttled', 'Throttled', 'slow down', { retryAfter: 60_000 }));
    await operator.pass();
    operator.edit({ regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    await operator.pass();
    expect(requests.filter((request) => request.startsWith('PUT'))).to.have.length(1);
  });

  it('records one event for a replica that has been Syncing for an hour', async () => {
    const { operator, clock } = scenario({}, [aReplica('japaneast', { displayStatus: 'Syncing' })]);
    await operator.pass();
    await clock.advance(61 * minute);
    await operator.pass();
    await clock.advance(minute);
    await operator.pass();
    expect(operator.reasons).to.deep.equal(['SyncingForLong']);
    expect(operator.condition('Ready')?.message).to.contain('japaneast: synchronising since 00:00 UTC');
  });
});

describe('a pass beside concurrent changes', () => {
  it('keeps the observedGeneration of the spec that it read when the object is edited meanwhile', async () => {
    const { operator, arm } = scenario({ claimed: true }, [aReplica(home), aReplica('japaneast')]);
    arm.beforeRequest = () => {
      arm.beforeRequest = () => undefined;
      operator.edit({ regions: [{ location: 'japaneast', routing: 'Disabled' }] });
    };
    await operator.pass();
    expect(operator.object.metadata.generation).to.equal(2);
    expect(operator.condition('Ready')?.observedGeneration).to.equal(1);
    expect(operator.status.observedGeneration).to.equal(1);
  });

  it('sets PolicyDenied and requeues after a minute when Azure accepts an update but does not apply it', async () => {
    const { operator, arm } = scenario({ regions: [{ location: 'japaneast', tags: { team: 'web' } }] }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    const update = arm.update.bind(arm);
    arm.update = (_, name) => update(_, name, { tags: { team: 'policy' } });
    expect(await operator.pass()).to.equal(minute);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'PolicyDenied' });
    expect(operator.condition('Stalled')?.message).to.contain('an Azure Policy');
  });

  it('reports a replica recreated right after its deletion as Creating, not as Deleting', async () => {
    const { operator, arm } = scenario({ claimed: true }, [
      aReplica(home),
      aReplica('japaneast'),
      aReplica('westeurope'),
    ]);
    await operator.runUntil(() => arm.actualReplicas.get('westeurope')?.provisioningState === 'Deleting');
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await operator.runUntil(() => arm.writes.includes('create westeurope'));
    expect(operator.status.regions?.find(({ location }) => location === 'westeurope')?.state).to.equal('Creating');
  });

  it('keeps the observedGeneration of Available while reads for the new generation are denied (trap 27)', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    await operator.pass();
    operator.edit({ regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    errors.set('GET registry', new ArmError('Denied', 'AuthorizationFailed', 'no right'));
    await operator.pass();
    expect(operator.condition('Available')).to.deep.include({ status: 'True', observedGeneration: 1 });
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', observedGeneration: 2 });
  });

  it('reports a denied read of one replica and requeues after a minute', async () => {
    const { operator, errors } = scenario({}, [aReplica(home), aReplica('japaneast')]);
    errors.set('GET japaneast', new ArmError('Denied', 'AuthorizationFailed', 'no right to read it'));
    expect(await operator.pass()).to.equal(minute);
    expect(operator.condition('Stalled')).to.deep.include({
      reason: 'AuthorizationFailed',
      message: 'japaneast: no right to read it',
    });
  });

  it('requeues in time for the drift check, however long a throttled write backs off', async () => {
    const { operator, errors } = scenario({ regions: ['japaneast', 'westeurope'] }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    errors.set('PUT westeurope', new ArmError('Throttled', 'Throttled', 'later', { retryAfter: 3 * 60 * minute }));
    await operator.pass();
    expect(await operator.pass()).to.equal(10 * minute);
  });
});

describe('a failed creation', () => {
  it('is attempted five times, with backoffs of 1, 4, 16 and 60 minutes, and then waits for a user', async () => {
    const { operator, arm } = failingScenario();
    await operator.runUntil(() => operator.condition('Stalled')?.reason === 'RegionFailed', 2_000);
    expect(arm.writes.filter((write) => write === 'create japaneast')).to.have.length(5);
    expect(operator.status.regions?.[0]).to.deep.include({ state: 'Failed', attempts: 5 });
    expect(operator.condition('Ready')?.message).to.contain('stopped after 5 attempts');
    expect(operator.reasons.filter((reason) => reason === 'ReplicaFailed')).to.have.length(5);
  });

  it('is repeated 30 s after the first 404 for the deleted Failed replica, even after a restart', async () => {
    const { operator, clock, arm, heal } = failingScenario();
    const seconds = () => clock.now().getTime() / 1_000;
    await operator.runUntil(() => arm.writes.includes('delete japaneast'));
    heal();
    await operator.runUntil(() => operator.status.regions?.[0]?.state === 'Absent');
    const goneAt = seconds();
    operator.restart();
    await operator.pass();
    await operator.runUntil(() => arm.writes.filter((write) => write === 'create japaneast').length === 2);
    expect(seconds() - goneAt).to.be.within(30, 33);
  });

  it("shows Azure's failure message in the region, the condition and the event, and keeps it across a restart", async () => {
    const { operator, arm, heal } = failingScenario();
    const reason = 'QuotaExceeded: The quota of the region is used up.';
    arm.failures.set('japaneast', reason);
    await operator.runUntil(() => operator.status.regions?.[0]?.state === 'Failed');
    const message = `Azure reports the replica as Failed; attempt 2 of 5 at 00:01 UTC (${reason})`;
    expect(operator.status.regions?.[0]).to.include({ message, failure: reason });
    expect(operator.condition('Ready')?.message).to.equal(`japaneast: ${message}`);
    expect(operator.events.find((event) => event.reason === 'ReplicaFailed')?.note).to.equal(`japaneast: ${message}`);
    arm.failures.clear();
    operator.restart();
    await operator.pass();
    expect(operator.condition('Ready')?.message).to.equal(`japaneast: ${message}`);
    heal();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.status.regions?.[0]?.failure).to.equal(undefined);
  });

  it('is not reported as Stalled while it is retried, and recovers', async () => {
    const { operator, heal } = failingScenario();
    await operator.runUntil(() => operator.condition('Ready')?.reason === 'RegionFailed');
    expect(operator.condition('Stalled')).to.equal(undefined);
    expect(operator.status.regions?.[0]).to.deep.include({ attempts: 1 });
    heal();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.status.regions?.[0]?.attempts).to.equal(undefined);
  });

  it('restarts its count of attempts after an edit', async () => {
    const { operator, arm } = failingScenario();
    await operator.runUntil(() => operator.condition('Stalled')?.reason === 'RegionFailed', 2_000);
    operator.edit({ interval: '5m' });
    await operator.pass();
    expect(arm.writes.at(-1)).to.equal('delete japaneast');
    expect(operator.status.regions?.[0]?.attempts).to.equal(undefined);
  });

  it('counts a replica that vanishes while Creating as a failed attempt (trap 20)', async () => {
    const { operator, arm } = scenario();
    await operator.pass();
    arm.beforeRequest = (request) => {
      if (request === 'GET japaneast') throw new ArmError('NotFound', 'NotFound', '', { code: 'ResourceNotFound' });
    };
    arm.replicas = async () => [];
    await operator.runUntil(() => operator.status.regions?.[0]?.attempts === 1);
    expect(operator.condition('Ready')?.message).to.contain('the creation failed: Azure dropped the replica');
    expect(operator.status.regions?.[0]?.retryAfter).not.to.equal(undefined);
  });
});

describe('a creation that Azure keeps rejecting because of another operation', () => {
  it('is retried at growing intervals, and makes the object Stalled after the progress deadline', async () => {
    const { operator, clock, requests, errors } = scenario();
    errors.set('PUT japaneast', new ArmError('Conflict', 'Conflict', 'another operation is running'));
    const start = clock.now().getTime();
    const sentAtMinutes: number[] = [];
    let stalledAfter: number | undefined;
    while (clock.now().getTime() - start < 180 * minute) {
      requests.length = 0;
      const wait = await operator.pass();
      if (requests.includes('PUT japaneast')) sentAtMinutes.push((clock.now().getTime() - start) / minute);
      if (operator.condition('Stalled')) stalledAfter ??= (clock.now().getTime() - start) / minute;
      await clock.advance(wait ?? 0);
    }
    expect(stalledAfter).to.be.within(60, 75);
    expect(operator.condition('Stalled')?.reason).to.equal('ProgressDeadlineExceeded');
    expect(operator.condition('Ready')?.message).to.match(
      /^japaneast: creation refused since 00:00 UTC, .*: another operation is running; next attempt at .* UTC$/,
    );
    expect(sentAtMinutes.length).to.be.at.most(45);
    expect(sentAtMinutes.filter((at) => at > 90).length).to.be.at.most(10);
    errors.clear();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(operator.condition('Stalled')).to.equal(undefined);
  });

  it('measures the progress deadline from the first rejection, not from the wait for other regions', async () => {
    const { operator, clock, arm, errors } = scenario({ regions: ['westeurope', 'japaneast'] });
    operator.maxParallelActions = 1;
    arm.durationsFor = () => ({ creating: 90 * minute, syncing: 1 });
    await operator.pass();
    errors.set('PUT japaneast', new ArmError('Conflict', 'Conflict', 'another operation is running'));
    await clock.advance(91 * minute);
    await operator.runUntil(() => operator.status.regions?.[1]?.reason !== undefined);
    expect(operator.status.regions?.[1]?.reason).to.equal('Conflict');
  });
});

describe('a reconcile request', () => {
  const requested = { 'georeplication.dev/reconcile-requested-at': 'now' };

  it('skips the backoff of a vanished creation, so that its replica is Ready within a minute', async () => {
    const { operator, clock, arm } = scenario();
    await operator.pass();
    await clock.advance(10_000);
    arm.vanish('japaneast');
    await operator.pass();
    operator.object = { ...operator.object, metadata: { ...operator.object.metadata, annotations: requested } };
    const requestedAt = clock.now().getTime();
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    expect(clock.now().getTime() - requestedAt).to.be.lessThan(minute);
  });
});

describe('a region in transition beyond the progress deadline', () => {
  it('makes the object Stalled, shows the remedy in the message, and is still polled', async () => {
    const { operator, clock, arm } = scenario({ spec: { progressDeadline: '5m' } });
    await operator.pass();
    arm.replicas = async () => [
      { name: 'japaneast', location: 'japaneast', provisioningState: 'Creating', routing: true, tags: {} },
    ];
    await clock.advance(6 * minute);
    expect(await operator.pass()).to.equal(9_000);
    expect(operator.condition('Stalled')?.reason).to.equal('ProgressDeadlineExceeded');
    expect(operator.condition('Ready')?.message).to.contain('longer than spec.progressDeadline');
    expect(operator.status.regions?.[0]?.message).to.contain(
      'az acr replication delete --registry myACR0007 --name japaneast',
    );
  });
});

describe('a region in one state beyond a progress deadline of minutes', () => {
  it('makes the object Stalled when it is Failed, although another attempt is scheduled', async () => {
    const { operator, clock } = failingScenario({ spec: { progressDeadline: '30s' } });
    await operator.runUntil(() => operator.status.regions?.[0]?.attempts === 1);
    const retryAfter = operator.status.regions?.[0]?.retryAfter;
    expect(operator.condition('Stalled')).to.equal(undefined);
    await clock.advance((await operator.pass()) ?? 0);
    await operator.pass();
    expect(operator.condition('Stalled')?.reason).to.equal('ProgressDeadlineExceeded');
    expect(operator.status.regions?.[0]).to.deep.include({ state: 'Failed', attempts: 1, retryAfter });
    expect(clock.now().toISOString() < (retryAfter ?? '')).to.equal(true);
  });

  it('still backs off for an hour after the fourth failed attempt', async () => {
    const { operator, clock, arm } = failingScenario({ spec: { progressDeadline: '5m' } });
    await operator.runUntil(() => operator.status.regions?.[0]?.attempts === 4, 2_000);
    const backoffStart = clock.now().getTime();
    const deletions = () => arm.writes.filter((write) => write === 'delete japaneast').length;
    const before = deletions();
    await operator.runUntil(() => deletions() > before);
    expect(clock.now().getTime() - backoffStart).to.be.within(59 * minute, 62 * minute);
  });

  it('makes the object Stalled when it is unlisted and stays Deleting', async () => {
    const { operator, clock, arm } = scenario({ claimed: true, spec: { progressDeadline: '5m' } }, [
      aReplica(home),
      aReplica('japaneast'),
      aReplica('uksouth'),
    ]);
    await operator.runUntil(() => arm.writes.includes('delete uksouth'));
    arm.replicas = async () => [
      aReplica(home),
      aReplica('japaneast'),
      aReplica('uksouth', { provisioningState: 'Deleting' }),
    ];
    await clock.advance(6 * minute);
    await operator.pass();
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(operator.condition('Stalled')?.message).to.contain('open a support request');
    expect(arm.writes).to.deep.equal(['delete uksouth']);
  });

  it('makes the object Stalled when the object is being deleted and waits for it', async () => {
    const { operator, clock, arm } = scenario({ claimed: true, spec: { progressDeadline: '5m' } }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    await operator.pass();
    operator.delete();
    await operator.pass();
    expect(arm.writes).to.deep.equal(['delete japaneast']);
    arm.replicas = async () => [aReplica(home), aReplica('japaneast', { provisioningState: 'Deleting' })];
    await clock.advance(6 * minute);
    await operator.pass();
    expect(operator.condition('Stalled')?.reason).to.equal('ProgressDeadlineExceeded');
    expect(operator.status.phase).to.equal('Deleting');
  });
});

describe('two objects that name one registry', () => {
  const rival = (parts: ObjectParts = {}) => {
    const other = anObject(parts);
    return { ...other, metadata: { ...other.metadata, name: 'rival', uid: 'a-rival', creationTimestamp: new Date(0) } };
  };

  it('are not both reconciled: the one without the claim names the holder and sends no request to ARM', async () => {
    const { operator, requests } = scenario();
    operator.otherObjects = [rival()];
    await operator.pass();
    expect(requests).to.deep.equal([]);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'RegistryClaimed' });
    expect(operator.condition('Ready')?.message).to.contain('registries/rival');
    expect(operator.reasons).to.deep.equal(['RegistryClaimed']);
    expect(operator.object.metadata.finalizers).to.equal(undefined);
  });

  it('let the one without the claim be deleted without a request to Azure (trap 30)', async () => {
    const { operator, requests } = scenario({ claimed: true });
    operator.otherObjects = [rival()];
    operator.delete();
    await operator.pass();
    expect(operator.isGone).to.equal(true);
    expect(requests).to.deep.equal([]);
  });

  it('let the second one take over when the holder is deleted', async () => {
    const { operator } = scenario();
    operator.otherObjects = [rival()];
    await operator.pass();
    operator.otherObjects = [];
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
  });

  it('do not affect an object in mode Observe', async () => {
    const { operator } = scenario({ spec: { mode: 'Observe' } });
    operator.otherObjects = [rival()];
    await operator.pass();
    expect(operator.status.phase).to.equal('Observing');
  });
});

describe('contention with another client', () => {
  it('stops the pruning of a replica that reappears for the third time', async () => {
    const { operator, arm } = scenario({}, [aReplica(home), aReplica('japaneast'), aReplica('westeurope')]);
    const isReady = () => operator.condition('Ready')?.status === 'True';
    for (let n = 0; n < 3; n++) {
      await operator.runUntil(isReady);
      await arm.create(undefined, 'westeurope', { location: 'westeurope' });
      await operator.runUntil(() => !isReady());
    }
    await operator.runUntil(() => operator.condition('Stalled') !== undefined);
    expect(arm.writes.filter((write) => write === 'delete westeurope')).to.have.length(3);
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'Contended' });
  });

  it('stops the recreation of a replica that vanishes for the third time within a day', async () => {
    const { operator, arm } = scenario({}, [aReplica(home), aReplica('japaneast'), aReplica('westeurope')]);
    const isReady = () => operator.condition('Ready')?.status === 'True';
    for (let n = 0; n < 3; n++) {
      await operator.runUntil(isReady);
      arm.vanish('japaneast');
      await operator.runUntil(() => !isReady());
    }
    expect(arm.writes.filter((write) => write === 'create japaneast')).to.have.length(2);
    expect(operator.condition('Stalled')?.reason).to.equal('Contended');
    expect(operator.status.regions?.[0]).to.deep.include({ state: 'Absent', reason: 'Contended' });
  });

  it('stops drift correction after three corrections and makes the object Stalled until a reconcile request', async () => {
    const { operator, arm, clock } = scenario({ regions: [{ location: 'japaneast', routing: 'Enabled' }] }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
    for (let n = 0; n < 5; n++) {
      await arm.update(undefined, 'japaneast', { routing: false });
      await clock.advance(10 * minute);
      await operator.pass();
      await clock.advance(10_000);
      await operator.pass();
    }
    expect(arm.writes.filter((write) => write === 'update japaneast')).to.have.length(5 + 3);
    expect(operator.condition('Stalled')?.reason).to.equal('Contended');
    operator.object.metadata.annotations = { 'georeplication.dev/reconcile-requested-at': 'now' };
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True');
  });
});

describe('an object that leaves its replicas unchanged', () => {
  it('reports why it was detached and which replicas stay in Azure', async () => {
    const { operator } = scenario({ claimed: true, spec: { deletionPolicy: 'Retain' } }, [
      aReplica(home),
      aReplica('japaneast'),
    ]);
    await operator.pass();
    operator.delete();
    await operator.pass();
    expect(operator.events.at(-1)).to.deep.include({
      reason: 'Detached',
      note: 'deleted while its deletionPolicy is Retain; its replicas stay in Azure: japaneast',
    });
  });

  it('lists no region as syncing in mode Observe, nor when the registry cannot be replicated', async () => {
    const { operator } = scenario({ spec: { mode: 'Observe' } }, [aReplica(home)]);
    await operator.pass();
    expect(operator.status.syncing).to.equal(undefined);
    const basic = scenario({}, [], aRegistry({ sku: 'Basic' })).operator;
    await basic.pass();
    expect(basic.status.syncing).to.equal(undefined);
  });
});
