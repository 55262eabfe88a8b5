// Every metric that the operator exports, as prom-client describes it.
import { createMetrics } from '../src/telemetry/metrics.ts';
import { FakeClock } from './fake-clock.ts';

/** What prom-client keeps of a metric; its types do not say so. */
export interface Described {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** Node's and the process's own, which come with prom-client, are among them. */
export function exportedMetrics(): Described[] {
  const metrics = createMetrics();
  metrics.objects({ objects: () => [], clock: new FakeClock() });
  metrics.arm.rateLimits(() => []);
  return metrics.registry.getMetricsAsArray() as unknown as Described[];
}
