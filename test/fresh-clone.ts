// A copy of the manifests as a new user has them, and a shell in it, to follow documented commands: kubectl and helm are real, and so
// is the API server if KUBEBUILDER_ASSETS is set; `az` and `docker` only record how they are called, and ARM is the emulator. No pods run:
// where a command waits for the operator, it is started as its Deployment and Secret in the API server say.
import { execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { helmDirectory } from '../scripts/helm.ts';
import { permissionsOf } from './access.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { operatorAccount } from './deployment.ts';
import { type ArmEmulator, startArmEmulator } from './emulators/arm/emulator.ts';
import { instant } from './emulators/arm/timings.ts';
import { buildKustomization, type Manifest, root } from './manifests.ts';
import { type Operator, startOperator } from './operator.ts';
import { type Pod, podOf } from './pod.ts';

/** What the stand-in of `az` answers to `--query clientId`. */
export const azClientId = '00000000-0000-0000-0000-000000000007';
/** What it answers to every other call. */
export const azAnswer = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myresourcegroup';

export interface FreshClone {
  readonly directory: string;
  readonly arm: ArmEmulator;
  readonly cluster: TestCluster;
  /** Runs a documented command as it stands and resolves to its output; rejects if it fails. Variables stay for later ones. */
  run(command: string): Promise<string>;
  /** The arguments of every call so far. */
  callsOf(program: 'az' | 'docker'): Promise<string[][]>;
  /** Starts the operator, unless it runs: for an API server without Deployments. */
  startOperator(): Promise<void>;
  close(): Promise<void>;
}

export interface FreshCloneOptions {
  /** The kustomization that the commands apply. */
  readonly folder?: string;
  /** CRDs that other projects have installed before. */
  readonly crds?: readonly string[];
  /** The operator's flags where there are no Deployments. */
  readonly args?: readonly string[];
}

export async function startFreshClone({
  folder = 'deploy',
  crds = [],
  args = [],
}: FreshCloneOptions = {}): Promise<FreshClone> {
  const home = await mkdtemp(join(tmpdir(), 'fresh-clone-'));
  const directory = join(home, 'clone');
  for (const folder of ['crds', 'deploy']) await cp(join(root, folder), join(directory, folder), { recursive: true });
  const programs = await recordingPrograms(home);
  const [arm, cluster] = await Promise.all([startArmEmulator({ timings: instant }), startCluster({ crds })]);
  const [, , subscriptionId = '', , resourceGroup = ''] = azAnswer.split('/');
  arm.azure.addRegistry({ subscriptionId, resourceGroup, name: 'myACR0007' }, { location: 'eastus' });
  const env = {
    ...process.env,
    // The directory of helm has a kubectl too, after the machine's own.
    PATH: `${programs}:${process.env.PATH}:${await helmDirectory()}`,
    KUBECONFIG: cluster.kubeconfig,
    KUBECACHEDIR: join(home, 'cache'),
    HELM_CACHE_HOME: join(home, 'helm/cache'),
    HELM_CONFIG_HOME: join(home, 'helm/config'),
    HELM_DATA_HOME: join(home, 'helm/data'),
    EDITOR: 'true',
  };
  const assignments: string[] = [];
  let operator: Operator | undefined;

  const shell = async (command: string) => {
    const script = [...assignments, command].join('\n');
    const { stdout } = await promisify(execFile)('sh', ['-euc', script], { cwd: directory, env });
    return stdout;
  };

  /** Whether the API server knows no CEL rules, so that kubectl takes them for a mistake. */
  const isOld = /"minor": "(1\d|2[0-2])\+?"/.test(await shell('kubectl get --raw /version'));

  /** Does what a kubelet would: starts the operator, and says so in the Deployment's status. */
  const startPod = async () => {
    const pod = cluster.hasRoles ? await deployedPod(shell, home) : { args, env: arm.environment };
    if (cluster.hasRoles)
      await cluster.untilPermitted(operatorAccount, permissionsOf(await buildKustomization(folder), operatorAccount));
    const kubeconfig = join(home, 'operator.kubeconfig');
    await writeFile(kubeconfig, await cluster.kubeconfigOf(operatorAccount), { mode: 0o600 });
    const certificate = join(home, 'arm.pem');
    await writeFile(certificate, arm.certificate);
    const cloud = withoutCredentials(arm.environment);
    operator = startOperator({
      args: pod.args,
      env: { ...cloud, ...pod.env, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
    });
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    if (cluster.hasRoles) await shell(markAvailable);
  };

  const stopPod = async () => {
    await operator?.stop();
    operator = undefined;
  };

  const run = async (command: string) => {
    if (/^[A-Z_]+=/.test(command)) assignments.push(command);
    if (/rollout status| -w$/.test(command) && !operator) await startPod();
    if (command.endsWith(' -w')) return untilReady(command, { cwd: directory, env });
    // The pods go with their Deployment. Here they go first, while they may still release the Lease, for which the next would wait.
    if (/^(kubectl delete -k deploy|helm uninstall)/.test(command) && !command.includes('--dry-run')) await stopPod();
    return shell(asTyped(command, { isOld, credentials: arm.environment }));
  };

  return {
    directory,
    arm,
    cluster,
    run,
    async startOperator() {
      if (!operator) await startPod();
    },
    callsOf: async (program) =>
      (await readFile(join(programs, `${program}.calls`), 'utf8').catch(() => ''))
        .split('\n')
        .flatMap((line) => (line ? [line.split('\t').slice(0, -1)] : [])),
    async close() {
      if (operator?.isRunning()) await operator.stop();
      await Promise.all([arm.close(), cluster.close()]);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Puts programs into a folder that only record their arguments; `az` also answers. */
async function recordingPrograms(home: string): Promise<string> {
  const folder = join(home, 'bin');
  await mkdir(folder);
  const record = `{ printf '%s\\t' "$@"; echo; } >>"$0.calls"`;
  for (const [name, answer] of [
    ['az', `case "$*" in *clientId*) echo '${azClientId}' ;; *) echo '${azAnswer}' ;; esac`],
    ['docker', ''],
  ] as const) {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\n${record}\n${answer}\n`);
    await chmod(file, 0o755);
  }
  return folder;
}

interface Circumstances {
  readonly isOld: boolean;
  readonly credentials: Readonly<Record<string, string>>;
}

/**
 * The command with what a person puts in place of words in capitals, without waits for controllers that do not run here, and as
 * docs/install.md has it for an old API server.
 */
function asTyped(command: string, { isOld, credentials }: Circumstances): string {
  const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = credentials;
  const plain = command.replace(/ +#.*$/, '');
  if (isOld && plain === 'kubectl apply -k crds') return `${plain} --validate=false`;
  if (isOld && /^helm (install|upgrade) /.test(plain) && !plain.includes('--server-side'))
    return `${plain} --server-side=false --disable-openapi-validation`;
  // Namespaces are emptied by a controller.
  if (/^kubectl delete (namespace|-k deploy)/.test(plain)) return `${plain} --wait=false`;
  return plain
    .replace('=TENANT', `=${AZURE_TENANT_ID}`)
    .replace('=APP_ID', `=${AZURE_CLIENT_ID}`)
    .replace('=PASSWORD', `=${AZURE_CLIENT_SECRET}`);
}

function withoutCredentials(environment: Readonly<Record<string, string>>): Record<string, string> {
  const isCredential = (name: string) => /^AZURE_(TENANT_ID|CLIENT_ID|CLIENT_SECRET)$/.test(name);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isCredential(name)));
}

type Shell = (command: string) => Promise<string>;

const inNamespace = `kubectl -n ${operatorAccount.namespace}`;

/** The operator's pod, from the Deployment and the Secrets in the API server; its volumes are below the directory. */
async function deployedPod(shell: Shell, directory: string): Promise<Pod> {
  const { items } = JSON.parse(await shell(`${inNamespace} get deployments,secrets -o json`)) as { items: Manifest[] };
  return podOf(items, { directory });
}

/** Tells `rollout status` that the pods are there. */
const markAvailable = [
  `generation=$(${inNamespace} get deployment ${operatorAccount.name} -o 'jsonpath={.metadata.generation}')`,
  `${inNamespace} patch deployment ${operatorAccount.name} --subresource=status --type=merge -p ` +
    `'{"status":{"observedGeneration":'$generation',"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1}}'`,
].join('\n');

/** Runs a watch until a line says Ready, and ends it as Ctrl-C does. */
async function untilReady(command: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<string> {
  const watch = spawn('sh', ['-c', `exec ${command}`], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const text of watch.stdout.setEncoding('utf8')) {
    output += text;
    if (/ Ready .*\n/.test(output)) {
      watch.kill('SIGINT');
      return output;
    }
  }
  throw new Error(`${command} ended before an object was Ready: ${output}`);
}
