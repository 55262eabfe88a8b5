// `npm run bench`: measures the time from the API server's response to a create until the first PUT at ARM. It prints numbers
// and asserts nothing.
//
// Method. There are four processes: this one, the operator (as `npm start` runs it), the ARM emulator, and the Kubernetes emulator
// or, if KUBEBUILDER_ASSETS names a directory with kube-apiserver and etcd, a real API server. Objects are created one after
// another, each for a registry of its own with one region to add; the next one follows a pause after the PUT of the last, while the
// operator is busy with the status and later passes of the earlier ones. A sample begins with the first byte of the API server's
// response in this process, on an open connection, and ends when the emulator begins to handle the PUT. Both times are the
// machine's monotonic clock (process.hrtime), which all processes share.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { group, kind, plural, version } from '../../src/api/registryreplication.ts';
import { startOperator } from '../operator.ts';
import { type RecordedRequest, registryAt } from './arm.ts';
import { client, startArm, startKubernetes } from './processes.ts';
import { percentile, summary } from './statistics.ts';

interface Flags {
  readonly quick: boolean;
  /** ms */
  readonly pause: number;
  readonly profile?: string;
}

const flags = new Command('npm run bench --')
  .description('How long after the answer to a create the first PUT arrives at ARM.')
  .option('--quick', '60 samples and 10 quiet seconds, for a try', false)
  .option('--pause <ms>', 'between the PUT of one object and the creation of the next', milliseconds, 50)
  .option('--profile <directory>', "where to write the operator's CPU profile")
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const warmUp = 20;
const samples = flags.quick ? 60 : 300;
const quietMs = flags.quick ? 10_000 : 120_000;
const afterQuiet = 5;
/** ms in which the last objects become Ready: their next pass is after 2 s. */
const settlingMs = 5_000;

await using ended = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'bench-'));
ended.defer(() => rm(directory, { recursive: true, force: true }));
const arm = await startArm(ended, { registries: warmUp + samples + afterQuiet });
const kubeconfig = await startKubernetes(ended, directory);
const send = await client(kubeconfig);

const certificate = join(directory, 'arm.pem');
await writeFile(certificate, arm.certificate);
const operator = startOperator({
  env: {
    ...arm.environment,
    KUBECONFIG: kubeconfig,
    NODE_EXTRA_CA_CERTS: certificate,
    ...(flags.profile && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${flags.profile}` }),
  },
});
ended.defer(async () => void (await operator.stop()));
await operator.logged(({ msg }) => msg.includes('passes begin'));

await measure(0, warmUp);
const reactions = await measure(warmUp, samples);
console.log(`From the answer to a create to the first PUT at ARM, ${flags.pause} ms between objects:`);
console.log(`  ${summary(reactions.map(({ ms }) => ms))}`);
await wait(settlingMs);
report(reactions, await arm.requests());

console.log(`After ${quietMs / 1000} s in which nothing happened:`);
await wait(quietMs);
const late = await measure(warmUp + samples, afterQuiet);
console.log(
  `  max ${Math.max(...late.map(({ ms }) => ms)).toFixed(1)} ms   (${late.map(({ ms }) => ms.toFixed(1)).join(', ')})`,
);

interface Reaction {
  readonly registry: string;
  /** ns by process.hrtime. */
  readonly answered: bigint;
  readonly ms: number;
}

async function measure(from: number, count: number): Promise<Reaction[]> {
  const reactions: Reaction[] = [];
  for (let index = from; index < from + count; index++) {
    const registry = registryAt(index);
    const put = arm.put(registry.name);
    const answered = await create(registry);
    const arrival = await Promise.race([
      put,
      operator.exited.then(() => Promise.reject(new Error('the operator ended'))),
    ]);
    reactions.push({ registry: registry.name, answered, ms: inMs(arrival - answered) });
    await wait(flags.pause);
  }
  return reactions;
}

/** Prints where the time goes, as seen at ARM, and the number of requests per replica until it is Ready. */
function report(reactions: readonly Reaction[], requests: readonly RecordedRequest[]): void {
  const byRegistry = Map.groupBy(requests, ({ registry }) => registry);
  const arrivals = (which: (request: RecordedRequest) => boolean) =>
    reactions.flatMap(({ registry, answered }) => {
      const first = byRegistry.get(registry)?.find(which);
      return first ? [inMs(BigInt(first.arrival) - answered)] : [];
    });
  const isRead = ({ method }: RecordedRequest) => method === 'GET';
  const steps = {
    'first read': arrivals(isRead),
    'GET of the replica': arrivals((request) => isRead(request) && request.replica !== undefined),
    PUT: arrivals(({ method }) => method === 'PUT'),
  };
  console.log('of which, at ARM, in ms after the answer:');
  for (const [name, times] of Object.entries(steps)) {
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(times, share).toFixed(1));
    console.log(`  ${name.padEnd(20)} p50 ${p50}   p99 ${p99}`);
  }
  const each = reactions.map(({ registry }) => byRegistry.get(registry) ?? []);
  const reads = each.map((all) => all.filter(isRead).length);
  const writes = each.map((all) => all.filter((request) => !isRead(request)).length);
  console.log(
    `Requests at ARM for each created replica, until it is Ready: ${mean(writes)} writes, ${mean(reads)} reads (at most ${Math.max(...writes)} and ${Math.max(...reads)})`,
  );
}

function mean(numbers: readonly number[]): string {
  return (numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toFixed(2);
}

function inMs(ns: bigint): number {
  return Number(ns) / 1e6;
}

/** Resolves to the time of the response, in ns. */
async function create(registry: ReturnType<typeof registryAt>): Promise<bigint> {
  const { answered } = await send('POST', `/apis/${group}/${version}/namespaces/default/${plural}`, {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name: registry.name },
    spec: { registry, regions: [{ location: 'japaneast' }] },
  });
  return answered;
}

function milliseconds(text: string): number {
  const ms = Number(text);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError('It must be milliseconds, as "50".');
}
