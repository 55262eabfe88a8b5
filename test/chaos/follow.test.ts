// `npm run test:chaos`: objects follow nodes, members of a fleet and ConfigMaps, which come, change and go for about four minutes, while
// watches break, etcd is compacted, rights and a CRD are taken away, and the API server and the operator are killed. ARM's journal and
// the test's own record of what was named when tell whether a deletion was right.
// FOLLOW_SEED repeats the steps of a run, but not its timing; FOLLOW_LOG names a file for the writes to ARM.
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { collectionPath } from '../../src/kubernetes/client/collection.ts';
import { seeded } from '../emulators/arm/random.ts';
import { fast } from '../emulators/arm/timings.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { drawSteps } from './follow-steps.ts';
import { FollowStorm } from './follow-storm.ts';
import { type Deletion, NamingRecord } from './naming-record.ts';
import { home, kinds, type ViewName, views } from './source-objects.ts';

const seed = Number(process.env.FOLLOW_SEED ?? Math.floor(Math.random() * 1e9));
const replications = { group, version, plural };
const steps = 330;
/** ms; much more than the 45 s until a source that was refused is listed again, and the time for which regions are kept. */
const restTimeoutMs = 300_000;
const followers = [
  follower(0, 5, ['all nodes'], ['uksouth']),
  follower(1, 4, ['web nodes']),
  follower(2, 7, ['db nodes', 'members']),
  follower(3, 5, ['web config', 'web nodes'], ['australiaeast']),
  follower(4, 0, ['members', 'web config']),
  follower(5, 4, ['members']),
] as const;

function follower(index: number, keepSeconds: number, sources: readonly ViewName[], listed: readonly string[] = []) {
  const registry = {
    // Spread over subscriptions: ARM's rate limit is not tested here.
    subscriptionId: `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`,
    resourceGroup: 'chaos',
    name: `follower${index}`,
  };
  return { name: registry.name, registry, listed, sources, keepMs: keepSeconds * 1_000 };
}

describe('objects that follow what runs, in a storm', function () {
  this.timeout(1_200_000);
  const random = seeded(seed);
  const drawn = drawSteps(steps, random);
  // The audit log of a real API server tells of a watch when it ends, not when it begins: a broken one needs up to 7.5 s more.
  const record = new NamingRecord({ learnMs: process.env.KUBEBUILDER_ASSETS ? 11_000 : 3_000, noticeMs: 8_000 });
  const started = performance.now();
  let environment: TestEnvironment;
  let storm: FollowStorm;
  let wrong: readonly string[] = [];
  let restMs = Number.NaN;

  before(async () => {
    console.log(`    seed ${seed}`);
    environment = await startTestEnvironment({
      arm: { timings: fast, seed },
      // The cluster-scoped sources, and the namespace of the ConfigMaps.
      forbiddenNamespaces: ['', 'default'],
    });
    for (const { registry } of followers) environment.arm.azure.addRegistry(registry, { location: home });
    storm = await FollowStorm.start(environment, record);
    await createObjects();
    for (const step of drawn) await storm.take(step);
    await storm.calmDown();
    for (const what of kinds) await storm.apply({ kind: what, name: `${what}-1`, location: 'japaneast', pool: 'web' });
    await storm.apply({ kind: 'nodes', name: 'nodes-2', location: 'westeurope', pool: 'db' });
    await comeToRest();
  });

  after(async () => {
    report();
    if (process.env.FOLLOW_LOG) await writeFile(process.env.FOLLOW_LOG, writesToArm());
    await storm?.close();
    await environment?.close();
  });

  it('lose no region that a source names, named within keepUnused, or may name while it cannot be read or is empty', () => {
    expect(record.violations(deletions(), followers)).to.deep.equal([]);
  });

  it('have the listed and the named regions at rest, and no other', () => {
    expect(wrong).to.deep.equal([]);
  });

  it('let regions go in between, so that all this means something', () => {
    expect(deletions()).to.not.be.empty;
  });

  it('have an operator that still runs, with nothing on its stderr', () => {
    expect(storm.operator?.isRunning()).to.equal(true);
    expect(storm.operator?.otherOutput).to.deep.equal([]);
  });

  async function createObjects(): Promise<void> {
    const cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
    for (const { name, registry, listed, sources, keepMs } of followers) {
      const spec = {
        registry,
        ...(listed.length > 0 && { regions: listed.map((location) => ({ location })) }),
        regionsFrom: sources.map((source) => ({ ...views[source].entry, tags: { source: 'storm' } })),
        keepUnused: `${keepMs / 1_000}s`,
        ...environment.identity.specFields,
      };
      const body = { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
      await cluster.sendJson('POST', collectionPath(replications, 'default'), body);
    }
    await cluster.close();
  }

  async function comeToRest(): Promise<void> {
    const cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
    const from = performance.now();
    do {
      await sleep(250);
      const { items } = await cluster.getJson<{ items: RegistryReplication[] }>(collectionPath(replications));
      wrong = followers.flatMap(
        (one) =>
          unrest(
            one,
            items.find(({ metadata }) => metadata.name === one.name),
          ) ?? [],
      );
      restMs = performance.now() - from;
    } while (wrong.length > 0 && restMs < restTimeoutMs);
    await cluster.close();
  }

  function unrest({ name, registry, listed, sources }: (typeof followers)[number], object?: RegistryReplication) {
    const wanted = new Set([home, ...listed, ...sources.flatMap((source) => [...record.named(source)])]);
    const replicas = environment.arm.azure.replicas(registry).map(({ location }) => location);
    const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
    const asked = [...wanted].sort().join();
    const has = [...new Set([home, ...replicas])].sort().join();
    if (asked === has && ready?.status === 'True') return undefined;
    return `${name} needs ${asked} and has ${has}; ${ready?.reason}: ${ready?.message}`;
  }

  function deletions(): Deletion[] {
    return environment.arm.journal.writes.flatMap(({ method, registry, replica, at, status, hidden = status }) =>
      method === 'DELETE' && hidden < 300 && registry && replica
        ? [{ registry, location: replica, at: at.getTime() }]
        : [],
    );
  }

  function writesToArm(): string {
    return environment.arm.journal.writes
      .map(
        ({ at, method, registry, replica, status }) =>
          `${at.toISOString()} ${method} ${registry}/${replica} ${status}\n`,
      )
      .join('');
  }

  function report(): void {
    const writes = Map.groupBy(environment?.arm.journal.writes ?? [], ({ method }) => method);
    const lines = [
      `${[...(storm?.taken ?? [])].map(([what, count]) => `${what} ${count}`).join(', ')}; ${record.namings} times a source began to name a region`,
      `writes to ARM: ${[...writes].map(([method, all]) => `${method} ${all.length}`).join(', ')}`,
      `at rest ${(restMs / 1_000).toFixed(1)} s after the last change; ${((performance.now() - started) / 1_000).toFixed(0)} s in all; seed ${seed}`,
    ];
    for (const line of lines) console.log(`    ${line}`);
  }
});
