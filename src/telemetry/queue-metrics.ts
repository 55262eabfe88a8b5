// The work queue's metrics, with client-go's names and meaning (k8s.io/client-go/util/workqueue/metrics.go): what waits, how long it
// waited, how long it is worked on, and what is stuck. It remembers keys only while they are queued or worked on.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface QueueMetrics {
  /** A key was asked for, whether or not it was waiting already. */
  added(key: string): void;
  /** A key now waits for a worker. */
  queued(key: string): void;
  /** A worker took the key. */
  started(key: string): void;
  /** The worker is done with it. */
  finished(key: string): void;
  /** The key comes back later, after a failure. */
  retried(): void;
}

/** client-go's: 10 ns to 10 s, and longer. */
const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1_000];

/** @param now Milliseconds that only grow. */
export function queueMetricsFor(registry: Registry, now: () => number): (name: string) => QueueMetrics {
  const labelNames = ['name', 'controller'] as const;
  const registers = [registry];
  const worked = new Map<string, Map<string, number>>();

  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait for a worker', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added', labelNames, registers });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys put back after a failure',
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
  const took = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long a key was worked on',
    labelNames,
    buckets,
    registers,
  });
  const secondsInWork = (name: string) =>
    [...(worked.get(name)?.values() ?? [])].map((since) => (now() - since) / 1_000);
  new Gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: 'Sum of how long the keys in work have been so',
    labelNames,
    registers,
    collect() {
      for (const name of worked.keys()) {
        const total = secondsInWork(name).reduce((sum, seconds) => sum + seconds, 0);
        this.set({ name, controller: name }, total);
      }
    },
  });
  new Gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How long the oldest key in work has been so',
    labelNames,
    registers,
    collect() {
      for (const name of worked.keys()) this.set({ name, controller: name }, Math.max(0, ...secondsInWork(name)));
    },
  });

  return (name) => {
    const labels = { name, controller: name };
    const waiting = new Map<string, number>();
    const working = new Map<string, number>();
    worked.set(name, working);
    depth.set(labels, 0);
    adds.inc(labels, 0);
    retries.inc(labels, 0);

    return {
      added: () => adds.inc(labels),
      queued(key) {
        if (!waiting.has(key)) waiting.set(key, now());
        depth.set(labels, waiting.size);
      },
      started(key) {
        const since = waiting.get(key);
        if (since !== undefined) waited.observe(labels, (now() - since) / 1_000);
        waiting.delete(key);
        depth.set(labels, waiting.size);
        working.set(key, now());
      },
      finished(key) {
        const since = working.get(key);
        if (since !== undefined) took.observe(labels, (now() - since) / 1_000);
        working.delete(key);
      },
      retried: () => retries.inc(labels),
    };
  };
}
