// What remains in Azure when an object is deleted in different ways.
import { expect } from 'chai';
import { annotation, crdName, type RegistryReplication } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { held } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { condition, readyMessage, region, regionsAre } from './expectations.ts';
import { authorizationFailed } from './refusals.ts';
import { manifest, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an object that is deleted', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  /** `kubectl delete`, which waits until the object is gone. */
  function deletion(name: string): Promise<string> {
    return scenario.kubectl(`delete georep ${name} ${kubectlTimeout}`);
  }

  function replicasOf(registry: RegistryReference): string[] {
    return scenario.arm.azure.replicas(registry).map(({ name }) => name);
  }

  it('deletes its replicas, adopted ones too, but never the home region', async () => {
    const registry = scenario.addRegistry('leaving');
    scenario.arm.azure.addReplica(registry, 'westeurope', { name: 'asotestmvqrux' });
    await scenario.apply('leaving', { regions: ['japaneast', 'westeurope', 'eastus'] });
    await scenario.until('leaving', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.finishProvisioning('leaving', 'japaneast');

    let returned = false;
    const deleted = deletion('leaving').finally(() => {
      returned = true;
    });
    const leaving = await scenario.until('leaving', 'is Deleting', regionsAre('Deleting', 'japaneast', 'westeurope'));
    expect(leaving.status?.phase).to.equal('Deleting');
    expect(readyMessage(leaving)).to.equal('deleting japaneast, westeurope');
    scenario.arm.azure.finish(registry, 'japaneast');
    const half = await scenario.reconcileNow('leaving');
    expect(region(half, 'japaneast')?.state ?? 'Absent').to.equal('Absent');
    expect(returned).to.equal(false);

    scenario.arm.azure.finish(registry, 'westeurope');
    await deleted;
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
    expect(scenario.writesTo('leaving')).to.have.members(['PUT japaneast', 'DELETE japaneast', 'DELETE asotestmvqrux']);
    await scenario.untilEvent('leaving', 'ReplicaDeleted: westeurope: replica asotestmvqrux is gone');
  });

  it('is reconciled by itself until its replicas are gone', async () => {
    const registry = scenario.addRegistry('going');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('going', { regions: ['japaneast'] });
    await scenario.untilReady('going');
    const deleted = deletion('going');
    await scenario.until('going', 'is Deleting', regionsAre('Deleting', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
  });

  it('can be recreated without a write to Azure after deletionPolicy was set to Retain', async () => {
    const registry = scenario.addRegistry('moving');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('moving', { regions: ['japaneast'] });
    const old = await scenario.untilReady('moving');
    await scenario.patch('moving', { spec: { deletionPolicy: 'Retain' } });
    const input = manifest('moving', { regions: ['japaneast'] }, scenario.identity);
    await scenario.kubectl('replace --force -f -', { input });
    await scenario.kubectl(`wait --for=condition=Ready georep/moving ${kubectlTimeout}`);
    const adopted: RegistryReplication = JSON.parse(await scenario.kubectl('get georep moving -o json'));
    expect(adopted.metadata.uid).not.to.equal(old.metadata.uid);
    expect(adopted.spec.deletionPolicy).to.equal('Delete');
    expect(scenario.writesTo('moving')).to.deep.equal([]);
  });

  it('waits for a replica that is still being created, and then deletes it (trap 12)', async () => {
    const registry = scenario.addRegistry('hasty');
    await scenario.apply('hasty', { regions: ['japaneast'] });
    await scenario.until('hasty', 'is Creating', regionsAre('Creating', 'japaneast'));
    const deleted = deletion('hasty');
    const waiting = await scenario.until('hasty', 'is leaving', ({ status }) => status?.phase === 'Deleting');
    expect(waiting.status?.plan?.[0]?.message).to.contain('waits until it is no longer Creating');
    expect(scenario.writesTo('hasty')).to.deep.equal(['PUT japaneast']);
    const leaving = await scenario.finishProvisioning('hasty', 'japaneast');
    expect(region(leaving, 'japaneast')?.state).to.equal('Deleting');
    scenario.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(scenario.writesTo('hasty')).to.deep.equal(['PUT japaneast', 'DELETE japaneast']);
  });

  it('keeps every replica with deletionPolicy Retain', async () => {
    const registry = scenario.addRegistry('retained');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('retained', { regions: ['japaneast'], deletionPolicy: 'Retain' });
    await scenario.untilReady('retained');
    await deletion('retained');
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
    expect(scenario.writesTo('retained')).to.deep.equal([]);
  });

  it('keeps replicas that it does not list with prune Retain', async () => {
    const registry = scenario.addRegistry('pruning');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    await scenario.apply('pruning', { regions: ['japaneast'], prune: 'Retain' });
    const ready = await scenario.untilReady('pruning');
    expect(region(ready, 'westeurope')).to.include({ desired: false, state: 'Ready' });
    const deleted = deletion('pruning');
    await scenario.until('pruning', 'is Deleting', regionsAre('Deleting', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(replicasOf(registry)).to.have.members(['westeurope', 'eastus']);
  });

  for (const [how, spec] of [
    ['suspended', { suspend: true }],
    ['observing', { mode: 'Observe' }],
  ] as const)
    it(`keeps every replica while it is ${how}`, async () => {
      const registry = scenario.addRegistry(how);
      scenario.arm.azure.addReplica(registry, 'japaneast');
      await scenario.apply(how, { regions: ['japaneast'] });
      await scenario.untilReady(how);
      await scenario.patch(how, { spec });
      await deletion(how);
      expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
      expect(scenario.writesTo(how)).to.deep.equal([]);
    });

  it('is gone when its registry is gone', async () => {
    const registry = scenario.addRegistry('orphan');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('orphan', { regions: ['japaneast'] });
    await scenario.untilReady('orphan');
    scenario.arm.azure.removeRegistry(registry);
    await deletion('orphan');
    expect(scenario.writesTo('orphan')).to.deep.equal([]);
  });

  it('is gone when its registry never existed', async () => {
    await scenario.apply('nowhere', { regions: ['japaneast'] });
    await scenario.until('nowhere', 'has been looked at', (object) => condition(object, 'Stalled') !== undefined);
    await deletion('nowhere');
  });

  it('stays while Azure refuses, shows the command that detaches it, and then leaves Azure unchanged (trap 25)', async () => {
    const registry = scenario.addRegistry('stuck');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('stuck', { regions: ['japaneast'] });
    await scenario.untilReady('stuck');
    const grant = scenario.arm.azure.refuse(
      (request) => request.registry === 'stuck',
      authorizationFailed(registry, 'read'),
    );
    const deleted = deletion('stuck');
    const stuck = await scenario.until('stuck', 'is Stalled', (object) => condition(object, 'Stalled') !== undefined);
    const remedy = /kubectl annotate georep -n default stuck \S+=true/.exec(readyMessage(stuck))?.[0];
    expect(remedy).to.equal(`kubectl annotate georep -n default stuck ${annotation.forceDetach}=true`);
    await scenario.kubectl(remedy?.replace('kubectl ', '') ?? '');
    await deleted;
    grant();
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);
    expect(scenario.writesTo('stuck')).to.deep.equal([]);
  });

  it('deletes its replicas when its namespace is deleted', async () => {
    const registry = scenario.addRegistry('evicted');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.kubectl('create namespace leaving');
    await scenario.apply('evicted', { regions: ['japaneast'] }, 'leaving');
    await scenario.untilReady('evicted');
    await scenario.kubectl('delete namespace leaving --wait=false');
    // kube-controller-manager does this, and so does the emulator; a lone kube-apiserver does not.
    if (scenario.kubernetes.hasRoles) await scenario.kubectl('delete georep -n leaving --all --wait=false');
    await scenario.until('evicted', 'is Deleting', regionsAre('Deleting', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await scenario.untilGone('evicted');
    expect(replicasOf(registry)).to.deep.equal(['eastus']);
  });

  it('leaves Azure unchanged when the CRD is deleted, and adopts the replicas when the CRD is back', async () => {
    const registry = scenario.addRegistry('upgraded');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('upgraded', { regions: ['japaneast'] });
    await scenario.untilReady('upgraded');
    await scenario.kubectl(`delete crd ${crdName} ${kubectlTimeout}`);
    expect(replicasOf(registry)).to.have.members(['japaneast', 'eastus']);

    await scenario.kubectl('apply -k crds --validate=false');
    await scenario.kubectl(`wait crd ${crdName} --for=condition=Established ${kubectlTimeout}`);
    await scenario.apply('upgraded', { regions: ['japaneast'] });
    await scenario.kubectl(['wait', 'georep/upgraded', '--for=jsonpath={.status.phase}=Ready', kubectlTimeout]);
    expect(scenario.writesTo('upgraded')).to.deep.equal([]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
