// The manifests as kubectl builds them: what they must and must not contain, and what the pods may do. Permissions are
// compared with the operator's requests in test/e2e/rights.test.ts.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { formatAccess, permissionsOf, type Role } from '../access.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { configFrom } from '../config-from.ts';
import { operatorAccount } from '../deployment.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import {
  buildKustomization,
  buildOverlay,
  type Container,
  type Deployment,
  findOnly,
  kustomizations as folders,
  literalEnv,
  type Manifest,
  packageVersion,
  root,
} from '../manifests.ts';
import { podSecurityViolations } from '../pod-security.ts';
import { eventually } from '../real-api-server.ts';

describeWithKubectl('the manifests', () => {
  const all = new Map<string, Manifest[]>();
  const of = (folder: string) => all.get(folder) ?? [];
  const kindsOf = (folder: string) => of(folder).map(({ kind }) => kind);

  before(async () => {
    for (const folder of folders) all.set(folder, await buildKustomization(folder));
  });

  /** Folders with an operator. */
  const operators = () => folders.filter((folder) => kindsOf(folder).includes('Deployment'));
  const deploymentOf = (folder: string) => findOnly<Deployment>(of(folder), 'Deployment');
  const podOf = (folder: string) => deploymentOf(folder).spec.template.spec;
  const containerOf = (folder: string): Container => podOf(folder).containers[0];
  const named = (folder: string, kind: string, name: string) =>
    of(folder).find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  const literalEnvOf = (folder: string) => literalEnv(containerOf(folder));

  it('are exactly those in the documentation', () => {
    expect(folders).to.deep.equal([
      'crds',
      'deploy',
      'deploy/base',
      'deploy/follow-fleet',
      'deploy/follow-nodes',
      'deploy/hardened',
      'deploy/high-availability',
      'deploy/identity',
      'deploy/managed-identity',
      'deploy/metrics-plain',
      'deploy/monitoring',
      'deploy/samples',
      'deploy/single-namespace',
      'deploy/workload-identity',
    ]);
    const documented = readFileSync(`${root}/docs/install.md`, 'utf8');
    for (const folder of folders) expect(documented).to.contain(folder);
  });

  it('contain the operator and what it needs', () => {
    expect(kindsOf('deploy')).to.have.members([
      'Namespace',
      'ServiceAccount',
      ...['ClusterRole', 'ClusterRole', 'ClusterRole', 'ClusterRole', 'ClusterRole', 'ClusterRole', 'Role'],
      ...['ClusterRoleBinding', 'ClusterRoleBinding', 'ClusterRoleBinding', 'RoleBinding'],
      'Deployment',
      'NetworkPolicy',
    ]);
    expect(of('deploy')).to.deep.equal(of('deploy/base'));
  });

  it('keep the CRD and the objects apart, so that removing the operator removes no object', () => {
    expect(kindsOf('crds')).to.deep.equal(['CustomResourceDefinition']);
    for (const folder of operators()) {
      expect(kindsOf(folder)).not.to.include('CustomResourceDefinition');
      const namespaces = of(folder).filter(({ kind }) => kind === 'Namespace');
      expect(namespaces.map(({ metadata }) => metadata.name)).to.deep.equal([operatorAccount.namespace]);
    }
  });

  it('grant the operator no wildcard, no deletion and no secret, and other subjects nothing', () => {
    for (const folder of operators()) {
      const permissions = permissionsOf(of(folder), operatorAccount);
      expect(permissions).not.to.have.length(0);
      for (const { verb, group, resource } of permissions) {
        expect(`${verb} ${group} ${resource}`).not.to.contain('*');
        expect(['delete', 'deletecollection', 'impersonate', 'escalate', 'bind']).not.to.include(verb);
        expect(resource).not.to.match(/^secrets|^pods|^serviceaccounts/);
      }
      for (const binding of of(folder).filter(({ kind }) => kind.endsWith('RoleBinding')))
        expect(binding).to.have.deep.property('subjects', [{ kind: 'ServiceAccount', ...operatorAccount }]);
      expect(podOf(folder).serviceAccountName).to.equal(operatorAccount.name);
      const account = named(folder, 'ServiceAccount', operatorAccount.name);
      expect(account?.metadata.namespace).to.equal(operatorAccount.namespace);
      expect(account).to.include({ automountServiceAccountToken: false });
      expect(podOf(folder)).to.include({ automountServiceAccountToken: true });
    }
  });

  it('with deploy/identity: let the operator request tokens of one ServiceAccount in one namespace', () => {
    const { name, namespace } = { name: 'registries', namespace: 'web' };
    expect(permissionsOf(of('deploy/identity'), operatorAccount)).to.deep.equal([
      { verb: 'get', group: '', resource: 'serviceaccounts', namespace, name },
      { verb: 'create', group: '', resource: 'serviceaccounts/token', namespace, name },
    ]);
    expect(kindsOf('deploy/identity')).to.deep.equal(['Role', 'RoleBinding']);
  });

  it('let viewers of a namespace read its objects, and only its admins write them', () => {
    const view = named('deploy', 'ClusterRole', 'acr-replication-operator-view') as Role;
    const edit = named('deploy', 'ClusterRole', 'acr-replication-operator-edit') as Role;
    const aggregation = ({ metadata }: Manifest) =>
      Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith('rbac.authorization.k8s.io/'));
    expect(aggregation(view)).to.deep.equal(['rbac.authorization.k8s.io/aggregate-to-view']);
    expect(aggregation(edit)).to.deep.equal(['rbac.authorization.k8s.io/aggregate-to-admin']);
    expect(view.rules.flatMap(({ verbs }) => verbs)).to.deep.equal(['get', 'list', 'watch']);
    for (const { resources, verbs } of edit.rules)
      if (resources.includes('registryreplications/status')) expect(verbs).to.deep.equal(['get']);
  });

  it('pass Pod Security "restricted", which their namespace enforces, with a read-only file system', () => {
    for (const folder of operators()) {
      const { labels } = findOnly(of(folder), 'Namespace').metadata;
      expect(labels).to.include({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      expect(podSecurityViolations(podOf(folder)), folder).to.deep.equal([]);
      expect(containerOf(folder).securityContext, folder).to.include({ readOnlyRootFilesystem: true });
    }
  });

  it('elect a leader with the one Lease that they may use', () => {
    for (const folder of operators()) {
      const { leaderElection } = configFrom(containerOf(folder).args, literalEnvOf(folder));
      const { namespace } = operatorAccount;
      const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace };
      const ofLeases = permissionsOf(of(folder), operatorAccount).filter(({ resource }) => resource === 'leases');
      expect(ofLeases, folder).to.have.deep.members([
        { ...lease, verb: 'create' },
        ...['get', 'watch', 'update'].map((verb) => ({ ...lease, verb, name: leaderElection?.name })),
      ]);
    }
  });

  it('grant the same permissions for every credential and number of pods', () => {
    const rights = (folder: string) => permissionsOf(of(folder), operatorAccount);
    for (const folder of [
      'deploy/workload-identity',
      'deploy/managed-identity',
      'deploy/high-availability',
      'deploy/hardened',
    ])
      expect(rights(folder), folder).to.deep.equal(rights('deploy'));
  });

  it("probe the operator's default ports, and admit only scrapes inwards, and DNS and TLS outwards", () => {
    const { metricsBindAddress, healthProbeBindAddress } = configFrom([], {});
    for (const folder of operators()) {
      const { ports, livenessProbe, readinessProbe } = containerOf(folder);
      expect(ports).to.deep.equal([
        { name: 'metrics', containerPort: metricsBindAddress?.port },
        { name: 'probes', containerPort: healthProbeBindAddress?.port },
      ]);
      expect(livenessProbe.httpGet).to.deep.equal({ path: '/livez', port: 'probes' });
      expect(readinessProbe.httpGet).to.deep.equal({ path: '/readyz', port: 'probes' });
      const policy = named(folder, 'NetworkPolicy', 'acr-replication-operator');
      expect(policy).to.have.nested.property('spec.podSelector.matchLabels').that.deep.equals(podLabels);
      expect(policy).to.have.deep.nested.property('spec.policyTypes', ['Ingress', 'Egress']);
      expect(policy).to.have.deep.nested.property('spec.ingress', [
        {
          from: [{ namespaceSelector: { matchLabels: { metrics: 'enabled' } } }],
          ports: [{ protocol: 'TCP', port: metricsBindAddress?.port }],
        },
      ]);
      expect(policy)
        .to.have.nested.property('spec.egress')
        .that.satisfies((rules: { ports: { protocol: string; port: number }[] }[]) => {
          const open = rules.flatMap(({ ports }) => ports.map(({ protocol, port }) => `${protocol} ${port}`));
          return open.join() === 'UDP 53,TCP 53,TCP 443,TCP 6443';
        });
    }
  });

  const podLabels = { 'app.kubernetes.io/name': 'acr-replication-operator' };

  it('name an image with the version of this package', () => {
    for (const folder of operators())
      expect(containerOf(folder).image, folder).to.equal(`acr-replication-operator:${packageVersion}`);
  });

  it('with workload identity: name the client, mount the token, and read no secret', () => {
    const folder = 'deploy/workload-identity';
    const account = named(folder, 'ServiceAccount', operatorAccount.name);
    expect(account?.metadata.annotations).to.have.keys('azure.workload.identity/client-id');
    const { labels } = deploymentOf(folder).spec.template.metadata;
    expect(labels).to.include({ 'azure.workload.identity/use': 'true', ...podLabels });
    expect(literalEnvOf(folder)).to.include({ AZURE_TOKEN_CREDENTIALS: 'WorkloadIdentityCredential' });
    expect(containerOf(folder)).not.to.have.property('envFrom');
  });

  it('with a managed identity: admit traffic to the metadata address of the node, and read no secret', () => {
    const folder = 'deploy/managed-identity';
    expect(literalEnvOf(folder)).to.include({ AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' });
    expect(containerOf(folder)).not.to.have.property('envFrom');
    const policy = named(folder, 'NetworkPolicy', 'acr-replication-operator-managed-identity');
    expect(policy).to.have.deep.nested.property('spec.egress', [
      { to: [{ ipBlock: { cidr: '169.254.169.254/32' } }], ports: [{ protocol: 'TCP', port: 80 }] },
    ]);
  });

  it('for a single namespace: grant the same permissions in the watched namespace only', () => {
    const folder = 'deploy/single-namespace';
    const role = named(folder, 'Role', 'acr-replication-operator') as Role;
    const clusterRole = named('deploy', 'ClusterRole', 'acr-replication-operator') as Role;
    expect(role.rules).to.deep.equal(clusterRole.rules);
    const { watchNamespaces } = configFrom(containerOf(folder).args, literalEnvOf(folder));
    expect(watchNamespaces).to.deep.equal([role.metadata.namespace]);
    const everywhere = permissionsOf(of(folder), operatorAccount).filter(({ namespace }) => namespace === undefined);
    expect(everywhere.map(formatAccess)).to.have.members([
      'get apiextensions.k8s.io/customresourcedefinitions registryreplications.georeplication.dev',
      'create authentication.k8s.io/tokenreviews',
      'create authorization.k8s.io/subjectaccessreviews',
    ]);
  });

  it('serve metrics to authorized clients only, except in the insecure variant', () => {
    for (const folder of operators()) {
      const { metricsSecure } = configFrom(containerOf(folder).args, literalEnvOf(folder));
      const rights = permissionsOf(of(folder), operatorAccount).map(({ resource }) => resource);
      const isPlain = folder === 'deploy/metrics-plain';
      expect(metricsSecure !== undefined, folder).to.equal(!isPlain);
      expect(rights.includes('tokenreviews'), folder).to.equal(!isPlain);
      expect(named(folder, 'ClusterRole', 'acr-replication-operator-metrics-reader') !== undefined, folder).to.equal(
        !isPlain,
      );
    }
  });

  it('hardened: deny the default identity and unlisted registries, and have no credential', () => {
    const folder = 'deploy/hardened';
    const config = configFrom(containerOf(folder).args, literalEnvOf(folder));
    expect(config).to.include({ defaultIdentity: 'deny', defaultRegistries: 'deny' });
    expect(config).to.have.property('metricsSecure');
    expect(containerOf(folder)).not.to.have.property('envFrom');
  });

  it('to follow nodes or a fleet: name one kind to the operator, and grant no more than to list and watch it', () => {
    for (const [folder, kind, group] of [
      ['deploy/follow-nodes', 'nodes', ''],
      ['deploy/follow-fleet', 'memberclusters', 'cluster.kubernetes-fleet.io'],
    ] as const) {
      const { regionSources } = configFrom(containerOf(folder).args, literalEnvOf(folder));
      expect(regionSources).to.deep.equal([group === '' ? kind : `${kind}.${group}`]);
      const added = permissionsOf(of(folder), operatorAccount);
      expect(added).to.have.deep.members([
        ...permissionsOf(of('deploy'), operatorAccount),
        ...['list', 'watch'].map((verb) => ({ verb, group, resource: kind })),
      ]);
    }
  });

  it('for high availability: two pods on different nodes, of which one is always up', () => {
    const folder = 'deploy/high-availability';
    expect(deploymentOf(folder).spec.replicas).to.equal(2);
    expect(podOf(folder))
      .to.have.property('topologySpreadConstraints')
      .that.deep.equals(
        ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: podLabels },
        })),
      );
    expect(named(folder, 'PodDisruptionBudget', 'acr-replication-operator'))
      .to.have.property('spec')
      .that.deep.equals({ minAvailable: 1, selector: { matchLabels: podLabels } });
  });

  it('can be combined as in docs/install.md', async () => {
    const [, text = ''] =
      /```yaml\n(apiVersion: kustomize\S*\n.*?)```/s.exec(readFileSync(`${root}/docs/install.md`, 'utf8')) ?? [];
    const together = await buildOverlay(text);
    const { spec } = findOnly<Deployment>(together, 'Deployment');
    expect(spec.replicas).to.equal(2);
    expect(spec.template.metadata.labels).to.include({ 'azure.workload.identity/use': 'true' });
    expect(podSecurityViolations(spec.template.spec)).to.deep.equal([]);
  });

  it('move to another namespace as a whole, the subjects of their bindings included', async () => {
    for (const folder of [...operators(), 'deploy/monitoring']) {
      const moved = await buildOverlay(stringify({ namespace: 'platform-acr', resources: [folder] }));
      expect(JSON.stringify(moved), folder).to.not.contain('acr-replication-system');
    }
  });

  it('include a sample that is valid for the CRD', () => {
    const [sample, ...others] = of('deploy/samples') as [Manifest & { spec: unknown }];
    // Deleting a sample that holds a Namespace would delete every object in it.
    expect(others).to.deep.equal([]);
    expect(sample.metadata).to.deep.equal({ name: 'myacr0007', namespace: 'registries' });
    const crd = parse(readFileSync(`${root}/crds/registryreplications.yaml`, 'utf8')) as {
      spec: { versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
    };
    const [version] = crd.spec.versions;
    expect(sample.apiVersion).to.equal(`georeplication.dev/${version?.name}`);
    expect(unknownWords(sample.spec, version?.schema.openAPIV3Schema.properties.spec ?? {})).to.deep.equal([]);
  });
});

