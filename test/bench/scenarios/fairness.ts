// What 1,500 new objects of one namespace cost a bystander in another, whose registry is in the crowd's subscription or in another.
import { annotation, type RegistryReplication } from '../../../src/api/registryreplication.ts';
import { realistic } from '../../emulators/arm/timings.ts';
import { registryAt } from '../arm.ts';
import type { MeasuredOperator } from '../measured-operator.ts';
import { client, inMs, type Send } from '../processes.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { collectionOf, createNamespace, createObject, inLanes, listing, type Setup, setUp } from '../setup.ts';
import { spread } from '../statistics.ts';

/** What one 429 says, in s (10 and 6 were seen). */
const retryAfter = 10;
const everyMs = 2_000;
const locations = ['japaneast', 'westeurope', 'westus2', 'uksouth', 'northeurope', 'eastasia', 'brazilsouth'];
/** Promised. */
const bounded = { unit: 'ms', top: 'max', atMost: 1_000 } as const;

export const fairness: Scenario = {
  name: 'fairness',
  method:
    "A bystander's object is Ready before 1,500 objects of another namespace are created. From then on it asks every 2 s: with a reconcile request, until its status answers it (read every 20 ms); every third time with a region more, until its PUT. Azure's durations as recorded and its real rate limits, once with the registry in the crowd's subscription and once in another.",
  async measure(bench) {
    const figures: Figure[] = [];
    for (const isSameSubscription of [true, false]) figures.push(...(await measure(bench, isSameSubscription)));
    return figures;
  },
};

interface Bystander {
  readonly registry: ReturnType<typeof registryAt>;
  /** Its requests do not wait for a connection behind the crowd's. */
  readonly send: Send;
  readonly path: string;
}

async function measure({ isQuick, note }: Bench, isSameSubscription: boolean): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const objects = isQuick ? 150 : 1_500;
  // Registries with an even number are in one subscription, the others in another.
  const setup = await setUp(ended, {
    registries: 2 * objects + 2,
    subscriptions: 2,
    timings: realistic,
    retryAfterOf429: retryAfter,
  });
  const operator = await setup.operator();
  for (const name of ['bystander', 'crowd']) await createNamespace(setup.send, name);
  const own = isSameSubscription ? 0 : 1;
  const registry = registryAt(own, 2);
  const path = `${collectionOf('bystander')}/${registry.name}`;
  const bystander = { registry, path, send: await client(setup.kubeconfig) };
  await createObject(bystander.send, own, { registry, ...listing(locations.slice(0, 1)) }, 'bystander');
  await untilSeen(bystander, operator, ({ status }) => status?.phase === 'Ready');

  const began = performance.now();
  const creating = inLanes(objects, (n) => {
    const index = 2 * n + 2;
    const spec = { registry: registryAt(index, 2), ...listing(['japaneast']) };
    return createObject(setup.send, index, spec, 'crowd');
  });
  const { toStatus, toPut } = await ask(setup, operator, bystander, isQuick ? 4 : 20);
  await creating;
  const requests = await setup.arm.requests();
  const perSecond = requests.length / ((performance.now() - began) / 1_000);
  const where = isSameSubscription ? 'same subscription' : 'another subscription';
  note(`${where}: ${perSecond.toFixed(1)} requests a second in all`);
  return [
    ...spread(`${where}: reconcile request to status`, toStatus, bounded),
    ...spread(`${where}: edit to its PUT`, toPut, bounded),
    { what: `${where}: refused`, value: requests.filter(({ status }) => status === 429).length, unit: '429s' },
  ];
}

/** Times in ms. */
async function ask({ arm }: Setup, operator: MeasuredOperator, bystander: Bystander, requests: number) {
  const { send, path, registry } = bystander;
  const found = { toStatus: [] as number[], toPut: [] as number[] };
  let regions = 1;
  for (let n = 1; n <= requests; n++) {
    await operator.pause(everyMs);
    const asked = process.hrtime.bigint();
    if (n % 3 === 0 && regions < locations.length) {
      const put = arm.put(registry.name);
      await send('PATCH', path, { spec: listing(locations.slice(0, ++regions)) });
      found.toPut.push(inMs((await put) - asked));
    } else {
      const requested = `bench ${n}`;
      await send('PATCH', path, { metadata: { annotations: { [annotation.reconcileRequestedAt]: requested } } });
      const isHandled = ({ status }: RegistryReplication) => status?.lastHandledReconcileAt === requested;
      found.toStatus.push(inMs((await untilSeen(bystander, operator, isHandled)) - asked));
    }
  }
  return found;
}

/** Resolves to the time at which the bystander's object fits. */
async function untilSeen(
  { send, path }: Bystander,
  { pause }: MeasuredOperator,
  fits: (object: RegistryReplication) => boolean,
): Promise<bigint> {
  for (;;) {
    const { object, answered } = await send<RegistryReplication>('GET', path);
    if (fits(object)) return answered;
    await pause(20);
  }
}
