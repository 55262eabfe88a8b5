// What remains in Azure when an object is deleted in different ways.
import { expect } from 'chai';
import { annotation, crdName, type RegistryReplication } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { held } from '../emulators/arm/timings.ts';
import { are, condition, messageOf, region } from './expectations.ts';
import { noRightTo } from './refusals.ts';
import { manifest, openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an object that is deleted', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held });
  });
  after(() => scene?.close());

  /** `kubectl delete`, which waits until the object is gone. */
  function deletion(name: string): Promise<string> {
    return scene.kubectl(`delete georep ${name} --timeout=20s`);
  }

  function replicasOf(registry: RegistryReference): string[] {
    return scene.arm.azure.replicas(registry).map(({ name }) => name);
  }

  it('deletes its replicas, adopted ones too, but never the home region', async () => {
    const registry = scene.addRegistry('leaving');
    scene.arm.azure.addReplica(registry, 'westeurope', { name: 'asotestmvqrux' });
    await scene.apply('leaving', { regions: ['japaneast', 'westeurope', 'eastus'] });
    await scene.until('leaving', 'is Creating', are('Creating', 'japaneast'));
    await scene.arrived('leaving', 'japaneast');

    let returned = false;
    const deleted = deletion('leaving').finally(() => {
      returned = true;
    });
    const leaving = await scene.until('leaving', 'is Deleting', are('Deleting', 'japaneast', 'westeurope'));
    expect(leaving.status?.phase).to.equal('Deleting');
    expect(messageOf(leaving)).to.equal('waits until Azure has deleted japaneast, westeurope');
    scene.arm.azure.finish(registry, 'japaneast');
    const half = await scene.lookNow('leaving');
    expect(region(half, 'japaneast')?.state ?? 'Absent').to.equal('Absent');
    expect(returned).to.equal(false);

    scene.arm.azure.finish(registry, 'westeurope');
    await deleted;
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
    expect(scene.writesTo('leaving')).to.have.members(['PUT japaneast', 'DELETE japaneast', 'DELETE asotestmvqrux']);
    await scene.told('leaving', 'ReplicaDeleted: replica asotestmvqrux in westeurope is gone');
  });

  it('is reconciled by itself until its replicas are gone', async () => {
    const registry = scene.addRegistry('going');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('going', { regions: ['japaneast'] });
    await scene.untilReady('going');
    const deleted = deletion('going');
    await scene.until('going', 'is Deleting', are('Deleting', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
  });

  it('can be recreated without a write to Azure after deletionPolicy was set to Retain', async () => {
    const registry = scene.addRegistry('moving');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('moving', { regions: ['japaneast'] });
    const old = await scene.untilReady('moving');
    await scene.patch('moving', { spec: { deletionPolicy: 'Retain' } });
    const input = manifest('moving', { regions: ['japaneast'] }, scene.identity);
    await scene.kubectl('replace --force -f -', { input });
    await scene.kubectl('wait --for=condition=Ready georep/moving --timeout=20s');
    const adopted: RegistryReplication = JSON.parse(await scene.kubectl('get georep moving -o json'));
    expect(adopted.metadata.uid).not.to.equal(old.metadata.uid);
    expect(adopted.spec.deletionPolicy).to.equal('Delete');
    expect(scene.writesTo('moving')).to.deep.equal([]);
  });

  it('waits for a replica that is still being created, and then deletes it (trap 12)', async () => {
    const registry = scene.addRegistry('hasty');
    await scene.apply('hasty', { regions: ['japaneast'] });
    await scene.until('hasty', 'is Creating', are('Creating', 'japaneast'));
    const deleted = deletion('hasty');
    const waiting = await scene.until('hasty', 'is leaving', ({ status }) => status?.phase === 'Deleting');
    expect(waiting.status?.plan?.[0]?.message).to.contain('waits until it is no longer Creating');
    expect(scene.writesTo('hasty')).to.deep.equal(['PUT japaneast']);
    const leaving = await scene.arrived('hasty', 'japaneast');
    expect(region(leaving, 'japaneast')?.state).to.equal('Deleting');
    scene.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(scene.writesTo('hasty')).to.deep.equal(['PUT japaneast', 'DELETE japaneast']);
  });

  it('keeps every replica with deletionPolicy Retain', async () => {
    const registry = scene.addRegistry('retained');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('retained', { regions: ['japaneast'], deletionPolicy: 'Retain' });
    await scene.untilReady('retained');
    await deletion('retained');
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
    expect(scene.writesTo('retained')).to.deep.equal([]);
  });

  it('keeps replicas that it does not list with prune Retain', async () => {
    const registry = scene.addRegistry('pruning');
    scene.arm.azure.addReplica(registry, 'japaneast');
    scene.arm.azure.addReplica(registry, 'westeurope');
    await scene.apply('pruning', { regions: ['japaneast'], prune: 'Retain' });
    const ready = await scene.untilReady('pruning');
    expect(region(ready, 'westeurope')).to.include({ desired: false, state: 'Ready' });
    const deleted = deletion('pruning');
    await scene.until('pruning', 'is Deleting', are('Deleting', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(replicasOf(registry)).to.have.members(['westeurope', 'eastus']);
  });

  for (const [how, spec] of [
    ['suspended', { suspend: true }],
    ['observing', { mode: 'Observe' }],
  ] as const)
    it(`keeps every replica while it is ${how}`, async () => {
      const registry = scene.addRegistry(how);
      scene.arm.azure.addReplica(registry, 'japaneast');
      await scene.apply(how, { regions: ['japaneast'] });
      await scene.untilReady(how);
      await scene.patch(how, { spec });
      await deletion(how);
      expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
      expect(scene.writesTo(how)).to.deep.equal([]);
    });

  it('is gone when its registry is gone', async () => {
    const registry = scene.addRegistry('orphan');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('orphan', { regions: ['japaneast'] });
    await scene.untilReady('orphan');
    scene.arm.azure.removeRegistry(registry);
    await deletion('orphan');
    expect(scene.writesTo('orphan')).to.deep.equal([]);
  });

  it('is gone when its registry never existed', async () => {
    await scene.apply('nowhere', { regions: ['japaneast'] });
    await scene.until('nowhere', 'has been looked at', (object) => condition(object, 'Stalled') !== undefined);
    await deletion('nowhere');
  });

  it('stays while Azure refuses, shows the command that detaches it, and then leaves Azure unchanged (trap 25)', async () => {
    const registry = scene.addRegistry('stuck');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('stuck', { regions: ['japaneast'] });
    await scene.untilReady('stuck');
    const grant = scene.arm.azure.refuse((request) => request.registry === 'stuck', noRightTo(registry, 'read'));
    const deleted = deletion('stuck');
    const stuck = await scene.until('stuck', 'is Stalled', (object) => condition(object, 'Stalled') !== undefined);
    const remedy = /kubectl annotate georep -n default stuck \S+=true/.exec(messageOf(stuck))?.[0];
    expect(remedy).to.equal(`kubectl annotate georep -n default stuck ${annotation.forceDetach}=true`);
    await scene.kubectl(remedy?.replace('kubectl ', '') ?? '');
    await deleted;
    grant();
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
    expect(scene.writesTo('stuck')).to.deep.equal([]);
  });

  it('deletes its replicas when its namespace is deleted', async () => {
    const registry = scene.addRegistry('evicted');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.kubectl('create namespace leaving');
    await scene.apply('evicted', { regions: ['japaneast'] }, 'leaving');
    await scene.untilReady('evicted');
    await scene.kubectl('delete namespace leaving --wait=false');
    // kube-controller-manager does this, and so does the emulator; a lone kube-apiserver does not.
    if (scene.kubernetes.hasRoles) await scene.kubectl('delete georep -n leaving --all --wait=false');
    await scene.until('evicted', 'is Deleting', are('Deleting', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await scene.untilGone('evicted');
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
  });

  it('leaves Azure unchanged when the CRD is deleted, and adopts the replicas when the CRD is back', async () => {
    const registry = scene.addRegistry('upgraded');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('upgraded', { regions: ['japaneast'] });
    await scene.untilReady('upgraded');
    await scene.kubectl(`delete crd ${crdName} --timeout=20s`);
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);

    await scene.kubectl('apply -k crds --validate=false');
    await scene.kubectl(`wait crd ${crdName} --for=condition=Established --timeout=20s`);
    await scene.apply('upgraded', { regions: ['japaneast'] });
    await scene.kubectl(['wait', 'georep/upgraded', '--for=jsonpath={.status.phase}=Ready', '--timeout=20s']);
    expect(scene.writesTo('upgraded')).to.deep.equal([]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scene.operator.log).not.to.have.length(0);
    expect(scene.secretsLogged()).to.deep.equal([]);
  });
});
