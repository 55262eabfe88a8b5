import { expect } from 'chai';
import { annotation } from '../../../src/api/registryreplication.ts';
import { FakeClock } from '../../fake-clock.ts';
import { ArmModel } from './arm-model.ts';
import { ClusterModel } from './cluster-model.ts';
import { aReplica, home } from './fixtures.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const pruneDelay = '10m';

function scenario(replicas = [home]) {
  const clock = new FakeClock();
  const arm = new ArmModel(
    clock,
    replicas.map((location) => aReplica(location)),
  );
  const cluster = new ClusterModel(clock, () => arm);
  const deletions = () => arm.writes.filter((write) => write.startsWith('delete '));
  return { clock, arm, cluster, deletions };
}

/** `holder` has the claim and lists japaneast and westeurope; `waiting`, created later, lists northeurope. */
async function claimedScenario() {
  const made = scenario();
  made.cluster.create('holder', { regions: ['japaneast', 'westeurope'], spec: { pruneDelay } });
  await made.cluster.run(5 * minute);
  made.cluster.create('waiting', { regions: ['northeurope'], spec: { pruneDelay } });
  await made.cluster.run(5 * minute);
  return made;
}

describe('a claim', () => {
  it('is stored before the first write to Azure', async () => {
    const { arm, cluster } = scenario();
    arm.beforeRequest = (request) => {
      if (request.startsWith('PUT')) expect(cluster.holders).to.deep.equal(['only']);
    };
    cluster.create('only');
    await cluster.run(minute);
    expect(arm.writes).to.deep.equal(['create japaneast']);
    expect(cluster.status('only').claim).to.deep.equal({ since: '2026-11-22T00:00:00Z' });
  });

  it('is stored also when there is nothing to write to Azure, but not while the object is suspended', async () => {
    const { arm, cluster } = scenario([home, 'japaneast']);
    arm.beforeRequest = () => {
      throw new Error('not reached');
    };
    cluster.create('only', { spec: { suspend: true } });
    await cluster.run(minute);
    expect(cluster.holders).to.deep.equal([]);
    arm.beforeRequest = () => undefined;
    cluster.edit('only', { suspend: false });
    await cluster.run(minute);
    expect(cluster.ready('only')).to.include({ status: 'True' });
    expect(cluster.holders).to.deep.equal(['only']);
    expect(arm.writes).to.deep.equal([]);
  });

  it('is not taken over by an older object that observed, was suspended, set to Manage and resumed', async () => {
    const { cluster, deletions } = scenario();
    cluster.create('observer', { regions: ['northeurope'], spec: { mode: 'Observe', pruneDelay } });
    cluster.create('holder', { regions: ['japaneast', 'westeurope'], spec: { pruneDelay } });
    await cluster.run(5 * minute);
    cluster.edit('observer', { suspend: true });
    await cluster.run(minute);
    cluster.edit('observer', { mode: 'Manage' });
    await cluster.run(minute);
    cluster.edit('observer', { suspend: false });
    await cluster.run(2 * hour);
    expect(deletions()).to.deep.equal([]);
    expect(cluster.holders).to.deep.equal(['holder']);
    expect(cluster.ready('holder')).to.include({ status: 'True' });
    expect(cluster.ready('observer')).to.include({ reason: 'RegistryClaimed' });
  });

  const temporaryStates: [string, (cluster: ClusterModel) => void, (cluster: ClusterModel) => void][] = [
    [
      'an invalid tag',
      (cluster) => cluster.edit('holder', { regions: [{ location: 'japaneast', tags: { 'cost/center': '7' } }] }),
      (cluster) => cluster.edit('holder', { regions: [{ location: 'japaneast' }, { location: 'westeurope' }] }),
    ],
    [
      'a namespace that does not allow the registry',
      (cluster) => cluster.allow('holder', false),
      (cluster) => cluster.allow('holder', true),
    ],
    [
      'a namespace that cannot be read',
      (cluster) => {
        cluster.namespaces.holder = { refused: 'forbidden', words: '403' };
      },
      (cluster) => cluster.allow('holder', true),
    ],
    [
      'mode Observe',
      (cluster) => cluster.edit('holder', { mode: 'Observe' }),
      (cluster) => cluster.edit('holder', { mode: 'Manage' }),
    ],
    [
      'a suspension',
      (cluster) => cluster.edit('holder', { suspend: true }),
      (cluster) => cluster.edit('holder', { suspend: false }),
    ],
    [
      'a default identity that is denied',
      (cluster) => {
        cluster.rules = { ...cluster.rules, defaultIdentity: 'deny' };
        cluster.edit('waiting', { identity: { serviceAccountName: 'waiting' } });
      },
      (cluster) => {
        cluster.rules = { ...cluster.rules, defaultIdentity: 'allow' };
      },
    ],
  ];
  for (const [what, begin, end] of temporaryStates) {
    it(`survives ${what}, and no replica is deleted during or after it`, async () => {
      const { cluster, deletions } = await claimedScenario();
      begin(cluster);
      cluster.annotate('holder', { [annotation.reconcileRequestedAt]: 'now' });
      cluster.annotate('waiting', { [annotation.reconcileRequestedAt]: 'now' });
      await cluster.run(50 * minute);
      expect(cluster.holders).to.deep.equal(['holder']);
      end(cluster);
      await cluster.run(hour);
      expect(cluster.holders).to.deep.equal(['holder']);
      expect(cluster.ready('holder')).to.include({ status: 'True' });
      expect(deletions()).to.deep.equal([]);
    });
  }

  it("is lost after an hour of denial, and the former holder's listed replicas are kept for pruneDelay", async () => {
    const { cluster, arm, deletions } = await claimedScenario();
    cluster.allow('holder', false);
    cluster.annotate('holder', { [annotation.reconcileRequestedAt]: 'now' });
    await cluster.run(59 * minute);
    expect(cluster.holders).to.deep.equal(['holder']);
    await cluster.run(12 * minute, () => cluster.holders.includes('waiting'));
    expect(cluster.holders).to.deep.equal(['waiting']);
    expect(cluster.status('holder')).not.to.have.any.keys('claim', 'regions', 'readyRegions');
    await cluster.run(10 * minute - second);
    expect(deletions()).to.deep.equal([]);
    await cluster.run(10 * minute);
    expect([...arm.actualReplicas.keys()].sort()).to.deep.equal([home, 'northeurope']);
    cluster.allow('holder', true);
    await cluster.run(hour);
    expect(cluster.ready('holder')).to.include({ reason: 'RegistryClaimed' });
  });

  it('restarts the hour of denial after an allowed pass', async () => {
    const { cluster } = await claimedScenario();
    for (let n = 0; n < 3; n++) {
      cluster.allow('holder', false);
      cluster.annotate('holder', { [annotation.reconcileRequestedAt]: `${n}` });
      await cluster.run(50 * minute);
      expect(cluster.status('holder').claim).to.have.property('refusedSince');
      cluster.allow('holder', true);
      await cluster.run(11 * minute);
      expect(cluster.status('holder').claim).not.to.have.property('refusedSince');
    }
    expect(cluster.holders).to.deep.equal(['holder']);
  });
});

