// Measures the operator's memory over 30 days of ordinary life: drift checks and renewals of tokens, each day a few edits, an object
// that comes and goes, a replica that is deleted by hand, watches that end, and an outage of ARM. It asserts nothing about memory.
//
// Method. The operator, bundled as in the image, runs in this process, whose time is simulated; the emulators run in another one, and
// their time follows. All requests go over real sockets. At the end of each simulated day the heap is what is used after two full
// collections, and the resident set is the kernel's. A change that is not carried out by the end of its hour fails the soak.
// With node's flag --max-opt=0 V8 makes no machine code, which hides what else grows.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { getHeapSpaceStatistics, writeHeapSnapshot } from 'node:v8';
import { Command } from 'commander';
import { settled } from '../fake-clock.ts';
import { simulateTime } from './simulated-time.ts';
import type { Call, Reply, SoakCluster } from './soak-cluster.ts';
import { createObjects, type Life, liveOneDay, type RemoteCluster } from './soak-life.ts';

export interface SoakOptions {
  /** Simulated. */
  readonly days: number;
  /** At least 3. */
  readonly objects: number;
  /** Called with each line of the table. */
  readonly onDay?: (line: string) => void;
}

export interface DayFigures {
  readonly day: number;
  /** After two full collections. */
  readonly heapMb: number;
  /** Of the heap: bytecode and machine code, which V8 makes until everything that runs often is optimized. */
  readonly codeMb: number;
  readonly rssMb: number;
  /** Of this day, as the following ones. */
  readonly passes: number;
  readonly armRequests: number;
  readonly tokens: number;
  /** That ARM accepted. */
  readonly connections: number;
}

export interface SoakFigures {
  readonly days: readonly DayFigures[];
  /** Of the last day by the first. */
  readonly heapRatio: number;
  readonly rssRatio: number;
  /** Of the operator's process. */
  readonly cpuSeconds: number;
}

const columns = {
  day: 0,
  heapMb: 2,
  codeMb: 2,
  rssMb: 0,
  passes: 0,
  armRequests: 0,
  tokens: 0,
  connections: 0,
} as const;
const names = Object.keys(columns) as (keyof typeof columns)[];

/** Runs the soak in a process of its own, since it needs flags of node and replaces globals. */
export async function soak({ days, objects, onDay }: SoakOptions): Promise<SoakFigures> {
  // Not above: what the measured process imports counts.
  const { imageSettings } = await import('./image.ts');
  const { nodeFlags, env } = await imageSettings();
  const program = [
    '--expose-gc',
    fileURLToPath(import.meta.url),
    '--days',
    String(days),
    '--objects',
    String(objects),
    '--json',
  ];
  const child = spawn(process.execPath, [...nodeFlags, ...program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let last = '';
  for await (const line of createInterface(child.stdout)) {
    if (last) onDay?.(last);
    last = line;
  }
  const [code, signal] = await exited;
  if (code !== 0) throw new Error(`the soak ended with ${code ?? signal}`);
  return JSON.parse(last);
}

interface Flags {
  readonly days: number;
  readonly objects: number;
  readonly json?: true;
  readonly snapshots?: string;
  readonly snapshotDays: readonly number[];
}

async function run({ days, objects, snapshots, snapshotDays }: Flags, print: (line: string) => void) {
  await using ended = new AsyncDisposableStack();
  const life = await setUp(ended, objects);
  await createObjects(life);
  print(names.map((name) => name.padStart(12)).join(''));
  const figures: DayFigures[] = [];
  const began = process.cpuUsage();
  const before = { passes: 0, connections: 0 };
  for (let day = 1; day <= days; day++) {
    const passes = await liveOneDay({ ...life, day });
    const { connections, ...requests } = await life.cluster.requests();
    const ofThisDay = { passes: passes - before.passes, connections: connections - before.connections };
    Object.assign(before, { passes, connections });
    const today = { day, ...(await memory()), ...requests, ...ofThisDay };
    figures.push(today);
    print(names.map((name) => today[name].toFixed(columns[name]).padStart(12)).join(''));
    if (snapshots && snapshotDays.includes(day)) writeHeapSnapshot(join(snapshots, `day${day}.heapsnapshot`));
  }
  const { user, system } = process.cpuUsage(began);
  const ratio = (name: 'heapMb' | 'rssMb') => (figures.at(-1)?.[name] ?? 0) / (figures[0]?.[name] ?? 0);
  const cpuSeconds = (user + system) / 1e6;
  return { days: figures, heapRatio: ratio('heapMb'), rssRatio: ratio('rssMb'), cpuSeconds } satisfies SoakFigures;
}

async function memory(): Promise<Pick<DayFigures, 'heapMb' | 'codeMb' | 'rssMb'>> {
  const { gc } = globalThis;
  if (!gc) throw new Error('the soak needs node --expose-gc');
  for (let collections = 0; collections < 2; collections++) {
    gc();
    await settled(); // Finalizers run between the two.
  }
  const code = getHeapSpaceStatistics().filter(({ space_name: name }) => /code|trusted/.test(name));
  const codeBytes = code.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: heapUsed / 1e6, codeMb: codeBytes / 1e6, rssMb: rss / 1e6 };
}

/** Starts the emulators and the operator. From then on the time of this process is simulated. */
async function setUp(ended: AsyncDisposableStack, objects: number): Promise<Life> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  ended.defer(() => rm(directory, { recursive: true, force: true }));
  const [kubeconfig, bundle] = [join(directory, 'kubeconfig'), join(directory, 'operator.mjs')];
  const start = new Date().toISOString();
  const { cluster } = await startCluster(ended, start, kubeconfig);
  setDefaultCACertificates([...getCACertificates('default'), await cluster.certificate()]);
  Object.assign(process.env, await cluster.environment(), { KUBECONFIG: kubeconfig });
  await cluster.bundleOperator(bundle);
  const time = simulateTime(start, cluster);
  return { cluster, time, objects, operator: await startOperator(ended, bundle) };
}

