// The metrics of Node and of the process, under prom-client's names. They are global: one registry of a process has them.
import { collectDefaultMetrics, Gauge, type LabelValues, type Registry } from 'prom-client';

/**
 * Interval at which the lag of the event loop is sampled. Each sample wakes the process: at prom-client's default of 10 ms, that took
 * three quarters of an idle operator's CPU time. A block that is shorter than the interval may fall between two samples.
 */
const samplingMs = 1_000;
/** Far above any lag: prom-client reports the largest integer, in ns, if there was no sample since the last scrape. */
const maxSeconds = 1e9;

export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: samplingMs });
  for (const statistic of ['min', 'max', 'mean', 'p50', 'p90', 'p99'])
    reportLag(registry.getSingleMetric(`nodejs_eventloop_lag_${statistic}_seconds`));
}

/** prom-client reports the time between two samples; the lag is what exceeds the interval. */
function reportLag(gauge: unknown): void {
  if (!(gauge instanceof Gauge)) throw new Error('prom-client has renamed its metrics of the event loop');
  const set: (labels: LabelValues<string>, seconds: number) => void = gauge.set.bind(gauge);
  gauge.set = (labels: LabelValues<string> | number, seconds?: number) => {
    if (typeof labels !== 'object' || seconds === undefined) return;
    const lag = seconds - samplingMs / 1_000;
    // Without a sample since the last scrape, the last value stays.
    if (lag > -samplingMs / 2_000 && lag < maxSeconds) set(labels, Math.max(0, lag));
  };
}