// Only a real API server knows every kind and enforces roles.
if (process.env.KUBEBUILDER_ASSETS)
  describeWithKubectl('the manifests, at a real API server', () => {
    let cluster: TestCluster;

    before(async () => {
      cluster = await startCluster();
      await run('create namespace registries --save-config');
      await run('create namespace web --save-config');
    });
    after(() => cluster?.close());

    async function run(args: string, input?: string): Promise<string> {
      const { code, stdout, stderr } = await kubectl(cluster.kubeconfig, args.split(' '), input ? { input } : {});
      if (code !== 0 || stderr) throw new Error(`kubectl ${args}: ${stderr || stdout}`);
      return stdout;
    }

    /** `kubectl auth can-i`, whose exit code is part of the answer. */
    async function may(args: string): Promise<string> {
      const { stdout } = await kubectl(cluster.kubeconfig, ['auth', 'can-i', ...args.split(' ')]);
      return stdout.trim();
    }

    const isForeign = ({ apiVersion }: Manifest) => apiVersion.startsWith('monitoring.coreos.com/');

    for (const folder of folders.filter((folder) => folder !== 'crds'))
      it(`are accepted, and stored without a difference: ${folder}${exceptFor(folder)}`, async () => {
        const knowsBudgets = (await run('api-versions')).includes('policy/v1\n');
        const text = stringifyAll((await buildKustomization(folder)).filter((manifest) => !isForeign(manifest)));
        // Servers before 1.21 have the same fields under an older name.
        const input = knowsBudgets ? text : text.replaceAll('apiVersion: policy/v1\n', 'apiVersion: policy/v1beta1\n');
        await run('apply -f -', input);
        // The output of a second apply is no evidence: for a PodDisruptionBudget it is always "configured".
        const { code, stdout, stderr } = await kubectl(cluster.kubeconfig, ['diff', '-f', '-'], { input });
        expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: '', stderr: '' });
        await run('apply -f -', input);
      });

    it('contain a pod that its namespace admits (servers from 1.25 on enforce Pod Security)', async () => {
      for (const folder of folders) {
        const deployment = (await buildKustomization(folder)).find(({ kind }) => kind === 'Deployment') as
          | Deployment
          | undefined;
        if (!deployment) continue;
        const { metadata, spec } = deployment.spec.template;
        const { namespace } = deployment.metadata;
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'operator', namespace }, spec };
        await run('create --dry-run=server -f -', JSON.stringify(pod));
      }
    });

    it('let an editor write objects but not their status, and a viewer only read', async () => {
      await run('create rolebinding e -n web --clusterrole=acr-replication-operator-edit --user=edith');
      await run('create rolebinding v -n web --clusterrole=acr-replication-operator-view --user=vera');
      // The authorizer learns of bindings a moment after they are stored.
      for (const who of ['edith', 'vera'])
        await eventually(async () => (await may(`get georep -n web --as=${who}`)) === 'yes');
      for (const [who, what, answer] of [
        ['edith', 'create georep', 'yes'],
        ['edith', 'delete georep', 'yes'],
        ['edith', 'update georep --subresource=status', 'no'],
        ['vera', 'watch georep', 'yes'],
        ['vera', 'patch georep', 'no'],
      ])
        expect(await may(`${what} -n web --as=${who}`), `${who}: ${what}`).to.equal(answer);
      expect(await may('create georep -n registries --as=edith')).to.equal('no');
    });
  });

function exceptFor(folder: string): string {
  return folder === 'deploy/monitoring'
    ? ' (but for PodMonitor and PrometheusRule, which only Prometheus Operator knows)'
    : '';
}

function stringifyAll(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest)).join('---\n');
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

function unknownWords(value: unknown, schema: Schema): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => unknownWords(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([word, inner]) => {
    const known = schema.properties?.[word];
    return known ? unknownWords(inner, known) : [word];
  });
}
