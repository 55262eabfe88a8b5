// Azure's instance metadata service as far as managed identities use it: it gives out tokens without credentials. The
// protocol follows Microsoft's article on managed identities and tokens; plain HTTP, as in Azure.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MetadataEndpoint {
  /** `http://127.0.0.1:port`, for AZURE_POD_IDENTITY_AUTHORITY_HOST. */
  readonly url: string;
  close(): Promise<void>;
}

/** Returns an access token for this client and resource, and its lifetime in seconds. */
export type Grant = (clientId: string, resource: string) => { readonly token: string; readonly lifetime: number };

export async function startMetadataEndpoint(grant: Grant): Promise<MetadataEndpoint> {
  const server = createServer((request, response) => answer(request, response, grant));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer({ url = '', headers }: IncomingMessage, response: ServerResponse, grant: Grant): void {
  const { pathname, searchParams } = new URL(url, 'http://metadata');
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
  if (!/^\/metadata\/identity\/oauth2\/token\/?$/.test(pathname)) return void send(404, { error: 'Not found' });
  if (headers.metadata !== 'true') {
    // The header protects against server-side request forgery: a plain fetch of the URL gets no token.
    return void send(400, {
      error: 'invalid_request',
      error_description: 'Required metadata header not specified',
    });
  }
  const resource = searchParams.get('resource') ?? '';
  const clientId = searchParams.get('client_id') ?? '';
  const { token, lifetime } = grant(clientId, resource);
  send(200, {
    access_token: token,
    client_id: clientId,
    expires_in: String(lifetime),
    expires_on: String(Math.floor(Date.now() / 1000) + lifetime),
    resource,
    token_type: 'Bearer',
  });
}