describe('an object without the claim', () => {
  it('shows no regions, sets Available to Unknown and records no events about replicas', async () => {
    const { clock, arm, cluster } = scenario([home, 'japaneast', 'westeurope']);
    cluster.create('holder', { regions: ['japaneast', 'westeurope'] });
    await cluster.run(5 * minute);
    const holding = cluster.objects.get('holder');
    // A restored backup: another object has an older claim.
    const other = new ClusterModel(clock, () => arm);
    other.create('first', { regions: ['japaneast'], status: { claim: { since: '2026-11-01T00:00:00Z' } } });
    other.create('second', {
      regions: ['japaneast', 'westeurope'],
      ...(holding?.status && { status: holding.status }),
    });
    await other.run(minute);
    const status = other.status('second');
    expect(status).not.to.have.any.keys('claim', 'regions', 'readyRegions', 'regionList', 'syncing', 'plan');
    expect(other.ready('second')).to.include({ status: 'False', reason: 'RegistryClaimed' });
    expect(status.conditions?.find(({ type }) => type === 'Available')?.status).to.equal('Unknown');
    expect(other.events.get('second')?.map(({ reason }) => reason)).to.deep.equal(['RegistryClaimed']);
  });

  it('is deleted without any change in Azure', async () => {
    const { arm, cluster } = await claimedScenario();
    const writes = arm.writes.length;
    cluster.delete('waiting');
    await cluster.run(hour);
    expect([...cluster.objects.keys()]).to.deep.equal(['holder']);
    expect(arm.writes).to.have.length(writes);
  });

  it("acquires the registry when the holder is deleted, and keeps the holder's listed replicas for pruneDelay", async () => {
    const { arm, cluster, deletions } = await claimedScenario();
    cluster.edit('holder', { deletionPolicy: 'Retain' });
    cluster.delete('holder');
    await cluster.run(9 * minute);
    expect(cluster.holders).to.deep.equal(['waiting']);
    expect(deletions()).to.deep.equal([]);
    expect(arm.actualReplicas.has('northeurope')).to.equal(true);
    await cluster.run(10 * minute);
    expect([...arm.actualReplicas.keys()].sort()).to.deep.equal([home, 'northeurope']);
  });

  it('is detached when it is deleted after its status was lost', async () => {
    const { cluster, arm } = scenario([home, 'japaneast']);
    cluster.create('only');
    await cluster.run(minute);
    cluster.loseStatus('only');
    cluster.delete('only');
    await cluster.run(minute);
    expect(cluster.objects.size).to.equal(0);
    expect(arm.actualReplicas.has('japaneast')).to.equal(true);
  });
});

