// All metrics of the operator: under the names of controller-runtime and client-go, so that existing dashboards work, and under
// georeplication_* for the domain.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WatchedKind } from '../kubernetes/cache/value-watcher.ts';
import type { ObservedRequest } from '../kubernetes/client/client.ts';
import { type ControllerMetrics, passResults } from '../kubernetes/controller/controller.ts';
import type { QueueMetrics } from '../kubernetes/controller/workqueue.ts';
import type { LeaderElectionMetrics } from '../kubernetes/leader-election/leader-election.ts';
import { type ArmMetrics, armMetricsFor } from './arm-metrics.ts';
import { type InformerState, informerMetricsFor } from './informer-metrics.ts';
import { addLimitMetrics } from './limit-metrics.ts';
import { type ObjectMetrics, type ObjectSources, objectMetricsFor } from './object-metrics.ts';
import { collectProcessMetrics } from './process-metrics.ts';
import { queueMetricsFor } from './queue-metrics.ts';
import { sourceMetricsFor } from './source-metrics.ts';

export interface Metrics {
  /** For the server of /metrics. */
  readonly registry: Registry;
  /** @param concurrency the number of workers */
  controller(name: string, concurrency: number): ControllerMetrics;
  queue(name: string): QueueMetrics;
  /** @param name the Lease's name */
  election(name: string): LeaderElectionMetrics;
  /** @param read called at each scrape */
  informer(name: string, read: () => InformerState): void;
  /** @param read called at each scrape */
  sources(read: () => readonly WatchedKind[]): void;
  objects(sources: ObjectSources): ObjectMetrics;
  /** @param refused called at each scrape */
  objectLimit(maxObjects: number, refused: () => number): void;
  kubernetesRequest(request: ObservedRequest): void;
  readonly arm: ArmMetrics;
}

/** controller-runtime's buckets, in seconds. */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** @param processMetrics whether to include the metrics of Node and the process, which are global: once per process */
export function createMetrics({ processMetrics = true }: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectProcessMetrics(registry);

  const controller = controllerMetrics(registers);
  const kubernetesRequests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by status, method and host',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const election = electionMetrics(registers);

  return {
    registry,
    queue: queueMetricsFor(registry),
    informer: informerMetricsFor(registry),
    sources: sourceMetricsFor(registry),
    arm: armMetricsFor(registry),
    objects: (sources) => objectMetricsFor(registry, sources),
    objectLimit: (maxObjects, refused) => addLimitMetrics(registry, maxObjects, refused),

    controller,
    election,
    kubernetesRequest: ({ method, host, code }) => kubernetesRequests.inc({ code, method, host }),
  };
}

function controllerMetrics(registers: Registry[]): Metrics['controller'] {
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Passes by result',
    labelNames: ['controller', 'result'],
    registers,
  });
  const reconcileErrors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Passes that failed',
    labelNames: ['controller'],
    registers,
  });
  const reconcileTime = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Duration of a pass',
    labelNames: ['controller'],
    buckets: reconcileBuckets,
    registers,
  });
  const activeWorkers = new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Workers that run a pass now',
    labelNames: ['controller'],
    registers,
  });
  const maxConcurrent = new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Maximum number of concurrent passes',
    labelNames: ['controller'],
    registers,
  });

  return (controller, concurrency) => {
    // Initialized for the first scrape: a rate over a series that appears late misses its first increment.
    for (const result of passResults) reconciles.inc({ controller, result }, 0);
    reconcileErrors.inc({ controller }, 0);
    activeWorkers.set({ controller }, 0);
    maxConcurrent.set({ controller }, concurrency);
    return {
      passed(result, seconds) {
        reconciles.inc({ controller, result });
        if (result === 'error') reconcileErrors.inc({ controller });
        reconcileTime.observe({ controller }, seconds);
      },
      active: (workers) => activeWorkers.set({ controller }, workers),
    };
  };
}

function electionMetrics(registers: Registry[]): Metrics['election'] {
  const master = new Gauge({
    name: 'leader_election_master_status',
    help: '1 if this process holds the Lease of that name, else 0',
    labelNames: ['name'],
    registers,
  });
  const slowPaths = new Counter({
    name: 'leader_election_slowpath_total',
    help: 'Renewals of the Lease that had to read it first',
    labelNames: ['name'],
    registers,
  });

  return (name) => {
    slowPaths.inc({ name }, 0);
    return {
      leading: (is) => master.set({ name }, is ? 1 : 0),
      slowPath: () => slowPaths.inc({ name }),
    };
  };
}
