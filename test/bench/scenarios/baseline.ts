// The same work by the operator and by a tutorial operator: five new replicas, content that synchronizes, a replica deleted by
// hand, a failed creation, and no work at all. azure-cli creates five replicas too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { realistic, scaled } from '../../emulators/arm/timings.ts';
import { type ArmOptions, registryAt, type TrueReplica } from '../arm.ts';
import { azureCli } from '../azure-cli.ts';
import { idleCpuOf, maxIdleCpuSeconds } from '../idle-cpu.ts';
import { cpuSecondsOf, type MeasuredOperator } from '../measured-operator.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { collection, createObject, fiveRegions, isReady, listing, type Setup, setUp } from '../setup.ts';
import { percentile } from '../statistics.ts';

/** What synchronizes for a minute at the emulator's rate. */
const minuteOfContent = 60 * 100_000_000;
/** Between two looks at the emulated Azure. */
const lookMs = 20;
/** No contender takes that long. */
const maxReadyMs = 600_000;
/** Promised. */
const maxRatio = 1.03;
const maxLateSeconds = 8;

export const baseline: Scenario = {
  name: 'baseline',
  method:
    'The operator and a tutorial operator, each with emulators of its own that draw the same durations. Five replicas at once with creations of 8 to 19 s, as recorded, until a user who watches the object sees Ready, also divided by the slowest creation and synchronization of the same five; the same with content that synchronizes for 60 s; a replica deleted by another client; a first creation that fails; CPU without work. The five replicas too by `az acr replication create`, if az is installed: the five commands in parallel and in turn, until the last one ends.',
  async measure(bench) {
    const figures: Figure[] = [];
    for (const contentBytes of [0, minuteOfContent]) {
      for (const contender of contenders) {
        bench.note(`${contender.name}: five at once${contentBytes ? ', with content' : ''}`);
        figures.push(...(await fiveAtOnce(bench, contender, contentBytes)));
      }
    }
    figures.push(...(await fiveByAz(bench)));
    bench.note('no work, repair and a failed creation, of both at the same time');
    const rest = await Promise.all(contenders.map((contender) => afterwards(bench, contender)));
    return [...figures, ...rest.flat()];
  },
};

type Contestant = Pick<MeasuredOperator, 'cpuSeconds' | 'pause'>;

interface Contender {
  readonly name: 'ours' | 'tutorial';
  start(setup: Setup, ended: AsyncDisposableStack, ...args: readonly string[]): Promise<Contestant>;
}

const ours: Contender = {
  name: 'ours',
  start: async ({ operator }, _, ...args) => operator(...args),
};

