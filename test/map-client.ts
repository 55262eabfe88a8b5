// A browser's part of the map's protocol, for tests: requests with any headers, and the stream of states.
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { MapState, MapUpdate } from '../src/map/model.ts';

export interface MapResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface RequestOptions {
  readonly method?: string;
  /** Node sets Host only if it is not among them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Message =
  | { readonly event: 'state'; readonly data: MapState }
  | { readonly event: 'update'; readonly data: MapUpdate };

export class MapClient {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly #token: string;
  /** The page's path without the slash at its end, once it is known. All paths are below it. */
  #home = '';
  #cookie = '';

  constructor(url: string) {
    const { origin, searchParams } = new URL(url);
    this.origin = origin;
    this.#token = searchParams.get('token') ?? '';
  }

  /** Exchanges the token for a cookie, as opening the page does. */
  async open(): Promise<MapResponse> {
    const response = await this.enter(this.#token);
    this.#cookie = response.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
    this.#home = /^0; url=(.*)\/$/.exec(String(response.headers.refresh))?.[1] ?? '';
    return response;
  }

  async enter(token: string, headers: Readonly<Record<string, string>> = {}): Promise<MapResponse> {
    return read(await this.#send(`/?token=${token}`, { headers }));
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<MapResponse> {
    return this.request(path, { method, headers: { Cookie: this.#cookie, ...headers } });
  }

  /** As the page posts a change; `headers` replace its own. */
  post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<MapResponse> {
    const own = { Cookie: this.#cookie, Origin: this.origin, 'Content-Type': 'application/json' };
    return this.request(path, { method: 'POST', headers: { ...own, ...headers }, body: JSON.stringify(body) });
  }

  async request(path: string, options: RequestOptions = {}): Promise<MapResponse> {
    return read(await this.#send(this.#home + path, options));
  }

  /** The stream's response before its body is read. */
  connect(): Promise<IncomingMessage> {
    return this.#send(`${this.#home}/api/stream`, { headers: { Cookie: this.#cookie } });
  }

  /** The messages of a new stream. Ends the connection when the loop is left. */
  async *messages(): AsyncGenerator<Message> {
    const response = await this.connect();
    let text = '';
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        text += chunk;
        const parts = text.split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) yield messageIn(part);
      }
    } finally {
      response.destroy();
    }
  }

  #send(path: string, { method = 'GET', headers = {}, body }: RequestOptions): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(this.origin + path, { method, headers, agent: false }, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function read(response: IncomingMessage): Promise<MapResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') };
}

function messageIn(part: string): Message {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
  return { event: field('event'), data: JSON.parse(field('data')) } as Message;
}

/** The first message that fits, past ones of this stream aside. */
export async function until(stream: AsyncGenerator<Message>, fits: (message: Message) => boolean): Promise<Message> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done) throw new Error('the stream has ended');
    if (fits(value)) return value;
  }
}
