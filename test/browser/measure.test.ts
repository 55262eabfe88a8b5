// Prints how heavy and how fast the page is. Only what depends on no time is tested; npm run bench:map has the bounds of the rest.
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { percentile } from '../bench/statistics.ts';
import { launchBrowser, screenshot } from './browser.ts';
import { type Fleet, openFleet, registries, replicas } from './fleet.ts';
import { arrivalTimes, firstPaint, growth, pageWeight, updateTimes } from './measurements.ts';

const updates = 10_000;
const changes = 20;

describe('the size and speed of the map', () => {
  let browser: Browser;
  let fleet: Fleet;

  before(async () => {
    browser = await launchBrowser();
    fleet = await openFleet(browser);
  });
  after(async () => {
    await fleet?.close();
    await browser?.close();
  });

  it('has at most 250 kB to load', async () => {
    const bytes = await pageWeight();
    print(`the page: ${(bytes / 1_000).toFixed(1)} kB gzipped`);
    expect(bytes).to.be.at.most(250_000);
  });

  it('shows 500 registries at first', async () => {
    const { painted, complete } = await firstPaint(fleet);
    expect(await fleet.page.locator('#panel h2').first().textContent()).to.equal(`${registries} registries`);
    print(
      `${registries} registries × ${replicas} replicas: first paint ${ms(painted)}, with all of them ${ms(complete)}`,
    );
    await screenshot(fleet.page, 'all-500-desktop-light');
  });

  it('draws an update of one registry', async () => {
    print(`an update, of script: ${p50AndLongest(await updateTimes(fleet, changes))}`);
  });

  it(`has about as many elements after ${updates} updates as before`, async () => {
    const { before, after } = await growth(fleet, updates);
    print(
      `after ${updates} updates: ${before.heapMiB.toFixed(1)} → ${after.heapMiB.toFixed(1)} MiB of heap, ${before.elements} → ${after.elements} elements`,
    );
    expect(after.elements).to.be.within(0.95 * before.elements, 1.05 * before.elements);
  });

  it("shows a state without being loaded again, after the object's change", async () => {
    print(`from the change of an object to the page: ${p50AndLongest(await arrivalTimes(browser, changes))}`);
  });
});

function print(line: string): void {
  console.log(`    ${line}`);
}

function p50AndLongest(times: readonly number[]): string {
  return `p50 ${ms(percentile(times, 0.5))}, longest ${ms(Math.max(...times))} of ${times.length}`;
}

function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}
