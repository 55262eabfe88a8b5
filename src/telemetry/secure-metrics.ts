// Serves the metrics over HTTPS to clients that the API server authorizes, as controller-runtime's
// WithAuthenticationAndAuthorization does: composes the server, its certificate and its authorization.
import { hostname } from 'node:os';
import type { Registry } from 'prom-client';
import { accessReview } from '../kubernetes/client/access-review.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { readCertificate, watchCertificate } from './cert-watcher.ts';
import { scrapeGuard } from './metrics-auth.ts';
import { metricsPage } from './metrics-page.ts';
import { selfSigned } from './self-signed.ts';
import { type Address, type RunningServer, serveMetricsSecurely } from './server.ts';

export interface SecureMetricsOptions {
  readonly address: Address;
  readonly registry: Registry;
  /** A client of its own, closed with the server: a standby, whose writes are fenced, serves scrapes too. */
  readonly cluster: KubeClient;
  /** The directory of tls.crt and tls.key; undefined: a self-signed certificate that clients cannot verify. */
  readonly certDir?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Rejects with a BindError or a CertificateError. */
export async function serveSecureMetrics(options: SecureMetricsOptions): Promise<RunningServer> {
  const { address, registry, cluster, certDir, clock, log } = options;
  const certificate = await (certDir === undefined ? selfSigned(hostname(), clock.now()) : readCertificate(certDir));
  const guard = scrapeGuard({ reviews: accessReview(cluster), clock, log });
  const { port, renew, close } = await serveMetricsSecurely(address, metricsPage(registry, clock), {
    certificate,
    guard,
  });
  const endWatch =
    certDir === undefined ? () => {} : watchCertificate(certDir, certificate, { clock, log, renewed: renew });
  return {
    port,
    async close() {
      endWatch();
      await Promise.all([close(), cluster.close()]);
    },
  };
}
