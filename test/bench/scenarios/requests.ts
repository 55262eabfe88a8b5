// What a created replica, a look at replicas in motion, and a settled registry cost in requests to ARM.
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { realistic, scaled } from '../../emulators/arm/timings.ts';
import { type RecordedRequest, registryAt, type TrueReplica } from '../arm.ts';
import type { MeasuredOperator } from '../measured-operator.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { collection, createObject, fiveRegions, isReady, listing, type Setup, setUp } from '../setup.ts';
import { spread } from '../statistics.ts';

/** Seconds between two looks at a settled registry, and the number of counted looks. */
const interval = 5;
const looks = 6;
/** In an hour, with the default interval. */
const looksOfAnHour = 6;

export const requests: Scenario = {
  name: 'requests',
  method:
    "Requests to ARM for each registry from its object's creation on, with creations of 8 to 19 s and a Retry-After of 10 s, both as recorded. A look is a LIST with the reads that follow it; settled registries have an interval of 5 s, and their requests are counted per look. The one GET of a subscription's locations a day is not counted. Lateness: from a replica's Ready in ARM to the GET that returns it.",
  async measure({ ended, isQuick, note }) {
    const many = isQuick ? 3 : 10;
    const timings = isQuick ? scaled(realistic, 0.25) : realistic;
    const setup = await setUp(ended, { registries: 4 * many, timings });
    const indexes = (group: number, count: number) => Array.from({ length: count }, (_, n) => group * many + n);
    note('new replicas');
    const alone = await created(setup, indexes(0, 1), ['japaneast']);
    const five = await created(setup, indexes(1, 1), fiveRegions);
    const manyFives = await created(setup, indexes(2, many), fiveRegions);
    const inTurn = await created(setup, indexes(3, many), fiveRegions, '--max-parallel-actions=4');
    note('settled registries');
    const settled = await watched(setup, indexes(2, many));
    return [
      ...perReplica('a replica created alone', alone),
      ...perReplica('a replica of 5 at once', five),
      ...perReplica(`a replica of 5 at once in each of ${many} registries`, manyFives),
      ...perReplica('the same, at most 4 in motion (--max-parallel-actions=4)', inTurn),
      { what: 'a look at 5 replicas in motion: reads', value: perLookInMotion(manyFives), unit: 'requests' },
      ...perLook('a look at a settled registry of 5', settled, 1),
      ...perLook('a settled registry of 5 in an hour', settled, looksOfAnHour),
      ...(await lateness(setup, 'one registry at a time', [...alone, ...five])),
      ...(await lateness(setup, `${many} registries at a time`, [...manyFives, ...inTurn])),
    ];
  },
};

interface Creation {
  readonly name: string;
  readonly locations: readonly string[];
  readonly requests: readonly RecordedRequest[];
}

/** Creates one object for each registry, and resolves once all are Ready. */
async function created(
  setup: Setup,
  indexes: readonly number[],
  locations: readonly string[],
  ...args: readonly string[]
): Promise<readonly Creation[]> {
  const operator = await setup.operator(...args);
  for (const index of indexes) await createObject(setup.send, index, listing(locations));
  const names = indexes.map((index) => registryAt(index).name);
  for (;;) {
    const ready = await readyNames(setup);
    if (names.every((name) => ready.has(name))) break;
    await operator.pause(500);
  }
  await operator.stop();
  const all = await setup.arm.requests();
  return names.map((name) => ({ name, locations, requests: all.filter(({ registry }) => registry === name) }));
}

async function readyNames({ send }: Setup): Promise<Set<string>> {
  const { object } = await send<{ items: RegistryReplication[] }>('GET', collection);
  return new Set(object.items.filter(isReady).map(({ metadata }) => metadata.name ?? ''));
}

/** The requests of a few looks at settled registries, without the first look. */
async function watched(setup: Setup, indexes: readonly number[]): Promise<readonly RecordedRequest[]> {
  const operator = await setup.operator(`--interval=${interval}s`);
  const names = indexes.map((index) => registryAt(index).name);
  await looked(setup, operator, names, (await setup.arm.requests()).length, 1);
  const from = (await setup.arm.requests()).length;
  await looked(setup, operator, names, from, looks);
  await operator.stop();
  return (await setup.arm.requests()).slice(from).filter(({ registry }) => names.includes(registry));
}

async function looked(
  { arm }: Setup,
  operator: MeasuredOperator,
  names: readonly string[],
  from: number,
  times: number,
): Promise<void> {
  for (;;) {
    const lists = (await arm.requests()).slice(from).filter(isList);
    if (names.every((name) => lists.filter(({ registry }) => registry === name).length >= times)) return;
    await operator.pause(500);
  }
}

function perReplica(what: string, creations: readonly Creation[]): Figure[] {
  const mean = (isWanted: (request: RecordedRequest) => boolean) =>
    creations.reduce((sum, { requests, locations }) => sum + requests.filter(isWanted).length / locations.length, 0) /
    creations.length;
  return [
    { what: `${what}: reads`, value: mean(isRead), unit: 'requests' },
    { what: `${what}: writes`, value: mean((one) => !isRead(one)), unit: 'requests' },
  ];
}

/** Of the looks after the last PUT, without the GETs by id that confirm Ready. */
function perLookInMotion(creations: readonly Creation[]): number {
  const each = creations.map(({ requests }) => {
    const after = requests.slice(requests.findLastIndex((one) => !isRead(one)) + 1);
    return after.filter(({ endpoint }) => endpoint !== 'replica').length / after.filter(isList).length;
  });
  return each.reduce((sum, one) => sum + one, 0) / each.length;
}

function perLook(what: string, requests: readonly RecordedRequest[], times: number): Figure[] {
  const reads = requests.filter(isRead).length;
  const each = (count: number) => (count / requests.filter(isList).length) * times;
  return [
    { what: `${what}: reads`, value: each(reads), unit: 'requests' },
    { what: `${what}: writes`, value: each(requests.length - reads), unit: 'requests' },
  ];
}

async function lateness({ arm }: Setup, title: string, creations: readonly Creation[]): Promise<Figure[]> {
  const replicas = await arm.replicas();
  const isOf = (name: string, location: string) => (one: TrueReplica) =>
    one.registry === name && one.location === location;
  const late = creations.flatMap(({ name, locations, requests }) =>
    locations.flatMap((location) => {
      const since = replicas.find(isOf(name, location))?.since ?? Number.NaN;
      const seen = requests.find((one) => one.replica === location && isRead(one) && one.at >= since);
      return seen ? [(seen.at - since) / 1_000] : [];
    }),
  );
  return spread(`Ready read late, ${title}`, late, { unit: 's', top: 'max' });
}

function isList({ endpoint, method }: RecordedRequest): boolean {
  return endpoint === 'replicas' && method === 'GET';
}

function isRead({ method }: RecordedRequest): boolean {
  return method === 'GET';
}
