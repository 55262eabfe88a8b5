// A plain HTTPS client for tests of the emulator itself: it sends requests as given, returns every status code, and reads
// watches as lines of JSON.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as send } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import type { KubernetesEmulator } from './emulator.ts';

export interface HttpResponse<Body> {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Body;
}

export interface WatchEvent<Thing> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Thing;
}

export interface OpenWatch<Thing> {
  /** The next event; undefined when the server has ended the watch. */
  next(): Promise<WatchEvent<Thing> | undefined>;
  close(): void;
}

export interface Connection {
  /** `body` is sent as JSON; a string is sent as it is. */
  request<Body>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<HttpResponse<Body>>;
  /** Resolves when the server has begun to answer. */
  watch<Thing>(path: string, headers?: Readonly<Record<string, string>>): Promise<OpenWatch<Thing>>;
  close(): void;
}

/** What `connect` needs of a kubeconfig in YAML with one cluster and one user with a token. */
export function serverOf(kubeconfig: string): Parameters<typeof connect>[0] {
  const { clusters, users } = parse(kubeconfig);
  const { server, 'certificate-authority-data': certificate } = clusters[0].cluster;
  return { url: server, token: users[0].user.token, certificate: Buffer.from(certificate, 'base64').toString() };
}

export function connect(emulator: Pick<KubernetesEmulator, 'url' | 'token' | 'certificate'>): Connection {
  const agent = new Agent({ keepAlive: true, ca: emulator.certificate });
  const authorization = `Bearer ${emulator.token}`;

  async function exchange(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> {
    const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const outgoing = send(emulator.url + path, {
      method,
      agent,
      headers: {
        authorization,
        ...(content !== undefined && {
          'content-type': 'application/json',
          // Node sets no content-length for a DELETE by itself.
          'content-length': Buffer.byteLength(content),
        }),
        ...headers,
      },
    });
    outgoing.end(content);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return incoming;
  }

  return {
    async request(method, path, body, headers = {}) {
      const incoming = await exchange(method, path, body, headers);
      const received = await text(incoming);
      const isJson = incoming.headers['content-type']?.startsWith('application/json');
      return {
        code: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: isJson ? JSON.parse(received) : received,
      };
    },
    async watch(path, headers = {}) {
      const incoming = await exchange('GET', path, undefined, headers);
      if (incoming.statusCode !== 200) throw new Error(`the watch was answered by ${incoming.statusCode}`);
      const lines = createInterface({ input: incoming })[Symbol.asyncIterator]();
      return {
        async next() {
          const { done, value } = await lines.next();
          return done ? undefined : JSON.parse(value);
        },
        close: () => incoming.destroy(),
      };
    },
    close: () => agent.destroy(),
  };
}
