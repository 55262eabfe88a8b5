// Measures the Kubernetes side: how soon a change leads to its pass, on an idle operator and while 10,000 objects wait, and what
// 10,000 objects cost at the start. It prints numbers and asserts nothing.
//
// Method. There are four processes, as in reaction.ts. The operator runs as in the image, bundled and with its flags; the
// emulators, which stand for other machines, have a lower priority. Each registry has its two replicas already, so a first pass
// adopts them (finalizer, status, events, no write to ARM) and a later one only reads. A sample is an edit of one of a few objects
// in a namespace of their own: it begins with the first byte of the API server's response in this process, and ends with the debug
// line at the start of the operator's pass; it counts as handled when a watch shows its generation as observed. Times are whole ms
// of the machine's clock, so a sample may be wrong by 1 ms either way. The debug log costs the operator some time.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Watch } from '@kubernetes/client-node';
import { Command } from 'commander';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { type LogLine, type Operator, startOperator } from '../operator.ts';
import { registryAt } from './arm.ts';
import { imageStart } from './image.ts';
import { client, startArm, startKubernetes } from './processes.ts';
import { summary } from './statistics.ts';

interface Flags {
  readonly quick: boolean;
  readonly objects: string;
}

const flags = new Command('node test/bench/kubernetes.ts')
  .description('How soon a change comes to its pass, and what many objects cost at the start.')
  .option('--quick', 'a tenth of the objects, 60 samples', false)
  .option('--objects <n>', 'how many objects wait', '10000')
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const objects = Number(flags.objects) / (flags.quick ? 10 : 1);
const samples = flags.quick ? 60 : 300;
/** Number of edited objects, edited in turn so that an edit rarely meets the pass of the previous one. */
const edited = 20;
const editedNamespace = 'edited';
/** ms; assumed, since ARM's latency for a GET was not measured. With none, only the processor limits the operator. */
const assumedLatencyMs = 100;
const collection = (namespace: string) => `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;

await using ended = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'bench-'));
ended.defer(() => rm(directory, { recursive: true, force: true }));
const arm = await startArm(ended, { registries: objects + edited, replicas: ['japaneast', 'westeurope'] });
const kubeconfig = await startKubernetes(ended, directory);
const certificate = join(directory, 'arm.pem');
await writeFile(certificate, arm.certificate);
const image = await imageStart(directory);
const send = await client(kubeconfig, 16);
await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: editedNamespace } });
const editedNames: string[] = [];
for (let index = 0; index < edited; index++) editedNames.push(await create(editedNamespace, index));
const observed = await watchObserved();
let edits = 0;

{
  const operator = await start();
  await drained(operator);
  console.log(`${edited} objects, the operator idle:`);
  print(await measure(operator, 50));
  console.log(`  RSS ${(await memory(operator)).now} MB`);
  await operator.stop('SIGKILL');
}

const creating = performance.now();
await Promise.all(
  Array.from({ length: 16 }, async (_, lane) => {
    for (let index = lane; index < objects; index += 16) await create('default', edited + index);
  }),
);
console.log(`${objects} more objects, created in ${seconds(performance.now() - creating)}`);

for (const [title, latency] of [
  [`first start, ${objects} objects unseen`, 0],
  [`another start, ${objects} objects settled`, 0],
  [`another start, ${objects} objects settled`, assumedLatencyMs],
] as const) {
  console.log(latency ? `${title}, Azure answers after ${latency} ms:` : `${title}, Azure answers at once:`);
  arm.answerAfter(latency);
  const begun = performance.now();
  const operator = await start();
  const listed = timeOf(await operator.logged(({ msg }) => msg.includes('passes begin')));
  const started = timeOf(await operator.logged(({ msg }) => msg === 'The operator has started'));
  const atSync = await memory(operator);
  console.log(
    `  listed ${seconds(listed - started)} after it had started (${seconds(performance.now() - begun)} after the process was)`,
  );
  print(await measure(operator, 20));
  const waiting = await metric(operator, 'workqueue_depth');
  console.log(`  ${waiting} keys still waited after the last sample`);
  if (latency) {
    await operator.stop('SIGKILL');
    continue;
  }
  await drained(operator);
  const all = performance.now() - begun;
  const after = await memory(operator);
  console.log(
    `  all passes done ${seconds(all)} after the process was started: ${Math.round(objects / (all / 1000))} a second`,
  );
  console.log(`  RSS ${atSync.now} MB once listed, ${after.now} MB at the end, ${after.peak} MB at the most`);
  await operator.stop('SIGKILL');
}

interface Sample {
  /** ms from the API server's response to the start of the pass. */
  readonly begun: number;
  /** ms from the API server's response until a watch showed the new status. */
  readonly handled: number;
}

async function measure(operator: Operator, pause: number): Promise<Sample[]> {
  const measured: Sample[] = [];
  for (let index = 0; index < samples; index++) {
    const name = editedNames[index % edited] ?? '';
    const { object, time } = await send<RegistryReplication>('PATCH', `${collection(editedNamespace)}/${name}`, {
      spec: { interval: `${20 + (++edits % 1_000)}h` },
    });
    const { uid, generation = 0 } = object.metadata;
    const [pass, handled] = await Promise.all([
      operator.logged(
        (line) => line.msg === 'A pass begins' && line.uid === uid && Number(line.generation) >= generation,
      ),
      observed(uid ?? '', generation),
    ]);
    measured.push({ begun: timeOf(pass) - time, handled: handled - time });
    await wait(pause);
  }
  return measured;
}

function print(measured: readonly Sample[]): void {
  console.log(`  from the answer to an edit to the start of its pass: ${summary(measured.map(({ begun }) => begun))}`);
  console.log(`  until its status was there: ${summary(measured.map(({ handled }) => handled))}`);
}

async function create(namespace: string, index: number): Promise<string> {
  const registry = registryAt(index);
  const regions = [{ location: 'japaneast' }, { location: 'westeurope' }];
  await send('POST', collection(namespace), {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name: registry.name },
    spec: { registry, regions },
  });
  return registry.name;
}

async function start(): Promise<Operator> {
  const operator = startOperator({
    ...image,
    args: ['--log-level', 'debug', '--interval', '24h'],
    env: { ...image.env, ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
  });
  ended.defer(async () => void (operator.isRunning() && (await operator.stop('SIGKILL'))));
  await operator.logged(({ msg }) => msg === 'The operator has started');
  return operator;
}

/** Resolves when the queue is empty and no pass runs. */
async function drained(operator: Operator): Promise<void> {
  await operator.logged(({ msg }) => msg.includes('passes begin'));
  while (
    (await metric(operator, 'workqueue_depth')) + (await metric(operator, 'controller_runtime_active_workers')) >
    0
  ) {
    await wait(250);
  }
}

async function metric(operator: Operator, name: string): Promise<number> {
  const { metricsPort } = await operator.logged(({ msg }) => msg === 'The operator has started');
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** In MB, as the kernel counts them. */
async function memory(operator: Operator): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${operator.process.pid}/status`, 'utf8');
  const megabytes = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024);
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

