// `npm run bench:throttling`: measures many registries within ARM's rate limits for one subscription, at their real sizes, beside
// another client of the same credential without a rate limiter. It asserts nothing. Three parts:
// 1. The other client takes half of the refill while 300 registries get a replica each: how long that takes, compared with the best
//    possible time.
// 2. The other client takes three quarters in bursts while half of the objects get a region more, so that ARM answers 429: whether a
//    request is sent before its Retry-After, and whether an object without a new region leaves Ready.
// 3. The other client takes 70 % while all 300 objects check for drift every minute, so that the bucket is short: the time from an
//    edit to its first PUT.
//
// Method: three processes, which are this one with the ARM emulator and the other client, the operator (as `npm start` runs it, with
// its requests logged), and the API server. The time of part 1 runs from the first object's creation to the list that shows the last
// one Ready (requested twice a second). Best possible: a replica costs a look (2 reads) before its PUT, and a LIST and a GET by id
// once it exists; all buckets are full at the start, less what the other client's accepted requests took. Times of requests and
// refusals are those of the operator's log: a request in flight when a refusal arrives does not violate it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientSecretCredential } from '@azure/identity';
import { Command } from 'commander';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import type { Arm } from '../../src/azure/arm.ts';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import { type QuotaKind, realSizes } from '../emulators/arm/quota.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { type LogLine, startOperator } from '../operator.ts';
import { trust } from '../trust.ts';
import { client, startKubernetes } from './processes.ts';
import { summary } from './statistics.ts';

interface Flags {
  readonly registries: string;
  readonly burst: string;
}

const flags = new Command('node test/bench/throttling.ts')
  .description("Measures many registries within ARM's rate limits, beside another client.")
  .option('--registries <n>', 'how many get a replica', '300')
  .option('--burst <seconds>', 'how often the other client comes in the second part', '30')
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const registries = Number(flags.registries);
/** s, as seen on the wire. */
const retryAfter = 10;
/** A GET that ends with 404 is answered by ARM's gateway and costs no token (recorded: azure-service-operator, 2025-11-18). */
const needed: Readonly<Record<QuotaKind, number>> = { reads: 4, writes: 1, deletes: 0 };
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
  args: ['--log-level', 'debug'],
  env: { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
});
ended.defer(async () => void (await operator.stop()));
await operator.logged(({ msg }) => msg.includes('passes begin'));
trust(arm.certificate);
const other = theOther();

const stopEating = eat(other, { share: 0.5, every: 0.1 });
const began = process.hrtime.bigint();
const started = performance.now();
for (const name of names) {
  const spec = { registry: { ...another, name }, regions: [{ location: 'japaneast' }] };
  await send('POST', collection, { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec });
}
await untilReady(() => undefined);
const took = (performance.now() - started) / 1_000;
stopEating();
const during = arm.journal.entries.filter(({ arrival }) => arrival >= began);
const requests = during.filter(({ registry }) => registry !== undefined && registry !== another.name);
const others = during.filter(({ registry, status }) => registry === another.name && status < 400);
const bests = Object.entries(realSizes).map(([spending, { size, refill }]) => {
  const tokens = needed[spending as QuotaKind] * registries;
  const eaten = others.filter(({ method }) => spendingOf(method) === spending).length / took;
  console.log(`the other client took ${eaten.toFixed(1)} ${spending} a second of ${refill}`);
  return Math.max(0, (tokens - size) / (refill - eaten));
});
const best = Math.max(...bests);
console.log(
  `${registries} registries: all Ready after ${took.toFixed(1)} s; the best possible is ${best.toFixed(1)} s (${(took / best).toFixed(2)} ×)`,
);
for (const spending of ['reads', 'writes'] as const) {
  const of = requests.filter(({ method }) => spendingOf(method) === spending);
  const paid = of.filter(({ status }) => status !== 404);
  console.log(
    `  ${spending}: ${(of.length / registries).toFixed(2)} a replica, of which ${(paid.length / registries).toFixed(2)} cost a token (at best ${needed[spending]})`,
  );
}
tellOfRefusals(0);

const stopBursting = eat(other, { share: 0.75, every: Number(flags.burst) });
const from = operator.log.length;
const burstsBegan = performance.now();
const getsRegion = (name: string) => Number(name.slice('bench'.length)) % 2 === 0;
for (const name of names) {
  // The other half is checked for drift every minute.
  const change = getsRegion(name)
    ? { regions: [{ location: 'japaneast' }, { location: 'westeurope' }] }
    : { interval: '1m' };
  await send('PATCH', `${collection}/${name}`, { spec: change });
}
const left = new Set<string>();
await untilReady((ready) => {
  for (const name of names) if (!getsRegion(name) && !ready.has(name)) left.add(name);
});
stopBursting();
const burstsTook = (performance.now() - burstsBegan) / 1_000;
console.log(
  `three quarters taken in bursts, each ${flags.burst} s: ${names.filter(getsRegion).length} more replicas after ${burstsTook.toFixed(1)} s`,
);
tellOfRefusals(from);
console.log(`  objects that left Ready though they got no region: ${left.size}`);

