// The map in a browser, with the operator at work between the emulators.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { silentLog as log } from '../../src/lib/log.ts';
import { startClusterMap } from '../../src/map/map.ts';
import { type Scenario, startScenario } from '../e2e/scenario.ts';
import { instant } from '../emulators/arm/timings.ts';
import { launchBrowser, type OpenPage, openPage, screenshot, tabTo, violations } from './browser.ts';

describe('the map in a browser', () => {
  let scenario: Scenario;
  let cluster: KubeClient;
  let map: Awaited<ReturnType<typeof startClusterMap>>;
  let browser: Browser;
  let open: OpenPage;
  let page: Page;

  before(async () => {
    scenario = await startScenario({ timings: instant, identity: 'client-secret', args: ['--interval=1s'] });
    cluster = createKubeClient(loadKubeConfig(scenario.kubeconfig));
    map = await startClusterMap({ address: { port: 0 }, cluster, clock, log });
    browser = await launchBrowser();
    for (const name of ['myacr0007', 'lastone']) {
      scenario.addRegistry(name);
      await scenario.apply(name, {
        regions: name === 'lastone' ? ['uksouth'] : ['japaneast', 'westeurope'],
        pruneDelay: '0s',
      });
      await scenario.untilReady(name);
    }
  });
  after(async () => {
    await browser?.close();
    await map?.close();
    await cluster?.close();
    await scenario?.close();
  });

  beforeEach(async () => {
    open = await openPage(browser, map.url);
    page = open.page;
  });
  afterEach(async () => {
    expect(open.trouble).to.deep.equal([]);
    expect([...open.origins]).to.deep.equal([new URL(map.url).origin]);
    await open.close();
  });

  const show = (name: string) => page.locator('#registries a', { hasText: name }).click();
  const row = (region: string) => page.locator('#regions .row', { hasText: region });
  const isIn = (region: string, state: string) => row(region).getByText(`${state} for`).waitFor();

  it('shows home and replicas, on the map and in words', async () => {
    await show('myacr0007');
    await row('East US home').waitFor();
    for (const region of ['East US', 'Japan East', 'West Europe']) await isIn(region, 'Ready');
    const summary = await page.locator('#map').getAttribute('aria-label');
    expect(summary).to.match(/^Map of myacr0007: .*East US Ready.*\. The list says the same\.$/);
    for (const location of ['eastus', 'japaneast', 'westeurope'])
      expect(await page.locator(`#map [data-location=${location}] .Ready`).count()).to.equal(1);
    expect(await page.locator('#map .line').count()).to.equal(2);
    expect(await page.locator('.events li').count()).to.be.greaterThan(0);
  });

  it('gives its cookie to no server on another port of loopback', async () => {
    const cookies: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      cookies.push(request.headers.cookie);
      response.end('<link rel="icon" href="data:,">');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const visit = await page.context().newPage();
    await visit.goto(`http://127.0.0.1:${port}/`);
    await visit.evaluate("fetch('/again')");
    await visit.close();
    other.close();
    expect(cookies).to.have.length.above(1);
    expect(cookies.filter((cookie) => cookie !== undefined)).to.deep.equal([]);
  });

  it('keeps no token in its address, and nothing that a script could steal', async () => {
    await page.locator('#registries li').first().waitFor();
    expect(page.url()).to.match(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/);
    expect(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length')).to.equal('00');
    await page.reload();
    await page.locator('#registries li').first().waitFor();
  });

  it('shows a new state without being loaded again', async () => {
    await show('myacr0007');
    await isIn('West Europe', 'Ready');
    await page.evaluate("document.body.setAttribute('data-same', '')");
    await scenario.patch('myacr0007', {
      spec: { regions: ['japaneast', 'westeurope', 'uksouth'].map((location) => ({ location })) },
    });
    await isIn('UK South', 'Ready');
    expect(await page.locator('#news').textContent()).to.contain('UK South');
    expect(await page.locator('body[data-same]').count()).to.equal(1);
  });

  it('says that it is stale when its program ends, and works with a new one at the same port', async () => {
    const first = await startClusterMap({ address: { port: 0 }, cluster, clock, log });
    const other = await openPage(browser, first.url);
    const contact = other.page.locator('#contact');
    await contact.getByText('Live', { exact: true }).waitFor();
    await first.close();
    await contact
      .getByText(/^Stale for .*: the program that serves this page does not answer\. If it was started again, open /)
      .waitFor();
    await screenshot(other.page, 'stale');
    const second = await startClusterMap({ address: { port: first.port }, cluster, clock, log });
    await other.page.goto(second.url);
    await contact.getByText('Live', { exact: true }).waitFor();
    await other.close();
    await second.close();
  });

  it('adds a region by a click on the map, and the operator makes it Ready', async () => {
    await show('myacr0007');
    await row('East US home').waitFor();
    const box = await page.locator('#map [data-location=brazilsouth]').boundingBox();
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
    const dialog = page.getByRole('dialog', { name: 'Add Brazil South to myacr0007' });
    expect(await dialog.locator('.diff .added').textContent()).to.equal('+     - location: brazilsouth\n');
    expect(await dialog.getByLabel('The command', { exact: true }).textContent()).to.match(
      /^kubectl -n default patch georep myacr0007 --type=json -p '.*brazilsouth.*'$/,
    );
    await screenshot(page, 'change');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await isIn('Brazil South', 'Ready');
    const object = await scenario.untilReady('myacr0007');
    expect(object.spec.regions?.map(({ location }) => location)).to.include('brazilsouth');
  });

  it('says that the last region cannot be removed, and offers no command', async () => {
    await show('lastone');
    await page.getByRole('button', { name: 'Remove UK South…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove UK South from lastone' });
    await dialog.getByText('The last region cannot be removed').waitFor();
    expect(await dialog.getByRole('button').allTextContents()).to.deep.equal(['Cancel']);
    expect(await dialog.getByLabel('The command', { exact: true }).count()).to.equal(0);
    expect(await violations(page)).to.deep.equal([]);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).to.equal(0);
  });

  it("shows the API server's own words when it refuses a change", async () => {
    const regions = Array.from({ length: 100 }, (_, n) => `region${n}`);
    await scenario.apply('fullregistry', { regions, suspend: true });
    await show('fullregistry');
    await page.locator('#regions').getByText('region99', { exact: true }).first().waitFor();
    await page.locator('#map [data-location=brazilsouth]').click();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('alert').getByText('at most 100 items').waitFor();
    expect(await page.getByRole('alert').textContent()).to.match(/the API server answered 422 .*spec\.regions/);
    expect(await violations(page)).to.deep.equal([]);
    await page.keyboard.press('Escape');
    await scenario.kubectl('delete georep fullregistry');
  });

  it('adds and removes a region with the keyboard alone', async () => {
    await page.locator('#registries li').first().waitFor();
    await tabTo(page, 'myacr0007');
    await page.keyboard.press('Enter');
    await row('East US home').waitFor();
    await tabTo(page, 'Choose…');
    await page.keyboard.type('Korea C');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Add Korea Central to myacr0007' }).waitFor();
    await page.keyboard.press('Enter');
    await isIn('Korea Central', 'Ready');
    await tabTo(page, 'Remove Korea Central…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Remove Korea Central from myacr0007' }).waitFor();
    await page.keyboard.press('Enter');
    await row('Korea Central').waitFor({ state: 'detached' });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, viewport] of [
      ['desktop', { width: 1280, height: 800 }],
      ['phone', { width: 390, height: 844 }],
    ] as const) {
      it(`has no violation that axe-core finds, ${colorScheme}, on a ${device}`, async () => {
        const other = await openPage(browser, map.url, { colorScheme, viewport });
        await other.page.locator('#registries li').first().waitFor();
        expect(await violations(other.page)).to.deep.equal([]);
        await screenshot(other.page, `all-${device}-${colorScheme}`);
        await other.page.locator('#registries a', { hasText: 'myacr0007' }).click();
        await other.page.locator('#regions li').first().waitFor();
        await other.page.locator('.events li').first().waitFor();
        expect(await violations(other.page)).to.deep.equal([]);
        await screenshot(other.page, `one-${device}-${colorScheme}`);
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await other.page.evaluate(overflow)).to.equal(0);
        expect(other.trouble).to.deep.equal([]);
        await other.close();
      });
    }
  }
});
