// The page of an object that follows sources: what needs a region, what is unused, and changes where no region is listed.
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type RunningMap, startMap } from '../../src/map/map.ts';
import type { ChangeRequest } from '../../src/map/model.ts';
import { following } from '../golden/following.ts';
import { play } from '../golden/play.ts';
import { launchBrowser, openPage, screenshot, violations } from './browser.ts';

async function objectOf(name: string, scenario: string): Promise<RegistryReplication> {
  const { object } = await play(following[scenario] ?? {});
  return { ...object, metadata: { ...object.metadata, name, uid: name, namespace: 'default' } };
}

describe('the page of an object that follows', () => {
  let browser: Browser;
  let map: RunningMap;
  let page: Page;
  let close: () => Promise<void>;
  let trouble: readonly string[];
  const changes: ChangeRequest[] = [];

  before(async () => {
    browser = await launchBrowser();
    const objects = [
      await objectOf('kept', 'AllRegionsReady, unused'),
      await objectOf('unreadable', 'SourceUnreadable'),
    ];
    map = await startMap({
      address: { port: 0 },
      store: {
        list: () => objects,
        read: (key) => objects.find(({ metadata }) => key === `${metadata.namespace}/${metadata.name}`),
      },
      health: () => ({ synced: true, lastContact: new Date(), relists: 0, watches: [] }),
      clock,
      editor: async (_, change) => {
        changes.push(change);
        return { kind: 'done' };
      },
    });
    ({ page, close, trouble } = await openPage(browser, map.url));
  });
  after(async () => {
    await close?.();
    await map?.close();
    await browser?.close();
  });

  const row = (region: string) => page.locator('#regions .row', { hasText: region });

  async function show(name: string): Promise<void> {
    await page.goto(`${page.url().split('#')[0]}#/default/${name}`);
    await page.locator('.head h2', { hasText: name }).waitFor();
  }

  it('says what needs each region, and marks an unused one', async () => {
    await show('kept');
    await row('Japan East').getByText('needed by nodes (12), MemberCluster prod-jp').waitFor();
    await row('West Europe')
      .getByText(/^unused for .*, kept for 24h$/)
      .waitFor();
    expect(await row('West Europe').locator('.icon .unused').count()).to.equal(1);
    expect(await page.locator('#map .unused').count()).to.equal(1);
    expect(await page.locator('#map [data-location=westeurope] .unused').count()).to.equal(1);
    expect(await page.locator('#map [data-location=westeurope]').getAttribute('aria-label')).to.match(
      /^West Europe: Ready for .*, routed, unused for .*, kept for 24h$/,
    );
    await page.getByText('Source nodes: Synced, 1 region', { exact: true }).waitFor();
    await page.locator('#legend').getByText('Unused', { exact: true }).waitFor();
    expect(await violations(page)).to.deep.equal([]);
    await screenshot(page, 'following');
  });

  it('says that a source cannot be read, once', async () => {
    await show('unreadable');
    const head = page.locator('.head');
    await head.getByText('Source MemberCluster: Forbidden', { exact: true }).waitFor();
    expect((await head.textContent())?.match(/cannot list resource/g)).to.have.length(1);
    await row('North Europe').getByText('waits until the source MemberCluster is listed').waitFor();
    expect(await violations(page)).to.deep.equal([]);
  });

  it('adds a region where none is listed', async () => {
    await show('kept');
    await page.getByRole('button', { name: 'Add West Europe…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add West Europe to kept' });
    await dialog.getByText('it stays also when no source names it').waitFor();
    expect(await dialog.locator('.diff .added').allTextContents()).to.deep.equal([
      '+   regions:\n',
      '+     - location: westeurope\n',
    ]);
    await screenshot(page, 'following-add');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(changes.at(-1)).to.deep.include({ action: 'add', location: 'westeurope' });
  });

  it('says that a region stays which a source needs, also when it is removed from the list', async () => {
    await show('unreadable');
    await page.getByRole('button', { name: 'Remove Japan East…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove Japan East from unreadable' });
    await dialog.getByText('The region stays, since it is needed by nodes (12).').waitFor();
    expect(await dialog.locator('.diff .removed').count()).to.equal(2);
    await page.keyboard.press('Escape');
  });

  it('has no trouble', () => {
    expect(trouble).to.deep.equal([]);
  });
});