/** Resolves to the time (ms since the epoch) at which a watch had shown this or a later generation as observed. */
async function watchObserved(): Promise<(uid: string, generation: number) => Promise<number>> {
  const cluster = createKubeClient(loadKubeConfig(kubeconfig));
  ended.defer(() => cluster.close());
  const seen = new Map<string, { generation: number; time: number }>();
  const listeners = new Set<() => void>();
  const watch = new Watch(cluster.config);
  // The watch shows only these few objects and is idle for long, so it may be closed: it is renewed.
  const begin = (): void => {
    const done = () => ended.disposed || begin();
    void watch.watch(
      collection(editedNamespace),
      {},
      (_, object: RegistryReplication) => {
        const { uid = '' } = object.metadata;
        const generation = object.status?.observedGeneration ?? 0;
        if ((seen.get(uid)?.generation ?? 0) < generation) seen.set(uid, { generation, time: Date.now() });
        for (const listener of listeners) listener();
      },
      done,
    );
  };
  begin();
  return async (uid, generation) => {
    for (;;) {
      const last = seen.get(uid);
      if (last && last.generation >= generation) return last.time;
      await new Promise<void>((resolve) => {
        const listener = () => {
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      });
    }
  };
}

function timeOf({ time }: LogLine): number {
  return Date.parse(String(time));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