async function startOperator(ended: AsyncDisposableStack, bundle: string): Promise<Life['operator']> {
  // Loaded now, so that it has the simulated time.
  const { parseConfig, createOperator, createLogger }: typeof import('./soak-operator.ts') = await import(bundle);
  const started = Promise.withResolvers<Life['operator']>();
  const write = (line: string) => {
    const { msg, level, ...fields } = JSON.parse(line);
    if (msg === 'The operator has started') started.resolve(fields);
    if (level === 'error' || level === 'fatal') process.stderr.write(line);
  };
  const addresses = ['--metrics-bind-address', '127.0.0.1:0', '--health-probe-bind-address', '127.0.0.1:0'];
  const config = parseConfig([...addresses, '--region-sources', 'nodes', '--log-format', 'json']);
  const operator = createOperator(config, createLogger({ level: 'info', destination: { write } }), (why) => {
    throw new Error(why);
  });
  await operator.start();
  ended.defer(() => operator.stop());
  return started.promise;
}

/** Not the cluster alone: a promise would take it for another promise, since it answers to every name, `then` included. */
async function startCluster(
  ended: AsyncDisposableStack,
  start: string,
  kubeconfig: string,
): Promise<{ readonly cluster: RemoteCluster }> {
  const child = fork(fileURLToPath(new URL('soak-cluster.ts', import.meta.url)), [start, kubeconfig], { execArgv: [] });
  ended.defer(() => void child.disconnect());
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const replyTo = (id: number) => {
    const reply = Promise.withResolvers<unknown>();
    waiting.set(id, reply);
    return reply.promise;
  };
  child.on('message', (message: Reply) => {
    const reply = waiting.get(message.id);
    waiting.delete(message.id);
    if ('error' in message) reply?.reject(new Error(message.error));
    else reply?.resolve(message.result);
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error("the emulators' process has ended"));
  });
  let calls = 0;
  await replyTo(calls); // It says so when it is ready.
  const call = (name: keyof SoakCluster, args: readonly unknown[]) => {
    const reply = replyTo(++calls);
    child.send({ id: calls, name, args } satisfies Call);
    return reply;
  };
  const get =
    (_: object, name: keyof SoakCluster) =>
    (...args: readonly unknown[]) =>
      call(name, args);
  return { cluster: new Proxy({}, { get }) as RemoteCluster };
}

if (import.meta.main) {
  const flags = new Command('node --expose-gc test/bench/soak.ts')
    .description("Measures the operator's memory over simulated days of ordinary life.")
    .option('--days <n>', 'simulated days', Number, 30)
    .option('--objects <n>', 'objects, at least 3', Number, 3)
    .option('--json', 'print the figures as one JSON document in the last line')
    .option('--snapshots <directory>', 'where to write heap snapshots; they raise the resident set')
    .option(
      '--snapshot-days <days>',
      'after which days, separated by commas',
      (text) => text.split(',').map(Number),
      [],
    )
    .allowExcessArguments(false)
    .parse()
    .opts<Flags>();
  const figures = await run(flags, (line) => console.log(line));
  const [heap, rss] = [figures.heapRatio.toFixed(3), figures.rssRatio.toFixed(3)];
  console.log(`last day by the first: heap ${heap}, resident ${rss}; ${figures.cpuSeconds.toFixed(0)} s of CPU`);
  if (flags.json) console.log(JSON.stringify(figures));
}
