// Kinds of other projects in their real shapes name their regions where the documentation says: on the emulator and, with
// KUBEBUILDER_ASSETS, on a real API server.
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { compileJsonPath } from '../../src/kubernetes/client/json-path.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { kubeApi } from '../kube-api.ts';
import { createObjects, definitionOf, objectsOf, sourceKinds } from '../source-kinds.ts';

describe('a source of regions', () => {
  let cluster: TestCluster;
  let client: KubeClient;

  before(async () => {
    cluster = await startCluster({ crds: sourceKinds.map(definitionOf) });
    client = createKubeClient(loadKubeConfig(cluster.kubeconfig));
  });
  after(async () => {
    await client?.close();
    await cluster?.close();
  });

  for (const source of sourceKinds) {
    const { group, version, plural, kind, location, found } = source;
    it(`can be ${kind} of ${group}/${version}, with the path ${location}`, async () => {
      await createObjects(client, source);
      const listed = await kubeApi(client, CustomObjectsApi).listClusterCustomObject({ group, version, plural });
      const { items } = listed as { items: object[] };
      expect(items).to.have.length((await objectsOf(source)).length);
      const path = compileJsonPath(location);
      expect(items.flatMap((item) => path.valuesOf(item)).sort()).to.deep.equal(found);
    });
  }
});
