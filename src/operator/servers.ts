// Opens the servers of /metrics and of the health probes.
import type { Config } from '../config.ts';
import type { KubeClient, KubeClientOptions } from '../kubernetes/client/client.ts';
import { systemClock as clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { metricsPage } from '../telemetry/metrics-page.ts';
import { serveSecureMetrics } from '../telemetry/secure-metrics.ts';
import { type Checks, type RunningServer, serveHealth, serveMetrics } from '../telemetry/server.ts';

export interface ServerOptions {
  readonly connect: (options: KubeClientOptions) => KubeClient;
  readonly metrics: Metrics;
  readonly checks: Checks;
  readonly log: Logger;
}

/** The ports that were bound; undefined where the configuration turns the server off. */
export interface Ports {
  readonly metricsPort: number | undefined;
  readonly healthPort: number | undefined;
}

/** Opens the configured servers and adds them to `resources`. Rejects with a BindError or a CertificateError. */
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
    openMetrics(config, options)?.then(keep),
    config.healthProbeBindAddress && serveHealth(config.healthProbeBindAddress, options.checks).then(keep),
  ]);
  return { metricsPort, healthPort };
}

function openMetrics(
  { metricsBindAddress: address, metricsSecure }: Config,
  { connect, metrics: { registry }, log }: ServerOptions,
): Promise<RunningServer> | undefined {
  if (!address) return undefined;
  if (!metricsSecure) return serveMetrics(address, metricsPage(registry, clock));
  // Shorter than the 10 s after which Prometheus gives up.
  const cluster = connect({ timeoutMs: 5_000 });
  return serveSecureMetrics({ address, registry, cluster, ...metricsSecure, clock, log });
}
