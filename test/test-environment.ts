// Everything a scenario needs, over real sockets: a Kubernetes API server (the emulator or, where KUBEBUILDER_ASSETS says
// so, the real one), ARM, the operator as a process, and kubectl.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type TestCluster } from './cluster.ts';
import { beyondAzureRole, type Deployment, deploy, operatorAccount, refusedTo } from './deployment.ts';
import { type ArmEmulator, type ArmEmulatorOptions, startArmEmulator } from './emulators/arm/emulator.ts';
import { kubectl } from './emulators/kubectl.ts';
import { type Identity, type IdentityMode, identityOf, modeOfThisRun } from './identity-mode.ts';
import { type Operator, type OperatorOptions, startOperator } from './operator.ts';
import { linesOf, linesWithSecrets } from './secrets.ts';

export interface StageOptions {
  readonly arm?: ArmEmulatorOptions;
  /** CRD files to establish; the project's own where left out. */
  readonly crds?: readonly string[];
  /** Whose rights the operators have; those of deploy/ where left out. */
  readonly deployment?: Deployment;
  /** Namespaces in which operators may be refused: the scenario is about that. */
  readonly closed?: readonly string[];
  /** That of this run where left out. */
  readonly identity?: IdentityMode;
}

export interface Stage {
  readonly arm: ArmEmulator;
  readonly kubernetes: TestCluster;
  /** Objects of the namespace default are admitted. */
  readonly identity: Identity;
  /** The file that kubectl uses; it has all rights. */
  readonly kubeconfig: string;
  /** The file that operators use: a token of the service account that deploy/ makes, with the rights that it gives. */
  readonly operatorKubeconfig: string;
  /** The environment of a process that shall find both. */
  readonly env: Readonly<Record<string, string>>;
  /** `env` is put over the stage's own. */
  startOperator(options?: Partial<OperatorOptions>): Operator;
  /** Runs kubectl and resolves to what it printed; rejects with its complaint when it fails. Text is split at blanks. */
  kubectl(
    args: string | readonly string[],
    options?: { input?: string; env?: Readonly<Record<string, string>> },
  ): Promise<string>;
  /** What stands in the log of the operators here and must not: secrets, tokens and signed URLs. */
  secretsLogged(): string[];
  /**
   * Ends what was started here, operators included. Rejects when an operator had need of a right that deploy/ does not give,
   * or has logged a secret.
   */
  close(): Promise<void>;
}

export async function setStage({
  arm: armOptions = {},
  crds,
  deployment = { folder: 'deploy' },
  closed = [],
  identity: mode = modeOfThisRun(),
}: StageOptions = {}): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'georeplication-'));
  const [arm, kubernetes] = await Promise.all([startArmEmulator(armOptions), startCluster(crds ? { crds } : {})]);
  const { kubeconfig } = kubernetes;
  const certificate = join(directory, 'arm.pem');
  await writeFile(certificate, arm.certificate);
  await deploy(kubernetes, deployment);
  const operatorKubeconfig = join(directory, 'kubeconfig');
  const kubeconfigWithToken = await kubernetes.kubeconfigOf(operatorAccount);
  await writeFile(operatorKubeconfig, kubeconfigWithToken, { mode: 0o600 });
  const kubectlHere: Stage['kubectl'] = async (args, options) => {
    const list = typeof args === 'string' ? args.split(' ') : args;
    const { code, stdout, stderr } = await kubectl(kubeconfig, list, options);
    if (code !== 0) throw new Error(`kubectl ${list.join(' ')}: ${stderr}`);
    return stdout;
  };
  const identity = await identityOf(mode, { arm, kubernetes, kubectl: kubectlHere, directory });
  await identity.admit('default');
  const env = {
    ...arm.environment,
    KUBECONFIG: operatorKubeconfig,
    NODE_EXTRA_CA_CERTS: certificate,
    ...identity.env,
  };
  const operators: Operator[] = [];
  const token = /^ *token: (\S+)$/m.exec(kubeconfigWithToken)?.[1];
  const clientSecret = arm.environment.AZURE_CLIENT_SECRET;
  if (!token || !clientSecret) throw new Error('the stage has no secrets to look for');
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
      await Promise.all(operators.map((operator) => (operator.isRunning() ? operator.end() : undefined)));
      const refused = [
        ...(await refusedTo(kubernetes, operatorAccount, closed)),
        ...(await beyondAzureRole(arm.journal)),
      ];
      await Promise.all([arm.close(), kubernetes.close()]);
      await rm(directory, { recursive: true, force: true });
      const logged = secretsLogged();
      if (logged.length) throw new Error(`secrets are in the log: ${logged.join('; ')}`);
      if (refused.length) throw new Error(`deploy/ gives the operator no right to: ${refused.join('; ')}`);
    },
  };
}
