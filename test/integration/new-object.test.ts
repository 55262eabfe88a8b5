// A new object as the API server shows it before any operator has seen it.
import { CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubeApi } from '../kube-api.ts';

const registries = {
  group: 'georeplication.dev',
  version: 'v1alpha1',
  namespace: 'registries',
  plural: 'registryreplications',
} as const;

describe('a new object', () => {
  let server: TestCluster;
  let cluster: KubeClient;
  let api: CustomObjectsApi;

  before(async () => {
    server = await startCluster();
    cluster = createKubeClient(loadKubeConfig(server.kubeconfig));
    api = kubeApi(cluster, CustomObjectsApi);
    await kubeApi(cluster, CoreV1Api).createNamespace({ body: { metadata: { name: registries.namespace } } });
  });
  after(async () => {
    await cluster?.close();
    await server?.close();
  });

  it('is in progress for kstatus: its observedGeneration differs from its generation', async () => {
    const registry = { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'fresh' };
    const created: RegistryReplication = await api.createNamespacedCustomObject({
      ...registries,
      body: {
        apiVersion: 'georeplication.dev/v1alpha1',
        kind: 'RegistryReplication',
        metadata: { name: 'fresh' },
        spec: { registry, regions: [{ location: 'japaneast' }] },
      },
    });
    const read: RegistryReplication = await api.getNamespacedCustomObject({ ...registries, name: 'fresh' });
    const list: { items: RegistryReplication[] } = await api.listNamespacedCustomObject(registries);
    for (const seen of [created, read, ...list.items]) {
      expect(seen.status).to.deep.equal({ observedGeneration: -1 });
      expect(seen.metadata.generation).to.equal(1);
    }
  });
});
