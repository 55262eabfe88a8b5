// Many registries within ARM's rate limits for one subscription, at their real sizes, beside another client of the same credential
// that has no rate limiter.
import { setTimeout as wait } from 'node:timers/promises';
import { ClientSecretCredential } from '@azure/identity';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import type { Arm, RegistryReference } from '../../../src/azure/arm.ts';
import { createArmClient } from '../../../src/azure/arm-client.ts';
import { cloudFrom } from '../../../src/azure/cloud.ts';
import { type QuotaKind, realSizes } from '../../emulators/arm/quota.ts';
import { realistic, scaled } from '../../emulators/arm/timings.ts';
import type { LogLine } from '../../operator.ts';
import { trust } from '../../trust.ts';
import { type RecordedRequest, registryAt } from '../arm.ts';
import type { MeasuredOperator } from '../measured-operator.ts';
import { inMs } from '../processes.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { collection, createObject, isReady, listing, type Setup, setUp } from '../setup.ts';
import { spread } from '../statistics.ts';

/** s, as seen on the wire. */
const retryAfter = 10;
/** A GET that ends with 404 is answered by ARM's gateway and costs no token (recorded: azure-service-operator, 2025-11-18). */
const needed: Readonly<Record<QuotaKind, number>> = { reads: 4, writes: 1, deletes: 0 };
const two = listing(['japaneast', 'westeurope']);

export const throttled: Scenario = {
  name: 'throttled',
  method:
    "300 registries in one subscription, with ARM's real rate limits and recorded durations, beside another client of the same identity that has no rate limiter. First it takes half of the refill while each registry gets a replica: the time until all are Ready, divided by the best possible time (a replica costs 2 reads before its PUT and 2 once it exists; all buckets are full at the start). Then it takes three quarters in bursts of 30 s while half of the objects get a region more. Then it takes 70 % while all objects check for drift every minute: from an edit to its PUT. A request counts as too early if the operator sent it after a 429 had come and before its Retry-After had passed.",
  async measure({ ended, isQuick }) {
    const registries = isQuick ? 60 : 300;
    const timings = isQuick ? scaled(realistic, 0.25) : realistic;
    const setup = await setUp(ended, {
      registries: registries + 1,
      subscriptions: 1,
      timings,
      retryAfterOf429: retryAfter,
    });
    trust(setup.arm.certificate);
    const operator = await setup.operator('--log-level=debug');
    const other = await otherClient(setup, registryAt(registries, 1));
    const names = Array.from({ length: registries }, (_, index) => registryAt(index, 1).name);
    const run: Run = { setup, operator, other, names };
    return [
      ...(await newReplicas(run)),
      ...(await inBursts(run, isQuick ? 10 : 30)),
      ...(await editsWhileShort(run, isQuick ? 3 : 10)),
    ];
  },
};

interface Run {
  readonly setup: Setup;
  readonly operator: MeasuredOperator;
  readonly other: OtherClient;
  readonly names: readonly string[];
}

async function newReplicas(run: Run): Promise<Figure[]> {
  const { setup, operator, other, names } = run;
  const from = (await setup.arm.requests()).length;
  const stop = other.take({ share: 0.5, everyMs: 100 });
  const began = performance.now();
  for (const index of names.keys())
    await createObject(setup.send, index, { registry: registryAt(index, 1), ...listing(['japaneast']) });
  await untilReady(run);
  const seconds = (performance.now() - began) / 1_000;
  stop();
  const during = (await setup.arm.requests()).slice(from);
  const best = bestSeconds(during, other.registry.name, names.length, seconds);
  const ratio: Figure = { what: 'new replicas: of the best possible time', value: seconds / best, unit: 'times' };
  const ours = during.filter(({ registry }) => registry !== other.registry.name);
  const paid = ours.filter(({ status }) => status !== 404);
  const perReplica = (of: readonly RecordedRequest[], kind: QuotaKind) =>
    of.filter(({ method }) => kindOf(method) === kind).length / names.length;
  return [
    { what: `${names.length} new replicas: all Ready`, value: seconds, unit: 's' },
    // Full buckets are enough for a few.
    ...(best > 0 ? [ratio] : []),
    { what: 'new replicas: reads a replica', value: perReplica(ours, 'reads'), unit: 'requests' },
    { what: 'new replicas: reads a replica that cost a token', value: perReplica(paid, 'reads'), unit: 'requests' },
    { what: 'new replicas: writes a replica', value: perReplica(ours, 'writes'), unit: 'requests' },
    ...refusals('new replicas', operator, 0),
  ];
}

/** Less what the other client's accepted requests took. */
function bestSeconds(during: readonly RecordedRequest[], other: string, replicas: number, seconds: number): number {
  const others = during.filter(({ registry, status }) => registry === other && status < 400);
  const bests = Object.entries(realSizes).map(([kind, { size, refill }]) => {
    const taken = others.filter(({ method }) => kindOf(method) === kind).length / seconds;
    return Math.max(0, (needed[kind as QuotaKind] * replicas - size) / (refill - taken));
  });
  return Math.max(...bests);
}

