// Regions that Azure lists and the project's table lacks, on an open page.
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { RegionCatalog } from '../../src/azure/region-catalog.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startMap } from '../../src/map/map.ts';
import { launchBrowser, openPage } from './browser.ts';

const object: RegistryReplication = {
  metadata: { namespace: 'default', name: 'myacr0007', uid: 'one', generation: 1 },
  spec: {
    registry: { subscriptionId: 'one', resourceGroup: 'images', name: 'myacr0007' },
    regions: [{ location: 'atlantis' }],
  },
  status: { phase: 'Ready', regions: [{ location: 'atlantis', home: false, desired: true, state: 'Ready' }] },
};
const atlantis = { name: 'atlantis', displayName: 'Atlantis Central', coordinates: { latitude: 31, longitude: -24 } };

describe('a region that is newer than the table', () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  it('gets its name and place without a reload, once Azure has listed it', async () => {
    const answer = Promise.withResolvers<RegionCatalog>();
    const map = await startMap({
      address: { port: 0 },
      store: { list: () => [object], read: () => object },
      health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
      clock,
      regionsOf: () => answer.promise,
    });
    const { page, trouble, close } = await openPage(browser, map.url);
    await page.locator('#registries a').click();
    await page.locator('#regions .row', { hasText: 'atlantis' }).waitFor();
    const sign = page.locator('#map [data-location=atlantis]');
    expect(await sign.count()).to.equal(0);
    answer.resolve({ names: new Set(['atlantis']), regions: [atlantis], has: () => true });
    await page.locator('#regions .row', { hasText: 'Atlantis Central' }).waitFor();
    await sign.waitFor();
    expect(trouble).to.deep.equal([]);
    await close();
    await map.close();
  });
});
