// The Helm chart makes the same objects as the kustomizations. What holds for these (labels, Pod Security, permissions, images) so
// holds for the chart.
import { expect } from 'chai';
import { stringify } from 'yaml';
import { helm, renderChart } from '../chart.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { buildOverlay, type Deployment, kustomizations, type Manifest } from '../manifests.ts';

interface Preset {
  /** Relative to deploy/. */
  readonly kustomizations?: readonly string[];
  readonly components?: readonly string[];
  /** The values of the chart that do the same. */
  readonly values: object;
}

const presets: Readonly<Record<string, Preset>> = {
  base: { kustomizations: ['base'], values: {} },
  'workload identity': {
    kustomizations: ['workload-identity'],
    values: { azure: { identity: 'WorkloadIdentity', clientId: '00000000-0000-0000-0000-000000000000' } },
  },
  'managed identity': { kustomizations: ['managed-identity'], values: { azure: { identity: 'ManagedIdentity' } } },
  hardened: { kustomizations: ['hardened'], values: { azure: { identity: 'None' }, defaultRegistries: 'deny' } },
  'single namespace': { kustomizations: ['single-namespace'], values: { watchNamespaces: ['registries'] } },
  'high availability': { kustomizations: ['high-availability'], values: { replicas: 2 } },
  'plain metrics': { kustomizations: ['metrics-plain'], values: { metrics: { secure: false } } },
  'nodes as sources': { kustomizations: ['follow-nodes'], values: { regionSources: { cluster: ['nodes'] } } },
  'a fleet as source': {
    kustomizations: ['follow-fleet'],
    values: { regionSources: { cluster: ['memberclusters.cluster.kubernetes-fleet.io'] } },
  },
  proxy: {
    kustomizations: ['base'],
    components: ['proxy'],
    values: { proxy: { url: 'http://proxy.example.com:3128' } },
  },
  'private CA': { kustomizations: ['base'], components: ['private-ca'], values: { privateCA: 'private-ca' } },
  monitoring: {
    kustomizations: ['base', 'monitoring'],
    values: { metrics: { monitor: 'PodMonitor', alerts: true, dashboard: true } },
  },
  "objects' identities": {
    kustomizations: ['base', 'identity'],
    values: { objectIdentities: { web: ['registries'] } },
  },
};

/** Not of the operator's installation. */
const others = ['crds', 'deploy', 'deploy/samples'];

describeWithKubectl('the Helm chart', function () {
  this.timeout(300_000);

  it('has no complaint of helm lint', async () => {
    expect(await helm(['lint', '--strict', 'deploy/chart'])).to.contain('1 chart(s) linted, 0 chart(s) failed');
  });

  it('has values for each kustomization', () => {
    const used = Object.values(presets).flatMap(({ kustomizations = [] }) => kustomizations);
    expect(used.map((folder) => `deploy/${folder}`).concat(others)).to.include.members(kustomizations);
  });

  for (const [name, { kustomizations = [], components = [], values }] of Object.entries(presets))
    it(`makes the objects of the kustomizations: ${name}`, async () => {
      const overlay = {
        resources: ['crds', ...kustomizations.map((folder) => `deploy/${folder}`)],
        components: components.map((folder) => `deploy/components/${folder}`),
      };
      const [built, rendered] = await Promise.all([buildOverlay(stringify(overlay)), renderChart(values)]);
      const expected = byKey(built.filter(({ kind }) => kind !== 'Namespace'));
      const actual = byKey(rendered);
      expect(Object.keys(actual)).to.have.members(Object.keys(expected));
      for (const [key, manifest] of Object.entries(expected)) expect(actual[key], key).to.deep.equal(manifest);
    });
});

/** The objects without what may differ; helm makes the Namespace with --create-namespace. */
function byKey(manifests: readonly Manifest[]): Record<string, Manifest> {
  const entries = manifests.map((manifest) => {
    const { kind, metadata } = manifest;
    return [`${kind} ${metadata.namespace ?? ''}/${metadata.name}`, comparable(manifest)] as const;
  });
  expect(new Set(entries.map(([key]) => key)).size).to.equal(manifests.length);
  return Object.fromEntries(entries);
}

function comparable(manifest: Manifest): Manifest {
  const copy = JSON.parse(JSON.stringify(manifest), (key, value) =>
    ['app.kubernetes.io/managed-by', 'helm.sh/resource-policy'].includes(key) ||
    (key === 'annotations' && Object.keys(value).length === 0)
      ? undefined
      : value,
  );
  // kustomize puts variables of components first; no variable refers to another.
  if (isDeployment(copy))
    for (const container of copy.spec.template.spec.containers)
      Object.assign(container, { env: container.env.toSorted((a, b) => a.name.localeCompare(b.name)) });
  return copy;
}

function isDeployment(manifest: Manifest): manifest is Deployment {
  return manifest.kind === 'Deployment';
}
