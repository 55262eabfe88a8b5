// Starts everything that an end-to-end scenario needs, over real sockets: an API server (emulated, or real if
// KUBEBUILDER_ASSETS is set), ARM, operator processes, and kubectl.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type TestCluster } from './cluster.ts';
import { actionsBeyondAzureRole, type Deployment, deploy, forbiddenAccesses, operatorAccount } from './deployment.ts';
import { type ArmEmulator, type ArmEmulatorOptions, startArmEmulator } from './emulators/arm/emulator.ts';
import { kubectl } from './emulators/kubectl.ts';
import type { Kubectl } from './federation.ts';
import { type Identity, type IdentityMode, identityModeOfThisRun, identityOf } from './identity-mode.ts';
import { buildKustomization } from './manifests.ts';
import { type Operator, type OperatorOptions, startOperator } from './operator.ts';
import { linesOf, linesWithSecrets } from './secrets.ts';

export interface TestEnvironmentOptions {
  readonly arm?: ArmEmulatorOptions;
  /** CRD files to establish; default: the project's own. */
  readonly crds?: readonly string[];
  /** The source of the operators' permissions; default: deploy/. */
  readonly deployment?: Deployment;
  /** Namespaces in which the scenario expects operators to be forbidden. */
  readonly forbiddenNamespaces?: readonly string[];
  /** Default: the mode of this test run. */
  readonly identity?: IdentityMode;
}

export interface TestEnvironment {
  readonly arm: ArmEmulator;
  readonly kubernetes: TestCluster;
  /** Objects of the namespace `default` may use it. */
  readonly identity: Identity;
  /** kubectl's file, with all rights. */
  readonly kubeconfig: string;
  /** The operators' file, with a token of deploy/'s service account and its rights. */
  readonly operatorKubeconfig: string;
  /** The environment of a process that uses both emulators. */
  readonly env: Readonly<Record<string, string>>;
  /** `env` overrides the environment's own. */
  startOperator(options?: Partial<OperatorOptions>): Operator;
  readonly kubectl: Kubectl;
  /** Secrets, tokens and signed URLs in the operators' logs. */
  secretsLogged(): string[];
  /**
   * Ends everything started here, operators included. Rejects if an operator needed a right that deploy/ does not give, or
   * logged a secret.
   */
  close(): Promise<void>;
}

export async function startTestEnvironment({
  arm: armOptions = {},
  crds,
  deployment,
  forbiddenNamespaces = [],
  identity: mode = identityModeOfThisRun(),
}: TestEnvironmentOptions = {}): Promise<TestEnvironment> {
  const directory = await mkdtemp(join(tmpdir(), 'georeplication-'));
  const [arm, kubernetes] = await Promise.all([startArmEmulator(armOptions), startCluster(crds ? { crds } : {})]);
  const { kubeconfig } = kubernetes;
  const certificate = join(directory, 'arm.pem');
  await writeFile(certificate, arm.certificate);
  await deploy(kubernetes, deployment ?? { manifests: await buildKustomization('deploy') });
  const operatorKubeconfig = join(directory, 'kubeconfig');
  const kubeconfigWithToken = await kubernetes.kubeconfigOf(operatorAccount);
  await writeFile(operatorKubeconfig, kubeconfigWithToken, { mode: 0o600 });
  const kubectlHere: Kubectl = async (args, options) => {
    const list = typeof args === 'string' ? args.split(' ') : args;
    const { code, stdout, stderr } = await kubectl(kubeconfig, list, options);
    if (code !== 0) throw new Error(`kubectl ${list.join(' ')}: ${stderr}`);
    return stdout;
  };
  const identity = await identityOf(mode, { arm, kubernetes, kubectl: kubectlHere, directory });
  await identity.admitNamespace('default');
  const env = {
    ...arm.environment,
    KUBECONFIG: operatorKubeconfig,
    NODE_EXTRA_CA_CERTS: certificate,
    ...identity.env,
  };
  const operators: Operator[] = [];
  const token = /^ *token: (\S+)$/m.exec(kubeconfigWithToken)?.[1];
  const clientSecret = arm.environment.AZURE_CLIENT_SECRET;
  if (!token || !clientSecret) throw new Error('the test environment has no secrets to look for');
  const secretsLogged = () => linesWithSecrets(operators.flatMap(linesOf), [token, clientSecret]);

  return {
    secretsLogged,
    arm,
    kubernetes,
    identity,
    kubeconfig,
    operatorKubeconfig,
    env,
    startOperator(options = {}) {
      const args = [...identity.args, ...(options.args ?? [])];
      const operator = startOperator({ ...options, args, env: { ...env, ...options.env } });
      operators.push(operator);
      return operator;
    },
    kubectl: kubectlHere,
    async close() {
      await Promise.all(operators.map((operator) => (operator.isRunning() ? operator.stop() : undefined)));
      const refused = [
        ...(await forbiddenAccesses(kubernetes, operatorAccount, forbiddenNamespaces)),
        ...(await actionsBeyondAzureRole(arm.journal)),
      ];
      await Promise.all([arm.close(), kubernetes.close()]);
      await rm(directory, { recursive: true, force: true });
      const logged = secretsLogged();
      if (logged.length) throw new Error(`secrets are in the log: ${logged.join('; ')}`);
      if (refused.length) throw new Error(`deploy/ gives the operator no right to: ${refused.join('; ')}`);
    },
  };
}
