// Configures leader election: its Lease, its connections and its metrics.
import { randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import type { KubeClient, KubeClientOptions } from '../kubernetes/client/client.ts';
import { alwaysLeader, type LeaderElection, LeaseElection } from '../kubernetes/leader-election/leader-election.ts';
import { leaseLock } from '../kubernetes/leader-election/lease-lock.ts';
import { systemClock as clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface ElectionOptions {
  readonly connect: (options: KubeClientOptions) => KubeClient;
  /** The pod. */
  readonly instance: string;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly lost: (why: string) => void;
}

export function createElection(config: Config['leaderElection'], options: ElectionOptions): LeaderElection {
  if (!config) return alwaysLeader;
  const { namespace, name, ...timings } = config;
  const { connect, instance, metrics, log, lost } = options;
  // Its own connections, and half the deadline: a renewal that hangs leaves time for another.
  const cluster = connect({ timeoutMs: timings.renewDeadlineMs / 2 });
  return new LeaseElection({
    lock: leaseLock(cluster, { namespace: namespace ?? cluster.namespace, name }),
    // A restarted pod has the same name and is another process.
    identity: `${instance}_${randomUUID()}`,
    timings,
    onStoppedLeading: lost,
    clock,
    monotonic: () => performance.now(),
    random: Math.random,
    log,
    metrics: metrics.election(name),
  });
}
