// The operator is upgraded, and removed before its objects, as docs/install.md describes.
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { held } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { root } from '../manifests.ts';
import { isReady, regionsAre } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an operator that is upgraded', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held, args: ['--leader-elect'] });
  });
  after(() => scenario?.close());

  it('leaves its replicas in motion to the next one, which completes them and repeats no write', async () => {
    const coming = scenario.addRegistry('coming');
    await scenario.apply('coming', { regions: ['japaneast', 'westeurope'] });
    await scenario.until('coming', 'is Creating', regionsAre('Creating', 'japaneast', 'westeurope'));
    const going = scenario.addRegistry('going');
    scenario.arm.azure.addReplica(going, 'japaneast');
    await scenario.apply('going', { regions: ['japaneast'] });
    await scenario.untilReady('going');
    const deleted = scenario.kubectl(`delete georep going ${kubectlTimeout}`);
    await scenario.until('going', 'is Deleting', regionsAre('Deleting', 'japaneast'));

    // As in a rollout of the Deployment: the next operator stands by before the last one is stopped.
    const next = scenario.startOperator({ args: ['--leader-elect'] });
    await next.logged(({ msg }) => msg.includes('standing by'));
    expect(await scenario.operator.stop('SIGTERM')).to.equal(0);
    await next.logged(({ msg }) => msg.includes('passes begin'));

    for (const [registry, location] of [
      [coming, 'japaneast'],
      [coming, 'westeurope'],
      [going, 'japaneast'],
    ] as const)
      scenario.arm.azure.finish(registry, location);
    await scenario.requestReconcile('coming');
    await Promise.all([scenario.untilReady('coming'), deleted]);
    expect(scenario.writesTo('coming')).to.have.members(['PUT japaneast', 'PUT westeurope']);
    expect(scenario.writesTo('going')).to.deep.equal(['DELETE japaneast']);
    expect(await next.stop('SIGTERM')).to.equal(0);
  });

  it('finds its objects unchanged after the CRD was applied again', async () => {
    await scenario.restartOperator();
    const before = await scenario.reconcileNow('coming');
    expect(isReady(before)).to.equal(true);
    // SIGTERM releases the Lease, so that the next operator need not wait for it.
    await scenario.operator.stop('SIGTERM');
    await scenario.kubectl('apply -k crds --validate=false');
    await scenario.restartOperator();
    const after = await scenario.reconcileNow('coming');
    expect(isReady(after)).to.equal(true);
    expect(after.metadata).to.include({ uid: before.metadata.uid, generation: before.metadata.generation });
    expect(scenario.writesTo('coming')).to.have.length(2);
  });
});

describeWithKubectl('an operator that is removed before its objects', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held, args: ['--leader-elect'] });
  });
  after(() => scenario?.close());

  it('leaves them and Azure unchanged; when it is back, it completes deletions requested meanwhile', async () => {
    const registry = scenario.addRegistry('missed');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('missed', { regions: ['japaneast'] });
    await scenario.untilReady('missed');
    await scenario.operator.stop('SIGTERM');
    await scenario.kubectl('delete georep missed --wait=false');
    expect(scenario.writesTo('missed')).to.deep.equal([]);

    await scenario.restartOperator();
    await scenario.until('missed', 'is Deleting', regionsAre('Deleting', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await scenario.untilGone('missed');
    expect(scenario.writesTo('missed')).to.deep.equal(['DELETE japaneast']);
  });

  it('leaves them deletable with the command in docs/install.md, which keeps the replicas in Azure', async () => {
    const registry = scenario.addRegistry('abandoned');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('abandoned', { regions: ['japaneast'] });
    await scenario.untilReady('abandoned');
    await scenario.operator.stop('SIGTERM');
    // Without kube-controller-manager the operator's namespace would never be empty, so there is nothing to wait for.
    if (scenario.kubernetes.hasRoles) await scenario.kubectl('delete -k deploy --wait=false');

    await scenario.kubectl('delete georep abandoned --wait=false');
    const waiting = JSON.parse(await scenario.kubectl('get georep abandoned -o json'));
    expect(waiting.metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
    await scenario.kubectl(await documented(/^kubectl (patch georep .*finalizers.*)$/m, 'abandoned'));
    await scenario.untilGone('abandoned');
    expect(scenario.writesTo('abandoned')).to.deep.equal([]);
    expect(scenario.arm.azure.replicas(registry).map(({ name }) => name)).to.have.members(['japaneast', 'eastus']);
  });

  /** The arguments of a kubectl command in docs/install.md, for this object. */
  async function documented(command: RegExp, name: string): Promise<string[]> {
    const [, args = ''] = command.exec(await readFile(`${root}/docs/install.md`, 'utf8')) ?? [];
    const words =
      args
        .replace('NAMESPACE', 'default')
        .replace('NAME', name)
        .match(/'[^']*'|\S+/g) ?? [];
    return words.map((word) => word.replaceAll("'", ''));
  }
});
