// The ordinary life of the soak: what people and machines do to the operator's objects on each simulated day.
import type { SimulatedTime } from './simulated-time.ts';
import type { SoakCluster } from './soak-cluster.ts';

/** The commands of soak-cluster.ts, in another process. */
export type RemoteCluster = {
  readonly [Name in keyof SoakCluster]: (
    ...args: Parameters<SoakCluster[Name]>
  ) => Promise<Awaited<ReturnType<SoakCluster[Name]>>>;
};

export interface Life {
  readonly cluster: RemoteCluster;
  readonly time: SimulatedTime;
  /** At least 3. */
  readonly objects: number;
  readonly operator: { readonly metricsPort: number; readonly healthPort: number };
}

interface Day extends Life {
  /** From 1. */
  readonly day: number;
}

const minute = 60_000;
const hour = 60 * minute;
const regions = ['japaneast', 'westeurope'];
/** The object whose regions follow the nodes. */
const follower = nameAt(0);

export async function createObjects({ cluster, objects }: Life): Promise<void> {
  await cluster.createAccount();
  await cluster.addNode('japaneast', follower); // An object keeps everything while its sources name nothing.
  for (let index = 0; index < objects; index++) {
    const how = index === 0 ? 'follows nodes' : index === 1 ? 'own identity' : 'plain';
    await cluster.create(nameAt(index), regions, how);
  }
}

/** Resolves to the passes so far. Rejects if an object is not as it should be at the end of an hour. */
export async function liveOneDay(life: Day): Promise<number> {
  const { cluster, time, day, operator } = life;
  let passes = 0;
  for (let hours = 0; hours < 24; hours++) {
    const end = Date.now() + hour;
    await programme[hours]?.(life);
    let unsettled = await cluster.unsettled();
    while (unsettled.length > 0 && Date.now() < end) {
      await time.advance(Math.min(minute, end - Date.now()));
      unsettled = await cluster.unsettled();
    }
    if (unsettled.length > 0) throw new Error(`day ${day}, hour ${hours}: ${unsettled.join('; ')}`);
    await time.advance(end - Date.now());
    passes = await cluster.scrape(operator);
    await cluster.endIdleConnections();
  }
  return passes;
}

/** By the hour. */
const programme: Readonly<Record<number, (day: Day) => Promise<unknown>>> = {
  1: (day) => day.cluster.edit(nameOfTheDay(day), [...regions, 'uksouth']),
  3: (day) => day.cluster.edit(nameOfTheDay(day), regions),
  5: ({ cluster, day }) => cluster.create(`visitor${day}`, regions, 'plain'),
  7: ({ cluster, day }) => cluster.remove(`visitor${day}`),
  8: ({ cluster, day }) => cluster.removeRegistry(`visitor${day}`),
  9: (day) => day.cluster.removeReplica(nameOfTheDay(day), 'westeurope'),
  11: ({ cluster }) => cluster.addNode('brazilsouth', follower),
  12: ({ cluster }) => cluster.removeNode('brazilsouth', follower),
  14: ({ cluster, day }) => cluster.endWatches(day % 2 === 0),
  16: sufferOutage,
  18: (day) => day.cluster.requestReconcile(nameOfTheDay(day), `day ${day.day}`),
};

async function sufferOutage({ cluster, time, day }: Day): Promise<void> {
  await cluster.beginOutage(day % 2 === 0 ? 'error' : 'reset');
  await time.advance(12 * minute);
  if ((await cluster.endOutage()) === 0) throw new Error(`day ${day}: no request has met the outage`);
}

function nameAt(index: number): string {
  return `soak${String(index).padStart(4, '0')}`;
}

/** The objects but the follower take turns. */
function nameOfTheDay({ day, objects }: Day): string {
  return nameAt(1 + (day % (objects - 1)));
}
