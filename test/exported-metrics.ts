// Lists every metric that the operator exports, as prom-client describes it.
import { createMetrics } from '../src/telemetry/metrics.ts';
import { FakeClock } from './fake-clock.ts';

/** prom-client's record of a metric, which its types omit. */
export interface Described {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** Includes the metrics of Node and the process, which prom-client adds. */
export function exportedMetrics(): Described[] {
  const metrics = createMetrics();
  metrics.objects({ objects: () => [], clock: new FakeClock() });
  metrics.objectLimit(0, () => 0);
  metrics.arm.rateLimits(() => []);
  return metrics.registry.getMetricsAsArray() as unknown as Described[];
}
