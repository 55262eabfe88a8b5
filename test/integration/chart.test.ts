// The Helm chart makes the same objects as the kustomizations. What holds for these (labels, Pod Security, permissions, images) so
// holds for the chart.
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { permissionsOf } from '../access.ts';
import { helm, renderChart } from '../chart.ts';
import { configFrom } from '../config-from.ts';
import { operatorAccount } from '../deployment.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import {
  buildOverlay,
  type Deployment,
  findOnly,
  kustomizations,
  literalEnv,
  type Manifest,
  root,
} from '../manifests.ts';
import { podSecurityViolations } from '../pod-security.ts';

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

  it('is compared with each kustomization and component', () => {
    const used = Object.values(presets).flatMap(({ kustomizations = [], components = [] }) => [
      ...kustomizations,
      ...components,
    ]);
    expect(used.map((folder) => `deploy/${folder}`).concat(others)).to.include.members(kustomizations);
    expect(used.concat('labels')).to.include.members(readdirSync(`${root}/deploy/components`));
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

describe('the Helm chart, beyond the kustomizations', function () {
  this.timeout(300_000);

  /** What the operator makes of the Deployment. */
  const configOf = (manifests: readonly Manifest[]) => {
    const { args, env } = podOf(manifests).containers[0];
    return configFrom(args, literalEnv({ env }));
  };
  const podOf = (manifests: readonly Manifest[]) => findOnly<Deployment>(manifests, 'Deployment').spec.template.spec;

  it('keeps two releases in one cluster apart by their names', async () => {
    const name = 'second';
    const common = {
      azure: { identity: 'ManagedIdentity' },
      metrics: { monitor: 'ServiceMonitor', alerts: true, dashboard: true, runbooks: 'https://example.com/runbooks' },
      objectIdentities: { web: ['registries'] },
      replicas: 2,
    };
    const first = await renderChart(common);
    const second = await renderChart({ ...common, fullnameOverride: name, crds: { install: false } });
    expect(Object.keys(byKey([...first, ...second]))).to.have.length(2 * first.length - 1);

    // The label and the image say of what application it is.
    const rest = JSON.stringify(second).replaceAll(
      /"app.kubernetes.io\/(part-of|instance)":"[^"]+"|"image":"[^"]+"/g,
      '""',
    );
    expect(rest).not.to.contain('acr-replication-operator');
    const lease = permissionsOf(second, { ...operatorAccount, name }).find(
      ({ resource, verb }) => resource === 'leases' && verb === 'update',
    );
    expect(lease).to.include({ name: configOf(second).leaderElection?.name });
  });

  it('passes every value on as it is written', async () => {
    const clientId = '00000000-0000-0000-0000-000000000007';
    const digest = `sha256:${'0'.repeat(64)}`;
    const custom = {
      authorityHost: 'https://login.example.com',
      resourceManagerEndpoint: 'https://arm.example.com',
      resourceManagerAudience: 'https://example.com/arm',
    };
    const manifests = await renderChart({
      image: { repository: 'example.com/operator', digest, pullSecrets: ['1e3'] },
      azure: { clientId, tenantId: '0x10', cloud: 'Custom', ...custom },
      watchNamespaces: ['1', 'web'],
      watchLabelSelector: 'team in (web, shop)',
      regionSources: { cluster: ['nodes'], namespaced: ['configmaps'] },
      flags: { interval: '20m', 'max-parallel-actions': 100, concurrency: 1_000_000 },
      env: [{ name: 'QUOTED', value: '{{ .Values }}: "#' }],
      proxy: { existingSecret: 'true', port: 8080 },
      privateCA: 'ca',
      metrics: { certificateSecret: 'null' },
      labels: { team: '1' },
      pod: { annotations: { note: 'on' } },
    });
    const pod = podOf(manifests);
    const [container] = pod.containers;
    const args = container.args.filter((arg) => arg !== '--concurrency=1000000');
    expect(args).to.have.length(container.args.length - 1);
    const { NODE_EXTRA_CA_CERTS: file, ...env } = literalEnv(container);
    expect(file).to.equal('/etc/private-ca/ca.crt');
    expect(env).to.include({ AZURE_CLIENT_ID: clientId, QUOTED: '{{ .Values }}: "#' });
    expect(configFrom(args, env)).to.deep.include({
      interval: 20 * 60_000,
      maxParallelActions: 100,
      watchNamespaces: ['1', 'web'],
      watchLabelSelector: 'team in (web, shop)',
      regionSources: ['nodes', 'configmaps'],
      homeTenant: '0x10',
      metricsSecure: { certDir: '/etc/metrics-certificate' },
      cloud: {
        authority: custom.authorityHost,
        endpoint: custom.resourceManagerEndpoint,
        audience: custom.resourceManagerAudience,
        knownAuthority: false,
      },
    });
    expect(container.image).to.equal(`example.com/operator@${digest}`);
    expect(pod).to.deep.include({ imagePullSecrets: [{ name: '1e3' }] });
    expect(podSecurityViolations(pod)).to.deep.equal([]);
  });

  for (const [cloud, authority, endpoint] of [
    ['USGovernment', 'https://login.microsoftonline.us', 'https://management.usgovcloudapi.net'],
    ['China', 'https://login.partner.microsoftonline.cn', 'https://management.chinacloudapi.cn'],
  ])
    it(`names the authority of the cloud, which implies the rest: ${cloud}`, async () => {
      const { cloud: known } = configOf(await renderChart({ azure: { cloud } }));
      expect(known).to.deep.equal({ authority, endpoint, audience: endpoint, knownAuthority: true });
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
    ['app.kubernetes.io/managed-by', 'helm.sh/resource-policy', 'argocd.argoproj.io/sync-options'].includes(key) ||
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
