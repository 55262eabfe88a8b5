// `npm run bench:requests`: counts the operator's requests to ARM for a created replica, alone and with four others, for a look at
// replicas in motion, and for a settled registry, compared with Azure Service Operator. It asserts nothing.
//
// Method: in real time, with creations of 8 to 19 s and a Retry-After of 10 s, both as recorded (see realistic in
// test/emulators/arm/timings.ts). Only the interval of settled registries is shorter; their requests are counted per look. Every
// request for a registry in the emulator's journal counts, from the creation of its object on.
// `GET /subscriptions/{id}/locations`, one a day and subscription, is counted separately. A look is a LIST with the reads that follow
// it. The delay of a replica's Ready runs from its state in ARM to the GET that returns it.
//
// Azure Service Operator is not measured. Its numbers come from its recording
// v2/internal/controllers/recordings/Test_ContainerRegistry_Registry_20230701_CRUD.yaml (Azure/azure-service-operator,
// 2025-11-18): a PUT; polls of the operation after 10, 22 and 35 s, of which the third was the last; and two GETs. (inferred) A
// creation of 8 to 19 s ends by the first or second poll, and replicas share no request. Once an hour (its default period, issue
// 2811) it repeats each PUT, after which the recording has a GET.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { startOperator } from '../operator.ts';
import { client, startKubernetes } from './processes.ts';
import { percentile } from './statistics.ts';

const flags = new Command('npm run bench:requests --')
  .description('What a replica, a look and a settled registry cost in requests to ARM.')
  .option('--registries <n>', 'how many in each row', '10')
  .allowExcessArguments(false)
  .parse()
  .opts<{ readonly registries: string }>();

const registries = Number(flags.registries);
const five = ['japaneast', 'westeurope', 'northeurope', 'uksouth', 'brazilsouth'];
const collection = `/apis/${group}/${version}/namespaces/default/${plural}`;
/** Seconds between two looks at a settled registry, and the number of counted looks. */
const interval = 5;
const looks = 6;

await using ended = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'bench-'));
ended.defer(() => rm(directory, { recursive: true, force: true }));
const arm = await startArmEmulator({ timings: realistic });
ended.defer(() => arm.close());
const kubeconfig = await startKubernetes(ended, directory);
const send = await client(kubeconfig, 4);
const certificate = join(directory, 'arm.pem');
await writeFile(certificate, arm.certificate);

const alone = await created('alone', ['japaneast'], []);
const atOnce = await created('atonce', five, []);
const inTurn = await created('inturn', five, ['--max-parallel-actions=4']);
const settled = await watched(`--interval=${interval}s`);

const ofAso = '3-4 reads, 1 write';
table([
  [`requests to ARM: the mean of ${registries} registries (the most)`, 'reads', 'writes', 'Azure Service Operator'],
  ['a replica created alone', ...perReplica(alone), ofAso],
  ['a replica of 5 created at once (the default)', ...perReplica(atOnce), ofAso],
  ['a replica of 5, at most 4 in motion (--max-parallel-actions=4)', ...perReplica(inTurn), ofAso],
  [
    'a look at 5 replicas in motion, but for those that have become Ready',
    ...inMotion(atOnce),
    '5 reads: each its own',
  ],
  ['a look at a settled registry of 5', ...perLook(settled), '5 reads, 5 writes: a PUT each'],
  ['a settled registry of 5 in an hour, with the default intervals', ...perLook(settled, 6), '5 reads, 5 writes'],
]);
const locationReads = arm.journal.entries.filter(({ endpoint }) => endpoint === 'locations').length;
console.log(
  `Besides, once a day and subscription: GET /locations, ${locationReads} in this run of three operators that created.`,
);
console.log(`Replicas were seen Ready after they were: ${lateness([...alone, ...atOnce, ...inTurn])}.`);

interface Creation {
  readonly name: string;
  readonly locations: readonly string[];
  readonly requests: readonly JournalEntry[];
}

