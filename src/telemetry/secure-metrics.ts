// The metrics over HTTPS, for those only whom the API server gives the right to read them, as controller-runtime's
// WithAuthenticationAndAuthorization serves them: puts together the server, its certificate and its guard.
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
  /** Of its own, and closed with the server: a standby, which may not write, answers scrapes as well. */
  readonly cluster: KubeClient;
  /** Holds tls.crt and tls.key; left out, the server makes itself a certificate that nobody can check. */
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
