// How heavy the page is, and how fast with 500 registries of 10 replicas. Prints what it measures; only that it works is tested.
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { bundlePage } from '../../scripts/map-page.ts';
import type { RegionState, RegistryReplication } from '../../src/api/registryreplication.ts';
import { azureRegions } from '../../src/azure/regions.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type RunningMap, startMap } from '../../src/map/map.ts';
import { launchBrowser, openPage, screenshot } from './browser.ts';

const registries = 500;
const replicas = 10;
const updates = 10_000;
const namespaces = 20;
const states: readonly RegionState[] = ['Ready', 'Ready', 'Ready', 'Ready', 'Syncing', 'Creating', 'Failed'];

function objectOf(index: number, version: number): RegistryReplication {
  const name = `registry${index}`;
  const locations = Array.from(
    { length: replicas },
    (_, n) => azureRegions[(index * 7 + n * 5) % azureRegions.length]?.name ?? '',
  );
  const stateOf = (n: number) => states[(index + n + version) % states.length] ?? 'Ready';
  return {
    metadata: { namespace: `team-${index % namespaces}`, name, uid: name, generation: 1 },
    spec: {
      registry: { subscriptionId: '', resourceGroup: '', name },
      regions: locations.map((location) => ({ location })),
    },
    status: {
      phase: index % 9 === 0 ? 'Syncing' : 'Ready',
      readyRegions: `${replicas - 1}/${replicas}`,
      registry: { homeRegion: locations[0] ?? '' },
      conditions: [
        { type: 'Ready', status: 'False', reason: 'Measured', message: `version ${version}`, lastTransitionTime: '' },
      ],
      regions: locations.map((location, n) => ({
        location,
        home: n === 0,
        desired: n > 0,
        state: n === 0 ? 'Ready' : stateOf(n),
        since: '2026-11-28T12:00:00Z',
      })),
    },
  };
}

describe('the size and speed of the map', () => {
  let browser: Browser;
  let map: RunningMap;
  let page: Page;
  let close: () => Promise<void>;
  const objects = new Map<string, RegistryReplication>();

  const write = (index: number, version: number) => {
    const object = objectOf(index, version);
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const previous = objects.get(key);
    objects.set(key, object);
    if (previous) map?.onChange({ type: 'updated', source: 'watch', object, previous });
  };

  before(async () => {
    for (let index = 0; index < registries; index++) write(index, 0);
    map = await startMap({
      address: { port: 0 },
      store: { list: () => [...objects.values()], read: (key) => objects.get(key) },
      health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
      clock,
      limits: { batchMs: 0 },
    });
    browser = await launchBrowser();
    ({ page, close } = await openPage(browser, map.url));
  });
  after(async () => {
    await close?.();
    await browser?.close();
    await map?.close();
  });

  it('has at most 250 kB to load', async () => {
    const { assets } = await bundlePage();
    const bytes = Object.values(assets).reduce((sum, { content }) => sum + gzipSync(content).length, 0);
    console.log(`    the page: ${(bytes / 1_000).toFixed(1)} kB gzipped`);
    expect(bytes).to.be.below(250_000);
  });

  it('shows all of them at first', async () => {
    await page.locator('#registries li').first().waitFor();
    expect(await page.locator('#panel h2').first().textContent()).to.equal(`${registries} registries`);
    const painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
    const drawn =
      "performance.getEntriesByName('draw').map(({ startTime, duration }) => [startTime + duration, duration])[0]";
    const [at = 0, took = 0] = (await page.evaluate(drawn)) as number[];
    console.log(
      `    ${registries} registries × ${replicas} replicas: first paint ${Math.round(Number(await page.evaluate(painted)))} ms, with all data ${Math.round(at)} ms, of which drawing ${Math.round(took)} ms`,
    );
    await screenshot(page, 'all-500-desktop-light');
  });

  it('draws an update of one registry', async () => {
    const times: number[] = [];
    for (let version = 1; version <= 20; version++) {
      write(0, version);
      await page.getByText(`version ${version}`, { exact: true }).waitFor();
      times.push(await page.evaluate<number>("performance.getEntriesByName('draw')[0].duration"));
    }
    times.sort((one, other) => one - other);
    console.log(`    an update: median ${times[10]?.toFixed(1)} ms of script, longest ${times.at(-1)?.toFixed(1)} ms`);
  });

  it(`does not grow over ${updates} updates`, async () => {
    const session = await page.context().newCDPSession(page);
    const used = async () => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { usedSize: number };
      return usedSize / 1_048_576;
    };
    const nodes = () => page.evaluate<number>("document.querySelectorAll('*').length");
    const before = { heap: await used(), nodes: await nodes() };
    for (let version = 1; version <= updates; version++) {
      write(version % registries, version);
      // Lets the stream send.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await page.getByText(`version ${updates}`, { exact: true }).waitFor();
    const after = { heap: await used(), nodes: await nodes() };
    console.log(
      `    after ${updates} updates: ${before.heap.toFixed(1)} → ${after.heap.toFixed(1)} MiB of heap, ${before.nodes} → ${after.nodes} elements`,
    );
  });
});
