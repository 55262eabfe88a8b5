// Measures what one object, one refused object, one identity and one subscription cost in memory: run it with --expose-gc. It prints
// numbers and asserts nothing.
//
// Method. In this process alone: the parts that keep something are made as the operator makes them, many times, and the heap is
// compared after two full collections before and after. What a pass needs while it runs, and buffers outside the heap, do not count.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { createArmClient } from '../../src/azure/arm-client.ts';
import { cloudFrom } from '../../src/azure/cloud.ts';
import { RateLimiter } from '../../src/azure/rate-limit/rate-limiter.ts';
import { Admission } from '../../src/kubernetes/cache/admission.ts';
import { limitObjects } from '../../src/kubernetes/cache/object-limit.ts';
import { Store } from '../../src/kubernetes/cache/store.ts';
import type { Resource } from '../../src/kubernetes/client/resource.ts';
import { namespacedName } from '../../src/kubernetes/client/resource.ts';
import { stringSharer } from '../../src/kubernetes/client/shared-strings.ts';
import { keepAnnotations } from '../../src/kubernetes/client/transform.ts';
import { WorkQueue } from '../../src/kubernetes/controller/workqueue.ts';
import { Claims } from '../../src/replication/claims.ts';
import { weightOf } from '../../src/replication/object-weight.ts';
import { admissionHistory } from '../../src/replication/unobserved-status.ts';
import { FakeClock } from '../fake-clock.ts';
import { largestRegions, largestSources } from '../largest-object.ts';
import { ArmModel } from '../unit/replication/arm-model.ts';
import { anObject, aReplica, home } from '../unit/replication/fixtures.ts';
import { OperatorModel } from '../unit/replication/operator-model.ts';

const collect = globalThis.gc;
if (!collect) throw new Error('run it with: node --expose-gc test/bench/bounds.ts');

/** Bytes of the heap for each of `count` things that `make` keeps. */
async function heapOf(count: number, make: (n: number) => unknown): Promise<number> {
  const kept: unknown[] = [];
  const used = () => {
    collect?.();
    collect?.();
    return process.memoryUsage().heapUsed;
  };
  kept.push(make(0)); // code and shapes are made once
  const before = used();
  for (let n = 1; n <= count; n++) kept.push(await make(n));
  const bytes = (used() - before) / count;
  return kept.length > 0 ? bytes : 0;
}

/** An object whose replicas Azure has, after the operator has found them Ready. */
async function settled(
  spec: Pick<RegistryReplication['spec'], 'regions' | 'regionsFrom'>,
): Promise<RegistryReplication> {
  const clock = new FakeClock();
  const locations = (spec.regions ?? []).map(({ location }) => location);
  const replicas = (spec.regions ?? []).map(({ location, tags = {} }) => aReplica(location, { tags }));
  const operator = new OperatorModel(
    anObject({ claimed: false }),
    new ArmModel(clock, [aReplica(home), ...replicas]),
    clock,
  );
  operator.object = { ...operator.object, spec: { ...operator.object.spec, ...spec } };
  const named = new Map(locations.map((location) => [location, { count: 1_000 }]));
  operator.sources = (spec.regionsFrom ?? []).map(() => ({ state: 'Synced', values: named }));
  await operator.runUntil(() => operator.condition('Ready')?.status === 'True', 1_000);
  return operator.object;
}

