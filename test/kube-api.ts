// client-node's API classes, which have a method for each request that Kubernetes knows. The operator does without them.
import {
  type ApiConstructor,
  type ApiType,
  createConfiguration,
  Observable,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import type { KubeClient, WriteMethod } from '../src/kubernetes/client/client.ts';

/** Sends its requests as the client does: with its deadline, and its errors. A DELETE without options sends `{}`, which means the same. */
export function kubeApi<T extends ApiType>(client: KubeClient, type: ApiConstructor<T>): T {
  const baseServer = new ServerConfiguration(client.server, {});
  return new type(
    createConfiguration({ baseServer, httpApi: { send: (request) => new Observable(send(client, request)) } }),
  );
}

async function send(client: KubeClient, request: RequestContext): Promise<ResponseContext> {
  const path = request.getUrl().slice(client.server.length);
  const { Accept: accept = 'application/json', 'Content-Type': contentType = 'application/json' } =
    request.getHeaders();
  const method = request.getHttpMethod();
  const body = JSON.parse(String(request.getBody() ?? '{}'));
  const answer =
    method === 'GET'
      ? await client.getJson(path, { accept })
      : await client.sendJson(method as WriteMethod, path, body, { accept, contentType });
  const text = JSON.stringify(answer);
  const read = { text: async () => text, binary: async () => Buffer.from(text), stream: () => null };
  return new ResponseContext(200, { 'content-type': 'application/json' }, read);
}
