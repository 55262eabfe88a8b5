// Opens connections to the API server: directly, or through the proxy of the kubeconfig or the environment.
import type { Cluster } from '@kubernetes/client-node';
import { buildConnector } from 'undici';
import { type ProxyServer, parseProxy, portOf, proxyFor } from '../../lib/proxy.ts';
import { openTunnel, type TunnelOptions } from '../../lib/tunnel.ts';

export type ConnectorOptions = buildConnector.BuildOptions;

/** As in client-go, the kubeconfig's `proxy-url` comes before the environment, and NO_PROXY does not apply to it. */
export function proxyOf({ server, proxyUrl }: Cluster): ProxyServer | undefined {
  return proxyUrl ? parseProxy("the kubeconfig's proxy-url", proxyUrl) : proxyFor(new URL(server));
}

export function createConnector(
  cluster: Cluster,
  options: ConnectorOptions,
  attempt: TunnelOptions,
): buildConnector.connector {
  const url = new URL(cluster.server);
  const connect = buildConnector(options);
  // undici prefers the name in the URL.
  const servername = 'servername' in options ? options.servername : undefined;
  return (request, callback) => {
    const named = { ...request, ...(servername && { servername }) };
    const proxy = proxyOf(cluster);
    if (!proxy) return connect(named, callback);
    openTunnel(proxy, `${url.hostname}:${portOf(url)}`, attempt).then(
      (httpSocket) => connect({ ...named, httpSocket }, callback),
      (error: Error) => callback(error, null),
    );
  };
}
