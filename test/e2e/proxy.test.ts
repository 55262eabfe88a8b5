// The operator behind a proxy: its log of CONNECT shows which servers are asked through it, in each mode of identity.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { ConnectProxy, startInspector } from '../connect-proxy.ts';
import { type MetadataEndpoint, startMetadataEndpoint } from '../emulators/arm/metadata-endpoint.ts';
import { instant } from '../emulators/arm/timings.ts';
import { type Certificate, makeLoopbackCertificate } from '../emulators/certificate.ts';
import { identityModeOfThisRun } from '../identity-mode.ts';
import { linesOf } from '../secrets.ts';
import type { TestEnvironment } from '../test-environment.ts';
import { isNotReadyBecause, readyMessage } from './expectations.ts';
import { type Scenario, type ScenarioOptions, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

const arm = 'management.azure.test:443';
const entra = 'login.azure.test:443';
const kubernetes = 'kubernetes.test:6443';
const password = 'correct-horse';

describeWithKubectl('an operator behind a proxy', () => {
  let certificate: Certificate;
  let proxy: ConnectProxy;
  let inspector: Awaited<ReturnType<typeof startInspector>>;
  let metadata: MetadataEndpoint | undefined;
  let scenario: Scenario;

  before(async () => {
    certificate = await makeLoopbackCertificate('proxy', ['management.azure.test', 'login.azure.test']);
  });
  async function start(options: Partial<ScenarioOptions> & Required<Pick<ScenarioOptions, 'prepare'>>): Promise<void> {
    proxy = await ConnectProxy.start({ credentials: `operator:${password}` });
    scenario = await startScenario({ timings: instant, ...options });
  }

  /** Also proves that no connection is left, and that the password was not logged. */
  async function stop(): Promise<void> {
    const seen = linesOf(scenario.operator);
    await scenario.close();
    await inspector.close();
    await metadata?.close();
    metadata = undefined;
    await proxy.emptied();
    await proxy.close();
    expect(seen.filter((line) => line.includes(password))).to.deep.equal([]);
  }

  /**
   * The environment of an operator for which Azure exists only behind the proxy, which inspects its TLS. Its CA is private, and no
   * other is trusted for Azure.
   */
  async function behindProxy(environment: TestEnvironment): Promise<Record<string, string>> {
    inspector = await startInspector(certificate, environment.arm);
    Object.assign(proxy.targets, { [arm]: inspector.url, [entra]: inspector.url });
    const ca = join(environment.operatorKubeconfig, '..', 'proxy-ca.pem');
    await writeFile(ca, certificate.cert);
    return {
      HTTPS_PROXY: proxy.url(`operator:${password}`),
      NODE_EXTRA_CA_CERTS: ca,
      AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://management.azure.test',
      AZURE_AUTHORITY_HOST: 'https://login.azure.test',
    };
  }

  /** Writes a kubeconfig for the same API server at another address. */
  async function kubeconfigAt(environment: TestEnvironment, server: string): Promise<string> {
    const { url } = environment.kubernetes;
    const file = join(environment.operatorKubeconfig, '..', 'kubeconfig-at');
    const text = await readFile(environment.operatorKubeconfig, 'utf8');
    const named = text.replace(`server: ${url}`, `server: ${server}\n      tls-server-name: localhost`);
    await writeFile(file, named, { mode: 0o600 });
    return file;
  }

  /** The API server as a pod sees it, at an address of this machine that is not in 127.0.0.0/8. */
  async function inCluster(environment: TestEnvironment): Promise<Record<string, string>> {
    const { port } = new URL(environment.kubernetes.url);
    proxy.targets[`0.0.0.0:${port}`] = environment.kubernetes.url;
    return {
      KUBECONFIG: await kubeconfigAt(environment, `https://0.0.0.0:${port}`),
      KUBERNETES_SERVICE_HOST: '0.0.0.0',
    };
  }

  async function makeReady(name: string): Promise<void> {
    scenario.addRegistry(name);
    await scenario.apply(name, { regions: ['japaneast'] });
    await scenario.untilReady(name);
  }

  describe('in the cluster of its API server', () => {
    before(() =>
      start({
        prepare: async (environment) => ({ ...(await behindProxy(environment)), ...(await inCluster(environment)) }),
      }),
    );
    after(stop);

    it('asks ARM and Entra through it, and the API server directly', async () => {
      await makeReady('behindproxy');
      expect(new Set(proxy.requests)).to.deep.equal(new Set([arm, entra]));
      const started = scenario.operator.log.find(({ msg }) => msg === 'The operator has started');
      expect(started).to.include({ armProxy: proxy.address, entraProxy: proxy.address });
      expect(started).not.to.have.property('serverProxy');
    });

    it('says on the object what the proxy does, and goes on when that ends', async () => {
      const refused = async (behaviour: typeof proxy.behaviour, name: string): Promise<RegistryReplication> => {
        proxy.behaviour = behaviour;
        // Open tunnels would still be used.
        for (const client of proxy.clients) client.destroy();
        scenario.addRegistry(name);
        await scenario.apply(name, { regions: ['japaneast'] });
        return scenario.until(name, 'is unreachable', isNotReadyBecause('AzureUnreachable'));
      };
      for (const [behaviour, words] of [
        [407, /the proxy 127\.0\.0\.1:\d+ answered 407 Proxy Authentication Required/],
        [502, /the proxy 127\.0\.0\.1:\d+ answered 502 Bad Gateway/],
        ['stall', /the proxy 127\.0\.0\.1:\d+ did not connect to (login|management)\.azure\.test:443 within 8 s/],
      ] as const) {
        const object = await refused(behaviour, `proxy${behaviour}`);
        expect(readyMessage(object)).to.match(words).and.not.to.contain(password);
      }
      proxy.behaviour = 'connect';
      for (const name of ['proxy407', 'proxy502', 'proxystall']) {
        await scenario.requestReconcile(name);
        await scenario.untilReady(name);
      }
    });
  });

  // These name their identity themselves.
  if (identityModeOfThisRun() === 'client-secret')
    describe('with other servers', () => {
      afterEach(stop);

      it("asks the metadata endpoint for the node's identity directly", async () => {
        await start({
          identity: 'client-secret',
          async prepare(environment) {
            metadata = await startMetadataEndpoint(environment.arm.grant);
            return {
              ...(await behindProxy(environment)),
              HTTP_PROXY: proxy.url(`operator:${password}`),
              AZURE_TENANT_ID: '',
              AZURE_CLIENT_SECRET: '',
              AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
              AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url,
            };
          },
        });
        await makeReady('behindproxy');
        expect(new Set(proxy.requests)).to.deep.equal(new Set([arm]));
      });

      it('asks an API server elsewhere through it, watches included', async () => {
        await start({
          identity: 'client-secret',
          async prepare(environment) {
            proxy.targets[kubernetes] = environment.kubernetes.url;
            const env = await behindProxy(environment);
            return { ...env, KUBECONFIG: await kubeconfigAt(environment, `https://${kubernetes}`) };
          },
        });
        await makeReady('behindproxy');
        expect(new Set(proxy.requests)).to.deep.equal(new Set([arm, entra, kubernetes]));
        expect(await scenario.operator.stop()).to.equal(0);
      });
    });
});
