// Opens the servers of /metrics, of the health probes and of the map.
import type { Config } from '../config.ts';
import type { Informer } from '../kubernetes/cache/informer.ts';
import type { KubeClient, KubeClientOptions } from '../kubernetes/client/client.ts';
import { systemClock as clock } from '../lib/clock.ts';
import type { MapOptions, RunningMap } from '../map/map.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { metricsPage } from '../telemetry/metrics-page.ts';
import { type Address, type Checks, type RunningServer, serveHealth, serveMetrics } from '../telemetry/server.ts';

export interface ServerOptions {
  readonly connect: (options: KubeClientOptions) => KubeClient;
  readonly metrics: Metrics;
  readonly checks: Checks;
  readonly log: Logger;
  /** For the map. */
  readonly store: MapOptions['store'];
  readonly informer: Pick<Informer, 'health'>;
  readonly regionsOf: MapOptions['regionsOf'];
  /** Called for each change; the map adds its own. */
  readonly listeners: RunningMap['onChange'][];
}

/** The ports that were bound; undefined where the configuration turns the server off. */
export interface Ports {
  readonly metricsPort: number | undefined;
  readonly healthPort: number | undefined;
}

/** Opens the configured servers and adds them to `resources`. Rejects with a BindError, a CertificateError or a MapServerError. */
export async function openServers(
  config: Config,
  options: ServerOptions,
  resources: AsyncDisposableStack,
): Promise<Ports> {
  const keep = (server: RunningServer) => {
    resources.defer(() => server.close());
    return server.port;
  };
  const [metricsPort, healthPort] = await Promise.all([
    config.metricsBindAddress && openMetrics(config.metricsBindAddress, config, options).then(keep),
    config.healthProbeBindAddress && serveHealth(config.healthProbeBindAddress, options.checks).then(keep),
  ]);
  await openMap(config, options, resources);
  return { metricsPort, healthPort };
}

/** It needs no token, which the log could not show: only those who may forward ports of the pod reach it, and it is read-only. */
async function openMap(
  { mapBindAddress: address }: Config,
  { store, informer, regionsOf, listeners, log }: ServerOptions,
  resources: AsyncDisposableStack,
): Promise<void> {
  if (!address) return;
  const { startMap } = await import('../map/map.ts');
  const map = await startMap({ address, needsToken: false, store, health: informer.health, regionsOf, clock });
  resources.defer(() => map.close());
  listeners.push(map.onChange);
  log.info({ map: map.url }, 'The map is served on loopback; kubectl port-forward reaches it');
}

async function openMetrics(
  address: Address,
  { metricsSecure }: Config,
  { connect, metrics: { registry }, log }: ServerOptions,
): Promise<RunningServer> {
  if (!metricsSecure) return serveMetrics(address, metricsPage(registry, clock));
  // Shorter than the 10 s after which Prometheus gives up.
  const cluster = connect({ timeoutMs: 5_000 });
  const { serveSecureMetrics } = await import('../telemetry/secure-metrics.ts');
  return serveSecureMetrics({ address, registry, cluster, ...metricsSecure, clock, log });
}
