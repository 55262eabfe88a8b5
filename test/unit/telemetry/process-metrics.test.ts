import { expect } from 'chai';
import { Gauge, Registry } from 'prom-client';
import { collectProcessMetrics } from '../../../src/telemetry/process-metrics.ts';

describe("the event loop's lag", () => {
  let max: Gauge;

  beforeEach(() => {
    const registry = new Registry();
    collectProcessMetrics(registry);
    const metric = registry.getSingleMetric('nodejs_eventloop_lag_max_seconds');
    if (!(metric instanceof Gauge)) throw new Error('no such metric');
    max = metric;
  });

  async function shown(): Promise<number | undefined> {
    return (await max.get()).values[0]?.value;
  }

  it('is what exceeds the time between two samples', async () => {
    max.set({}, 1.25);
    expect(await shown()).to.be.closeTo(0.25, 1e-9);
    max.set({}, 0.999); // timers may be early by a millisecond
    expect(await shown()).to.equal(0);
  });

  it('keeps its value at a scrape without a sample since the last one', async () => {
    max.set({}, 1.25);
    for (const emptyHistogram of [Number.NaN, 5.11e-10, 2 ** 63 / 1e9]) max.set({}, emptyHistogram);
    expect(await shown()).to.be.closeTo(0.25, 1e-9);
  });
});
