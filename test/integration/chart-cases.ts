// What each value of the Helm chart changes in the rendering.
import { type Deployment, findOnly, type Manifest } from '../manifests.ts';

/** The objects of the chart. */
export type Rendering = readonly Manifest[];

export interface Case {
  readonly value: unknown;
  /** Other values that it needs, by their paths. */
  readonly given?: Readonly<Record<string, unknown>>;
  /** The part of the rendering that it changes. */
  readonly in: (rendering: Rendering) => unknown;
  /** What is there with the value, and is not there without it. */
  readonly shows: unknown;
}

const deployment = (rendering: Rendering) => findOnly<Deployment>(rendering, 'Deployment');
const pod = (rendering: Rendering): object => deployment(rendering).spec.template.spec;
const podMetadata = (rendering: Rendering) => deployment(rendering).spec.template.metadata;
const container = (rendering: Rendering) => deployment(rendering).spec.template.spec.containers[0];
const account = (rendering: Rendering) => findOnly(rendering, 'ServiceAccount').metadata;
const kinds = (rendering: Rendering) => new Set(rendering.map(({ kind }) => kind));

/** The field of an object, which may be absent. */
const field = (path: string, of: (rendering: Rendering) => unknown) => (rendering: Rendering) =>
  path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], of(rendering));

/** The whole entry of an environment variable of the operator. */
const env = (name: string) => (rendering: Rendering) => container(rendering).env.find((entry) => entry.name === name);

