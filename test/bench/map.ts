// `npm run bench:map`: measures the page of the map in headless Chromium, with 500 registries of 10 replicas, and the time from the
// change of an object until a page shows it. It prints the figures with their bounds, and fails if one is over it: run it on a machine
// that does nothing else.
//
// Method. One process has the map's server, and Chromium runs beside it. Updates are written straight into the map's store; only
// the last figure goes through an API server (a real one if KUBEBUILDER_ASSETS is set, else the emulator), and begins before the new
// status is sent to it.
import { launchBrowser } from '../browser/browser.ts';
import { openFleet } from '../browser/fleet.ts';
import { arrivalTimes, firstPaint, growth, pageWeight, updateTimes } from '../browser/measurements.ts';
import { percentile } from './statistics.ts';

const updates = 10_000;
const samples = 50;
/** The share of samples that a bound is for; the longest ones measure the machine. */
const share = 0.9;

await using ended = new AsyncDisposableStack();
const browser = await launchBrowser();
ended.defer(() => browser.close());
const fleet = await openFleet(browser);
ended.defer(() => fleet.close());

judge('the page, gzipped', (await pageWeight()) / 1_000, 250, 'kB');
const { painted, complete } = await firstPaint(fleet);
judge('first paint', painted, 1_000, 'ms');
console.log(`${'all registries shown'.padEnd(54)}${complete.toFixed(1)} ms, without a bound`);
judgeTimes('script of an update', await updateTimes(fleet, samples), 50);
const { before, after } = await growth(fleet, updates);
judge(`growth of the heap over ${updates} updates`, after.heapMiB / before.heapMiB, 1.25, 'times');
judge(`growth of the elements over ${updates} updates`, after.elements / before.elements, 1.05, 'times');
judgeTimes('from the change of an object to the page', await arrivalTimes(browser, samples), 1_000);

function judgeTimes(what: string, times: readonly number[], bound: number): void {
  judge(`${what}, p50`, percentile(times, 0.5), bound, 'ms');
  judge(`${what}, p${share * 100}`, percentile(times, share), bound, 'ms');
  console.log(`${''.padEnd(54)}longest ${Math.max(...times).toFixed(1)} ms`);
}

function judge(what: string, value: number, bound: number, unit: string): void {
  const isOver = !(value <= bound);
  if (isOver) process.exitCode = 1;
  console.log(
    `${what.padEnd(54)}${value.toFixed(unit === 'times' ? 2 : 1)} ${unit}, at most ${bound}${isOver ? ': OVER' : ''}`,
  );
}
