// A cluster whose objects are written by an attacker: on the page all of it is text.
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import type { AzureRegion } from '../../src/azure/regions.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startMap } from '../../src/map/map.ts';
import { hostileText } from '../hostile-text.ts';
import { launchBrowser, openPage } from './browser.ts';

const markup = `"><img src=x onerror="alert(1)"><script>alert(2)</script><svg onload=alert(3)>{{7*7}}</style></pre>`;
const hostile = `${markup} ${hostileText}`;

const object: RegistryReplication = {
  metadata: { namespace: 'default', name: markup, uid: 'one', generation: 1 },
  spec: {
    registry: { subscriptionId: '', resourceGroup: '', name: hostile },
    regions: [{ location: 'japaneast', tags: { [markup]: markup } }, { location: 'atlantis' }, { location: 'nan' }],
  },
  status: {
    phase: 'Failed',
    registry: { homeRegion: 'eastus', loginServer: hostile },
    conditions: [{ type: 'Ready', status: 'False', reason: hostile, message: hostile, lastTransitionTime: '' }],
    regions: [
      { location: 'eastus', home: true, desired: false, state: 'Ready', since: hostile },
      {
        location: 'japaneast',
        home: false,
        desired: true,
        state: 'Failed',
        message: hostile,
        replica: hostile,
        managedTags: [hostile],
      },
      { location: markup, home: false, desired: true, state: 'Ready' },
    ],
    plan: [{ action: 'create', location: 'japaneast', message: hostile, waitsFor: hostile }],
  },
};
const regions = [
  { name: 'eastus', displayName: markup, geography: markup, coordinates: { latitude: 37, longitude: -79 } },
  { name: 'japaneast', displayName: 'Japan East', coordinates: { latitude: '<b>', longitude: markup } },
  { name: 'nan', displayName: 'NaN', coordinates: { latitude: 1e9, longitude: null } },
] as unknown as readonly AzureRegion[];

describe('a hostile cluster on the map', () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  it('appears as text: names, messages, tags, display names, coordinates and events', async () => {
    const map = await startMap({
      address: { port: 0 },
      store: { list: () => [object], read: () => object },
      health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
      clock,
      regions,
      events: async () => [{ at: hostile, type: 'Warning', reason: hostile, note: hostile, count: 1 }],
      editor: async () => ({ kind: 'refused', status: 422, message: hostile }),
      kubectlArgs: ['--context', hostile],
    });
    const { page, trouble, origins, close } = await openPage(browser, map.url);
    await page.locator('#registries a').click();
    await page.locator('.events li').waitFor();
    expect(await page.locator('#panel h2').first().textContent()).to.contain(markup);
    // Regions without a usable place are in the list all the same.
    expect(await page.locator('#regions > li').count()).to.equal(5);
    expect(await page.locator('#map [data-location]').count()).to.equal(1);
    await page.getByRole('button', { name: 'Remove Japan East…' }).click();
    expect(await page.locator('.diff').textContent()).to.contain(JSON.stringify(markup));
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('alert').getByText('onerror').waitFor();
    expect(await page.locator('img, body script, style, [onerror], [onload]').count()).to.equal(0);
    expect(trouble).to.deep.equal([]);
    expect([...origins]).to.deep.equal([new URL(map.url).origin]);
    await close();
    await map.close();
  });
});