/** Keeps copies of the object in what the operator keeps objects in. `share`: lets them share strings. */
function keeper(
  object: RegistryReplication,
  maxObjects: number,
  share: ReturnType<typeof stringSharer>,
): (n: number) => unknown {
  const json = JSON.stringify(object);
  const admission = new Admission({ maxObjects, isShared: false, onAdmitted: () => undefined });
  const store = new Store<RegistryReplication>();
  const claims = new Claims(() => undefined);
  const queue = new WorkQueue({ clock: new FakeClock(), random: Math.random });
  const keepRead = keepAnnotations();
  const { watching } = limitObjects({
    admission,
    resource: {
      kind: { group: '', version: '', plural: '', transform: (read: KubernetesObject) => share(keepRead(read)) },
    } as Resource<RegistryReplication>,
    get: () => Promise.reject(new Error('not read')),
    store,
    weightOf,
    historyOf: admissionHistory,
    onChange: ({ object: changed }) => claims.put(changed),
    onDue: () => undefined,
  });
  /** client-node's cache. */
  const informer = new Map<string, unknown>();
  return (n) => {
    const copy: RegistryReplication = JSON.parse(json.replace(/\d{4}-\d\d-\d\dT[\d:]{8}/g, timeOf(n)));
    Object.assign(copy.metadata, { name: `object-${n}`, uid: crypto.randomUUID(), resourceVersion: `${100_000 + n}` });
    copy.spec.registry.name = `registry${n}`;
    if (maxObjects === 0) delete copy.status;
    const kept = watching.resource.kind.transform?.(copy) as RegistryReplication;
    informer.set(namespacedName(kept), kept);
    watching.store.onObserved(kept);
    watching.onChange({ type: 'added', object: kept, source: 'watch' });
    if (maxObjects > 0) queue.addAfter(namespacedName(kept), 600_000 * (0.9 + 0.2 * Math.random()));
    return [store, queue];
  };
}

/** Each object's times are its own: those of one object may be equal, those of others are not. */
function timeOf(n: number): string {
  return new Date(Date.UTC(2026, 0) + n * 1_000).toISOString().slice(0, 19);
}

const regions = ['japaneast', 'westeurope', 'westus2', 'brazilsouth', 'australiaeast'].map((location) => ({
  location,
}));
const typical = await settled({ regions });
/** The largest that counts as one: 10 regions, and tags that fill 8 kB. */
const tags = { team: 'x'.repeat(256), service: 'y'.repeat(256), cost: 'z'.repeat(200) };
const largestUsual = await settled({
  regions: Array.from({ length: 10 }, (_, n) => ({ location: `region${n}`, tags })),
});
const largest = await settled({ regions: largestRegions(), regionsFrom: largestSources() });
const kB = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`;
const jsonOf = (object: object) => kB(Buffer.byteLength(JSON.stringify(object)));

const share = stringSharer();
/** Of the largest objects no two strings need be equal. */
const shareNothing: typeof share = (object) => object;
console.log(`object, 5 regions: ${kB(await heapOf(5_000, keeper(typical, 1e6, share)))} (JSON ${jsonOf(typical)})`);
console.log(
  `object, the largest that counts as one: ${kB(await heapOf(1_000, keeper(largestUsual, 1e6, shareNothing)))}`,
);
const bytes = await heapOf(50, keeper(largest, 1e6, shareNothing));
console.log(`object, the largest: ${kB(bytes)} (JSON ${jsonOf(largest)}), which counts as ${weightOf(largest)}`);
console.log(`refused object: ${kB(await heapOf(20_000, keeper(typical, 0, share)))}`);

const cloud = cloudFrom({});
const identity = (n: number) => {
  const rateLimiter = new RateLimiter({ now: () => performance.now() });
  const credential = {
    getToken: async () => ({ token: `${n}`.repeat(1_000), expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  return { rateLimiter, arm: createArmClient({ credential, cloud, rateLimiter, identityLabel: `the identity ${n}` }) };
};
console.log(`identity, without connections: ${kB(await heapOf(200, identity))}`);
const limiter = new RateLimiter({ now: () => performance.now() });
const caller = { id: 'object', priority: 'user' } as const;
const subscription = (n: number) =>
  limiter.mayStart(`00000000-0000-0000-0000-${`${n}`.padStart(12, '0')}`, 'reads', caller);
console.log(`subscription of an identity: ${kB(await heapOf(900, subscription))}`);
