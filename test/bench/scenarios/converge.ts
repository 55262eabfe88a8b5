// What new objects cost until they are Ready, how that grows with their number, and what an edit costs where thousands of objects name
// one registry.
import { loadavg } from 'node:os';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { registryAt } from '../arm.ts';
import type { MeasuredOperator } from '../measured-operator.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { collection, createObject, fiveRegions, inLanes, isReady, listing, type Setup, setUp } from '../setup.ts';

/** No drift checks meanwhile. */
const rare = ['--interval', '24h'];

export const converge: Scenario = {
  name: 'converge',
  method:
    'New objects of five regions, in 250 subscriptions, while Azure finishes each operation at once: seconds from the first creation until a watch has shown the last one Ready, and CPU and requests of the operator until it rests. One operator for all, after 300 other objects, then another one for the same objects. At last, with objects that all name one registry: CPU of an edit, as the mean of edits in turn.',
  async measure({ isQuick, note }) {
    const [warmUp, ...counts] = isQuick ? [50, 20, 100, 300] : [300, 100, 1_000, 10_000];
    return [
      ...(await newObjects(warmUp ?? 0, counts, note)),
      ...(await oneRegistry(isQuick ? 200 : 3_000, isQuick ? 10 : 50)),
    ];
  },
};

/** Each of `counts` at a time. */
async function newObjects(warmUp: number, counts: readonly number[], note: Bench['note']): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const total = counts.reduce((sum, count) => sum + count, warmUp);
  const setup = await setUp(ended, { registries: total });
  const operator = await setup.operator(...rare);
  await operator.drained();
  await create(setup, 0, warmUp);
  await operator.rested();

  const figures: Figure[] = [];
  const costs: number[] = [];
  let existing = warmUp;
  for (const count of counts) {
    const before = await usage(setup, operator);
    const seconds = await create(setup, existing, count);
    await operator.rested();
    const after = await usage(setup, operator);
    existing += count;
    const each = (key: keyof Usage) => (after[key] - before[key]) / count;
    costs.push(each('cpuMs'));
    note(`${count} objects: load ${loadavg()[0]?.toFixed(1)}`);
    figures.push(
      { what: `${count} objects: all Ready after`, value: seconds, unit: 's' },
      { what: `${count} objects: CPU per object`, value: each('cpuMs'), unit: 'ms' },
      { what: `${count} objects: requests to ARM per object`, value: each('toArm'), unit: 'requests' },
      { what: `${count} objects: requests to the API server per object`, value: each('toApiServer'), unit: 'requests' },
    );
  }
  const [some = Number.NaN, many = Number.NaN] = costs.slice(-2);
  const growth = `CPU per object, ${counts.at(-1)} objects compared with ${counts.at(-2)}`;
  await operator.stop();
  return [
    ...figures,
    { what: growth, value: many / some, unit: 'times', atMost: 1.15 },
    ...(await restart(setup, total)),
  ];
}

/** The first looks at objects that are settled. */
async function restart(setup: Setup, count: number): Promise<Figure[]> {
  const operator = await setup.operator(...rare);
  await operator.logged(({ msg }) => msg.includes('passes begin'));
  const listed = (performance.now() - operator.startedMs) / 1_000;
  await operator.rested();
  const cpuMs = ((await operator.cpuSeconds()) * 1_000) / count;
  await operator.stop();
  return [
    { what: `restart with ${count} objects: all listed after`, value: listed, unit: 's' },
    { what: `restart with ${count} objects: CPU per object until each is looked at`, value: cpuMs, unit: 'ms' },
  ];
}

/** Creates so many objects, and resolves to the seconds until all are Ready. */
async function create({ send, seen }: Setup, first: number, count: number): Promise<number> {
  const began = performance.now();
  await inLanes(count, (index) => createObject(send, first + index, listing(fiveRegions)));
  for (let index = first; index < first + count; index++) await seen(registryAt(index).name, isReady);
  return (performance.now() - began) / 1_000;
}

interface Usage {
  readonly cpuMs: number;
  readonly toArm: number;
  readonly toApiServer: number;
}

async function usage({ arm }: Setup, operator: MeasuredOperator): Promise<Usage> {
  const { reads, writes } = await arm.totals();
  const toApiServer = await operator.metric('rest_client_requests_total');
  return { cpuMs: (await operator.cpuSeconds()) * 1_000, toArm: reads + writes, toApiServer };
}

/** All objects name registry 0: the first holds it, and the others are told so. */
async function oneRegistry(count: number, edits: number): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const setup = await setUp(ended, { registries: 1 });
  const operator = await setup.operator(...rare);
  await operator.drained();
  const registry = registryAt(0);
  await inLanes(count, (index) => createObject(setup.send, index, { registry, ...listing(fiveRegions) }));
  const names = Array.from({ length: count }, (_, index) => registryAt(index).name);
  const told = await Promise.all(
    names.map((name) => setup.seen(name, ({ status }) => status?.conditions !== undefined)),
  );
  await operator.rested();

  const holder = told.find(({ status }) => status?.claim !== undefined)?.metadata.name ?? '';
  const others = names.filter((name) => name !== holder).slice(0, edits);
  const ofOthers = await costOfEdits(setup, operator, others);
  const ofHolder = await costOfEdits(setup, operator, Array(edits).fill(holder));
  const what = (which: string) => `${count} objects of one registry: CPU of an edit of ${which}`;
  return [
    { what: what('one that waits'), value: ofOthers, unit: 'ms', atMost: 50 },
    { what: what('the one that holds it'), value: ofHolder, unit: 'ms', atMost: 50 },
  ];
}

/** Edits the objects one after another; the mean in ms. */
async function costOfEdits(
  { send, seen }: Setup,
  operator: MeasuredOperator,
  names: readonly string[],
): Promise<number> {
  const before = await operator.cpuSeconds();
  for (const [index, name] of names.entries()) {
    const spec = { interval: `${20 + index}h` };
    const { object } = await send<RegistryReplication>('PATCH', `${collection}/${name}`, { spec });
    const { generation } = object.metadata;
    await seen(name, ({ status }) => status?.observedGeneration === generation);
  }
  await operator.rested();
  return (((await operator.cpuSeconds()) - before) * 1_000) / names.length;
}