/** The rules of a role, by `Kind namespace/name`. */
const rules = (key: string) => (rendering: Rendering) => {
  const role = rendering.find(({ kind, metadata }) => key === `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  return (role as { rules?: unknown } | undefined)?.rules;
};

/** The objects of a kind, as text, in which a test looks for a word. */
const mentions = (kind: string, word: string) => (rendering: Rendering) =>
  JSON.stringify(rendering.filter((manifest) => manifest.kind === kind)).includes(word);

const everyMetadata = (part: 'labels' | 'annotations', name: string) => (rendering: Rendering) =>
  new Set(rendering.map(({ metadata }) => metadata[part]?.[name]));

const spread = [{ maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }];
const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } };
const tolerations = [{ key: 'dedicated', operator: 'Exists' }];
const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } };
const clientId = '00000000-0000-0000-0000-000000000007';
const name = 'acr-replication-operator';
const watch = (apiGroup: string, resource: string) => [
  { apiGroups: [apiGroup], resources: [resource], verbs: ['list', 'watch'] },
];

const custom = {
  'azure.cloud': 'Custom',
  'azure.authorityHost': 'https://login.example.com',
  'azure.resourceManagerEndpoint': 'https://management.example.com',
};

/** By the path of the value. */
export const cases: Readonly<Record<string, Case>> = {
  'image.repository': {
    value: 'example.com/operator',
    given: { 'image.tag': '1' },
    in: (rendering) => container(rendering).image,
    shows: 'example.com/operator:1',
  },
  'image.tag': { value: 'edge', in: (rendering) => container(rendering).image, shows: `${name}:edge` },
  'image.digest': {
    value: `sha256:${'0'.repeat(64)}`,
    in: (rendering) => container(rendering).image,
    shows: `${name}@sha256:${'0'.repeat(64)}`,
  },
  'image.pullPolicy': { value: 'Always', in: field('imagePullPolicy', container), shows: 'Always' },
  'image.pullSecrets': { value: ['pull'], in: field('imagePullSecrets', pod), shows: [{ name: 'pull' }] },
  replicas: { value: 3, in: (rendering) => deployment(rendering).spec.replicas, shows: 3 },
  'azure.identity': { value: 'None', in: env('DEFAULT_IDENTITY'), shows: { name: 'DEFAULT_IDENTITY', value: 'deny' } },
  'azure.existingSecret': {
    value: 'credentials',
    in: field('envFrom', container),
    shows: [{ secretRef: { name: 'credentials', optional: true } }],
  },
  'azure.clientId': {
    value: clientId,
    given: { 'azure.identity': 'ManagedIdentity' },
    in: env('AZURE_CLIENT_ID'),
    shows: { name: 'AZURE_CLIENT_ID', value: clientId },
  },
  'azure.tenantId': {
    value: 'example.com',
    given: { 'azure.identity': 'WorkloadIdentity', 'azure.clientId': clientId },
    in: (rendering) => account(rendering).annotations?.['azure.workload.identity/tenant-id'],
    shows: 'example.com',
  },
  'azure.cloud': {
    value: 'USGovernment',
    in: env('AZURE_AUTHORITY_HOST'),
    shows: { name: 'AZURE_AUTHORITY_HOST', value: 'https://login.microsoftonline.us' },
  },
  'azure.authorityHost': {
    value: 'https://entra.example.com',
    given: custom,
    in: env('AZURE_AUTHORITY_HOST'),
    shows: { name: 'AZURE_AUTHORITY_HOST', value: 'https://entra.example.com' },
  },
  'azure.resourceManagerEndpoint': {
    value: 'https://arm.example.com',
    given: custom,
    in: env('AZURE_RESOURCE_MANAGER_ENDPOINT'),
    shows: { name: 'AZURE_RESOURCE_MANAGER_ENDPOINT', value: 'https://arm.example.com' },
  },
  'azure.resourceManagerAudience': {
    value: 'https://audience.example.com',
    given: custom,
    in: env('AZURE_RESOURCE_MANAGER_AUDIENCE'),
    shows: { name: 'AZURE_RESOURCE_MANAGER_AUDIENCE', value: 'https://audience.example.com' },
  },
  watchNamespaces: {
    value: ['web', 'shop'],
    in: (rendering) => [
      env('WATCH_NAMESPACES')(rendering),
      !!rules(`Role web/${name}`)(rendering),
      !!rules(`ClusterRole /${name}`)(rendering),
    ],
    shows: [{ name: 'WATCH_NAMESPACES', value: 'web,shop' }, true, false],
  },
  watchLabelSelector: {
    value: 'team in (web, shop)',
    in: env('WATCH_LABEL_SELECTOR'),
    shows: { name: 'WATCH_LABEL_SELECTOR', value: 'team in (web, shop)' },
  },
  defaultRegistries: {
    value: 'deny',
    in: env('DEFAULT_REGISTRIES'),
    shows: { name: 'DEFAULT_REGISTRIES', value: 'deny' },
  },
  objectIdentities: {
    value: { web: ['registries', 'images'] },
    in: rules(`Role web/${name}-identity`),
    shows: [
      { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['registries', 'images'], verbs: ['get'] },
      {
        apiGroups: [''],
        resources: ['serviceaccounts/token'],
        resourceNames: ['registries', 'images'],
        verbs: ['create'],
      },
    ],
  },
  'regionSources.cluster': {
    value: ['clusters.example.com'],
    in: (rendering) => [
      container(rendering).args.at(-1),
      rules(`ClusterRole /${name}-clusters.example.com`)(rendering),
    ],
    shows: ['--region-sources=clusters.example.com', watch('example.com', 'clusters')],
  },
  'regionSources.namespaced': {
    value: ['configmaps'],
    given: { watchNamespaces: ['web'] },
    in: (rendering) => [container(rendering).args.at(-1), rules(`Role web/${name}-configmaps`)(rendering)],
    shows: ['--region-sources=configmaps', watch('', 'configmaps')],
  },
  flags: {
    value: { interval: '20m', concurrency: 20, 'allow-http-api-server': true },
    in: (rendering) => container(rendering).args,
    shows: ['--leader-elect', '--allow-http-api-server=true', '--concurrency=20', '--interval=20m'],
  },
  env: { value: [{ name: 'A', value: '1' }], in: env('A'), shows: { name: 'A', value: '1' } },
  'proxy.url': {
    value: 'http://proxy.example.com:8080',
    in: env('HTTPS_PROXY'),
    shows: { name: 'HTTPS_PROXY', value: 'http://proxy.example.com:8080' },
  },
  'proxy.existingSecret': {
    value: 'proxy',
    given: { 'networkPolicy.enabled': false },
    in: env('HTTPS_PROXY'),
    shows: { name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'HTTPS_PROXY' } } },
  },
  'proxy.port': {
    value: 8888,
    given: { 'proxy.url': 'http://proxy.example.com:8080' },
    in: mentions('NetworkPolicy', '"port":8888'),
    shows: true,
  },
  'proxy.noProxy': {
    value: '.example.com',
    given: { 'proxy.url': 'http://proxy.example.com:8080' },
    in: env('NO_PROXY'),
    shows: { name: 'NO_PROXY', value: '.example.com' },
  },
  privateCA: {
    value: 'authority',
    in: (rendering) => [env('NODE_EXTRA_CA_CERTS')(rendering), field('volumes', pod)(rendering)],
    shows: [
      { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/private-ca/ca.crt' },
      [{ name: 'private-ca', configMap: { name: 'authority' } }],
    ],
  },
  'metrics.secure': {
    value: false,
    in: (rendering) => [env('METRICS_SECURE')(rendering), rules(`ClusterRole /${name}-metrics`)(rendering)],
    shows: [undefined, undefined],
  },
  'metrics.certificateSecret': {
    value: 'certificate',
    in: field('volumes', pod),
    shows: [{ name: 'metrics-certificate', secret: { secretName: 'certificate' } }],
  },
  'metrics.tlsConfig': {
    value: { serverName: 'metrics.example.com' },
    given: { 'metrics.monitor': 'PodMonitor' },
    in: mentions('PodMonitor', '"tlsConfig":{"serverName":"metrics.example.com"}'),
    shows: true,
  },
  'metrics.monitor': {
    value: 'ServiceMonitor',
    in: (rendering) => kinds(rendering).isSupersetOf(new Set(['Service', 'ServiceMonitor'])),
    shows: true,
  },
  'metrics.alerts': { value: true, in: (rendering) => kinds(rendering).has('PrometheusRule'), shows: true },
  'metrics.runbooks': {
    value: 'https://wiki.example.com/runbooks',
    given: { 'metrics.alerts': true },
    in: mentions('PrometheusRule', '"runbook_url":"https://wiki.example.com/runbooks#georeplicationnoleader"'),
    shows: true,
  },
  'metrics.dashboard': { value: true, in: mentions('ConfigMap', '"grafana_dashboard":"1"'), shows: true },
  'networkPolicy.enabled': { value: false, in: (rendering) => kinds(rendering).has('NetworkPolicy'), shows: false },
  'networkPolicy.ports': {
    value: [16443],
    in: mentions('NetworkPolicy', '{"ports":[{"protocol":"TCP","port":16443}]}'),
    shows: true,
  },
  'crds.install': { value: false, in: (rendering) => kinds(rendering).has('CustomResourceDefinition'), shows: false },
  'crds.keep': {
    value: false,
    in: (rendering) =>
      findOnly(rendering, 'CustomResourceDefinition').metadata.annotations?.['helm.sh/resource-policy'],
    shows: undefined,
  },
  fullnameOverride: {
    value: 'replication',
    in: (rendering) =>
      rendering.filter(({ metadata }) => !metadata.name.startsWith('replication')).map(({ kind }) => kind),
    shows: ['CustomResourceDefinition'],
  },
  labels: { value: { team: 'web' }, in: everyMetadata('labels', 'team'), shows: new Set(['web']) },
  annotations: { value: { team: 'web' }, in: everyMetadata('annotations', 'team'), shows: new Set(['web']) },
  'serviceAccount.name': {
    value: 'robot',
    in: (rendering) => [account(rendering).name, field('serviceAccountName', pod)(rendering)],
    shows: ['robot', 'robot'],
  },
  'serviceAccount.annotations': {
    value: { team: 'web' },
    in: (rendering) => account(rendering).annotations?.team,
    shows: 'web',
  },
  'pod.labels': { value: { team: 'web' }, in: (rendering) => podMetadata(rendering).labels?.team, shows: 'web' },
  'pod.annotations': {
    value: { team: 'web' },
    in: (rendering) => podMetadata(rendering).annotations?.team,
    shows: 'web',
  },
  'pod.resources': { value: resources, in: field('resources', container), shows: resources },
  'pod.priorityClassName': {
    value: 'system-cluster-critical',
    in: field('priorityClassName', pod),
    shows: 'system-cluster-critical',
  },
  'pod.nodeSelector': {
    value: { pool: 'system' },
    in: field('nodeSelector', pod),
    shows: { 'kubernetes.io/os': 'linux', pool: 'system' },
  },
  'pod.affinity': { value: affinity, in: field('affinity', pod), shows: affinity },
  'pod.tolerations': { value: tolerations, in: field('tolerations', pod), shows: tolerations },
  'pod.topologySpreadConstraints': {
    value: spread,
    given: { replicas: 2 },
    in: field('topologySpreadConstraints', pod),
    shows: spread,
  },
};
