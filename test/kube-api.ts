// client-node's API classes, which have a method for each request that Kubernetes knows. The operator does without them.
import { type ApiConstructor, type ApiType, createConfiguration, ServerConfiguration } from '@kubernetes/client-node';
import type { KubeClient } from '../src/kubernetes/client/client.ts';

/** Sends its requests on the client's connections. Its methods reject with ApiException, and without an answer with fetch's TypeError. */
export function kubeApi<T extends ApiType>({ server, config }: KubeClient, type: ApiConstructor<T>): T {
  const baseServer = new ServerConfiguration(server, {});
  return new type(createConfiguration({ baseServer, authMethods: { default: config } }));
}
