// The operator as the chart's Deployment starts it in each way to authenticate, in each cloud and behind a proxy: it gets its token
// in that way, and works.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { generate } from 'selfsigned';
import { allowedRegistries } from '../../src/api/registryreplication.ts';
import { registryId } from '../../src/replication/validation.ts';
import { renderChart } from '../chart.ts';
import { ConnectProxy, startInspector } from '../connect-proxy.ts';
import { operatorAccount } from '../deployment.ts';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { type MetadataEndpoint, startMetadataEndpoint } from '../emulators/arm/metadata-endpoint.ts';
import { instant } from '../emulators/arm/timings.ts';
import { makeLoopbackCertificate } from '../emulators/certificate.ts';
import { accountName, createServiceAccount, federatedCredentialFor, writeOperatorToken } from '../federation.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import type { Manifest } from '../manifests.ts';
import { type Operator, startOperator } from '../operator.ts';
import { podOf } from '../pod.ts';
import { linesOf, linesWithSecrets } from '../secrets.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { manifest, referenceTo } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const tenantId = '11111111-1111-1111-1111-111111111111';
const clientId = '22222222-2222-2222-2222-222222222222';
/** Of its own, since the emulated Entra takes a certificate only for a client without a federated credential. */
const federatedClient = '55555555-5555-5555-5555-555555555555';
const clientSecret = 'emulated-secret';
const password = 'correct-horse';
const ownNamespace = 'registries';

const secretOf = (name: string, stringData: Readonly<Record<string, string>>): Manifest & { stringData: object } => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: operatorAccount.namespace },
  stringData,
});

/** What docs/install.md has the user create for a client secret. */
const credentials = secretOf('azure-credentials', {
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: clientId,
  AZURE_CLIENT_SECRET: clientSecret,
});

/** Of the clouds that azure.cloud names: the hosts of Entra and ARM. */
const clouds = {
  Public: ['login.microsoftonline.com', 'management.azure.com'],
  USGovernment: ['login.microsoftonline.us', 'management.usgovcloudapi.net'],
  China: ['login.partner.microsoftonline.cn', 'management.chinacloudapi.cn'],
} as const;

interface Preset {
  readonly values: object;
  /** Secrets and ConfigMaps that the values name. */
  readonly objects?: readonly Manifest[];
  /** Of the object that the operator serves. */
  readonly namespace?: string;
  readonly identity?: { readonly serviceAccountName: string };
}

/** How tokens were given out: on which proof, or by the Instance Metadata Service. */
type Way = 'secret' | 'assertion' | 'metadata';

