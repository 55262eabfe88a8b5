// The operator is upgraded, and removed before its objects, as docs/install.md describes.
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { held } from '../emulators/arm/timings.ts';
import { root } from '../manifests.ts';
import { are, isReady } from './expectations.ts';
import { openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an operator that is upgraded', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held, args: ['--leader-elect'] });
  });
  after(() => scene?.close());

  it('leaves its replicas in motion to the next one, which completes them and repeats no write', async () => {
    const coming = scene.addRegistry('coming');
    await scene.apply('coming', { regions: ['japaneast', 'westeurope'] });
    await scene.until('coming', 'is Creating', are('Creating', 'japaneast', 'westeurope'));
    const going = scene.addRegistry('going');
    scene.arm.azure.addReplica(going, 'japaneast');
    await scene.apply('going', { regions: ['japaneast'] });
    await scene.untilReady('going');
    const deleted = scene.kubectl('delete georep going --timeout=40s');
    await scene.until('going', 'is Deleting', are('Deleting', 'japaneast'));

    // As in a rollout of the Deployment: the next operator stands by before the last one is stopped.
    const next = scene.startOperator({ args: ['--leader-elect'] });
    await next.logged(({ msg }) => msg.includes('standing by'));
    expect(await scene.operator.stop('SIGTERM')).to.equal(0);
    await next.logged(({ msg }) => msg.includes('passes begin'));

    for (const [registry, location] of [
      [coming, 'japaneast'],
      [coming, 'westeurope'],
      [going, 'japaneast'],
    ] as const)
      scene.arm.azure.finish(registry, location);
    await scene.askForALook('coming');
    await Promise.all([scene.untilReady('coming'), deleted]);
    expect(scene.writesTo('coming')).to.have.members(['PUT japaneast', 'PUT westeurope']);
    expect(scene.writesTo('going')).to.deep.equal(['DELETE japaneast']);
    expect(await next.stop('SIGTERM')).to.equal(0);
  });

  it('finds its objects unchanged after the CRD was applied again', async () => {
    await scene.restartOperator();
    const before = await scene.lookNow('coming');
    expect(isReady(before)).to.equal(true);
    // SIGTERM releases the Lease, so that the next operator need not wait for it.
    await scene.operator.stop('SIGTERM');
    await scene.kubectl('apply -k crds --validate=false');
    await scene.restartOperator();
    const after = await scene.lookNow('coming');
    expect(isReady(after)).to.equal(true);
    expect(after.metadata).to.include({ uid: before.metadata.uid, generation: before.metadata.generation });
    expect(scene.writesTo('coming')).to.have.length(2);
  });
});

describeWithKubectl('an operator that is removed before its objects', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held, args: ['--leader-elect'] });
  });
  after(() => scene?.close());

  it('leaves them and Azure unchanged; when it is back, it completes deletions requested meanwhile', async () => {
    const registry = scene.addRegistry('missed');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('missed', { regions: ['japaneast'] });
    await scene.untilReady('missed');
    await scene.operator.stop('SIGTERM');
    await scene.kubectl('delete georep missed --wait=false');
    expect(scene.writesTo('missed')).to.deep.equal([]);

    await scene.restartOperator();
    await scene.until('missed', 'is Deleting', are('Deleting', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await scene.untilGone('missed');
    expect(scene.writesTo('missed')).to.deep.equal(['DELETE japaneast']);
  });

  it('leaves them deletable with the command in docs/install.md, which keeps the replicas in Azure', async () => {
    const registry = scene.addRegistry('abandoned');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('abandoned', { regions: ['japaneast'] });
    await scene.untilReady('abandoned');
    await scene.operator.stop('SIGTERM');
    // Without kube-controller-manager the operator's namespace would never be empty, so there is nothing to wait for.
    if (scene.kubernetes.hasRoles) await scene.kubectl('delete -k deploy --wait=false');

    await scene.kubectl('delete georep abandoned --wait=false');
    const waiting = JSON.parse(await scene.kubectl('get georep abandoned -o json'));
    expect(waiting.metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
    await scene.kubectl(await documented(/^kubectl (patch georep .*finalizers.*)$/m, 'abandoned'));
    await scene.untilGone('abandoned');
    expect(scene.writesTo('abandoned')).to.deep.equal([]);
    expect(scene.arm.azure.replicas(registry).map(({ name }) => name)).to.have.members(['japaneast', 'eastus']);
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
