// How soon the operator is ready, and what memory it takes without objects and with many.
import { spawnSync } from 'node:child_process';
import { idleCpuOf, maxIdleCpuSeconds, settlingMs } from '../idle-cpu.ts';
import type { MeasuredOperator } from '../measured-operator.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { createObject, fiveRegions, inLanes, listing, type Setup, setUp } from '../setup.ts';
import { percentile } from '../statistics.ts';

export const footprint: Scenario = {
  name: 'footprint',
  method:
    'The time from the start of the process until /readyz answers 200, above that of `node -e 0` (medians of starts in turn); resident memory of the bundle 60 s after it has nothing to do, and at most; CPU of an hour with one settled object, from what the next four minutes cost.',
  async measure({ ended, isQuick, note }) {
    const counts = isQuick ? [100, 1_000] : [1_000, 10_000];
    const setup = await setUp(ended, { registries: Math.max(...counts), replicas: fiveRegions });
    const figures: Figure[] = [startUp(await starts(setup, isQuick ? 3 : 15))];
    note('without objects');
    figures.push(...(await memoryWith(setup, 0, isQuick)));
    await createObject(setup.send, 0, listing(fiveRegions));
    note('with one object');
    figures.push(await idleCpu(setup, isQuick));
    let created = 1;
    for (const count of counts) {
      const first = created;
      await inLanes(count - first, (n) => createObject(setup.send, first + n, listing(fiveRegions)));
      created = count;
      note(`with ${count} objects, most of them new`);
      figures.push(...(await memoryWith(setup, count, isQuick)));
    }
    note('the same objects, settled before the start');
    figures.push(...(await memoryWith(setup, created, isQuick, 'after a restart')));
    return figures;
  },
};

interface Starts {
  /** ms from the start of the process to its end, of `node -e 0`. */
  readonly bare: readonly number[];
  /** ms from the start of the process until it is ready. */
  readonly ready: readonly number[];
}

async function starts({ operator }: Setup, rounds: number): Promise<Starts> {
  const found = { bare: [] as number[], ready: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    found.bare.push(performance.now() - began);
    const started = await operator();
    await untilReady(started);
    found.ready.push(performance.now() - started.startedMs);
    await started.stop();
  }
  return found;
}

function startUp({ bare, ready }: Starts): Figure {
  const above = percentile(ready, 0.5) - percentile(bare, 0.5);
  return { what: 'start to ready, above node itself', value: above, unit: 'ms', atMost: 300 };
}

async function untilReady(operator: MeasuredOperator): Promise<void> {
  const { healthPort } = await operator.logged(({ healthPort }) => healthPort !== undefined);
  while (!(await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok) await operator.pause(2);
}

/** Starts the operator, lets it finish its passes and rest, and ends it. */
async function memoryWith({ operator }: Setup, objects: number, isQuick: boolean, suffix = ''): Promise<Figure[]> {
  const started = await operator();
  await started.drained();
  await started.pause(isQuick ? 5_000 : settlingMs);
  const { residentMb, peakMb } = await started.memory();
  await started.stop();
  const bounds = { 0: [90, undefined], 10000: [160, 190] }[objects] ?? [];
  const title = ['resident memory,', objects, 'objects', suffix].join(' ').trim();
  const row = (what: string, value: number, atMost?: number): Figure => ({
    what,
    value,
    unit: 'MB',
    ...(atMost !== undefined && { atMost }),
  });
  return [row(title, residentMb, bounds[0]), row(`${title}, at most`, peakMb, bounds[1])];
}

async function idleCpu({ operator }: Setup, isQuick: boolean): Promise<Figure> {
  const started = await operator();
  await started.drained();
  const value = await idleCpuOf(started, isQuick);
  await started.stop();
  return { what: 'CPU of an hour with one object', value, unit: 's', atMost: maxIdleCpuSeconds };
}
