// How soon the operator acts: from the answer to a create until the first PUT at ARM, when it has nothing else to do and while thousands
// of new objects converge.
import { setTimeout as wait } from 'node:timers/promises';
import { registryAt } from '../arm.ts';
import { bareClient } from '../bare-client.ts';
import { inMs } from '../processes.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { createNamespace, createObject, fiveRegions, inLanes, isReady, listing, setUp } from '../setup.ts';
import { spread } from '../statistics.ts';

const namespace = 'measured';
/** Chains of the bare client before the operator starts, so that V8 has compiled the servers' code. */
const serversWarmUp = 1_000;
/** Samples that are not counted. */
const warmUp = 20;
/** With those before and the bare client's, one for each of the 250 subscriptions, whose regions the operator reads then. */
const meeting = 105;
const before = warmUp + meeting;
const afterQuiet = 5;
/** Between the PUT of one object and the next one's creation. */
const pauseMs = 50;

export const reaction: Scenario = {
  name: 'reaction',
  method:
    'From the first byte of the answer to a create until the emulated Azure begins to handle the first PUT. Objects with one region are created one after another. After each, a bare client in the process of the benchmark sends the same chain of requests to the same servers, on warm connections: watch event, GET of the namespace, GET of the registry and LIST, GET of the replica and PATCH of the finalizer, PUT of the status, PUT of the replica; and a thousand times before the operator starts. "Above the answers" is the difference of such a pair; it holds the noise of both, for which the spread of the bare client is shown. The first object of a subscription is counted apart, since the operator reads its regions then; so does the bare client. Once on an idle operator, where the next object comes when the last one is Ready, and once, in another namespace, after new objects of five regions were created and until they are Ready.',
  async measure({ ended, isQuick, note }) {
    const samples = isQuick ? 30 : 300;
    const crowd = isQuick ? 500 : 10_000;
    const first = 2 * (before + 2 * samples + afterQuiet);
    const setup = await setUp(ended, { registries: first + crowd + serversWarmUp });
    await createNamespace(setup.send, namespace);
    const bare = await bareClient(ended, setup, namespace);
    for (let index = 0; index < serversWarmUp; index++) await bare.chain(first + crowd + index, {});
    const operator = await setup.operator('--watch-label-selector', bare.excluded);
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    let next = 0;
    /** `isIdle`: nothing is left to do for the object when the next one comes; `isFirst`: of its subscription. */
    const pair = async (isIdle: boolean, isFirst: boolean): Promise<Pair> => {
      const { name } = registryAt(next);
      const put = setup.arm.put(name);
      const answered = await createObject(setup.send, next++, listing([bare.region]), namespace);
      const whole = inMs((await put) - answered);
      await operator.pause(pauseMs);
      const { status = {} } = await setup.seen(name, ({ status }) => status?.claim !== undefined);
      const bareMs = await bare.chain(next++, status, isFirst);
      if (isIdle) await setup.seen(name, isReady);
      await operator.pause(pauseMs);
      return { whole, bare: bareMs };
    };
    const pairs = async (count: number, { isIdle = true, isFirst = false, goesOn = (): boolean => true } = {}) => {
      const all: Pair[] = [];
      while (all.length < count && goesOn()) all.push(await pair(isIdle, isFirst));
      return all;
    };

    await pairs(warmUp, { isFirst: true });
    const met = await pairs(meeting, { isFirst: true });
    const idle = await pairs(samples);
    const quietMs = isQuick ? 5_000 : 120_000;
    note(`${quietMs / 1_000} s in which nothing happens`);
    await wait(quietMs);
    const late = await pairs(afterQuiet);

    await inLanes(crowd, (index) => createObject(setup.send, first + index, listing(fiveRegions)));
    let ready = 0;
    for (let index = 0; index < crowd; index++)
      void setup.seen(registryAt(first + index).name, isReady).then(() => ready++);
    const busy = await pairs(samples, { isIdle: false, goesOn: () => ready < crowd });
    note(`${busy.length} samples, after which ${ready} of ${crowd} objects were Ready`);
    return [
      ...rows('idle, first of its subscription', met, 12),
      ...rows('idle', idle, 12),
      {
        what: 'after quiet minutes: longest of five',
        value: Math.max(...late.map(({ whole }) => whole)),
        unit: 'ms',
      },
      ...rows(`while ${crowd} objects converge`, busy, 50),
    ];
  },
};

/** ms from the answer to a create until the PUT. */
interface Pair {
  /** Of the operator. */
  readonly whole: number;
  /** Of the bare client. */
  readonly bare: number;
}

function rows(when: string, pairs: readonly Pair[], atMost: number): Figure[] {
  const spreadOf = (what: string, of: (pair: Pair) => number, bound?: number) => {
    const bounds = bound === undefined ? {} : { atMost: bound };
    return spread(`${when}: ${what}`, pairs.map(of), { unit: 'ms', top: 'p99', ...bounds });
  };
  return [
    ...spreadOf('apply to first PUT', ({ whole }) => whole),
    ...spreadOf('the same by a bare client', ({ bare }) => bare),
    ...spreadOf('above the answers', ({ whole, bare }) => whole - bare, atMost),
  ];
}
