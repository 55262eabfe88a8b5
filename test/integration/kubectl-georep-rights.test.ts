// `kubectl georep` as people with few rights, by the roles of deploy/base/people-roles.yaml. The emulator grants every right; there the
// refusals are not tested.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, RbacAuthorizationV1Api, type V1ClusterRole } from '@kubernetes/client-node';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { KubeClient } from '../../src/kubernetes/client/client.ts';
import type { Account } from '../access.ts';
import type { TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type GeorepEnvironment, type Plugin, startGeorep } from '../georep.ts';
import { play } from '../golden/play.ts';
import { settings } from '../golden/scenarios.ts';
import { createNamespace, storeScenario } from '../golden/store.ts';
import { kubeApi } from '../kube-api.ts';
import { root } from '../manifests.ts';

const namespace = 'registries';

describeWithKubectl('kubectl georep with few rights', () => {
  let georep: GeorepEnvironment;
  let plugin: Plugin;
  let cluster: TestCluster;
  let client: KubeClient;

  before(async () => {
    georep = await startGeorep();
    ({ plugin, cluster, client } = georep);
    await createNamespace(client, namespace);
    await storeScenario(client, namespace, 'myacr0007', await play(settings.AllRegionsReady ?? {}));
    const roles = parseAllDocuments(await readFile(join(root, 'deploy/base/people-roles.yaml'), 'utf8'));
    for (const role of cluster.hasRoles ? roles : [])
      await kubeApi(client, RbacAuthorizationV1Api).createClusterRole({ body: role.toJS() as V1ClusterRole });
  });
  after(() => georep?.close());

  /** The kubeconfig of an account that has this role in the namespace. */
  async function accountWith(role: string): Promise<string> {
    const account = { namespace, name: role };
    if (cluster.hasRoles) await bind(account, role);
    const file = join(cluster.kubeconfig, '..', `kubeconfig-${role}`);
    await writeFile(file, await cluster.kubeconfigOf(account), { mode: 0o600 });
    return file;
  }

  async function bind(account: Account, role: string): Promise<void> {
    await kubeApi(client, CoreV1Api).createNamespacedServiceAccount({ namespace, body: { metadata: { name: role } } });
    await kubeApi(client, RbacAuthorizationV1Api).createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name: role },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'ServiceAccount', ...account }],
      },
    });
    const [group, resource] = ['georeplication.dev', 'registryreplications'];
    await cluster.untilPermitted(account, [{ verb: 'list', group, resource, namespace }]);
  }

  it('shows everything to a viewer but the events, and refuses edits in the words of the API server', async () => {
    const viewer = await accountWith('acr-replication-operator-view');
    for (const verb of ['replicas', 'replicas myacr0007 -o wide', 'plan'])
      expect(await plugin.run(viewer, verb), verb).to.include({ code: 0, stderr: '' });
    const history = await plugin.run(viewer, 'history myacr0007');
    expect(history).to.include({ code: 0 });
    const edit = await plugin.run(viewer, 'add myacr0007 uksouth');
    if (!cluster.hasRoles) return;
    expect(history.stderr).to.match(/^warning: without events: .* 403 Forbidden: .*cannot list resource "events"/);
    expect(edit.code).to.equal(1);
    expect(edit.stderr).to.match(/^error: .* 403 Forbidden: .*cannot patch resource "registryreplications"/);
  });

  it('lets an editor edit, suspend and request a pass', async () => {
    const editor = await accountWith('acr-replication-operator-edit');
    for (const verb of ['add myacr0007 eastus2', 'suspend myacr0007', 'resume myacr0007', 'reconcile myacr0007'])
      expect(await plugin.run(editor, verb), verb).to.include({ code: 0, stderr: '' });
  });
});
