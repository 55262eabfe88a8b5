// The work queue's metrics, with client-go's names and meanings (k8s.io/client-go/util/workqueue/metrics.go): depth, waiting time,
// processing time, and stuck work.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueMetrics } from '../kubernetes/controller/workqueue.ts';

const labelNames = ['name', 'controller'] as const;

/** client-go's buckets, from 10 ns in powers of ten, and larger ones, since a pass waits for Azure. */
const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1_000];

export function queueMetricsFor(registry: Registry): (name: string) => QueueMetrics {
  const registers = [registry];
  const inFlight = new Map<string, () => { readonly seconds: number; readonly longest: number }>();

  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait for a worker', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added', labelNames, registers });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys added again after a failure',
    labelNames,
    registers,
  });
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waited for a worker',
    labelNames,
    buckets,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long a worker processed a key',
    labelNames,
    buckets,
    registers,
  });
  addInFlightGauges(inFlight, registers);

  return (name) => {
    const labels = { name, controller: name };
    // Initialized for the first scrape: a rate over a series that appears late misses its first increment.
    depth.set(labels, 0);
    adds.inc(labels, 0);
    retries.inc(labels, 0);
    return {
      depth: (keys) => depth.set(labels, keys),
      added: () => adds.inc(labels),
      waited: (seconds) => waited.observe(labels, seconds),
      worked: (seconds) => worked.observe(labels, seconds),
      retried: () => retries.inc(labels),
      inFlight: (read) => void inFlight.set(name, read),
    };
  };
}

type InFlight = ReadonlyMap<string, () => { readonly seconds: number; readonly longest: number }>;

function addInFlightGauges(inFlight: InFlight, registers: Registry[]): void {
  new Gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: 'Total time of the keys in processing',
    labelNames,
    registers,
    collect() {
      for (const [name, read] of inFlight) this.set({ name, controller: name }, read().seconds);
    },
  });
  new Gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: 'Time of the key that has been in processing longest',
    labelNames,
    registers,
    collect() {
      for (const [name, read] of inFlight) this.set({ name, controller: name }, read().longest);
    },
  });
}
