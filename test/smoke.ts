// A smoke test for an operator started in any way: it sees an object and creates its replica in Azure.
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { group, plural, version } from '../src/api/registryreplication.ts';
import { createKubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { defaultSubscriptionId } from './emulators/arm/emulator.ts';
import { instant } from './emulators/arm/timings.ts';
import { kubeApi } from './kube-api.ts';
import type { OperatorOptions } from './operator.ts';
import { startTestEnvironment } from './test-environment.ts';

/** Rejects if the operator creates no replica, or does not exit with 0 on SIGTERM. */
export async function smoke(options: Partial<OperatorOptions>): Promise<void> {
  const environment = await startTestEnvironment({ arm: { timings: instant } });
  try {
    const registry = { subscriptionId: defaultSubscriptionId, resourceGroup: 'myresourcegroup', name: 'myACR0007' };
    environment.arm.azure.addRegistry(registry, { location: 'eastus', sku: 'Premium' });
    const operator = environment.startOperator(options);
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    const created = environment.arm.journal.first(({ method }) => method === 'PUT');
    const cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
    const namespace = 'default';
    const body = {
      apiVersion: `${group}/${version}`,
      kind: 'RegistryReplication',
      metadata: { name: 'myacr0007', namespace },
      spec: {
        registry,
        regions: [{ location: 'japaneast' }],
        deletionPolicy: 'Retain',
        ...environment.identity.specFields,
      },
    };
    await kubeApi(cluster, CustomObjectsApi).createNamespacedCustomObject({ group, version, plural, namespace, body });
    expect((await created).replica).to.equal('japaneast');
    expect(await operator.stop('SIGTERM')).to.equal(0);
    await cluster.close();
  } finally {
    await environment.close();
  }
}
