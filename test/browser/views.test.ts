// The page in the cases that a cluster at work seldom shows: read-only, empty, started again, crowded, and with unknown regions.
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { azureRegions } from '../../src/azure/regions.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type RunningMap, startMap } from '../../src/map/map.ts';
import { launchBrowser, openPage, screenshot, tabTo, violations } from './browser.ts';

const european = azureRegions.filter(({ coordinates: { latitude = 0, longitude = 0 } = {} }) =>
  [latitude > 38, latitude < 63, longitude > -11, longitude < 25].every(Boolean),
);

function objectOf(name: string, locations: readonly string[], homeRegion = 'northeurope'): RegistryReplication {
  return {
    metadata: { namespace: 'default', name, uid: name, generation: 1 },
    spec: {
      registry: { subscriptionId: '', resourceGroup: '', name },
      regions: locations.map((location) => ({ location })),
    },
    status: {
      phase: 'Ready',
      registry: { homeRegion },
      regions: [homeRegion, ...locations].map((location, index) => ({
        location,
        home: index === 0,
        desired: index > 0,
        state: 'Ready',
      })),
    },
  };
}

describe('the page of the map', () => {
  let browser: Browser;
  let map: RunningMap | undefined;
  const closing: (() => Promise<void>)[] = [];

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await map?.close();
    map = undefined;
  });

  function serve(objects: readonly RegistryReplication[], port = 0, isWritable = true): Promise<RunningMap> {
    return startMap({
      address: { port },
      store: {
        list: () => [...objects],
        read: (key) => objects.find(({ metadata }) => key === `${metadata.namespace}/${metadata.name}`),
      },
      health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
      clock,
      needsToken: isWritable,
      ...(isWritable && { editor: async () => ({ kind: 'done' }) }),
    });
  }

  async function open(url: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
    const { page, close } = await openPage(browser, url, { viewport });
    closing.push(close);
    return page;
  }

  it('has no control that edits where the map is read-only, and says why', async () => {
    map = await serve([objectOf('shop', ['westeurope', 'japaneast'])], 0, false);
    const page = await open(`${map.url}#/default/shop`);
    await page.getByText(/^This map is read-only, since the operator serves it .*kubectl georep map/).waitFor();
    expect(await page.locator('#panel button, #panel select').count()).to.equal(0);
    expect(await page.locator('#map [data-location=uksouth][role=button]').count()).to.equal(0);
    // A region of the map leads to its row.
    await page.locator('#map [data-location=japaneast]').click();
    expect(await page.evaluate('document.activeElement.dataset.location')).to.equal('japaneast');
    expect(await page.getByRole('dialog').count()).to.equal(0);
    expect(await violations(page)).to.deep.equal([]);
    await screenshot(page, 'read-only');
  });

  it('reaches regions of the map with the arrow keys, and opens the change with Enter', async () => {
    map = await serve([objectOf('shop', ['westeurope'])]);
    const page = await open(`${map.url}#/default/shop`);
    await page.locator('#regions .row').first().waitFor();
    const focused = () => page.evaluate<string>('document.activeElement.getAttribute("aria-label")');
    await tabTo(page, 'North Europe: Home. Ready');
    expect(await page.locator('#tip').textContent()).to.equal('North EuropeHome. Ready');
    const seen = [await focused()];
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp']) {
      await page.keyboard.press(key);
      seen.push(await focused());
    }
    expect(new Set(seen).size).to.be.at.least(4);
    await tabTo(page, 'All registries');
    await page.keyboard.press('Shift+Tab');
    const [name = ''] = (await focused()).split(':');
    expect(seen.at(-1)).to.match(new RegExp(`^${name}:`));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name }).waitFor();
    await page.keyboard.press('Escape');
    expect((await focused()).split(':')[0]).to.equal(name);
  });

  it('shows each region of a crowded Europe by itself, and has an Europe to choose', async () => {
    map = await serve([
      objectOf(
        'shop',
        european.map(({ name }) => name).filter((name) => name !== 'northeurope'),
      ),
    ]);
    for (const [device, viewport] of [
      ['desktop', { width: 1280, height: 800 }],
      ['phone', { width: 390, height: 844 }],
    ] as const) {
      const page = await open(`${map.url}#/default/shop`, viewport);
      await page.locator('#regions .row').first().waitFor();
      await screenshot(page, `crowded-${device}`);
      await page.getByText('Europe', { exact: true }).click();
      for (const { name, displayName } of european.slice(0, 6)) {
        await page.locator(`#map [data-location=${name}] .sign`).click();
        await page.getByRole('dialog', { name: displayName }).waitFor();
        await page.keyboard.press('Escape');
      }
      await screenshot(page, `europe-${device}`);
    }
  });

  it('says that it belongs to an earlier start, when its program was started again', async () => {
    map = await serve([objectOf('shop', [])]);
    const page = await open(map.url);
    await page.getByText('Live', { exact: true }).waitFor();
    const { port } = map;
    await map.close();
    await page.getByText(/program that serves this page does not answer\. If it was started again, open/).waitFor();
    map = await serve([objectOf('shop', [])], port);
    await page
      .getByText(/Stale .*: this page belongs to an earlier start\. Open the address that was printed/)
      .waitFor();
  });

  it('says what to expect where there is nothing to show', async () => {
    map = await serve([]);
    const page = await open(`${map.url}#/default/gone`);
    await page.getByText('There is no RegistryReplication yet.').waitFor();
    await page.getByText('There is no RegistryReplication default/gone, or no longer.').waitFor();
    expect(await violations(page)).to.deep.equal([]);
    await screenshot(page, 'empty');
  });

  it('clears a filter that nothing passes', async () => {
    map = await serve([objectOf('shop', ['westeurope'])]);
    const page = await open(map.url);
    await page.getByLabel('Text').fill('no such name');
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.locator('#registries a').waitFor();
  });

  it('lists a region that the map has no place for', async () => {
    map = await serve([objectOf('shop', ['atlantis'])]);
    const page = await open(`${map.url}#/default/shop`);
    await page.locator('#regions .row', { hasText: 'atlantis' }).waitFor();
    expect(await page.locator('#map [data-location=atlantis]').count()).to.equal(0);
  });
});
