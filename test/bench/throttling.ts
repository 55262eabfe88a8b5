// `node test/bench/throttling.ts`: many registries in the budget of one subscription, at ARM's real sizes, beside another client of
// the same credential that keeps no budget. It asserts nothing. First the other client takes half of what flows into each bucket
// while 300 registries get a replica each: how long that took, beside the best that the budget allows. Then it takes three
// quarters, in bursts, while half of the objects get one more region: ARM refuses, and it is counted whether any request went out
// before its Retry-After was over, and whether any object that nobody gave a region stopped being Ready.
//
// How it is measured. Three processes: this one with the ARM emulator and the other client, the operator (as `npm start` runs
// it, with its requests logged), and the API server. The time runs from the first object's creation to the list in which the last
// one is Ready (asked for twice a second). The best time: each replica costs a look (2 reads) before its PUT, and a LIST and a
// GET by id once it is there; all buckets are full at the start, and what the other client took by its answered requests is not
// to be had. Requests go out, and refusals are heard, at the times of the operator's own log: what was on its way when it heard
// of the refusal is no answer to it.

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

interface Flags {
  readonly registries: string;
  readonly burst: string;
}

const flags = new Command('node test/bench/throttling.ts')
  .description('How long many registries take in the budget of ARM, of which another client eats half.')
  .option('--registries <n>', 'how many get a replica', '300')
  .option('--burst <seconds>', 'how often the other client comes in the second part', '30')
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const registries = Number(flags.registries);
/** s, as seen on the wire. */
const retryAfter = 10;
/** GET of what is not there is answered by ARM's front end, and costs nothing (recorded: azure-service-operator, 2025-11-18). */
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
  `${registries} registries: all Ready after ${took.toFixed(1)} s; the best that the budget allows is ${best.toFixed(1)} s (${(took / best).toFixed(2)} ×)`,
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
  // The others are looked at each minute: they too need their share.
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

/** Requests of the operator from this line of its log on, its refusals, and which went out before a Retry-After was over. */
function tellOfRefusals(line: number): void {
  const asked = operator.log.slice(line).filter(({ msg }) => msg === 'Azure Resource Manager was asked');
  const refusals = asked.filter(({ status }) => status === '429');
  const early = asked.filter((one) => refusals.some((refusal) => isBetween(one, refusal)));
  console.log(
    `  requests: ${asked.length}; 429s: ${refusals.length}; requests sent before their Retry-After: ${early.length}`,
  );
}

/** Whether a request went out after a refusal of its kind was heard, and before it might. The log has whole ms. */
function isBetween(request: LogLine, refusal: LogLine): boolean {
  const { time, method, durationMs } = request;
  const heard = Date.parse(String(refusal.time));
  const sent = Date.parse(String(time)) - Number(durationMs);
  const isSameKind = spendingOf(String(method)) === spendingOf(String(refusal.method));
  return isSameKind && sent > heard + 1 && sent < heard + retryAfter * 1_000 - 1;
}

/** Resolves once every object is Ready for its latest edit; `seen` hears of each look, with those that say Ready. */
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

/** Another client with the operator's own credential, that keeps no budget. */
function theOther(): Arm {
  const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = arm.environment;
  const cloud = cloudFrom(arm.environment);
  const options = { authorityHost: cloud.authority, disableInstanceDiscovery: true };
  return createArmClient({
    credential: new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, options),
    cloud,
  });
}

/** Takes a share of what flows into each bucket, so often (s), until the function returned is called. What is late is made up for. */
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
      // Its refusals are its own affair.
      for (; eaten < owed; eaten++) void asks[spending as QuotaKind]().catch(() => undefined);
    }, every * 1_000);
  });
  return () => timers.forEach(clearInterval);
}
