// Scrapes an operator that serves secure metrics, as Prometheus does.
import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import type { Account } from './access.ts';
import type { TestCluster } from './cluster.ts';
import type { Operator } from './operator.ts';

/** @param token a bearer token; none is sent if it is undefined */
export async function scrape(operator: Operator, token?: string): Promise<{ status: number; body: string }> {
  const { metricsPort } = await operator.logged(({ metricsPort }) => metricsPort !== undefined);
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const port = Number(metricsPort);
  // The operator's self-signed certificate has no authority.
  const outgoing = request({ host: '127.0.0.1', port, path: '/metrics', headers, rejectUnauthorized: false });
  outgoing.end();
  const [incoming] = await once(outgoing, 'response');
  return { status: incoming.statusCode, body: await text(incoming) };
}

/** A token of the service account for the API server. */
export async function bearerTokenOf(cluster: TestCluster, account: Account): Promise<string> {
  const config = new KubeConfig();
  config.loadFromString(await cluster.kubeconfigOf(account));
  return config.getCurrentUser()?.token ?? '';
}