/** Creates one object for each registry, and resolves once all are Ready. */
async function created(
  prefix: string,
  locations: readonly string[],
  args: readonly string[],
): Promise<readonly Creation[]> {
  const names = Array.from({ length: registries }, (_, index) => `${prefix}${String(index).padStart(4, '0')}`);
  await using operating = new AsyncDisposableStack();
  await start(operating, args);
  for (const name of names) {
    const registry = referenceTo(name);
    arm.azure.addRegistry(registry, { location: 'eastus' });
    const spec = { registry, regions: locations.map((location) => ({ location })) };
    await send('POST', collection, { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec });
  }
  for (let ready = new Set<string>(); !names.every((name) => ready.has(name)); ready = await readyNames())
    await wait(500);
  return names.map((name) => ({ name, locations, requests: requestsOf(name) }));
}

/** Counts the requests of a few looks at the settled registries of five replicas, without the first look. */
async function watched(...args: readonly string[]): Promise<readonly JournalEntry[]> {
  await using operating = new AsyncDisposableStack();
  await start(operating, args);
  const names = atOnce.map(({ name }) => name);
  const looked = async (from: number, times: number) => {
    const looksAt = (name: string) => requestsOf(name, from).filter(isList).length;
    while (!names.every((name) => looksAt(name) >= times)) await wait(100);
  };
  await looked(arm.journal.entries.length, 1);
  const from = arm.journal.entries.length;
  await looked(from, looks);
  return names.flatMap((name) => requestsOf(name, from));
}

async function start(operating: AsyncDisposableStack, args: readonly string[]): Promise<void> {
  const operator = startOperator({
    args,
    env: { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
  });
  operating.defer(async () => void (await operator.stop()));
  await operator.logged(({ msg }) => msg.includes('passes begin'));
}

function referenceTo(name: string) {
  return { subscriptionId: defaultSubscriptionId, resourceGroup: 'bench', name };
}

function requestsOf(name: string, from = 0): JournalEntry[] {
  return arm.journal.entries.slice(from).filter(({ registry }) => registry === name);
}

async function readyNames(): Promise<Set<string>> {
  const { object } = await send<{ items: RegistryReplication[] }>('GET', collection);
  const isReady = ({ status }: RegistryReplication) =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return new Set(object.items.filter(isReady).map(({ metadata }) => metadata.name ?? ''));
}

/** Reads and writes. */
function perReplica(creations: readonly Creation[]): [string, string] {
  const share = (isWanted: (entry: JournalEntry) => boolean) =>
    told(creations.map(({ requests, locations }) => requests.filter(isWanted).length / locations.length));
  return [share(isRead), share((entry) => !isRead(entry))];
}

/** The looks after the last PUT, without the GETs by id that confirm Ready. */
function inMotion(creations: readonly Creation[]): [string, string] {
  const looks = creations.map(({ requests }) => {
    const after = requests.slice(requests.findLastIndex((entry) => !isRead(entry)) + 1);
    return after.filter(({ endpoint }) => endpoint !== 'replica').length / after.filter(isList).length;
  });
  return [told(looks), '0'];
}

function perLook(requests: readonly JournalEntry[], looks = 1): [string, string] {
  const reads = requests.filter(isRead).length;
  const each = (count: number) => ((count / requests.filter(isList).length) * looks).toFixed(2);
  return [each(reads), each(requests.length - reads)];
}

/** From the state in ARM to the first GET after it. */
function lateness(creations: readonly Creation[]): string {
  const late = creations.flatMap(({ name, locations, requests }) =>
    locations.flatMap((location) => {
      const since = arm.azure.replica(referenceTo(name), location)?.stage.since ?? Number.NaN;
      const seen = requests.find(
        ({ replica, method, at }) => replica === location && method === 'GET' && Number(at) >= since,
      );
      return seen ? [(Number(seen.at) - since) / 1_000] : [];
    }),
  );
  const [half, most] = [0.5, 1].map((share) => percentile(late, share).toFixed(1));
  return `p50 ${half} s, max ${most} s (${late.length} replicas)`;
}

function isList({ endpoint, method }: JournalEntry): boolean {
  return endpoint === 'replicas' && method === 'GET';
}

function isRead({ method }: JournalEntry): boolean {
  return method === 'GET';
}

/** `2.95 (3.00)` */
function told(numbers: readonly number[]): string {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return `${mean.toFixed(2)} (${Math.max(...numbers).toFixed(2)})`;
}

function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    );
}
