// Every metric of the operator, under the names that controller-runtime and client-go use, so that existing dashboards work, and
// georeplication_* for the domain. It measures and never decides.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Level } from '../azure/budget.ts';
import type { ArmRequest } from '../azure/policy.ts';
import { type Operation, operations } from '../azure/shares.ts';
import type { Urgency } from '../azure/turns.ts';
import type { RequestSeen } from '../kubernetes/cluster.ts';
import { type ControllerMetrics, passResults } from '../kubernetes/controller.ts';
import type { ElectionMetrics } from '../kubernetes/election.ts';
import type { QueueMetrics } from '../kubernetes/queue.ts';
import { type InformerState, informerMetricsFor } from './informer-metrics.ts';
import { type ObjectMetrics, type ObjectSources, objectMetricsFor } from './object-metrics.ts';
import { queueMetricsFor } from './queue-metrics.ts';

export interface Metrics {
  /** For the server of /metrics. */
  readonly registry: Registry;
  /** @param concurrency How many workers there are. */
  controller(name: string, concurrency: number): ControllerMetrics;
  queue(name: string): QueueMetrics;
  /** @param name The Lease's. */
  election(name: string): ElectionMetrics;
  /** @param read Asked at each scrape. */
  informer(name: string, read: () => InformerState): void;
  objects(sources: ObjectSources): ObjectMetrics;
  kubernetesRequest(request: RequestSeen): void;
  armRequest(request: ArmRequest): void;
  /** A request to ARM was not sent: it waits for its turn. */
  armRequestHeld(operation: Operation, urgency: Urgency): void;
  /** ARM has answered 429: nothing goes out for so many ms more. */
  armPaused(operation: Operation, ms: number): void;
  /** @param read Asked once a scrape. */
  armBudget(read: () => readonly Level[]): void;
}

/** controller-runtime's buckets, in seconds. */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const armBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** @param processMetrics Whether Node's and the process's own metrics are among them; they are global, so once a process. */
export function createMetrics({ processMetrics = true }: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry });

  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Passes by how they ended',
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
    help: 'How long a pass took',
    labelNames: ['controller'],
    buckets: reconcileBuckets,
    registers,
  });
  const activeWorkers = new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Workers that are in a pass',
    labelNames: ['controller'],
    registers,
  });
  const maxConcurrent = new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Workers there are',
    labelNames: ['controller'],
    registers,
  });
  const kubernetesRequests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by status, method and host',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const armRequests = new Counter({
    name: 'georeplication_arm_requests_total',
    help: 'Requests to Azure Resource Manager by method and status',
    labelNames: ['method', 'code'],
    registers,
  });
  const armRequestTime = new Histogram({
    name: 'georeplication_arm_request_duration_seconds',
    help: 'How long Azure Resource Manager took to answer, token included',
    labelNames: ['method'],
    buckets: armBuckets,
    registers,
  });
  const armHeld = new Counter({
    name: 'georeplication_arm_requests_held_total',
    help: 'Requests that were not sent, because they wait for their turn in the budget of Azure Resource Manager',
    labelNames: ['operation', 'urgency'],
    registers,
  });
  const armPauses = new Counter({
    name: 'georeplication_arm_throttled_seconds_total',
    help: 'Time for which Azure Resource Manager has forbidden to ask, by its Retry-After',
    labelNames: ['operation'],
    registers,
  });
  for (const operation of operations) {
    for (const urgency of ['edit', 'upkeep']) armHeld.inc({ operation, urgency }, 0);
    armPauses.inc({ operation }, 0);
  }
  const master = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process holds the Lease of that name: 1 or 0',
    labelNames: ['name'],
    registers,
  });
  const slowPaths = new Counter({
    name: 'leader_election_slowpath_total',
    help: 'Renewals of the Lease that had to read it first',
    labelNames: ['name'],
    registers,
  });
  const queues = queueMetricsFor(registry);
  const informers = informerMetricsFor(registry);

  return {
    registry,
    queue: queues,
    informer: informers,
    objects: (sources) => objectMetricsFor(registry, sources),

    controller(controller, concurrency) {
      // From the first scrape on: a rate over a series that appears late misses its first step.
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
    },

    election(name) {
      slowPaths.inc({ name }, 0);
      return {
        leading: (is) => master.set({ name }, is ? 1 : 0),
        slowPath: () => slowPaths.inc({ name }),
      };
    },

    kubernetesRequest: ({ method, host, code }) => kubernetesRequests.inc({ code, method, host }),

    armRequest({ method, status, durationMs }) {
      armRequests.inc({ method, code: status });
      armRequestTime.observe({ method }, durationMs / 1_000);
    },

    armRequestHeld: (operation, urgency) => armHeld.inc({ operation, urgency }),
    armPaused: (operation, ms) => armPauses.inc({ operation }, ms / 1_000),

    armBudget(read) {
      const labelNames = ['subscription', 'operation'] as const;
      const tokensLeft = new Gauge({
        name: 'georeplication_arm_budget_tokens',
        help: 'Requests that Azure Resource Manager would surely take now',
        labelNames,
        registers,
        // For both gauges: prom-client collects in the order in which they were made, as its own gauges of the heap rely on too.
        collect() {
          tokensLeft.reset();
          visitorsWaiting.reset();
          for (const { subscriptionId: subscription, operation, tokens, waiting } of read()) {
            tokensLeft.set({ subscription, operation }, tokens);
            visitorsWaiting.set({ subscription, operation }, waiting);
          }
        },
      });
      const visitorsWaiting = new Gauge({
        name: 'georeplication_arm_budget_waiting',
        help: 'Objects that wait for their turn in the budget',
        labelNames,
        registers,
      });
    },
  };
}
