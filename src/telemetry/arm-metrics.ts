// The metrics of requests to Azure Resource Manager: its answers, and what its rate limit holds back.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ArmRequest } from '../azure/arm.ts';
import { type Operation, operations, type Priority, priorities } from '../azure/rate-limit/limits.ts';
import type { RateLimitLevel } from '../azure/rate-limit/rate-limiter.ts';

export interface ArmMetrics {
  requested(request: ArmRequest): void;
  /** The rate limiter held a request back. */
  held(operation: Operation, priority: Priority): void;
  /** ARM has answered 429: the pause becomes so many ms longer. */
  paused(operation: Operation, ms: number): void;
  /** @param read called once per scrape */
  rateLimits(read: () => readonly RateLimitLevel[]): void;
}

/** In seconds, up to the timeout of a request. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function armMetricsFor(registry: Registry): ArmMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'georeplication_arm_requests_total',
    help: 'Requests to Azure Resource Manager by method and status',
    labelNames: ['method', 'code'],
    registers,
  });
  const requestTime = new Histogram({
    name: 'georeplication_arm_request_duration_seconds',
    help: 'Duration of requests to Azure Resource Manager, tokens included',
    labelNames: ['method'],
    buckets,
    registers,
  });
  const holds = new Counter({
    name: 'georeplication_arm_requests_held_total',
    help: 'Requests that the rate limiter held back',
    labelNames: ['operation', 'priority'],
    registers,
  });
  const pauses = new Counter({
    name: 'georeplication_arm_throttled_seconds_total',
    help: 'Time paused by the Retry-After of a 429 from Azure Resource Manager',
    labelNames: ['operation'],
    registers,
  });
  // Initialized for the first scrape: a rate over a series that appears late misses its first increment.
  for (const operation of operations) {
    for (const priority of priorities) holds.inc({ operation, priority }, 0);
    pauses.inc({ operation }, 0);
  }

  return {
    requested({ method, status, durationMs }) {
      requests.inc({ method, code: status });
      requestTime.observe({ method }, durationMs / 1_000);
    },
    held: (operation, priority) => holds.inc({ operation, priority }),
    paused: (operation, ms) => pauses.inc({ operation }, ms / 1_000),

    rateLimits: (read) => addRateLimitGauges(read, registers),
  };
}

function addRateLimitGauges(read: Parameters<ArmMetrics['rateLimits']>[0], registers: Registry[]): void {
  const labelNames = ['subscription', 'operation'] as const;
  const tokensLeft = new Gauge({
    name: 'georeplication_arm_budget_tokens',
    help: 'Requests that Azure Resource Manager accepts now, at least',
    labelNames,
    registers,
    // Sets both gauges: prom-client collects in order of creation, on which its own heap gauges rely too.
    collect() {
      tokensLeft.reset();
      callersWaiting.reset();
      for (const { subscriptionId: subscription, operation, tokens, waiting } of read()) {
        tokensLeft.set({ subscription, operation }, tokens);
        callersWaiting.set({ subscription, operation }, waiting);
      }
    },
  });
  const callersWaiting = new Gauge({
    name: 'georeplication_arm_budget_waiting',
    help: 'Objects whose requests the rate limiter holds back',
    labelNames,
    registers,
  });
}