const stopDraining = eat(other, { share: 0.7, every: 0.1 });
for (const name of names) await send('PATCH', `${collection}/${name}`, { spec: { interval: '1m' } });
await untilReady(() => undefined);
// Empties the bucket; the pause after the 429s is over when the edits begin.
for (let n = 0; n < realSizes.reads.size; n++) void other.registry(another).catch(() => undefined);
await wait(2 * retryAfter * 1_000);
const fromEdits = operator.log.length;
const edits: number[] = [];
for (const name of names.filter((one) => !getsRegion(one)).slice(0, 10)) {
  const edited = process.hrtime.bigint();
  const regions = [{ location: 'japaneast' }, { location: 'westeurope' }];
  await send('PATCH', `${collection}/${name}`, { spec: { regions } });
  edits.push(Number((await firstPut(name, edited)) - edited) / 1e6);
  await wait(2_000);
}
stopDraining();
console.log(`an edit beside ${registries} drift checks a minute, from the PATCH to its first PUT: ${summary(edits)}`);
tellOfRefusals(fromEdits);

/** Resolves to the arrival of the registry's first PUT after `since`. */
async function firstPut(name: string, since: bigint): Promise<bigint> {
  for (;;) {
    const put = arm.journal.entries.findLast(
      ({ method, registry, arrival }) => method === 'PUT' && registry === name && arrival >= since,
    );
    if (put) return put.arrival;
    await wait(20);
  }
}

/** Prints the operator's requests since this line of its log, the 429s, and the requests sent before a Retry-After had passed. */
function tellOfRefusals(line: number): void {
  const asked = operator.log.slice(line).filter(({ msg }) => msg === 'Azure Resource Manager was asked');
  const refusals = asked.filter(({ status }) => status === '429');
  const early = asked.filter((one) => refusals.some((refusal) => isBetween(one, refusal)));
  console.log(
    `  requests: ${asked.length}; 429s: ${refusals.length}; requests sent before their Retry-After: ${early.length}`,
  );
}

/** True if the request was sent after a refusal of its kind had arrived and before its Retry-After had passed. The log has whole ms. */
function isBetween(request: LogLine, refusal: LogLine): boolean {
  const { time, method, durationMs } = request;
  const heard = Date.parse(String(refusal.time));
  const sent = Date.parse(String(time)) - Number(durationMs);
  const isSameKind = spendingOf(String(method)) === spendingOf(String(refusal.method));
  return isSameKind && sent > heard + 1 && sent < heard + retryAfter * 1_000 - 1;
}

/** Resolves once every object is Ready for its latest edit; `seen` is called with the Ready objects of each list. */
async function untilReady(seen: (ready: ReadonlySet<string>) => void): Promise<void> {
  for (;;) {
    const { object } = await send<{ items: RegistryReplication[] }>('GET', collection);
    const ready = object.items.filter(isReady);
    seen(new Set(ready.map(({ metadata }) => metadata.name ?? '')));
    if (ready.length === registries && ready.every(isUpToDate)) return;
    await Promise.race([wait(500), operator.exited.then(() => Promise.reject(new Error('the operator ended')))]);
  }
}

function isReady({ status }: RegistryReplication): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function isUpToDate({ metadata, status }: RegistryReplication): boolean {
  return status?.observedGeneration === metadata.generation;
}

function spendingOf(method: string): QuotaKind {
  if (method === 'DELETE') return 'deletes';
  return method === 'GET' ? 'reads' : 'writes';
}

/** Another client with the operator's own credential and no rate limiter. */
function theOther(): Arm {
  const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = arm.environment;
  const cloud = cloudFrom(arm.environment);
  const options = { authorityHost: cloud.authority, disableInstanceDiscovery: true };
  return createArmClient({
    credential: new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, options),
    cloud,
  });
}

/** Takes a share of each bucket's refill every so many seconds, until the returned function is called. Delays are caught up. */
function eat(other: Arm, { share, every }: { readonly share: number; readonly every: number }): () => void {
  const asks: Readonly<Record<QuotaKind, () => Promise<unknown>>> = {
    reads: () => other.registry(another),
    writes: () => other.update(another, 'westus', { tags: { at: String(Date.now()) } }),
    deletes: () => other.remove(another, 'notthere'),
  };
  const began = performance.now();
  const timers = Object.entries(realSizes).map(([spending, { refill }]) => {
    let eaten = 0;
    return setInterval(() => {
      const owed = share * refill * ((performance.now() - began) / 1_000);
      // Its refusals do not matter here.
      for (; eaten < owed; eaten++) void asks[spending as QuotaKind]().catch(() => undefined);
    }, every * 1_000);
  });
  return () => timers.forEach(clearInterval);
}
