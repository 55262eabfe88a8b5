// An API server for tests that talk to one: the emulator or, where KUBEBUILDER_ASSETS names a directory with kube-apiserver
// and etcd, the real thing (the variable that controller-runtime's envtest uses). Tests do not see which, but for what only
// an emulator can be told to do.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiextensionsV1Api, CustomObjectsApi, type V1CustomResourceDefinition } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type Cluster, connect, loadKubeConfig } from '../src/kubernetes/cluster.ts';
import { startKubernetesEmulator } from './emulators/kubernetes/emulator.ts';
import { eventually, startRealApiServer } from './real-api-server.ts';

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
  // Sent as it is: client-node's class of its own for it drops what TypeScript has other names for (enum, default, CEL).
  const [group, version] = ['apiextensions.k8s.io', 'v1'];
  await cluster
    .api(CustomObjectsApi)
    .createClusterCustomObject({ group, version, plural: 'customresourcedefinitions', body });
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
  return { ...(await startRealApiServer({ assets, directory })), faults: undefined };
}
