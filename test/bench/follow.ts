// `npm run bench:follow`: what it costs the operator that 200 objects follow 10,000 nodes, compared with the same objects when they list
// their regions. It prints numbers and asserts nothing.
//
// Method. Each registry has its two replicas already. Each round measures three variants of the same objects, each with an
// operator of its own, run as in the image: without sources; all following all nodes; and each following a node pool of its own,
// that is 200 selectors. A first operator brings the objects to rest; the measured one starts with objects at rest, and is
// measured when its queue is empty and it has listed the nodes: memory after two full garbage collections, which a signal asks
// for, and CPU time since the start of the process as the kernel counts it. Then 500 nodes are added and removed in regions that
// stay, and the CPU time of that is taken. LISTs and watches of nodes are those in the API server's audit log; a watch lasts 25
// s, and then another one follows it. The API server is the emulator, in this process, or a real one (KUBEBUILDER_ASSETS). The
// figures are the medians of the rounds.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CoreV1Api } from '@kubernetes/client-node';
import { Command } from 'commander';
import type { Spec } from '../../src/api/registryreplication.ts';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { startCluster } from '../cluster.ts';
import { deploy, operatorAccount } from '../deployment.ts';
import { kubeApi } from '../kube-api.ts';
import { buildKustomization } from '../manifests.ts';
import { registryAt } from './arm.ts';
import { imageStart } from './image.ts';
import { type MeasuredOperator, startMeasured } from './measured-operator.ts';
import { client, startArm } from './processes.ts';
import { collection, createObject, inLanes, listing } from './setup.ts';
import { percentile } from './statistics.ts';

const flags = new Command('npm run bench:follow --')
  .description('What it costs that many objects follow many nodes.')
  .option('--nodes <n>', 'how many nodes there are', '10000')
  .option('--objects <n>', 'how many objects follow them', '200')
  .option('--rounds <n>', 'how often each variant is measured', '3')
  .allowExcessArguments(false)
  .parse()
  .opts<{ readonly nodes: string; readonly objects: string; readonly rounds: string }>();

const [nodes, objects, rounds] = [Number(flags.nodes), Number(flags.objects), Number(flags.rounds)];
const churning = 500;
const passesDone = 'controller_runtime_reconcile_total';
const regions = ['japaneast', 'westeurope'] as const;
/** Set by the variants alike, so that it is no part of the differences. */
const collectOnSignal = '--import=data:text/javascript,process.on("SIGUSR2",()=>{globalThis.gc();globalThis.gc()})';

type Source = Pick<Spec, 'regions' | 'regionsFrom'>;
const variants: Readonly<Record<string, (index: number) => Source>> = {
  'regions listed': () => listing(regions),
  'all follow all nodes': () => ({ regionsFrom: [{ nodes: {} }] }),
  'each follows its own pool': (index) => ({
    regionsFrom: [{ nodes: { selector: { matchLabels: { agentpool: `pool${index}` } } } }],
  }),
};

interface Figures {
  /** MB. */
  readonly resident: number;
  readonly heap: number;
  /** Seconds of CPU. */
  readonly start: number;
  readonly churn: number;
  readonly lists: number;
  readonly watches: number;
  /** During the churn. */
  readonly passes: number;
}

await using ended = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'bench-'));
ended.defer(() => rm(directory, { recursive: true, force: true }));
const arm = await startArm(ended, { registries: objects, replicas: regions });
const cluster = await startCluster();
ended.defer(() => cluster.close());
await deploy(cluster, { manifests: await buildKustomization('deploy/follow-nodes') });
const [kubeconfig, certificate] = [join(directory, 'kubeconfig'), join(directory, 'arm.pem')];
await writeFile(kubeconfig, await cluster.kubeconfigOf(operatorAccount), { mode: 0o600 });
await writeFile(certificate, arm.certificate);
const image = await imageStart(directory);
const send = await client(cluster.kubeconfig, 16);
const admin = createKubeClient(loadKubeConfig(cluster.kubeconfig));
ended.defer(() => admin.close());

await inLanes(nodes, (index) => addNode(`node${index}`, index));
await inLanes(objects, (index) => createObject(send, index, { ...listing(regions.slice(0, 1)), keepUnused: '24h' }));

const measured = new Map<string, Figures[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, source] of Object.entries(variants)) {
    await inLanes(objects, async (index) => {
      const spec = { regions: null, regionsFrom: null, ...source(index) };
      await send('PATCH', `${collection}/${registryAt(index).name}`, { spec });
    });
    const settling = await startedAndIdle();
    await settling.stop('SIGKILL');
    await wait(1_000);
    measured.set(name, [...(measured.get(name) ?? []), await measure()]);
  }
}
report();

