import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { bundle } from '../../scripts/build.ts';
import { group, plural, version } from '../../src/api/registryreplication.ts';
import { connect, loadKubeConfig } from '../../src/kubernetes/cluster.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { instant } from '../emulators/arm/timings.ts';
import { setStage } from '../stage.ts';

describe('the bundle', () => {
  it('is the whole operator in one file: away from its dependencies, it creates a replica', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    const stage = await setStage({ arm: { timings: instant } });
    try {
      const entry = join(directory, 'main.mjs');
      await bundle('src/main.ts', entry);
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
      await rm(directory, { recursive: true, force: true });
    }
  });
});