describeWithKubectl("the chart's operator", function () {
  this.timeout(600_000);
  let environment: TestEnvironment;
  let directory: string;
  let proxy: ConnectProxy;
  let inspector: Awaited<ReturnType<typeof startInspector>>;
  let proxyCa: string;
  let metadata: MetadataEndpoint;
  let tokenFile: string;
  let granted: string[];
  let operator: Operator | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chart-presets-'));
    const objectIdentities = { [ownNamespace]: [accountName] };
    environment = await startTestEnvironment({
      identity: 'client-secret',
      arm: {
        timings: instant,
        tenantId,
        clientId,
        clientSecret,
        audiences: Object.values(clouds).map(([, arm]) => `https://${arm}`),
      },
      deployment: {
        manifests: await renderChart({ objectIdentities, crds: { install: false } }),
        namespaces: [ownNamespace],
      },
    });
    const { arm } = environment;
    arm.azure.addResourceGroup(defaultSubscriptionId, 'images');
    tokenFile = await writeOperatorToken(environment, federatedClient, directory);
    metadata = await startMetadataEndpoint((client, resource) => {
      granted.push(client);
      return arm.grant(client, resource);
    });
    const certificate = await makeLoopbackCertificate('proxy', Object.values(clouds).flat());
    proxyCa = certificate.cert;
    inspector = await startInspector(certificate, arm);
    const targets = Object.fromEntries(
      Object.values(clouds)
        .flat()
        .map((host) => [`${host}:443`, inspector.url]),
    );
    proxy = await ConnectProxy.start({ credentials: `operator:${password}`, targets });
  });
  beforeEach(() => {
    granted = [];
    proxy.requests.length = 0;
    environment.arm.journal.clear();
  });
  afterEach(async () => {
    if (!operator) return;
    expect(await operator.stop()).to.equal(0);
    expect(linesWithSecrets(linesOf(operator), [clientSecret, password])).to.deep.equal([]);
    operator = undefined;
  });
  after(async () => {
    await environment?.close();
    await Promise.all([inspector?.close(), metadata?.close(), proxy?.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  /** The values for the emulated Azure, as for a private cloud. */
  const custom = () => ({
    cloud: 'Custom',
    authorityHost: environment.arm.url,
    resourceManagerEndpoint: environment.arm.url,
  });

  /** Starts the operator, creates an object and deletes it. Resolves to the ways in which clients got tokens, and to these clients. */
  async function serve(name: string, preset: Preset): Promise<{ ways: Way[]; clients: string[] }> {
    const { values, objects = [], namespace = 'default', identity } = preset;
    const webhook = { tenantId, authorityHost: 'https://login.microsoftonline.com/', tokenFile };
    const { args, env } = await podOf([...(await renderChart(values)), ...objects], { directory, webhook });
    operator = startOperator({ args, env: { ...forThisMachine(), ...env } });
    const { arm, kubectl } = environment;
    arm.azure.addRegistry(referenceTo(name));
    const input = manifest(name, { regions: ['japaneast'] }, { specFields: identity ? { identity } : {} }, namespace);
    await kubectl('apply -f -', { input });
    await kubectl(`wait -n ${namespace} georep/${name} --for=condition=Ready ${kubectlTimeout}`);
    await kubectl(`delete -n ${namespace} georep/${name} ${kubectlTimeout}`);
    const { entries } = arm.journal;
    const proofs = entries.flatMap(({ proof, status }) => (proof && status === 200 ? [proof] : []));
    const asking = entries.flatMap((entry) => (entry.registry === name ? [entry.clientId ?? 'unknown'] : []));
    return {
      ways: [...new Set([...proofs, ...granted.map(() => 'metadata' as const)])],
      clients: [...new Set(asking)],
    };
  }

  /** What a pod has from its node, its cluster and its image: the account's token, the metadata service, and public CAs. */
  const forThisMachine = () => ({
    KUBECONFIG: environment.operatorKubeconfig,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url,
    NODE_EXTRA_CA_CERTS: environment.env.NODE_EXTRA_CA_CERTS ?? '',
  });

  it('uses the client secret of azure.existingSecret by default', async () => {
    const served = await serve('secret', { values: { azure: custom() }, objects: [credentials] });
    expect(served).to.deep.equal({ ways: ['secret'], clients: [clientId] });
  });

  it('uses a certificate where the Secret names one', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'operator' }], { keySize: 2048 });
    const file = join(directory, 'certificate.pem');
    await writeFile(file, key + cert, { mode: 0o600 });
    const named = secretOf('certificate', { AZURE_CLIENT_CERTIFICATE_PATH: file });
    const azure = { ...custom(), existingSecret: 'certificate', tenantId, clientId };
    const served = await serve('certificate', { values: { azure }, objects: [named] });
    expect(served).to.deep.equal({ ways: ['assertion'], clients: [clientId] });
  });

  it('uses the token of its ServiceAccount with azure.identity=WorkloadIdentity, and no Secret', async () => {
    const azure = { ...custom(), identity: 'WorkloadIdentity', clientId: federatedClient };
    const served = await serve('federated', { values: { azure }, objects: [credentials] });
    expect(served).to.deep.equal({ ways: ['assertion'], clients: [federatedClient] });
  });

  it('uses the identity of its node with azure.identity=ManagedIdentity, and no Secret', async () => {
    const azure = { ...custom(), identity: 'ManagedIdentity', clientId: '33333333-3333-3333-3333-333333333333' };
    const served = await serve('managed', { values: { azure }, objects: [credentials] });
    expect(served).to.deep.equal({ ways: ['metadata'], clients: [azure.clientId] });
  });

  it("uses only the objects' identities with azure.identity=None, and no Secret", async () => {
    const account = { namespace: ownNamespace, name: accountName };
    const client = '44444444-4444-4444-4444-444444444444';
    environment.arm.register(client, [federatedCredentialFor(account)]);
    await createServiceAccount(environment, account, { client });
    const allowed = `${allowedRegistries}=${registryId(referenceTo('*'))}`;
    await environment.kubectl(['annotate', 'namespace', ownNamespace, allowed]);
    const served = await serve('tenant', {
      values: {
        azure: { ...custom(), identity: 'None', tenantId },
        defaultRegistries: 'deny',
        objectIdentities: { [ownNamespace]: [accountName] },
      },
      objects: [credentials],
      namespace: ownNamespace,
      identity: { serviceAccountName: accountName },
    });
    expect(served).to.deep.equal({ ways: ['assertion'], clients: [client] });
  });

  it('works in a single namespace, with a second pod that stands by, and with plain metrics', async () => {
    const values = { azure: custom(), watchNamespaces: [ownNamespace], replicas: 2, metrics: { secure: false } };
    const served = await serve('single', { values, objects: [credentials], namespace: ownNamespace });
    expect(served).to.deep.equal({ ways: ['secret'], clients: [clientId] });
    const metricsPort = (await operator?.logged(({ metricsPort }) => metricsPort !== undefined))?.metricsPort;
    expect((await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).status).to.equal(200);
  });

  for (const [cloud, hosts] of Object.entries(clouds))
    it(`reaches Azure only through the proxy, whose private CA it trusts: ${cloud}`, async () => {
      const url = secretOf('proxy', { HTTPS_PROXY: proxy.url(`operator:${password}`) });
      const ca = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'ca', namespace: operatorAccount.namespace },
        data: { 'ca.crt': proxyCa },
      };
      const values = {
        azure: { cloud },
        proxy: { existingSecret: 'proxy', port: Number(new URL(proxy.url()).port) },
        privateCA: 'ca',
      };
      const name = `proxied${cloud}`.toLowerCase();
      const served = await serve(name, { values, objects: [credentials, url, ca] });
      expect(served).to.deep.equal({ ways: ['secret'], clients: [clientId] });
      expect(new Set(proxy.requests)).to.deep.equal(new Set(hosts.map((host) => `${host}:443`)));
    });
});
