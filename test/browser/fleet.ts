// The map of 500 registries with 10 replicas each, without a cluster: objects are written straight into its store.
import type { Browser, Page } from 'playwright-core';
import type { RegionState, RegistryReplication } from '../../src/api/registryreplication.ts';
import { azureRegions } from '../../src/azure/regions.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startMap } from '../../src/map/map.ts';
import { openPage } from './browser.ts';

export const registries = 500;
export const replicas = 10;
const namespaces = 20;
const states: readonly RegionState[] = ['Ready', 'Ready', 'Ready', 'Ready', 'Syncing', 'Creating', 'Failed'];

export interface Fleet {
  readonly page: Page;
  /** Writes another version of a registry; its message says `version N`. */
  write(index: number, version: number): void;
  close(): Promise<void>;
}

export async function openFleet(browser: Browser): Promise<Fleet> {
  const objects = new Map<string, RegistryReplication>();
  const store = { list: () => [...objects.values()], read: (key: string) => objects.get(key) };
  for (let index = 0; index < registries; index++) objects.set(...entryOf(index, 0));
  const map = await startMap({
    address: { port: 0 },
    store,
    health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
    clock,
    limits: { batchMs: 0 },
  });
  const { page, close } = await openPage(browser, map.url);
  return {
    page,
    write(index, version) {
      const [key, object] = entryOf(index, version);
      const previous = objects.get(key);
      objects.set(key, object);
      if (previous) map.onChange({ type: 'updated', source: 'watch', object, previous });
    },
    async close() {
      await close();
      await map.close();
    },
  };
}

function entryOf(index: number, version: number): [key: string, object: RegistryReplication] {
  const name = `registry${index}`;
  const namespace = `team-${index % namespaces}`;
  const locations = Array.from(
    { length: replicas },
    (_, n) => azureRegions[(index * 7 + n * 5) % azureRegions.length]?.name ?? '',
  );
  const stateOf = (n: number) => states[(index + n + version) % states.length] ?? 'Ready';
  const message = `version ${version}`;
  const object: RegistryReplication = {
    metadata: { namespace, name, uid: name, generation: 1 },
    spec: {
      registry: { subscriptionId: '', resourceGroup: '', name },
      regions: locations.map((location) => ({ location })),
    },
    status: {
      phase: index % 9 === 0 ? 'Syncing' : 'Ready',
      readyRegions: `${replicas - 1}/${replicas}`,
      registry: { homeRegion: locations[0] ?? '' },
      conditions: [{ type: 'Ready', status: 'False', reason: 'Measured', message, lastTransitionTime: '' }],
      regions: locations.map((location, n) => ({
        location,
        home: n === 0,
        desired: n > 0,
        state: n === 0 ? 'Ready' : stateOf(n),
        since: '2026-11-28T12:00:00Z',
      })),
    },
  };
  return [`${namespace}/${name}`, object];
}
