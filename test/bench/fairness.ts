// Measures what 1,500 new objects of one namespace cost a bystander in another: the time from the bystander's reconcile request, or
// edit, to its first request at ARM and to the status that answers it. ARM has its real rate limits and its recorded durations. The
// bystander's registry is in the crowd's subscription, with the same identity, or in another subscription. It asserts nothing.
//
// Method: three processes, which are this one with the ARM emulator, the operator (as `npm start` runs it), and the API server. All
// times are this process's monotonic clock. The bystander is Ready before the crowd comes. It asks every 2 s from the first of the
// crowd's creations on; every third time it asks for a region more. A status is polled every 20 ms.
// A progress poll of the bystander may be taken for its first request at ARM; its status cannot be mistaken.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import {
  annotation,
  group,
  kind,
  plural,
  type RegistryReplication,
  version,
} from '../../src/api/registryreplication.ts';
import { defaultSubscriptionId, startArmEmulator } from '../emulators/arm/emulator.ts';
import { realistic } from '../emulators/arm/timings.ts';
import { startOperator } from '../operator.ts';
import { client, type Send, startKubernetes } from './processes.ts';
import { summary } from './statistics.ts';

export interface FairnessOptions {
  /** New objects of the crowd's namespace. */
  readonly objects: number;
  /** Requests of the bystander. */
  readonly requests: number;
  readonly isSameSubscription: boolean;
}

/** Times in ms. */
export interface FairnessFigures {
  /** From the reconcile request to the first request at ARM for the bystander's registry. */
  readonly toArm: readonly number[];
  /** From the reconcile request to the status that answers it. */
  readonly toStatus: readonly number[];
  /** From the edit to its PUT. */
  readonly toPut: readonly number[];
  /** 429s. */
  readonly refused: number;
  /** Of the crowd, during the bystander's requests. */
  readonly crowdRequests: number;
  readonly seconds: number;
}

/** What one 429 says, in s (10 and 6 were seen). */
const retryAfter = 10;
const everyMs = 2_000;
const bystander = 'bystander';
const path = `${collectionOf(bystander)}/${bystander}`;
const anotherSubscription = '11111111-1111-1111-1111-111111111111';
const locations = ['japaneast', 'westeurope', 'westus2', 'uksouth', 'northeurope', 'eastasia', 'brazilsouth'];

/** Everything that it starts ends with `ended`. */
export async function fairness(ended: AsyncDisposableStack, options: FairnessOptions): Promise<FairnessFigures> {
  const { arm, createCrowd, send, pause } = await setUp(ended, options);
  const figures = { toArm: [] as number[], toStatus: [] as number[], toPut: [] as number[] };
  const arrivalAt = async (method: string, since: bigint): Promise<bigint> => {
    for (;;) {
      const first = arm.journal.entries.find(
        (one) => one.registry === bystander && one.method === method && one.arrival >= since,
      );
      if (first) return first.arrival;
      await pause(5);
    }
  };
  await untilSeen({ send, pause }, ({ status }) => status?.phase === 'Ready');

  const began = process.hrtime.bigint();
  const creating = createCrowd();
  let regions = 1;
  for (let n = 1; n <= options.requests; n++) {
    await pause(everyMs);
    const asked = process.hrtime.bigint();
    const since = (time: bigint) => inMs(time - asked);
    if (n % 3 === 0 && regions < locations.length) {
      const spec = { regions: locations.slice(0, ++regions).map((location) => ({ location })) };
      await send('PATCH', path, { spec });
      figures.toPut.push(since(await arrivalAt('PUT', asked)));
    } else {
      const requested = `bench ${n}`;
      await send('PATCH', path, { metadata: { annotations: { [annotation.reconcileRequestedAt]: requested } } });
      figures.toArm.push(since(await arrivalAt('GET', asked)));
      const isHandled = ({ status }: RegistryReplication) => status?.lastHandledReconcileAt === requested;
      figures.toStatus.push(since(await untilSeen({ send, pause }, isHandled)));
    }
  }
  await creating;
  const during = arm.journal.entries.filter(({ arrival }) => arrival >= began);
  return {
    ...figures,
    refused: during.filter(({ status }) => status === 429).length,
    crowdRequests: during.filter(({ registry }) => registry?.startsWith('crowd')).length,
    seconds: inMs(process.hrtime.bigint() - began) / 1_000,
  };
}

