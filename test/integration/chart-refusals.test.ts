// Helm's messages about values that are misspelt, of the wrong type, or do not fit together.
import { expect } from 'chai';
import { renderChart } from '../chart.ts';

/** A rendering for each; what is wrong with one value does not hide what is wrong with another. */
const mistakes: readonly (readonly [why: string, values: object, problems: readonly string[]])[] = [
  [
    'a misspelt name, in every group',
    {
      replica: 2,
      image: { repo: 'x' },
      azure: { clientID: 'x' },
      regionSources: { clusters: [] },
      proxy: { noproxy: 'x' },
      metrics: { alert: true },
      networkPolicy: { port: 443 },
      crds: { create: true },
      serviceAccount: { create: true },
      pod: { nodeselector: {} },
      flags: { intervall: '5m' },
    },
    [
      "at '': additional properties 'replica' not allowed",
      "at '/image': additional properties 'repo' not allowed",
      "at '/azure': additional properties 'clientID' not allowed",
      "at '/regionSources': additional properties 'clusters' not allowed",
      "at '/proxy': additional properties 'noproxy' not allowed",
      "at '/metrics': additional properties 'alert' not allowed",
      "at '/networkPolicy': additional properties 'port' not allowed",
      "at '/crds': additional properties 'create' not allowed",
      "at '/serviceAccount': additional properties 'create' not allowed",
      "at '/pod': additional properties 'nodeselector' not allowed",
      "at '/flags': additional properties 'intervall' not allowed",
    ],
  ],
  [
    'a port that there is not',
    { proxy: { url: 'http://proxy.example.com:65536' } },
    ["at '/proxy/url': 'http://proxy.example.com:65536' does not match pattern"],
  ],
  [
    'a misspelt field of a Kubernetes type',
    {
      env: [{ name: 'A', valuefrom: {} }],
      pod: {
        resources: { limit: {} },
        affinity: { nodeaffinity: {} },
        tolerations: [{ keys: 'x' }],
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'x', whenUnsatisfiable: 'ScheduleAnyway', minDomain: 1 },
        ],
      },
    },
    [
      "at '/env/0': additional properties 'valuefrom' not allowed",
      "at '/pod/resources': additional properties 'limit' not allowed",
      "at '/pod/affinity': additional properties 'nodeaffinity' not allowed",
      "at '/pod/tolerations/0': additional properties 'keys' not allowed",
      "at '/pod/topologySpreadConstraints/0': additional properties 'minDomain' not allowed",
    ],
  ],
  [
    'a wrong type',
    {
      image: { tag: 1.2, pullSecrets: [{ name: 'x' }] },
      replicas: '2',
      watchNamespaces: 'web',
      metrics: { secure: 'true' },
      networkPolicy: { ports: ['443'] },
      labels: { team: 7 },
      flags: { concurrency: [1] },
    },
    [
      "at '/image/tag': got number, want string",
      "at '/image/pullSecrets/0': got object, want string",
      "at '/replicas': got string, want integer",
      "at '/watchNamespaces': got string, want array",
      "at '/metrics/secure': got string, want boolean",
      "at '/networkPolicy/ports/0': got string, want integer",
      "at '/labels/team': got number, want string",
      "at '/flags/concurrency': got array, want boolean or number or string",
    ],
  ],
  [
    'an unknown word',
    {
      image: { pullPolicy: 'always' },
      azure: { identity: 'secret', cloud: 'Germany' },
      defaultRegistries: 'none',
      metrics: { monitor: 'podMonitor' },
    },
    [
      "at '/image/pullPolicy': value must be one of '', 'Always', 'IfNotPresent', 'Never'",
      "at '/azure/identity': value must be one of 'Secret', 'WorkloadIdentity', 'ManagedIdentity', 'None'",
      "at '/azure/cloud': value must be one of 'Public', 'USGovernment', 'China', 'Custom'",
      "at '/defaultRegistries': value must be one of 'allow', 'deny'",
      "at '/metrics/monitor': value must be one of 'None', 'PodMonitor', 'ServiceMonitor'",
    ],
  ],
  [
    'a text of another form',
    {
      image: { repository: 'example.com/operator:1.0', digest: 'sha256:1234' },
      azure: { clientId: 'my-app', resourceManagerEndpoint: 'http://management.example.com' },
      watchNamespaces: ['Web', 'web*'],
      objectIdentities: { web: ['Registries'] },
      regionSources: { cluster: ['MemberCluster'] },
      proxy: { url: 'proxy.example.com', port: 70000 },
      metrics: { runbooks: 'https://example.com/#{{ $labels.namespace }}' },
      fullnameOverride: 'Operator',
    },
    [
      "at '/image/repository': 'example.com/operator:1.0' does not match pattern",
      "at '/image/digest': 'sha256:1234' does not match pattern",
      "at '/azure/clientId': 'my-app' does not match pattern",
      "at '/azure/resourceManagerEndpoint': 'http://management.example.com' does not match pattern",
      "at '/watchNamespaces/0': 'Web' does not match pattern",
      "at '/watchNamespaces/1': 'web*' does not match pattern",
      "at '/objectIdentities/web/0': 'Registries' does not match pattern",
      "at '/regionSources/cluster/0': 'MemberCluster' does not match pattern",
      "at '/proxy/url': 'proxy.example.com' does not match pattern",
      "at '/proxy/port': maximum: got 70,000, want 65,535",
      "at '/metrics/runbooks': 'https://example.com/#{{ $labels.namespace }}' does not match pattern",
      "at '/fullnameOverride': 'Operator' does not match pattern",
    ],
  ],
  [
    'a value that null takes away',
    { pod: null, azure: { identity: null }, replicas: null, networkPolicy: { ports: null } },
    [
      "at '': missing properties 'replicas', 'pod'",
      "at '/azure': missing property 'identity'",
      "at '/networkPolicy': missing property 'ports'",
    ],
  ],
];

