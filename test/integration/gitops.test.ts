// What Argo CD and Flux do with the manifests: the health check in Argo CD's ConfigMap, and comparisons that find no drift.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { renderChart } from '../chart.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { buildOverlay, type Deployment, findOnly, type Manifest, root } from '../manifests.ts';

interface ConfigMap extends Manifest {
  readonly data: Readonly<Record<string, string>>;
}

/** What is read of the examples. */
interface GitOpsObject {
  readonly kind: string;
  readonly spec?: {
    readonly source?: { readonly helm?: { readonly valuesObject?: object } };
    readonly values?: object;
  };
}

const key = 'resource.customizations.health.georeplication.dev_RegistryReplication';
const argocdCm: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-cm', namespace: 'argocd', labels: { 'app.kubernetes.io/part-of': 'argocd' } },
  data: { 'timeout.reconciliation': '180s' },
};

/** Together they have every object and most fields of the chart, but for those of Prometheus Operator's kinds. */
const values: Readonly<Record<string, object>> = {
  'by default': {},
  'with one namespace and most other values': {
    azure: { identity: 'WorkloadIdentity', clientId: '00000000-0000-0000-0000-000000000000' },
    image: { pullSecrets: ['image-pull'], pullPolicy: 'Always' },
    watchNamespaces: ['registries'],
    objectIdentities: { registries: ['web'] },
    regionSources: { cluster: ['nodes'], namespaced: ['configmaps'] },
    proxy: { url: 'http://proxy.example.com:3128' },
    privateCA: 'private-ca',
    metrics: { certificateSecret: 'metrics', dashboard: true },
    labels: { team: 'registries' },
    annotations: { team: 'registries' },
    flags: { interval: '20m' },
    env: [{ name: 'A', value: '' }],
    pod: { tolerations: [{ key: 'dedicated', operator: 'Exists' }], resources: { requests: { cpu: '1000m' } } },
  },
  'with two pods and a managed identity': { replicas: 2, azure: { identity: 'ManagedIdentity' } },
};

describe('the chart, with the values that docs/gitops.md gives', () => {
  const page = readFileSync(`${root}/docs/gitops.md`, 'utf8');
  const documents = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => parse(text) as GitOpsObject);
  const specOf = (kind: string) => documents.find((document) => document.kind === kind)?.spec;

  for (const [tool, given] of [
    ['Argo CD', specOf('Application')?.source?.helm?.valuesObject],
    ['Flux', specOf('HelmRelease')?.values],
  ] as const)
    it(`is rendered for ${tool}, with a CRD that is never deleted`, async () => {
      if (!given) throw new Error('the page has no values');
      const manifests = await renderChart(given);
      const [container] = findOnly<Deployment>(manifests, 'Deployment').spec.template.spec.containers;
      expect(container.image).to.match(/^myacr0007\.azurecr\.io\/acr-replication-operator:/);
      expect(findOnly(manifests, 'CustomResourceDefinition').metadata.annotations).to.include({
        'helm.sh/resource-policy': 'keep',
        'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
      });
    });
});

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
    await run('create namespace acr-replication-system');
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

  // The emulated API server serves few of the kinds.
  if (process.env.KUBEBUILDER_ASSETS)
    for (const [which, given] of Object.entries(values))
      it(`finds no drift in the objects of the chart, ${which}`, async () => {
        const input = await adapted(await renderChart(given));
        await run('apply --server-side --force-conflicts -f -', input);
        expect(await run('diff --server-side -f -', input)).to.equal('');
      });

  /** As text, for an API server that may be older than PodDisruptionBudget v1 (1.21) and CEL rules (1.23). */
  async function adapted(manifests: readonly Manifest[]): Promise<string> {
    const knowsBudgets = (await run('api-versions')).includes('policy/v1\n');
    const items = JSON.parse(JSON.stringify(manifests), (key, value) =>
      key === 'x-kubernetes-validations' && !knowsBudgets ? undefined : value,
    ) as Manifest[];
    const text = items.map((manifest) => stringify(manifest)).join('---\n');
    return knowsBudgets ? text : text.replaceAll('apiVersion: policy/v1\n', 'apiVersion: policy/v1beta1\n');
  }
});