/** Starts everything, with the bystander's object; `pause` rejects if the operator ends. */
async function setUp(ended: AsyncDisposableStack, { objects, isSameSubscription }: FairnessOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  ended.defer(() => rm(directory, { recursive: true, force: true }));
  const arm = await startArmEmulator({ timings: realistic, quota: { enforced: retryAfter } });
  ended.defer(() => arm.close());
  const registryOf = (name: string, subscriptionId = defaultSubscriptionId) => {
    const registry = { subscriptionId, resourceGroup: 'bench', name };
    arm.azure.addRegistry(registry, { location: 'eastus' });
    return registry;
  };
  const crowd = Array.from({ length: objects }, (_, n) => registryOf(`crowd${String(n).padStart(5, '0')}`));
  const kubeconfig = await startKubernetes(ended, directory);
  // The bystander's requests must not wait for a connection behind the crowd's.
  const [send, sendCrowd] = await Promise.all([client(kubeconfig), client(kubeconfig, 8)]);
  const certificate = join(directory, 'arm.pem');
  await writeFile(certificate, arm.certificate);
  const operator = startOperator({
    env: { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificate },
  });
  ended.defer(async () => void (await operator.stop()));
  await operator.logged(({ msg }) => msg.includes('passes begin'));
  const pause = (ms: number) =>
    Promise.race([wait(ms), operator.exited.then(() => Promise.reject(new Error('the operator ended')))]);

  const create = (by: Send, namespace: string, registry: ReturnType<typeof registryOf>) =>
    by('POST', collectionOf(namespace), {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name: registry.name },
      spec: { registry, regions: [{ location: 'japaneast' }] },
    });
  for (const name of [bystander, 'crowd'])
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await create(send, bystander, registryOf(bystander, isSameSubscription ? undefined : anotherSubscription));
  const createCrowd = () => Promise.all(crowd.map((registry) => create(sendCrowd, 'crowd', registry)));
  return { arm, createCrowd, send, pause };
}

/** Resolves to the time at which the bystander's object fits. */
async function untilSeen(
  { send, pause }: { readonly send: Send; readonly pause: (ms: number) => Promise<unknown> },
  fits: (object: RegistryReplication) => boolean,
): Promise<bigint> {
  for (;;) {
    const { object, answered } = await send<RegistryReplication>('GET', path);
    if (fits(object)) return answered;
    await pause(20);
  }
}

function collectionOf(namespace: string): string {
  return `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
}

function inMs(ns: bigint): number {
  return Number(ns) / 1e6;
}

if (import.meta.main) {
  const flags = new Command('node test/bench/fairness.ts')
    .description("Measures what one namespace's new objects cost a bystander in another.")
    .option('--objects <n>', 'how many the crowd creates', Number, 1_500)
    .option('--requests <n>', 'how many the bystander sends', Number, 20)
    .allowExcessArguments(false)
    .parse()
    .opts<{ readonly objects: number; readonly requests: number }>();
  for (const isSameSubscription of [true, false]) {
    await using ended = new AsyncDisposableStack();
    const { toArm, toStatus, toPut, refused, crowdRequests, seconds } = await fairness(ended, {
      ...flags,
      isSameSubscription,
    });
    console.log(
      `a bystander in ${isSameSubscription ? "the crowd's" : 'another'} subscription, ${flags.objects} objects:`,
    );
    console.log(`  reconcile request to ARM     ${summary(toArm)}`);
    console.log(`  reconcile request to status  ${summary(toStatus)}`);
    console.log(`  edit to its PUT              ${summary(toPut)}`);
    console.log(
      `  the crowd's requests: ${(crowdRequests / seconds).toFixed(1)} a second; 429s: ${refused}; load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
}
