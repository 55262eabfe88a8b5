// `node test/bench/throttling.ts`: 300 registries get a replica each, from an ARM with its real token buckets, while another client
// of the same credential eats half of what flows into them. It prints how long that took beside the best that the budget allows,
// and whether any request came before a Retry-After. It asserts nothing.
//
// How it is measured. Three processes: this one with the ARM emulator and the other client, the operator (as `npm start` runs
// it), and the API server. The time runs from the first object's creation to the list in which the last one is Ready (asked for
// twice a second). The best time: each replica costs a look (2 reads) before its PUT, and a LIST and a GET by id once it is
// there; all buckets are full at the start, and what the other client took by its answered requests is not to be had.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import tls from 'node:tls';
import { ClientSecretCredential } from '@azure/identity';
import { Command } from 'commander';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import type { Arm } from '../../src/azure/arm.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { connectArm } from '../../src/azure/gateway.ts';
import { defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { realSizes, type Spending } from '../emulators/arm/quota.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { startOperator } from '../operator.ts';
import { client, startKubernetes } from './processes.ts';

interface Flags {
  readonly registries: string;
  readonly lasting: string;
}

const flags = new Command('node test/bench/throttling.ts')
  .description('How long many registries take in the budget of ARM, of which another client eats half.')
  .option('--registries <n>', 'how many get a replica', '300')
  .option('--lasting <seconds>', 'how long to watch, once all are Ready, that they stay so', '30')
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const registries = Number(flags.registries);
/** s, as seen on the wire. */
const retryAfter = 10;
/** GET of what is not there is answered by ARM's front end, and costs nothing (recorded: azure-service-operator, 2025-11-18). */
const needed: Readonly<Record<Spending, number>> = { reads: 4, writes: 1, deletes: 0 };
const collection = `/apis/${group}/${version}/namespaces/default/${plural}`;
const another = { subscriptionId: defaultSubscriptionId, resourceGroup: 'bench', name: 'another' };
const names = Array.from({ length: registries }, (_, index) => `bench${String(index).padStart(5, '0')}`);

await using ended = new AsyncDisposableStack();
const directory = await mkdtemp(join(tmpdir(), 'bench-'));
ended.defer(() => rm(directory, { recursive: true, force: true }));
const arm = await startArmEmulator({ timings: realistic, quota: { enforced: retryAfter } });
ended.defer(() => arm.close());
for (const name of [another.name, ...names]) arm.azure.addRegistry({ ...another, name }, { location: 'eastus' });
arm.azure.addReplica(another, 'westus');
const kubeconfig = await startKubernetes(ended, directory);
const send = await client(kubeconfig, 8);
const certificate = join(directory, 'arm.pem');
await writeFile(certificate, arm.certificate);
const operator = startOperator({
  env: { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
});
ended.defer(async () => void (await operator.end()));
await operator.said(({ msg }) => msg.includes('passes begin'));
tls.setDefaultCACertificates([...tls.getCACertificates('default'), arm.certificate]);
ended.defer(eatHalf(theOther()));

const began = process.hrtime.bigint();
const started = performance.now();
for (const name of names) {
  const spec = { registry: { ...another, name }, regions: [{ location: 'japaneast' }] };
  await send('POST', collection, { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec });
}
let ready = 0;
while (ready < registries) {
  await Promise.race([wait(500), operator.exited.then(() => Promise.reject(new Error('the operator ended')))]);
  ready = (await readyNames()).size;
}
const took = (performance.now() - started) / 1_000;
const during = arm.journal.entries.filter(({ arrival }) => arrival >= began);
const requests = during.filter(({ registry }) => registry !== undefined && registry !== another.name);
const others = during.filter(({ registry, status }) => registry === another.name && status < 400);

const bests = Object.entries(realSizes).map(([spending, { size, refill }]) => {
  const tokens = needed[spending as Spending] * registries;
  const eaten = others.filter(({ method }) => spendingOf(method) === spending).length / took;
  console.log(`the other client took ${eaten.toFixed(1)} ${spending} a second of ${refill}`);
  return Math.max(0, (tokens - size) / (refill - eaten));
});
const best = Math.max(...bests);
console.log(
  `${registries} registries: all Ready after ${took.toFixed(1)} s; the best that the budget allows is ${best.toFixed(1)} s (${(took / best).toFixed(2)} ×)`,
);
for (const spending of ['reads', 'writes'] as const) {
  const of = requests.filter(({ method }) => spendingOf(method) === spending);
  const paid = of.filter(({ status }) => status !== 404);
  console.log(
    `  ${spending}: ${(of.length / registries).toFixed(2)} a replica, of which ${(paid.length / registries).toFixed(2)} cost a token (at best ${needed[spending]})`,
  );
}
tellOfRefusals(requests);

const lasting = performance.now() + Number(flags.lasting) * 1_000;
const left = new Set<string>();
while (performance.now() < lasting) {
  const still = await readyNames();
  for (const name of names) if (!still.has(name)) left.add(name);
  await wait(500);
}
console.log(`  objects that left Ready in the ${flags.lasting} s after: ${left.size}`);

/** Requests that came after a 429 had been answered, and before its Retry-After had passed. */
function tellOfRefusals(requests: readonly JournalEntry[]): void {
  const refused = requests.filter(({ status }) => status === 429);
  const early = refused.flatMap(({ method, arrival, duration }) => {
    const answered = arrival + BigInt(Math.ceil(duration * 1e6));
    const until = answered + BigInt(retryAfter) * 1_000_000_000n;
    return requests.filter((request) => {
      const same = spendingOf(request.method) === spendingOf(method);
      return same && request.arrival > answered && request.arrival < until;
    });
  });
  console.log(`  429s: ${refused.length}; requests before their Retry-After: ${new Set(early).size}`);
}

function spendingOf(method: string): Spending {
  if (method === 'DELETE') return 'deletes';
  return method === 'GET' ? 'reads' : 'writes';
}

async function readyNames(): Promise<Set<string>> {
  const { object } = await send<{ items: RegistryReplication[] }>('GET', collection);
  const isReady = ({ status }: RegistryReplication) =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return new Set(object.items.filter(isReady).map(({ metadata }) => metadata.name ?? ''));
}

/** Another client with the operator's own credential, that keeps no budget. */
function theOther(): Arm {
  const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = arm.environment;
  const cloud = cloudFrom(arm.environment);
  const options = { authorityHost: cloud.authority, disableInstanceDiscovery: true };
  return connectArm({
    credential: new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, options),
    cloud,
  });
}

/** Sends requests at half the rate at which each bucket fills, until the function returned is called. */
function eatHalf(other: Arm): () => void {
  const asks: Readonly<Record<Spending, () => Promise<unknown>>> = {
    reads: () => other.registry(another),
    writes: () => other.update(another, 'westus', { tags: { at: String(Date.now()) } }),
    deletes: () => other.remove(another, 'notthere'),
  };
  const timers = Object.entries(realSizes).map(([spending, { refill }]) =>
    // Its refusals are its own affair.
    setInterval(() => void asks[spending as Spending]().catch(() => undefined), 2_000 / refill),
  );
  return () => timers.forEach(clearInterval);
}