async function measure(): Promise<Figures> {
  const before = await nodeReads();
  const operator = await startedAndIdle();
  const start = await operator.cpuSeconds();
  operator.process.kill('SIGUSR2');
  await wait(1_000);
  const { residentMb: resident } = await operator.memory();
  const heap = (await operator.metric('nodejs_heap_size_used_bytes')) / 1e6;
  const [cpu, passes] = [await operator.cpuSeconds(), await operator.metric(passesDone)];
  await inLanes(churning, async (index) => {
    await addNode(`churns${index}`, index);
    await kubeApi(admin, CoreV1Api).deleteNode({ name: `churns${index}` });
  });
  await wait(1_000);
  const churn = (await operator.cpuSeconds()) - cpu;
  const churned = (await operator.metric(passesDone)) - passes;
  // A real API server writes a watch into its audit log when it ends.
  await operator.stop('SIGKILL');
  await wait(1_000);
  const after = await nodeReads();
  const [lists, watches] = [after.list - before.list, after.watch - before.watch];
  return { resident, heap, start, churn, lists, watches, passes: churned };
}

/** Resolves when every object has been looked at, also at what its source names. */
async function startedAndIdle(): Promise<MeasuredOperator> {
  const operator = startMeasured({
    ...image,
    nodeFlags: [...image.nodeFlags, '--expose-gc', collectOnSignal],
    args: ['--interval=24h', '--region-sources=nodes', '--metrics-secure=false'],
    env: { ...image.env, ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
  });
  ended.defer(async () => void (operator.isRunning() && (await operator.stop('SIGKILL'))));
  // A source's first answer may queue passes again.
  for (let idle = 0; idle < 4; idle++) {
    await operator.drained();
    await operator.pause(250);
    if ((await operator.metric(passesDone)) < objects) idle = -1;
  }
  return operator;
}

/** Labels and annotations as AKS sets them, and the images that a kubelet reports. */
async function addNode(name: string, index: number): Promise<void> {
  const location = regions[index % 2] ?? '';
  const labels = {
    // Two nodes in a row are in one pool, so that each pool has both regions.
    agentpool: `pool${Math.floor(index / 2) % objects}`,
    'kubernetes.azure.com/cluster': 'MC_myresourcegroup_mycluster_westeurope',
    'kubernetes.azure.com/node-image-version': 'AKSUbuntu-2204gen2containerd-202611.13.0',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'Standard_D4s_v5',
    'topology.kubernetes.io/region': location,
    'topology.kubernetes.io/zone': `${location}-${(index % 3) + 1}`,
  };
  const annotations = { 'node.alpha.kubernetes.io/ttl': '0', 'csi.volume.kubernetes.io/nodeid': `{"disk":"${name}"}` };
  const images = Array.from({ length: 20 }, (_, number) => ({
    names: [`myregistry.azurecr.io/team/service-${number}@sha256:${String(number).padStart(64, '0')}`],
    sizeBytes: 50_000_000,
  }));
  const metadata = { name, labels, annotations };
  await send('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata, status: { images } });
}

/** The requests of operators for nodes so far. */
async function nodeReads(): Promise<{ list: number; watch: number }> {
  const ours = (await cluster.accessesOf(operatorAccount)).filter(({ resource }) => resource === 'nodes');
  const count = (wanted: string) => ours.filter(({ verb }) => verb === wanted).length;
  return { list: count('list'), watch: count('watch') };
}

function report(): void {
  console.log(`${nodes} nodes, ${objects} objects, ${rounds} rounds; load ${loadavg()[0]?.toFixed(1)} at the end`);
  const [base] = measured.values();
  for (const [name, all] of measured) {
    const median = (key: keyof Figures, of = all) =>
      percentile(
        of.map((one) => one[key]),
        0.5,
      );
    const ratio = (key: keyof Figures) => `(x${(median(key) / median(key, base)).toFixed(2)})`;
    console.log(`${name}:`);
    console.log(
      `  memory at rest: ${median('resident').toFixed(0)} MB resident ${ratio('resident')}, heap ${median('heap').toFixed(1)} MB ${ratio('heap')}`,
    );
    console.log(`  CPU from the start until all are at rest: ${median('start').toFixed(2)} s ${ratio('start')}`);
    console.log(
      `  ${churning} nodes added and removed: ${median('churn').toFixed(2)} s of CPU, ${median('passes')} passes`,
    );
    console.log(`  requests for nodes: ${median('lists')} pages of LIST, ${median('watches')} watches`);
  }
}
