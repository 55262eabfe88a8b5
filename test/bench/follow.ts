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
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CoreV1Api } from '@kubernetes/client-node';
import { Command } from 'commander';
import { group, kind, plural, type Spec, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { startCluster } from '../cluster.ts';
import { deploy, operatorAccount } from '../deployment.ts';
import { buildKustomization } from '../manifests.ts';
import { type Operator, startOperator } from '../operator.ts';
import { registryAt } from './arm.ts';
import { imageStart } from './image.ts';
import { client, startArm } from './processes.ts';
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
const regions = ['japaneast', 'westeurope'] as const;
const collection = `/apis/${group}/${version}/namespaces/default/${plural}`;
/** Set by the variants alike, so that it is no part of the differences. */
const collectOnSignal = '--import=data:text/javascript,process.on("SIGUSR2",()=>{globalThis.gc();globalThis.gc()})';

type Source = Pick<Spec, 'regionsFrom'> | { readonly regions: Spec['regions'] };
const variants: Readonly<Record<string, (index: number) => Source>> = {
  'regions listed': () => ({ regions: regions.map((location) => ({ location })) }),
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
await inLanes(objects, async (index) => {
  const spec = { registry: registryAt(index), regions: [{ location: regions[0] }], keepUnused: '24h' };
  const metadata = { name: registryAt(index).name };
  await send('POST', collection, { apiVersion: `${group}/${version}`, kind, metadata, spec });
});

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
  const start = await cpuSeconds(operator);
  operator.process.kill('SIGUSR2');
  await wait(1_000);
  const resident = await residentMb(operator);
  const heap = (await metric(operator, 'nodejs_heap_size_used_bytes')) / 1e6;
  const [cpu, passes] = [await cpuSeconds(operator), await passesOf(operator)];
  await inLanes(churning, async (index) => {
    await addNode(`churns${index}`, index);
    await admin.api(CoreV1Api).deleteNode({ name: `churns${index}` });
  });
  await wait(1_000);
  const churn = (await cpuSeconds(operator)) - cpu;
  const churned = (await passesOf(operator)) - passes;
  // A real API server writes a watch into its audit log when it ends.
  await operator.stop('SIGKILL');
  await wait(1_000);
  const after = await nodeReads();
  const [lists, watches] = [after.list - before.list, after.watch - before.watch];
  return { resident, heap, start, churn, lists, watches, passes: churned };
}

/** Resolves when every object has been looked at, also at what its source names. */
async function startedAndIdle(): Promise<Operator> {
  const operator = startOperator({
    ...image,
    nodeFlags: [...image.nodeFlags, '--expose-gc', collectOnSignal],
    args: ['--interval=24h', '--region-sources=nodes', '--metrics-secure=false'],
    env: { ...image.env, ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
  });
  ended.defer(async () => void (operator.isRunning() && (await operator.stop('SIGKILL'))));
  await operator.logged(({ msg }) => msg.includes('passes begin'));
  for (let idle = 0; idle < 4; idle++) {
    await wait(250);
    const busy =
      (await metric(operator, 'workqueue_depth')) + (await metric(operator, 'controller_runtime_active_workers'));
    if (busy > 0 || (await passesOf(operator)) < objects) idle = -1;
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

async function inLanes(count: number, run: (index: number) => Promise<void>): Promise<void> {
  const lane = async (first: number) => {
    for (let index = first; index < count; index += 16) await run(index);
  };
  await Promise.all(Array.from({ length: 16 }, (_, first) => lane(first)));
}

/** The requests of operators for nodes so far. */
async function nodeReads(): Promise<{ list: number; watch: number }> {
  const ours = (await cluster.accessesOf(operatorAccount)).filter(({ resource }) => resource === 'nodes');
  const count = (wanted: string) => ours.filter(({ verb }) => verb === wanted).length;
  return { list: count('list'), watch: count('watch') };
}

async function passesOf(operator: Operator): Promise<number> {
  const lines = (await metrics(operator)).matchAll(/^controller_runtime_reconcile_total\{[^}]*\} (\S+)$/gm);
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function metric(operator: Operator, name: string): Promise<number> {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(await metrics(operator))?.[1] ?? Number.NaN);
}

async function metrics(operator: Operator): Promise<string> {
  const { metricsPort } = await operator.logged(({ metricsPort }) => metricsPort !== undefined);
  return (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
}

async function residentMb({ process: { pid } }: Operator): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** User and system time of all threads; a tick of the kernel is 10 ms. */
async function cpuSeconds({ process: { pid } }: Operator): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
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