/** Its source, which node runs. It has no arguments. */
const tutorial: Contender = {
  name: 'tutorial',
  async start({ environment }, ended) {
    const entry = fileURLToPath(new URL('../tutorial-operator.ts', import.meta.url));
    const child = spawn(process.execPath, [entry], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit').then(() => Promise.reject(new Error('the tutorial operator ended')));
    exited.catch(() => undefined);
    ended.defer(() => void child.kill('SIGKILL'));
    await Promise.race([once(child.stdout, 'data'), exited]); // It prints when it has started.
    child.stdout.resume();
    return { cpuSeconds: () => cpuSecondsOf(child.pid), pause: (ms) => Promise.race([wait(ms), exited]) };
  },
};

const contenders = [ours, tutorial];

/** With their own emulators; a quick try takes a tenth of the time. */
function armOptions({ isQuick }: Bench, registries: number, more: Partial<ArmOptions> = {}): ArmOptions {
  return { registries, timings: isQuick ? scaled(realistic, 0.1) : realistic, seed: 1, ...more };
}

interface Round {
  /** From the object's creation until the user sees Ready. */
  readonly seconds: number;
  /** The longest of the five creations, its synchronization included. */
  readonly slowestSeconds: number;
  /** From the last replica's Ready to the user's; negative if the user is told too early. */
  readonly lateSeconds: number;
  readonly cpuSeconds: number;
}

async function fiveAtOnce(bench: Bench, { name, start }: Contender, contentBytes: number): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const setup = await setUp(ended, armOptions(bench, 10, { contentBytes }));
  const contestant = await start(setup, ended);
  const rounds: Round[] = [];
  const count = name === 'tutorial' ? 1 : contentBytes ? 2 : 10;
  for (let index = 0; index < (bench.isQuick ? 1 : count); index++) rounds.push(await round(setup, contestant, index));
  const of = (what: keyof Round) => rounds.map((one) => one[what]);
  const ratios = rounds.map(({ seconds, slowestSeconds }) => seconds / slowestSeconds);
  const title = `${name}, five at once${contentBytes ? ' and a sync of 60 s' : ''}`;
  const late = percentile(of('lateSeconds'), name === 'ours' ? 1 : 0);
  return [
    { what: `${title}: until Ready is seen`, value: percentile(of('seconds'), 0.5), unit: 's' },
    { what: `${title}: of the slowest replica, p50`, value: percentile(ratios, 0.5), unit: 'times' },
    { what: `${title}: of the slowest replica, max`, value: percentile(ratios, 1), unit: 'times', ...bound(maxRatio) },
    late < 0
      ? { what: `${title}: Ready is shown before it is true`, value: -late, unit: 's' }
      : { what: `${title}: Ready is seen late, max`, value: late, unit: 's', ...bound(maxLateSeconds) },
    { what: `${title}: CPU`, value: percentile(of('cpuSeconds'), 0.5), unit: 's' },
  ];

  function bound(atMost: number): Pick<Figure, 'atMost'> {
    return name === 'ours' ? { atMost } : {};
  }
}

async function round(setup: Setup, { cpuSeconds, pause }: Contestant, index: number): Promise<Round> {
  const cpuBefore = await cpuSeconds();
  const began = Date.now();
  await createObject(setup.send, index, listing(fiveRegions));
  await untilReady(setup, index);
  const seen = Date.now();
  const cpu = (await cpuSeconds()) - cpuBefore;
  const five = await fiveReady(setup, index, pause);
  return {
    seconds: (seen - began) / 1_000,
    slowestSeconds: slowestSecondsOf(five),
    lateSeconds: (seen - Math.max(...five.map(({ since }) => since))) / 1_000,
    cpuSeconds: cpu,
  };
}

/** @param generation of the edit that must be carried out */
async function untilReady({ seen }: Setup, index: number, generation = 1): Promise<void> {
  const { name } = registryAt(index);
  const late = wait(maxReadyMs, undefined, { ref: false }).then(() =>
    Promise.reject(new Error(`${name} is not Ready`)),
  );
  const fits = (object: RegistryReplication) => object.metadata.generation === generation && isReady(object);
  await Promise.race([seen(name, fits), late]);
}

async function fiveReady(setup: Setup, index: number, pause: Contestant['pause']): Promise<TrueReplica[]> {
  for (const began = Date.now(); Date.now() - began < maxReadyMs; ) {
    const five = await newReplicas(setup, index);
    if (five.length === fiveRegions.length && five.every(({ stage }) => stage === 'Ready')) return five;
    await pause(lookMs);
  }
  throw new Error(`the replicas of ${registryAt(index).name} are not Ready`);
}

function slowestSecondsOf(replicas: readonly TrueReplica[]): number {
  return Math.max(...replicas.map(({ createdAt, since }) => since - createdAt)) / 1_000;
}

async function newReplicas({ arm }: Setup, index: number): Promise<TrueReplica[]> {
  const { name } = registryAt(index);
  return (await arm.replicas()).filter(({ registry, home }) => registry === name && !home);
}

