// An API server for tests that talk to one: the emulator or, where KUBEBUILDER_ASSETS names a directory with kube-apiserver
// and etcd, the real thing (the variable that controller-runtime's envtest uses). Tests do not see which, but for what only
// an emulator can be told to do.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiextensionsV1Api, CoreV1Api, type V1CustomResourceDefinition } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import { type Cluster, connect, loadKubeConfig } from '../src/kubernetes/cluster.ts';
import { isFromApiServer } from '../src/kubernetes/errors.ts';
import { makeLoopbackCertificate } from './emulators/certificate.ts';
import { startKubernetesEmulator } from './emulators/kubernetes/emulator.ts';

export interface TestCluster {
  /** A kubeconfig file with all rights. */
  readonly kubeconfig: string;
  /** Where it listens, `https://127.0.0.1:port`. */
  readonly url: string;
  /** What only the emulator can be told to do; undefined on the real thing. */
  readonly faults: { closeWatches(): void; compact(answer?: 'event' | 'status'): void } | undefined;
  close(): Promise<void>;
}

const ourCrd = fileURLToPath(new URL('../crds/registryreplications.yaml', import.meta.url));

/** @param crds YAML files, one CustomResourceDefinition each, established when this resolves; our own by default. */
export async function startCluster({ crds = [ourCrd] }: { crds?: readonly string[] } = {}): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'cluster-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const assets = process.env.KUBEBUILDER_ASSETS;
  const started = assets ? await startRealCluster(assets, directory) : await startEmulator();
  await writeFile(kubeconfig, started.kubeconfig, { mode: 0o600 });
  const close = async () => {
    await started.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const cluster = connect(loadKubeConfig(kubeconfig));
    for (const file of crds) await establish(cluster, parse(await readFile(file, 'utf8')));
    await cluster.close();
  } catch (error) {
    await close();
    throw error;
  }
  return { kubeconfig, url: started.url, faults: started.faults, close };
}

/** Creates a CustomResourceDefinition and waits until its objects can be listed. */
export async function establish(cluster: Cluster, body: V1CustomResourceDefinition): Promise<void> {
  const api = cluster.api(ApiextensionsV1Api);
  const name = body.metadata?.name ?? '';
  await api.createCustomResourceDefinition({ body });
  await eventually(async () => {
    const { status } = await api.readCustomResourceDefinition({ name });
    return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
  });
}

interface Started {
  /** YAML. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly faults: TestCluster['faults'];
  close(): Promise<void>;
}

async function startEmulator(): Promise<Started> {
  const emulator = await startKubernetesEmulator();
  return { ...emulator, faults: emulator };
}

async function startRealCluster(assets: string, directory: string): Promise<Started> {
  const [apiPort, etcdPort, peerPort] = await freePorts(3);
  const { cert, key } = await makeLoopbackCertificate('kube-apiserver');
  const at = (name: string) => join(directory, name);
  const token = crypto.randomUUID();
  await writeFile(at('server.crt'), cert);
  await writeFile(at('server.key'), key, { mode: 0o600 });
  await writeFile(at('tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });

  const url = `https://127.0.0.1:${apiPort}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = run(join(assets, 'etcd'), at('etcd.log'), [
    `--data-dir=${at('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ]);
  const apiServer = run(join(assets, 'kube-apiserver'), at('kube-apiserver.log'), [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${apiPort}`,
    `--tls-cert-file=${at('server.crt')}`,
    `--tls-private-key-file=${at('server.key')}`,
    `--cert-dir=${directory}`,
    `--token-auth-file=${at('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    // Any key will do to sign service account tokens with: nothing here uses them.
    `--service-account-key-file=${at('server.crt')}`,
    `--service-account-signing-key-file=${at('server.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--endpoint-reconciler-type=none',
    '--disable-admission-plugins=ServiceAccount',
  ]);
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server: url, 'certificate-authority-data': Buffer.from(cert).toString('base64') } },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
  const close = async () => {
    await apiServer.end();
    await etcd.end();
  };
  try {
    await writeFile(at('starting'), kubeconfig, { mode: 0o600 });
    const cluster = connect(loadKubeConfig(at('starting')), { timeout: 5000 });
    const api = cluster.api(CoreV1Api);
    await eventually(async () => {
      if (apiServer.hasEnded || etcd.hasEnded) throw new Error(`the API server ended; its logs are in ${directory}`);
      // Made by the API server itself, last of all.
      return api.readNamespace({ name: 'default' }).then(
        () => true,
        (error: unknown) => {
          if (isFromApiServer(error)) return false;
          throw error;
        },
      );
    });
    await cluster.close();
  } catch (error) {
    await close();
    throw error;
  }
  return { kubeconfig, url, faults: undefined, close };
}

function run(command: string, logFile: string, args: string[]) {
  const log = createWriteStream(logFile);
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
  });
  return {
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    },
    async end() {
      child.kill('SIGKILL'); // scratch data: nothing to save
      await ended;
      log.end();
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      return port;
    }),
  );
}

/** Another program's readiness cannot be awaited but by asking. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('not ready within a minute');
    await sleep(50);
  }
}