describe('a replica that the object never listed', () => {
  async function unlistedReplicaScenario(spec = {}) {
    const made = scenario([home, 'japaneast']);
    made.cluster.create('only', { spec: { pruneDelay, ...spec } });
    await made.cluster.run(hour);
    await made.arm.create(undefined, 'westeurope', { location: 'westeurope' });
    made.cluster.annotate('only', { [annotation.reconcileRequestedAt]: 'now' });
    await made.cluster.run(minute);
    return made;
  }

  it('is deleted after pruneDelay, and the plan and one event announce the time', async () => {
    const { cluster, deletions } = await unlistedReplicaScenario();
    const [entry] = cluster.status('only').plan ?? [];
    expect(entry).to.include({ action: 'delete', location: 'westeurope', notBefore: '2026-11-22T01:10:01Z' });
    expect(cluster.ready('only')).to.include({ status: 'False', reason: 'Pruning' });
    await cluster.run(9 * minute);
    expect(deletions()).to.deep.equal([]);
    await cluster.run(2 * second);
    expect(deletions()).to.deep.equal(['delete westeurope']);
    const events = cluster.events.get('only') ?? [];
    expect(events.filter(({ reason }) => reason === 'PruneScheduled')).to.have.length(1);
  });

  it('is deleted immediately with pruneDelay 0s, even if that is set later', async () => {
    expect((await unlistedReplicaScenario({ pruneDelay: '0s' })).deletions()).to.deep.equal(['delete westeurope']);
    const { cluster, deletions } = await unlistedReplicaScenario();
    cluster.edit('only', { pruneDelay: '0s' });
    await cluster.run(second);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('is kept for pruneDelay although the clock is set forward', async () => {
    const { clock, cluster, deletions } = await unlistedReplicaScenario();
    clock.step(24 * hour);
    cluster.annotate('only', { [annotation.reconcileRequestedAt]: 'again' });
    await cluster.run(9 * minute - second);
    expect(deletions()).to.deep.equal([]);
    await cluster.run(minute);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('is deleted after pruneDelay although the clock is set back', async () => {
    const { clock, cluster, deletions } = await unlistedReplicaScenario();
    clock.step(-24 * hour);
    cluster.annotate('only', { [annotation.reconcileRequestedAt]: 'again' });
    await cluster.run(9 * minute);
    expect(deletions()).to.deep.equal([]);
    await cluster.run(2 * minute);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('stays in Azure when the object is deleted before pruneDelay ends', async () => {
    const { arm, cluster } = await unlistedReplicaScenario();
    cluster.delete('only');
    await cluster.run(minute);
    expect(cluster.objects.size).to.equal(0);
    expect([...arm.actualReplicas.keys()].sort()).to.deep.equal([home, 'westeurope']);
  });

  it('restarts pruneDelay when the status was lost', async () => {
    const { cluster, deletions } = await unlistedReplicaScenario();
    cluster.loseStatus('only');
    await cluster.run(9 * minute);
    expect(deletions()).to.deep.equal([]);
    await cluster.run(2 * minute);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('is deleted immediately if the object has listed it since it acquired the registry', async () => {
    const { cluster, deletions } = await unlistedReplicaScenario();
    cluster.edit('only', { regions: [{ location: 'japaneast' }, { location: 'westeurope' }] });
    await cluster.run(minute);
    cluster.edit('only', { regions: [{ location: 'japaneast' }] });
    await cluster.run(second);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });
});
