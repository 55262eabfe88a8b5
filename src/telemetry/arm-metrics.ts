// The metrics of what is asked of Azure Resource Manager: how it answers, and what its budget holds back.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Level } from '../azure/budget.ts';
import type { ArmRequest } from '../azure/request-policy.ts';
import { type Operation, operations } from '../azure/shares.ts';
import type { Urgency } from '../azure/turns.ts';

export interface ArmMetrics {
  requested(request: ArmRequest): void;
  /** A request was not sent: it waits for its turn. */
  held(operation: Operation, urgency: Urgency): void;
  /** ARM has answered 429: nothing goes out for so many ms more. */
  paused(operation: Operation, ms: number): void;
  /** @param read Asked once a scrape. */
  budget(read: () => readonly Level[]): void;
}

/** In seconds, up to the time after which a request is given up. */
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
    help: 'How long Azure Resource Manager took to answer, token included',
    labelNames: ['method'],
    buckets,
    registers,
  });
  const holds = new Counter({
    name: 'georeplication_arm_requests_held_total',
    help: 'Requests that were not sent, because they wait for their turn in the budget of Azure Resource Manager',
    labelNames: ['operation', 'urgency'],
    registers,
  });
  const pauses = new Counter({
    name: 'georeplication_arm_throttled_seconds_total',
    help: 'Time for which Azure Resource Manager has forbidden to ask, by its Retry-After',
    labelNames: ['operation'],
    registers,
  });
  // From the first scrape on: a rate over a series that appears late misses its first step.
  for (const operation of operations) {
    for (const urgency of ['edit', 'upkeep']) holds.inc({ operation, urgency }, 0);
    pauses.inc({ operation }, 0);
  }

  return {
    requested({ method, status, durationMs }) {
      requests.inc({ method, code: status });
      requestTime.observe({ method }, durationMs / 1_000);
    },
    held: (operation, urgency) => holds.inc({ operation, urgency }),
    paused: (operation, ms) => pauses.inc({ operation }, ms / 1_000),

    budget(read) {
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
