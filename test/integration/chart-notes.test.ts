// What the chart tells a user to type: the commands of its README, and those that Helm prints after an installation, which fit the
// values.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { helm } from '../chart.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { root } from '../manifests.ts';
import { commandsIn } from '../markdown.ts';

const clientId = '00000000-0000-0000-0000-000000000007';
/** What a user puts in place of the words in capitals. */
const words = {
  SUBSCRIPTION: '00000000-0000-0000-0000-000000000000',
  GROUP: 'web',
  REGISTRY: 'myACR0007',
  REGION: 'japaneast',
};

interface Case {
  readonly values: object;
  /** Of the release; each case has its own. */
  readonly namespace: string;
  /** Lines that are there. */
  readonly says: readonly string[];
  /** Words that are not. */
  readonly omits: RegExp;
  /** Of the first object. */
  readonly object: { readonly namespace: string; readonly serviceAccountName?: string };
}

const cases: Readonly<Record<string, Case>> = {
  'a Secret': {
    values: { azure: { existingSecret: 'credentials' }, watchNamespaces: ['teams', 'web'] },
    namespace: 'one',
    says: [
      'kubectl -n one create secret generic credentials --from-literal=AZURE_TENANT_ID=TENANT --from-literal=AZURE_CLIENT_ID=APP_ID --from-literal=AZURE_CLIENT_SECRET=PASSWORD',
      'kubectl -n one rollout restart deployment acr-replication-operator',
      'kubectl -n one rollout status deployment acr-replication-operator',
    ],
    omits: /identity|annotate|labels/,
    object: { namespace: 'teams' },
  },
  'a workload identity': {
    values: {
      azure: { identity: 'WorkloadIdentity', clientId },
      fullnameOverride: 'replication',
      serviceAccount: { name: 'robot' },
      watchLabelSelector: 'team in (web, shop)',
    },
    namespace: 'two',
    says: [
      'az identity federated-credential create -g GROUP --identity-name IDENTITY -n robot --issuer ISSUER_OF_THE_CLUSTER --subject system:serviceaccount:two:robot --audiences api://AzureADTokenExchange',
      'kubectl -n two rollout status deployment replication',
      '  labels: {} # those that team in (web, shop) selects',
    ],
    omits: /secret|restart|annotate|serviceAccountName/,
    object: { namespace: 'two' },
  },
  'a managed identity': {
    values: { azure: { identity: 'ManagedIdentity', clientId } },
    namespace: 'three',
    says: [`az role assignment create --role 'ACR Replication Operator' --assignee ${clientId} --scope SCOPE`],
    omits: /secret|federated|serviceAccountName/,
    object: { namespace: 'three' },
  },
  "objects' identities, and registries that namespaces must list": {
    values: { azure: { identity: 'None' }, defaultRegistries: 'deny', objectIdentities: { shop: ['registries'] } },
    namespace: 'four',
    says: [
      'kubectl -n shop create serviceaccount registries',
      'kubectl -n shop annotate serviceaccount registries azure.workload.identity/client-id=CLIENT_ID azure.workload.identity/tenant-id=TENANT',
      'az identity federated-credential create -g GROUP --identity-name IDENTITY -n registries --issuer ISSUER_OF_THE_CLUSTER --subject system:serviceaccount:shop:registries --audiences api://AzureADTokenExchange',
    ],
    omits: /secret|restart|objectIdentities/,
    object: { namespace: 'shop', serviceAccountName: 'registries' },
  },
};

describe('the README of the Helm chart', function () {
  this.timeout(300_000);
  const page = readFileSync(`${root}/deploy/chart/README.md`, 'utf8');
  const [, , install = ''] = commandsIn(page, 'Install');
  const [, withoutSecret = ''] = /add\n? +`(.*?)`/.exec(page) ?? [];

  async function render(command: string): Promise<string> {
    return helm(
      command
        .replace(/^helm upgrade --install/, 'template')
        .replace('CLIENT_ID', clientId)
        .split(/ +/),
    );
  }

  it('installs the image of a registry, with a Secret or, on AKS, without', async () => {
    const image = 'image: "REGISTRY/acr-replication-operator:';
    expect(await render(install))
      .to.contain(image)
      .and.to.contain('name: "azure-credentials"');
    const onAks = await render(`${install} ${withoutSecret}`);
    expect(onAks).to.contain(image).and.to.contain(`azure.workload.identity/client-id: ${clientId}`);
    expect(onAks).not.to.contain('azure-credentials');
  });
});

describeWithKubectl('the notes of the Helm chart', function () {
  this.timeout(300_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await startCluster();
    for (const name of ['one', 'two', 'three', 'four', 'teams', 'shop']) await run(`kubectl create namespace ${name}`);
  });
  after(() => cluster?.close());

  async function run(script: string): Promise<void> {
    await promisify(execFile)('sh', ['-euc', script], { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
  }

  for (const [identity, { values, namespace, says, omits, object }] of Object.entries(cases))
    it(`lead to a first object, with ${identity}`, async () => {
      const lines = await notesOf(values, namespace);
      expect(lines).to.include.members(says);
      expect(lines.filter((line) => omits.test(line))).to.deep.equal([]);

      await run(
        lines
          .filter((line) => canRun(line, cluster))
          .map(fillIn)
          .join('\n'),
      );
      const { stdout } = await kubectl(cluster.kubeconfig, [
        'get',
        'georep',
        'first',
        '-n',
        object.namespace,
        '-o',
        'json',
      ]);
      const { spec } = JSON.parse(stdout) as RegistryReplication;
      expect(spec.mode).to.equal('Observe');
      expect(spec.identity?.serviceAccountName).to.equal(object.serviceAccountName);
    });

  it('say that objectIdentities must name the ServiceAccount, if it names none', async () => {
    const lines = await notesOf({ azure: { identity: 'None' } }, 'one');
    expect(lines.join('\n')).to.contain('the value objectIdentities must name it, too');
    expect(lines).to.include('  identity: { serviceAccountName: ACCOUNT }');
  });
});

/** The lines below the first one, in which each command is one line. */
async function notesOf(values: object, namespace: string): Promise<string[]> {
  const args = ['install', 'release', 'deploy/chart', '--namespace', namespace, '--dry-run=client', '--values', '-'];
  const [, notes = ''] = (await helm(args, JSON.stringify(values))).split('\nNOTES:\n');
  const [, ...lines] = notes.replaceAll(/\\\n */g, '').split('\n');
  return lines;
}

/** Nothing here has Azure or pods, and the emulated API server has no secrets and creates no service accounts. */
function canRun(line: string, { hasRoles }: TestCluster): boolean {
  if (/^az | rollout | -w$/.test(line)) return false;
  return hasRoles || !/^kubectl .*(create secret| serviceaccount )/.test(line);
}

function fillIn(line: string): string {
  return Object.entries(words).reduce(
    (text, [word, value]) => text.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), value),
    line,
  );
}
