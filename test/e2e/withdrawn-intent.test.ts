// Intent that is withdrawn while a pass waits for slow reads of Azure: the write that it had planned is not sent.
import { expect } from 'chai';
import { allowedRegistries, annotation, type RegistryReplication } from '../../src/api/registryreplication.ts';
import { instant } from '../emulators/arm/timings.ts';
import { openScene, type Scene } from './scene.ts';
import { isNotReadyBecause, isReady } from './seen.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a deletion that was planned, and withdrawn while Azure was slow to answer', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: instant });
  });
  after(() => scene?.close());

  /** The object has two replicas, and a pass has begun that will delete one of them; its reads take 2 s each. */
  async function beginDeletion(name: string, begin: () => Promise<unknown>): Promise<() => void> {
    scene.addRegistry(name);
    await scene.apply(name, { regions: ['japaneast', 'westeurope'] });
    await scene.untilReady(name);
    const faster = scene.arm.azure.faults.add({ kind: 'latency', ms: 2_000, methods: ['GET'], registry: name });
    await begin();
    // The second generation: the edit, or the deletion.
    await scene.operator.said(
      ({ msg, object, generation }) => msg === 'A pass begins' && object === `default/${name}` && generation === 2,
    );
    return faster;
  }

  const delist = (name: string) => () => scene.patch(name, { spec: { regions: [{ location: 'japaneast' }] } });

  function expectNoDeletion(name: string): void {
    expect(scene.writesTo(name)).to.have.members(['PUT japaneast', 'PUT westeurope']);
  }

  const withdrawals: Record<string, [edit: object, is: (object: RegistryReplication) => boolean]> = {
    relisted: [{ spec: { regions: [{ location: 'japaneast' }, { location: 'westeurope' }] } }, isReady],
    suspended: [{ spec: { suspend: true } }, ({ status }) => status?.phase === 'Suspended'],
    observed: [{ spec: { mode: 'Observe' } }, ({ status }) => status?.phase === 'Observing'],
    retained: [{ spec: { prune: 'Retain' } }, isReady],
  };
  for (const [name, [edit, is]] of Object.entries(withdrawals)) {
    it(`is not sent: the object is ${name}`, async () => {
      const faster = await beginDeletion(name, delist(name));
      await scene.patch(name, edit);
      faster();
      const { generation } = JSON.parse(await scene.kubectl(`get georep ${name} -o json`)).metadata;
      await scene.until(
        name,
        `is ${name}`,
        (object) =>
          object.metadata.generation === generation &&
          is(object) &&
          (name === 'suspended' || object.status?.observedGeneration === generation),
      );
      await scene.askForALook(name);
      expectNoDeletion(name);
    });
  }

  it('is not sent: the object is detached', async () => {
    const name = 'detached';
    const faster = await beginDeletion(name, () => scene.kubectl(`delete georep ${name} --wait=false`));
    await scene.kubectl(['annotate', 'georep', name, `${annotation.forceDetach}=true`]);
    faster();
    await scene.untilGone(name);
    expectNoDeletion(name);
  });

  it('is not sent: the object is deleted with deletionPolicy Retain', async () => {
    const name = 'retained1';
    const faster = await beginDeletion(name, delist(name));
    await scene.patch(name, { spec: { deletionPolicy: 'Retain' } });
    await scene.kubectl(`delete georep ${name} --wait=false`);
    faster();
    await scene.untilGone(name);
    expectNoDeletion(name);
  });

  it('is not sent: the namespace has lost its permission', async () => {
    const name = 'denied';
    const faster = await beginDeletion(name, delist(name));
    await scene.kubectl(['annotate', 'namespace', 'default', `${allowedRegistries}=/none`]);
    faster();
    await scene.until(name, 'is refused', isNotReadyBecause('RegistryNotAllowed'));
    expectNoDeletion(name);
    await scene.kubectl(['annotate', 'namespace', 'default', `${allowedRegistries}-`]);
  });
});