async function fiveByAz(bench: Bench): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const setup = await setUp(ended, armOptions(bench, 2));
  const az = await azureCli(ended, setup);
  if (!az) {
    bench.note('az: left out, it is not installed');
    return [];
  }
  const figures: Figure[] = [];
  for (const [index, how] of (['in parallel', 'in turn'] as const).entries()) {
    bench.note(`az: five ${how}`);
    const began = Date.now();
    const cpuSeconds = await az.createFive(index, how);
    const seconds = (Date.now() - began) / 1_000;
    const created = await newReplicas(setup, index);
    if (created.length < fiveRegions.length) throw new Error(`az has created ${created.length} replicas of five`);
    const slowest = slowestSecondsOf(await fiveReady(setup, index, wait));
    const title = `az, five ${how}`;
    figures.push(
      { what: `${title}: until the last command ends`, value: seconds, unit: 's' },
      { what: `${title}: that by the slowest replica`, value: seconds / slowest, unit: 'times' },
      { what: `${title}: CPU`, value: cpuSeconds, unit: 's' },
    );
  }
  return figures;
}

/** What happens to an object that is Ready, and a creation that fails. */
async function afterwards(bench: Bench, { name, start }: Contender): Promise<Figure[]> {
  await using ended = new AsyncDisposableStack();
  const setup = await setUp(ended, armOptions(bench, 2, { replicas: fiveRegions }));
  const contestant = await start(setup, ended, ...(bench.isQuick ? ['--interval=5s'] : []));
  await createObject(setup.send, 0, listing(fiveRegions));
  await untilReady(setup, 0);
  const idle: Figure = {
    what: `${name}: CPU of an hour with one object`,
    value: await idleCpuOf(contestant, bench.isQuick),
    unit: 's',
    ...(name === 'ours' && { atMost: maxIdleCpuSeconds }),
  };
  const others = await Promise.all([
    repair(setup, contestant, bench),
    ...(bench.isQuick ? [] : [failedCreation(setup, contestant)]),
  ]);
  return [idle, ...others.map((figure) => ({ ...figure, what: `${name}, ${figure.what}` }))];
}

/** Another client deletes a replica of a Ready object. */
async function repair(setup: Setup, { pause }: Contestant, { isQuick }: Bench): Promise<Figure> {
  const intervalSeconds = isQuick ? 5 : 60;
  const { name } = registryAt(0);
  if (!isQuick) {
    await setup.send('PATCH', `${collection}/${name}`, { spec: { interval: `${intervalSeconds}s` } });
    await untilReady(setup, 0, 2);
  }
  const repaired = setup.arm.put(name);
  const deleted = process.hrtime.bigint();
  setup.arm.remove({ registry: 0, location: 'japaneast' });
  const maxSeconds = 3 * intervalSeconds;
  const at = await Promise.race([repaired, pause(maxSeconds * 1_000)]);
  const what = `a replica deleted by hand, interval ${intervalSeconds} s: created again`;
  if (typeof at !== 'bigint') return { what: `${what} in ${maxSeconds} s`, value: 0, unit: 'of 1' };
  // The interval is given or taken a tenth.
  return { what, value: Number(at - deleted) / 1e9, unit: 's', atMost: 1.1 * intervalSeconds };
}

/** The first creation of a replica fails. */
async function failedCreation(setup: Setup, { pause }: Contestant): Promise<Figure> {
  const maxSeconds = 300;
  setup.arm.failCreation({ registry: 1, location: 'westus2' });
  const began = performance.now();
  await createObject(setup.send, 1, listing([...fiveRegions, 'westus2']));
  const what = 'a first creation that fails: Ready';
  const isInTime = await Promise.race([
    setup.seen(registryAt(1).name, isReady).then(() => true),
    pause(maxSeconds * 1_000).then(() => false),
  ]);
  if (isInTime) return { what, value: (performance.now() - began) / 1_000, unit: 's' };
  return { what: `${what} in ${maxSeconds} s`, value: 0, unit: 'of 1' };
}
