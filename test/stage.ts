// Everything a scenario needs, over real sockets: a Kubernetes API server, ARM, the operator as a process, and kubectl.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArmEmulator, type ArmEmulatorOptions, startArmEmulator } from './emulators/arm/emulator.ts';
import { kubectl } from './emulators/kubectl.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from './emulators/kubernetes/emulator.ts';
import { type Operator, startOperator } from './operator.ts';

export const crdFile = fileURLToPath(new URL('../crds/registryreplications.yaml', import.meta.url));

export interface StageOptions {
  readonly arm?: ArmEmulatorOptions;
  /** CRD files to establish; the project's own where left out. */
  readonly crds?: readonly string[];
}

export interface Stage {
  readonly arm: ArmEmulator;
  readonly kubernetes: KubernetesEmulator;
  /** The file that kubectl and the operator use. */
  readonly kubeconfig: string;
  /** The environment of a process that shall find both. */
  readonly env: Readonly<Record<string, string>>;
  startOperator(options?: { args?: readonly string[]; entry?: string }): Operator;
  /** Runs kubectl and resolves to what it printed; rejects with its complaint when it fails. */
  kubectl(args: string, options?: { input?: string; env?: Readonly<Record<string, string>> }): Promise<string>;
  /** Ends what was started here, operators included. */
  close(): Promise<void>;
}

export async function setStage({ arm: armOptions = {}, crds = [crdFile] }: StageOptions = {}): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'georeplication-'));
  const [arm, kubernetes] = await Promise.all([startArmEmulator(armOptions), startKubernetesEmulator({ crds })]);
  const kubeconfig = join(directory, 'kubeconfig');
  const certificate = join(directory, 'arm.pem');
  await Promise.all([
    writeFile(kubeconfig, kubernetes.kubeconfig, { mode: 0o600 }),
    writeFile(certificate, arm.certificate),
  ]);
  const env = { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate };
  const operators: Operator[] = [];

  return {
    arm,
    kubernetes,
    kubeconfig,
    env,
    startOperator(options = {}) {
      const operator = startOperator({ ...options, env });
      operators.push(operator);
      return operator;
    },
    async kubectl(args, options) {
      const { code, stdout, stderr } = await kubectl(kubeconfig, args.split(' '), options);
      if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
      return stdout;
    },
    async close() {
      await Promise.all(
        operators.map((operator) =>
          operator.process.exitCode === null && operator.process.signalCode === null ? operator.end() : undefined,
        ),
      );
      await Promise.all([arm.close(), kubernetes.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
