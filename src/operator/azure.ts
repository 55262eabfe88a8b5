// Connects the ARM clients of all identities with metrics and log.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RegistryReplication } from '../api/registryreplication.ts';
import { createArmClient } from '../azure/arm-client.ts';
import { ArmClientPool } from '../azure/identity/arm-client-pool.ts';
import { clientAnnotations } from '../azure/identity/federated-credential.ts';
import type { Credential } from '../azure/identity/token-cache.ts';
import { OperationUrls } from '../azure/operation-urls.ts';
import { RateLimiter, type RateLimitLevel } from '../azure/rate-limit/rate-limiter.ts';
import type { Config } from '../config.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import { serviceAccounts } from '../kubernetes/client/service-account.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { outageLog } from '../telemetry/arm-outage-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { maxNamedSeries } from '../telemetry/object-metrics.ts';

/** The key of the object whose pass is running, for the log lines of ARM requests. */
export const currentKey = new AsyncLocalStorage<string>();

export interface AzureOptions {
  /** The operator's own. */
  readonly credential: Credential;
  readonly config: Pick<Config, 'cloud' | 'homeTenant'>;
  readonly userAgent: string;
  readonly cluster: KubeClient;
  /** Called right before each write; it throws unless this process leads. */
  readonly assertLeader: () => void;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Each identity has its own connections and rate limiter: ARM counts requests by credential. They share one bound of operation URLs. */
export function createArmClients(options: AzureOptions): ArmClientPool {
  const { credential: own, config, userAgent, cluster, assertLeader, metrics, log } = options;
  const { cloud, homeTenant } = config;
  const logOutage = outageLog(log);
  const operationUrls = new OperationUrls(cloud.endpoint);
  return new ArmClientPool({
    own,
    connect(credential, identityLabel) {
      const rateLimiter = new RateLimiter({
        now: () => performance.now(),
        onHeld: metrics.arm.held,
        onPaused: metrics.arm.paused,
      });
      const arm = createArmClient({
        credential,
        identityLabel,
        operationUrls,
        rateLimiter,
        cloud,
        userAgent,
        beforeWrite: assertLeader,
        onRequest(request) {
          metrics.arm.requested(request);
          logOutage(request);
          log.debug({ object: currentKey.getStore(), ...request }, 'Azure Resource Manager was asked');
        },
      });
      return { arm, rateLimiter, release: arm.release, close: arm.close };
    },
    serviceAccounts: serviceAccounts(cluster, clock, clientAnnotations),
    cloud,
    homeTenant,
    clock,
  });
}

/** The lowest levels of the subscriptions that `objects` name now, bounded because anyone may create many objects. */
export function lowestRateLimits(objects: readonly RegistryReplication[], armClients: ArmClientPool): RateLimitLevel[] {
  const named = new Set(objects.map(({ spec }) => spec.registry.subscriptionId.toLowerCase()));
  const levels = armClients.levels().filter(({ subscriptionId }) => named.has(subscriptionId));
  return levels.sort((one, other) => one.tokens - other.tokens).slice(0, maxNamedSeries);
}