async function inBursts(run: Run, everySeconds: number): Promise<Figure[]> {
  const { setup, operator, other, names } = run;
  const edit = async (isEdited: (index: number) => boolean, spec: object) => {
    for (const [index, name] of names.entries())
      if (isEdited(index)) await setup.send('PATCH', `${collection}/${name}`, { spec });
  };
  // Half of the objects are checked for drift every minute. They are not edited later: an edit that Azure does not answer is shown.
  await edit((index) => !getsRegion(index), { interval: '1m' });
  await untilReady(run);
  const stop = other.take({ share: 0.75, everyMs: everySeconds * 1_000 });
  const from = operator.log.length;
  const began = performance.now();
  await edit(getsRegion, two);
  const left = new Set<string>();
  await untilReady(run, (ready) => {
    for (const [index, name] of names.entries()) if (!getsRegion(index) && !ready.has(name)) left.add(name);
  });
  stop();
  const seconds = (performance.now() - began) / 1_000;
  const count = names.filter((_, index) => getsRegion(index)).length;
  return [
    { what: `${count} more replicas beside bursts: all Ready`, value: seconds, unit: 's' },
    {
      what: 'beside bursts: objects without a new region that left Ready',
      value: left.size,
      unit: 'objects',
      atMost: 0,
    },
    ...refusals('beside bursts', operator, from),
  ];
}

function getsRegion(index: number): boolean {
  return index % 2 === 0;
}

async function editsWhileShort(run: Run, edits: number): Promise<Figure[]> {
  const { setup, operator, other, names } = run;
  const stop = other.take({ share: 0.7, everyMs: 100 });
  for (const name of names) await setup.send('PATCH', `${collection}/${name}`, { spec: { interval: '1m' } });
  await untilReady(run);
  other.empty();
  // The pause after the 429s is over when the edits begin.
  await operator.pause(2 * retryAfter * 1_000);
  const from = operator.log.length;
  const toPut: number[] = [];
  for (const name of names.filter((_, index) => !getsRegion(index)).slice(0, edits)) {
    const put = setup.arm.put(name);
    const edited = process.hrtime.bigint();
    await setup.send('PATCH', `${collection}/${name}`, { spec: two });
    toPut.push(inMs((await put) - edited));
    await operator.pause(2_000);
  }
  stop();
  return [
    ...spread('edit to its PUT beside drift checks each minute', toPut, { unit: 'ms', top: 'max' }),
    ...refusals('beside drift checks', operator, from),
  ];
}

/** Of the operator's requests since this line of its log. */
function refusals(what: string, { log }: MeasuredOperator, line: number): Figure[] {
  const asked = log.slice(line).filter(({ msg }) => msg === 'Azure Resource Manager was asked');
  const refused = asked.filter(({ status }) => status === '429');
  const early = asked.filter((one) => refused.some((refusal) => isBetween(one, refusal)));
  return [
    { what: `${what}: refused`, value: refused.length, unit: '429s' },
    { what: `${what}: sent too early after a refusal`, value: early.length, unit: 'requests', atMost: 0 },
  ];
}

/** True if the request was sent after a refusal of its kind had arrived and before its Retry-After had passed. The log has whole ms. */
function isBetween({ time, method, durationMs }: LogLine, refusal: LogLine): boolean {
  const heard = Date.parse(String(refusal.time));
  const sent = Date.parse(String(time)) - Number(durationMs);
  const isSameKind = kindOf(String(method)) === kindOf(String(refusal.method));
  return isSameKind && sent > heard + 1 && sent < heard + retryAfter * 1_000 - 1;
}

/** Resolves once every object is Ready for its latest edit; `seen` is called with the Ready objects of each list. */
async function untilReady(
  { setup: { send }, operator, names }: Run,
  seen: (ready: ReadonlySet<string>) => void = () => undefined,
): Promise<void> {
  for (;;) {
    const { object } = await send<{ items: RegistryReplication[] }>('GET', collection);
    seen(new Set(object.items.filter(showsReady).map(({ metadata }) => metadata.name ?? '')));
    if (object.items.filter(isReady).length === names.length) return;
    await operator.pause(500);
  }
}

/** Also for an earlier edit. */
function showsReady({ status }: RegistryReplication): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function kindOf(method: string): QuotaKind {
  if (method === 'DELETE') return 'deletes';
  return method === 'GET' ? 'reads' : 'writes';
}

interface OtherClient {
  readonly registry: RegistryReference;
  /** Takes a share of each bucket's refill, until the returned function is called. Delays are caught up. */
  take(how: { readonly share: number; readonly everyMs: number }): () => void;
  /** Takes all reads at once. */
  empty(): void;
}

/** With the operator's own credential and no rate limiter. Its registry has a replica, which it changes. */
async function otherClient({ arm: { environment } }: Setup, registry: RegistryReference): Promise<OtherClient> {
  const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = environment;
  const cloud = cloudFrom(environment);
  const options = { authorityHost: cloud.authority, disableInstanceDiscovery: true };
  const arm: Arm = createArmClient({
    credential: new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, options),
    cloud,
  });
  await arm.create(registry, 'westus', { location: 'westus' });
  while ((await arm.replica(registry, 'westus')).provisioningState !== 'Succeeded') await wait(500);
  const asks: Readonly<Record<QuotaKind, () => Promise<unknown>>> = {
    reads: () => arm.registry(registry),
    writes: () => arm.update(registry, 'westus', { tags: { at: String(Date.now()) } }),
    deletes: () => arm.remove(registry, 'notthere'),
  };
  // Its refusals do not matter here.
  const ask = (kind: string) => void asks[kind as QuotaKind]().catch(() => undefined);
  return {
    registry,
    take({ share, everyMs }) {
      const began = performance.now();
      const timers = Object.entries(realSizes).map(([kind, { refill }]) => {
        let taken = 0;
        return setInterval(() => {
          const owed = share * refill * ((performance.now() - began) / 1_000);
          for (; taken < owed; taken++) ask(kind);
        }, everyMs);
      });
      return () => timers.forEach(clearInterval);
    },
    empty() {
      for (let n = 0; n < realSizes.reads.size; n++) ask('reads');
    },
  };
}
