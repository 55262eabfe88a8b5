import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import project from '../../package.json' with { type: 'json' };
import { bundle } from '../../scripts/build.ts';
import { group, plural, version } from '../../src/api/registryreplication.ts';
import { connect, loadKubeConfig } from '../../src/kubernetes/cluster.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import { startOperator } from '../operator.ts';
import { setStage } from '../stage.ts';

describe('the bundle', () => {
  let directory: string;
  let entry: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    entry = join(directory, 'main.mjs');
    await bundle('src/main.ts', entry);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('is the whole operator in one file: away from its dependencies, it creates a replica', async () => {
    const stage = await setStage({ arm: { timings: instant } });
    try {
      const registry = { subscriptionId: defaultSubscriptionId, resourceGroup: 'myresourcegroup', name: 'myACR0007' };
      stage.arm.azure.addRegistry(registry, { location: 'eastus', sku: 'Premium' });
      const operator = stage.startOperator({ entry });
      await operator.said(({ msg }) => msg.includes('passes begin'));
      const created = stage.arm.journal.first(({ method }) => method === 'PUT');
      const cluster = connect(loadKubeConfig(stage.kubeconfig));
      const namespace = 'default';
      const body = {
        apiVersion: `${group}/${version}`,
        kind: 'RegistryReplication',
        metadata: { name: 'myacr0007', namespace },
        spec: { registry, regions: [{ location: 'japaneast' }], deletionPolicy: 'Retain' },
      };
      await cluster.api(CustomObjectsApi).createNamespacedCustomObject({ group, version, plural, namespace, body });
      expect((await created).replica).to.equal('japaneast');
      expect(await operator.end('SIGTERM')).to.equal(0);
      await cluster.close();
    } finally {
      await stage.close();
    }
  });

  it('says in one sentence that a Node is too old for it, and ends with 1', async () => {
    const pinned = Number.parseInt(project.devDependencies.node, 10);
    const older = `${pinned - 1}.11.1`;
    const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${older}' } })`;
    const operator = startOperator({ entry, nodeFlags: ['--import', `data:text/javascript,${versions}`], env: {} });
    expect(await operator.exited).to.equal(1);
    expect(operator.noise).to.deep.equal([`The operator needs Node ${pinned} or newer; this is ${older}.`]);
  });
});
