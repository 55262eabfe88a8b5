// docs/sizing.md: the largest object, and the quota that it shows.
import { readFileSync } from 'node:fs';
import { CoreV1Api, type V1ResourceQuota } from '@kubernetes/client-node';
import { expect } from 'chai';
import { parse } from 'yaml';
import { group, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { collectionPath } from '../../src/kubernetes/client/collection.ts';
import { problemsOf } from '../../src/replication/validation.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubeApi } from '../kube-api.ts';
import { largestRegions, largestSources } from '../largest-object.ts';
import { root } from '../manifests.ts';

describe('the sizes that docs/sizing.md has', () => {
  const page = readFileSync(`${root}/docs/sizing.md`, 'utf8');
  const namespace = 'web';
  let server: TestCluster;
  let cluster: KubeClient;

  before(async () => {
    server = await startCluster();
    cluster = createKubeClient(loadKubeConfig(server.kubeconfig));
    await kubeApi(cluster, CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } });
  });
  after(async () => {
    await cluster?.close();
    await server?.close();
  });

  it('the largest spec that the CRD allows has about a megabyte', async () => {
    const registry = { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'large' };
    const object = {
      apiVersion: `${group}/${version}`,
      kind: 'RegistryReplication',
      metadata: { name: 'large', namespace },
      spec: { registry, regions: largestRegions(), regionsFrom: largestSources() },
    } satisfies RegistryReplication;
    expect(problemsOf(object)).to.deep.equal([]);
    const path = collectionPath({ group, version, plural }, namespace);
    const { spec } = await cluster.sendJson<RegistryReplication>('POST', path, object);
    expect(Buffer.byteLength(JSON.stringify(spec))).to.be.within(900_000, 1_200_000);
  });

  it('the quota counts our objects, and a real API server takes it', async () => {
    const quota = parse(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? '') as V1ResourceQuota;
    expect(quota.spec?.hard).to.deep.equal({ [`count/${plural}.${group}`]: '50' });
    if (!server.hasRoles) return; // the emulator has no quotas
    const stored = await kubeApi(cluster, CoreV1Api).createNamespacedResourceQuota({ namespace, body: quota });
    expect(stored.spec?.hard).to.deep.equal(quota.spec?.hard);
  });
});
