// What is measured of the page: the tests print it, and the bench (test/bench/map.ts) compares it with its bounds.
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { bundlePage } from '../../scripts/map-page.ts';
import { group, kind, plural, type RegistryReplication, version } from '../../src/api/registryreplication.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { collectionPath } from '../../src/kubernetes/client/collection.ts';
import { resource } from '../../src/kubernetes/client/resource.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { startClusterMap } from '../../src/map/map.ts';
import { startCluster } from '../cluster.ts';
import { openPage } from './browser.ts';
import { type Fleet, registries } from './fleet.ts';

/** Of all files that a browser loads, in bytes, gzipped. */
export async function pageWeight(): Promise<number> {
  const { assets } = await bundlePage();
  return Object.values(assets).reduce((sum, { content }) => sum + gzipSync(content).length, 0);
}

export interface FirstPaint {
  /** ms from the start of the navigation to the first content. */
  readonly painted: number;
  /** ms until all registries are shown. */
  readonly complete: number;
}

export async function firstPaint({ page }: Fleet): Promise<FirstPaint> {
  await page.locator('#registries li').first().waitFor();
  const painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
  const drawn = "performance.getEntriesByName('first draw').map(({ startTime, duration }) => startTime + duration)[0]";
  return { painted: await page.evaluate<number>(painted), complete: await page.evaluate<number>(drawn) };
}

/** ms of script for each update of one registry. */
export async function updateTimes({ page, write }: Fleet, updates: number): Promise<number[]> {
  const times: number[] = [];
  for (let version = 1; version <= updates; version++) {
    write(0, version);
    await page.getByText(`version ${version}`, { exact: true }).waitFor();
    times.push(await page.evaluate<number>("performance.getEntriesByName('draw')[0].duration"));
  }
  return times;
}

export interface PageSize {
  readonly heapMiB: number;
  readonly elements: number;
}

/** Before and after so many updates, spread over all registries. */
export async function growth({ page, write }: Fleet, updates: number): Promise<{ before: PageSize; after: PageSize }> {
  const session = await page.context().newCDPSession(page);
  const size = async (): Promise<PageSize> => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { usedSize: number };
    return {
      heapMiB: usedSize / 1_048_576,
      elements: await page.evaluate<number>("document.querySelectorAll('*').length"),
    };
  };
  const before = await size();
  for (let version = 1; version <= updates; version++) {
    write(version % registries, version);
    // Lets the stream send.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await page.getByText(`version ${updates}`, { exact: true }).waitFor();
  return { before, after: await size() };
}

/** ms from before a new state is sent to the API server until a page shows it that was not loaded again. */
export async function arrivalTimes(browser: Browser, changes: number): Promise<number[]> {
  await using ended = new AsyncDisposableStack();
  const kubernetes = await startCluster();
  ended.defer(() => kubernetes.close());
  const cluster = createKubeClient(loadKubeConfig(kubernetes.kubeconfig));
  ended.defer(() => cluster.close());
  const map = await startClusterMap({ address: { port: 0 }, cluster, clock, log: silentLog });
  ended.defer(() => map.close());
  const setState = await objectOf(cluster);
  const { page, close } = await openPage(browser, map.url);
  ended.defer(close);
  await page.locator('#registries a').click();
  await page.locator('#regions .row', { hasText: 'Japan East' }).waitFor();
  const times: number[] = [];
  for (let change = 1; change <= changes; change++) {
    const state = change % 2 === 0 ? 'Ready' : 'Syncing';
    await page.evaluate(`void (window.shown = ${whenShown(state)})`);
    const start = Date.now();
    await setState(state);
    times.push((await page.evaluate<number>('window.shown')) - start);
  }
  return times;
}

type State = 'Ready' | 'Syncing';

/** A script that resolves to the time at which the row of Japan East says the state. */
const whenShown = (state: State) => `new Promise((resolve) => {
  const observer = new MutationObserver(() => {
    const row = [...document.querySelectorAll('#regions .row')].find(({ textContent }) => textContent.includes('Japan East'));
    if (!row?.textContent.includes('${state}')) return;
    observer.disconnect();
    resolve(Date.now());
  });
  observer.observe(document.body, { childList: true, subtree: true, characterData: true });
})`;

/** Creates an object with one region. @returns Sets that region's state. */
async function objectOf(cluster: KubeClient): Promise<(state: State) => Promise<void>> {
  const replications = { group, version, plural };
  const objects = resource<RegistryReplication>(cluster, replications);
  const name = { namespace: 'default', name: 'measured' };
  const body = {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: name,
    spec: {
      registry: { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'measured' },
      regions: [{ location: 'japaneast' }],
    },
  };
  await cluster.sendJson('POST', collectionPath(replications, name.namespace), body);
  return async (state) => {
    const object = await objects.get(name);
    const region = { location: 'japaneast', home: false, desired: true, state };
    await objects.replaceStatus({ ...object, status: { phase: state, regions: [region] } });
  };
}
