// Sends the state and its changes to browsers as server-sent events. For each client it remembers only which objects changed since the
// last message, so a slow client costs no more memory than the number of objects, and gets the newest state when it reads on.
import type { RegistryReplication } from '../api/registryreplication.ts';
import type { Change } from '../kubernetes/cache/reflector.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';
import type { Clock } from '../lib/clock.ts';
import { isSameContact } from './contact.ts';
import type { Contact, MapState, MapUpdate, RegistryView } from './model.ts';

export interface StreamOptions {
  /** The whole state, for a new client. */
  readonly state: (contact: Contact) => MapState;
  readonly regions: () => MapState['regions'];
  readonly read: (key: string) => RegistryReplication | undefined;
  readonly view: (object: RegistryReplication) => RegistryView;
  readonly contact: (before: Contact, now: Date) => Contact;
  readonly clock: Clock;
  readonly limits?: Partial<StreamLimits>;
}

export interface StreamLimits {
  readonly maxClients: number;
  /** Changes that follow each other faster are sent together. */
  readonly batchMs: number;
  /** A client hears something at least that often. */
  readonly heartbeatMs: number;
  /** A client that reads nothing for so long is disconnected. */
  readonly maxStallMs: number;
}

export const streamLimits: StreamLimits = { maxClients: 16, batchMs: 50, heartbeatMs: 15_000, maxStallMs: 60_000 };

/** How often the contact to the API server is checked while there are clients. */
const contactCheckMs = 1_000;

interface Client {
  readonly changed: Set<string>;
  contactChanged: boolean;
  regionsChanged: boolean;
  /** Undefined unless the client waits for something to send. */
  wake: (() => void) | undefined;
  /** ms since the epoch. */
  lastSent: number;
  /** Ends the response once it is read. */
  end(): void;
  /** Ends the connection. */
  disconnect(): void;
}

export class StateStream {
  readonly #options: StreamOptions;
  readonly #limits: StreamLimits;
  readonly #clients = new Set<Client>();
  #contact: Contact = { live: false };
  #cancelCheck: () => void = () => undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#limits = { ...streamLimits, ...options.limits };
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Reads the contact anew. A change is sent to every client, also if it was found for another one. */
  contact(): Contact {
    const before = this.#contact;
    this.#contact = this.#options.contact(before, this.#options.clock.now());
    if (!isSameContact(before, this.#contact)) {
      for (const client of this.#clients) {
        client.contactChanged = true;
        client.wake?.();
      }
    }
    return this.#contact;
  }

  /** A change that shows nowhere on the map is not sent. */
  onChange(change: Change<RegistryReplication>): void {
    if (this.#clients.size === 0) return;
    if (change.type === 'updated' && this.#looksSame(change.previous, change.object)) return;
    const key = namespacedName(change.object);
    for (const client of this.#clients) {
      client.changed.add(key);
      client.wake?.();
    }
  }

  onRegions(): void {
    for (const client of this.#clients) {
      client.regionsChanged = true;
      client.wake?.();
    }
  }

  /** The body of a response; undefined if there are too many clients. `disconnect` ends its connection. */
  open(disconnect: () => void): ReadableStream<Uint8Array> | undefined {
    if (this.#clients.size >= this.#limits.maxClients) return undefined;
    const { clock } = this.#options;
    const utf8 = new TextEncoder();
    let isFirst = true;
    let client: Client;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          client = {
            changed: new Set(),
            contactChanged: false,
            regionsChanged: false,
            wake: undefined,
            lastSent: clock.now().getTime(),
            end: () => {
              this.#remove(client);
              controller.close();
            },
            disconnect,
          };
          this.#add(client);
        },
        pull: async (controller) => {
          const message = isFirst ? this.#first(client) : await this.#next(client);
          isFirst = false;
          if (!this.#clients.has(client)) return;
          client.lastSent = clock.now().getTime();
          controller.enqueue(utf8.encode(message));
        },
        cancel: () => this.#remove(client),
      },
      nothingAhead,
    );
  }

  close(): void {
    for (const client of [...this.#clients]) client.end();
  }

  #looksSame(one: RegistryReplication, other: RegistryReplication): boolean {
    const { view } = this.#options;
    return JSON.stringify(view(one)) === JSON.stringify(view(other));
  }

  #add(client: Client): void {
    this.#clients.add(client);
    if (this.#clients.size === 1) this.#scheduleCheck();
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    client.wake?.();
    if (this.#clients.size === 0) this.#cancelCheck();
  }

  /** A browser whose connection broke comes back after 1 s. */
  #first(client: Client): string {
    const contact = this.contact();
    client.contactChanged = false;
    return `retry: 1000\n${eventOf('state', this.#options.state(contact))}`;
  }

  async #next(client: Client): Promise<string> {
    const hasNews = () => client.changed.size > 0 || client.contactChanged || client.regionsChanged;
    if (!hasNews()) await this.#wait(client, this.#limits.heartbeatMs);
    if (hasNews()) await this.#pause(this.#limits.batchMs);
    const changed: RegistryView[] = [];
    const gone: string[] = [];
    for (const key of client.changed) {
      const object = this.#options.read(key);
      if (object) changed.push(this.#options.view(object));
      else gone.push(key);
    }
    const regions = client.regionsChanged ? { regions: this.#options.regions() } : {};
    client.changed.clear();
    client.contactChanged = false;
    client.regionsChanged = false;
    return eventOf('update', { contact: this.#contact, changed, gone, ...regions } satisfies MapUpdate);
  }

  #wait(client: Client, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, () => client.wake?.());
      client.wake = () => {
        client.wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#options.clock.after(contactCheckMs, () => {
      this.#check();
      if (this.#clients.size > 0) this.#scheduleCheck();
    });
  }

  #check(): void {
    this.contact();
    const now = this.#options.clock.now().getTime();
    for (const client of [...this.#clients]) {
      if (!client.wake && now - client.lastSent > this.#limits.maxStallMs) {
        this.#remove(client);
        client.disconnect();
      }
    }
  }
}

/** No message is made before the connection takes it. */
const nothingAhead = { highWaterMark: 0 };

function eventOf(event: string, data: MapState | MapUpdate): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
