// What Argo CD and Flux do with the manifests: the health check in Argo CD's ConfigMap, and comparisons that find no drift.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { buildOverlay, findOnly, type Manifest, root } from '../manifests.ts';

interface ConfigMap extends Manifest {
  readonly data: Readonly<Record<string, string>>;
}

const key = 'resource.customizations.health.georeplication.dev_RegistryReplication';
const argocdCm: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-cm', namespace: 'argocd', labels: { 'app.kubernetes.io/part-of': 'argocd' } },
  data: { 'timeout.reconciliation': '180s' },
};

describeWithKubectl('the health check for Argo CD', () => {
  it("joins what Argo CD's ConfigMap has, in a kustomization that installs Argo CD", async () => {
    const page = readFileSync(`${root}/docs/gitops.md`, 'utf8');
    const [, overlay = ''] = /```yaml\n(apiVersion: kustomize.*?)```/s.exec(page) ?? [];
    const { metadata, data } = findOnly<ConfigMap>(
      await buildOverlay(overlay, { 'argo-cd.yaml': stringify(argocdCm) }),
      'ConfigMap',
    );
    expect(metadata).to.deep.equal(argocdCm.metadata);
    expect(data).to.have.keys(Object.keys(argocdCm.data).concat(key));
    expect(data[key]).to.match(/^local status/);
  });
});

describeWithKubectl('GitOps, at an API server', function () {
  this.timeout(120_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster();
    await run('create namespace argocd');
    await run('create namespace registries --save-config');
  });
  after(() => cluster?.close());

  async function run(args: string, input?: string): Promise<string> {
    const options = input === undefined ? {} : { input };
    const { code, stdout, stderr } = await kubectl(cluster.kubeconfig, args.split(' '), options);
    if (code !== 0) throw new Error(`kubectl ${args}: ${stderr || stdout}`);
    return stdout;
  }

  it('patches the health check into the ConfigMap of an Argo CD that is there', async () => {
    await run('apply -f -', stringify(argocdCm));
    await run('patch configmap argocd-cm -n argocd --patch-file deploy/argocd/argocd-cm.yaml');
    const { data } = JSON.parse(await run('get configmap argocd-cm -n argocd -o json')) as ConfigMap;
    expect(data).to.have.keys(Object.keys(argocdCm.data).concat(key));
  });

  for (const serverSide of ['', ' --server-side'])
    it(`finds no drift in an object with the defaults and the operator's writes: apply${serverSide}`, async () => {
      await run(`apply${serverSide} -k deploy/samples`);
      const live = JSON.parse(await run('get georep myacr0007 -n registries -o json'));
      expect(live.spec).to.include({ deletionPolicy: 'Delete', suspend: false });
      // As the operator does: its only writes are the finalizer and the status.
      await run(
        'patch georep myacr0007 -n registries --field-manager=acr-replication-operator --type=merge -p {"metadata":{"finalizers":["georeplication.dev/replicas"]}}',
      );
      // The exit code of diff is 1 if something differs.
      expect(await run(`diff${serverSide} -k deploy/samples`)).to.equal('');
      await run('patch georep myacr0007 -n registries --type=merge -p {"metadata":{"finalizers":null}}');
      await run('delete georep myacr0007 -n registries');
    });
});
