// The recommended labels of the manifests, and the selectors that find the operator's pods by them.
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { startCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import {
  buildKustomization,
  buildOverlay,
  type Deployment,
  findOnly,
  kustomizations,
  type LabelSelector,
  type Manifest,
  packageVersion,
} from '../manifests.ts';

/** The set of https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
const recommended = {
  'app.kubernetes.io/name': 'acr-replication-operator',
  'app.kubernetes.io/instance': 'acr-replication-operator',
  'app.kubernetes.io/version': packageVersion,
  'app.kubernetes.io/component': 'operator',
  'app.kubernetes.io/part-of': 'acr-replication-operator',
  'app.kubernetes.io/managed-by': 'kustomize',
};

/** The components that are not the operator itself. */
const components: Readonly<Record<string, string>> = {
  crds: 'api',
  'deploy/identity': 'identity',
  'deploy/monitoring': 'monitoring',
};

describeWithKubectl('the labels of the manifests', () => {
  const all = new Map<string, Manifest[]>();
  const operators = () => [...all].filter(([, manifests]) => manifests.some(({ kind }) => kind === 'Deployment'));

  before(async () => {
    for (const folder of kustomizations) all.set(folder, await buildKustomization(folder));
  });

  it('are the recommended set, with the version of package.json, on every object and on the pods', () => {
    // The sample is an object of a user: whatever selects the operator must not find it, since deleting it deletes replicas.
    for (const [folder, manifests] of all) {
      if (folder === 'deploy/samples') continue;
      const component = components[folder] ?? 'operator';
      for (const { kind, metadata } of manifests)
        expect(metadata.labels, `${folder}: ${kind} ${metadata.name}`).to.include({
          ...recommended,
          'app.kubernetes.io/component': component,
        });
    }
    for (const [folder, manifests] of operators())
      expect(findOnly<Deployment>(manifests, 'Deployment').spec.template.metadata.labels, folder).to.include(
        recommended,
      );
  });

  it('are not on the objects of users', () => {
    const labelled = (all.get('deploy/samples') ?? []).flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}));
    expect(labelled).to.deep.equal([]);
  });

  it('let every selector find the pods, by the name alone', () => {
    const monitoring = all.get('deploy/monitoring') ?? [];
    for (const [folder, manifests] of operators()) {
      const selectors = [...manifests, ...monitoring].flatMap(selectorsOf);
      expect(selectors, folder).to.have.length.at.least(3);
      const { labels } = findOnly<Deployment>(manifests, 'Deployment').spec.template.metadata;
      for (const { matchLabels } of selectors) {
        // A Deployment's selector is immutable: any other would make an upgrade delete the Deployment first.
        expect(matchLabels, folder).to.deep.equal({ 'app.kubernetes.io/name': recommended['app.kubernetes.io/name'] });
        expect(labels, folder).to.include(matchLabels);
      }
    }
  });

  it('stay off the objects that a kustomization of yours adds beside the components', async () => {
    const components = ['single-namespace', 'managed-identity', 'high-availability'];
    const overlay = {
      resources: ['deploy/base', 'mine.yaml'],
      components: components.map((name) => `deploy/components/${name}`),
    };
    const mine = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: 'web' } };
    const built = await buildOverlay(stringify(overlay), { 'mine.yaml': stringify(mine) });
    expect(findOnly(built, 'ConfigMap')).to.deep.equal(parse(stringify(mine)));
    for (const { kind, metadata } of built)
      if (kind !== 'ConfigMap') expect(metadata.labels, `${kind} ${metadata.name}`).to.include(recommended);
  });
});

// Only a real API server knows Deployments, and which of their fields are immutable.
if (process.env.KUBEBUILDER_ASSETS)
  describeWithKubectl('the labels of the manifests, at a real API server', function () {
    this.timeout(120_000);

    const added = Object.keys(recommended).filter((label) => label !== 'app.kubernetes.io/name');

    it('are added to an operator that had the name alone, without deleting anything', async () => {
      const cluster = await startCluster();
      try {
        const items = await buildKustomization('deploy');
        const list = { apiVersion: 'v1', kind: 'List', items };
        const before = JSON.stringify(list, (key, value) => (added.includes(key) ? undefined : value));
        for (const input of [before, JSON.stringify(list)]) {
          const { code, stderr } = await kubectl(cluster.kubeconfig, ['apply', '-f', '-'], { input });
          expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
        }
      } finally {
        await cluster.close();
      }
    });
  });

/** The selectors of pods in an object of any kind, wherever they stand, but for those of other workloads' pods. */
function selectorsOf(manifest: Manifest): LabelSelector[] {
  const found: LabelSelector[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (['selector', 'podSelector', 'labelSelector'].includes(key) && !isOfDns(inner)) found.push(inner);
      else visit(inner);
    }
  };
  visit(manifest);
  return found;
}

function isOfDns({ matchLabels }: LabelSelector): boolean {
  return 'k8s-app' in matchLabels;
}
