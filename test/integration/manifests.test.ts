// The manifests as kubectl builds them: what is applied, what must never be in there, and what the pods may do.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { configFrom } from '../../src/config.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [member: string]: unknown;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

interface PodSpec {
  securityContext: Record<string, unknown>;
  containers: {
    image: string;
    args: string[];
    securityContext: Record<string, unknown>;
    resources: unknown;
    ports: { name: string; containerPort: number }[];
    livenessProbe: { httpGet: { path: string; port: string } };
    readinessProbe: { httpGet: { path: string; port: string } };
  }[];
  [member: string]: unknown;
}

function built(folder: string): Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', folder], { cwd: root, encoding: 'utf8' });
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

(kubectl ? describe : describe.skip)(`the manifests${kubectl ? '' : ' (pending: no kubectl on this machine)'}`, () => {
  let operator: Manifest[];
  let pod: PodSpec;
  let rules: Rule[];

  before(() => {
    operator = built('deploy');
    const deployment = one(operator, 'Deployment') as unknown as { spec: { template: { spec: PodSpec } } };
    pod = deployment.spec.template.spec;
    rules = (one(operator, 'ClusterRole') as unknown as { rules: Rule[] }).rules;
  });

  function one(manifests: Manifest[], kind: string): Manifest {
    const found = manifests.filter((manifest) => manifest.kind === kind);
    expect(found, kind).to.have.length(1);
    return found[0] as Manifest;
  }

  it('hold the operator and what it needs', () => {
    expect(operator.map(({ kind }) => kind)).to.have.members([
      'Namespace',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Deployment',
    ]);
  });

  it('keep the CRD apart, so that removing the operator removes no object', () => {
    expect(built('crds').map(({ kind }) => kind)).to.deep.equal(['CustomResourceDefinition']);
    expect(operator.map(({ kind }) => kind)).not.to.include('CustomResourceDefinition');
  });

  it('grant no wildcard, and rights on nothing but objects, their status, events, namespaces by name and the one CRD', () => {
    for (const { apiGroups, resources, verbs, resourceNames } of rules) {
      expect([...apiGroups, ...resources, ...verbs, ...(resourceNames ?? [])].join()).not.to.contain('*');
      expect(verbs).not.to.include.members(['delete']);
    }
    expect(rules.flatMap(({ resources }) => resources)).to.have.members([
      'registryreplications',
      'registryreplications/status',
      'events',
      'namespaces',
      'customresourcedefinitions',
    ]);
    expect(rules.find(({ resources }) => resources.includes('namespaces'))?.verbs).to.deep.equal(['get']);
    const crd = rules.find(({ resources }) => resources.includes('customresourcedefinitions'));
    expect(crd).to.deep.include({ resourceNames: ['registryreplications.georeplication.dev'], verbs: ['get'] });
  });

  it('bind both roles to the account that the pods run as', () => {
    const { name, namespace } = one(operator, 'ServiceAccount').metadata;
    for (const kind of ['ClusterRole', 'Role']) {
      const binding = one(operator, `${kind}Binding`) as unknown as { roleRef: unknown; subjects: unknown };
      expect(binding.subjects).to.deep.equal([{ kind: 'ServiceAccount', name, namespace }]);
      expect(binding.roleRef).to.include({ kind, name: one(operator, kind).metadata.name });
    }
    expect(pod.serviceAccountName).to.equal(name);
  });

  it('let the operator mint tokens of one ServiceAccount of one namespace, where somebody asks for that', () => {
    const [role, binding, ...more] = built('deploy/identity') as [Manifest, Manifest];
    expect(more).to.deep.equal([]);
    expect(role).to.deep.include({
      kind: 'Role',
      rules: [
        { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['registries'], verbs: ['get'] },
        { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['registries'], verbs: ['create'] },
      ],
    });
    const { name, namespace } = one(operator, 'ServiceAccount').metadata;
    expect(binding).to.deep.include({ kind: 'RoleBinding', subjects: [{ kind: 'ServiceAccount', name, namespace }] });
    expect(binding.metadata.namespace).to.equal(role.metadata.namespace).and.not.equal(namespace);
    expect(operator.map((manifest) => JSON.stringify(manifest)).join()).not.to.contain('serviceaccounts');
  });

  it('pass Pod Security "restricted", which their namespace enforces', () => {
    const { labels } = one(operator, 'Namespace').metadata;
    expect(labels).to.include({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(pod.securityContext).to.deep.include({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod).not.to.have.any.keys('hostNetwork', 'hostPID', 'hostIPC', 'volumes');
    for (const { securityContext } of pod.containers) {
      expect(securityContext).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('let one operator work at a time: they contend for a Lease that they may use, and no other', () => {
    const { leaderElection } = configFrom(
      pod.containers.flatMap(({ args }) => args),
      {},
    );
    const lease = leaderElection?.name;
    const role = one(operator, 'Role') as unknown as Manifest & { rules: Rule[] };
    expect(role.metadata.namespace).to.equal(one(operator, 'Namespace').metadata.name);
    const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
    expect(role.rules).to.deep.equal([
      { ...leases, verbs: ['create'] },
      { ...leases, resourceNames: [lease], verbs: ['get', 'watch', 'update'] },
    ]);
  });

  it('probe where the operator answers by default', () => {
    const [container] = pod.containers;
    expect(container?.ports).to.deep.equal([
      { name: 'metrics', containerPort: 8080 },
      { name: 'probes', containerPort: 8081 },
    ]);
    expect(container?.livenessProbe.httpGet).to.deep.equal({ path: '/livez', port: 'probes' });
    expect(container?.readinessProbe.httpGet).to.deep.equal({ path: '/readyz', port: 'probes' });
  });

  it('name an image with the version of this package', () => {
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string };
    expect(pod.containers.map(({ image }) => image)).to.deep.equal([`acr-replication-operator:${version}`]);
  });

  it('come with a sample that the CRD knows every word of', () => {
    const [namespace, sample] = built('deploy/samples');
    expect(namespace).to.deep.include({ kind: 'Namespace' });
    expect(sample?.metadata).to.include({ name: 'myacr0007', namespace: namespace?.metadata.name ?? '' });
    const crd = parse(readFileSync(`${root}/crds/registryreplications.yaml`, 'utf8')) as {
      spec: { versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
    };
    const [version] = crd.spec.versions;
    expect(sample?.apiVersion).to.equal(`georeplication.dev/${version?.name}`);
    expect(unknownWords(sample?.spec, version?.schema.openAPIV3Schema.properties.spec ?? {})).to.deep.equal([]);
  });
});

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