const contradictions: typeof mistakes = [
  [
    'values that another one lacks, or makes void',
    {
      azure: { identity: 'WorkloadIdentity', resourceManagerEndpoint: 'https://management.example.com' },
      proxy: { noProxy: 'example.com', port: 3128 },
      metrics: { secure: false, certificateSecret: 'certificate', tlsConfig: { serverName: 'metrics' } },
      watchNamespaces: ['web'],
      objectIdentities: { shop: ['registries'] },
      regionSources: { namespaced: ['secrets'] },
      env: [{ name: 'POD_NAME', value: 'operator' }],
      labels: { 'app.kubernetes.io/name': 'operator' },
      pod: { labels: { 'app.kubernetes.io/version': '1' } },
    },
    [
      'azure.clientId is empty: azure.identity WorkloadIdentity needs it',
      'azure.resourceManagerEndpoint needs azure.cloud Custom, which is Public',
      'proxy.noProxy has no effect without proxy.url or proxy.existingSecret',
      'proxy.port has no effect without proxy.url or proxy.existingSecret',
      'metrics.certificateSecret needs metrics.secure, which is false',
      'metrics.tlsConfig has no effect without metrics.monitor and metrics.secure',
      'objectIdentities.shop has no effect: shop is not in watchNamespaces',
      'regionSources must not name secrets: a status would show parts of them',
      'env sets POD_NAME, which the chart sets: remove it',
      'the label app.kubernetes.io/name has no effect: the chart sets it',
      'the label app.kubernetes.io/version has no effect: the chart sets it',
    ],
  ],
  [
    'a Secret without a name, a custom cloud without an address, and two proxies',
    {
      azure: { existingSecret: '', cloud: 'Custom' },
      proxy: { url: 'http://proxy.example.com:3128', existingSecret: 'proxy' },
    },
    [
      'azure.existingSecret is empty: azure.identity Secret needs its name',
      'azure.resourceManagerEndpoint is empty: azure.cloud Custom needs it',
      'proxy.url and proxy.existingSecret exclude each other: the Secret holds the URL',
    ],
  ],
  [
    'two images, a proxy whose port nothing names, and a kind that is both cluster-scoped and namespaced',
    {
      image: { tag: '1.0', digest: `sha256:${'0'.repeat(64)}` },
      proxy: { existingSecret: 'proxy' },
      regionSources: { cluster: ['nodes'], namespaced: ['nodes'] },
    },
    [
      'image.tag has no effect beside image.digest',
      'proxy.port is 0, and proxy.url names no port: the NetworkPolicy needs one',
      'regionSources names nodes both as cluster-scoped and as namespaced',
    ],
  ],
  [
    'rights for others, and what would make a hook of the CRD',
    {
      serviceAccount: {
        name: 'acr-replication-operator-metrics-reader',
        annotations: { 'helm.sh/resource-policy': 'keep' },
      },
      metrics: { monitor: 'PodMonitor' },
      labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
      annotations: { 'helm.sh/hook': 'pre-upgrade' },
    },
    [
      "serviceAccount.name is the account of Prometheus, which would get the operator's rights",
      "labels must not have rbac.authorization.k8s.io/aggregate-to-view: it would give the operator's rights to others",
      'no annotation may be helm.sh/hook: Helm would delete and create the object at each upgrade, or never delete it',
      'no annotation may be helm.sh/resource-policy: Helm would delete and create the object at each upgrade, or never delete it',
    ],
  ],
  [
    'the id of an identity that the operator does not have',
    { azure: { identity: 'None', clientId: '00000000-0000-0000-0000-000000000000' } },
    ['azure.clientId has no effect: with azure.identity None the operator has no identity of its own'],
  ],
  [
    'a flag that has a value of its own, and its environment variable',
    {
      flags: { 'watch-namespaces': 'web', 'metrics-secure': true, 'leader-elect': false, 'log-level': 'debug' },
      env: [
        { name: 'DEFAULT_IDENTITY', value: 'allow' },
        { name: 'METRICS_SECURE', value: 'false' },
        { name: 'LEADER_ELECT_RESOURCE_NAME', value: 'two' },
        { name: 'LOG_FORMAT', value: 'pretty' },
      ],
    },
    [
      'env DEFAULT_IDENTITY is refused: set azure.identity in its place',
      'env METRICS_SECURE is refused: set metrics.secure in its place',
      "env LEADER_ELECT_RESOURCE_NAME is refused: the chart's objects depend on its value",
      'flags.watch-namespaces is refused: set watchNamespaces in its place',
      'flags.metrics-secure is refused: set metrics.secure in its place',
      "flags.leader-elect is refused: the chart's objects depend on its value",
    ],
  ],
];

describe('the values of the Helm chart', function () {
  this.timeout(300_000);

  for (const [why, values, problems] of [...mistakes, ...contradictions])
    it(`are refused: ${why}`, async () => {
      const said = await problemsOf(values);
      for (const problem of problems)
        expect(
          said.filter((line) => line.startsWith(problem)),
          problem,
        ).to.have.length(1);
      expect(said).to.have.length(problems.length);
    });

  it('may hold what a parent chart has for all its charts', async () => {
    expect(await renderChart({ global: { region: 'japaneast' } })).to.deep.equal(await renderChart());
  });
});

/** What Helm finds wrong, each in a line. */
async function problemsOf(values: object): Promise<string[]> {
  const outcome: unknown = await renderChart(values).catch((error: unknown) => error);
  expect(outcome).to.be.instanceOf(Error);
  const items = [...String(outcome).matchAll(/^ *- (.*)$/gm)].map(([, text = '']) => text);
  return items.filter((text) => !text.endsWith('validation failed'));
}
