// Records the requests that the emulator received, so that tests can count them and wait for them. It keeps no tokens or
// secrets, and a bounded number of entries.
import type { RequestInfo } from './request-info.ts';
import type { Proof } from './tokens.ts';

export interface JournalEntry extends RequestInfo {
  /** Time of arrival, by the emulator's clock. */
  readonly at: Date;
  /** Arrival in ns on the monotonic clock (process.hrtime), which all processes of a machine share; for benchmarks. */
  readonly arrival: bigint;
  /** 0 if no answer was sent. */
  readonly status: number;
  /** The status before a fault replaced it: the client did not learn the outcome of its request. */
  readonly hidden?: number;
  /** ARM's error code: `Conflict` without a fault is a write to a resource in motion. */
  readonly code?: string;
  /** Names of the faults that applied. */
  readonly faults?: readonly string[];
  /** The application of a valid token. */
  readonly clientId?: string;
  /** How the client proved its identity, in a request for a token. */
  readonly proof?: Proof['kind'];
  /** ms of real time. */
  readonly duration: number;
}

type Matches = (entry: JournalEntry) => boolean;

interface Waiting {
  readonly matches: Matches;
  readonly resolve: (entry: JournalEntry) => void;
  readonly reject: (error: Error) => void;
}

export class Journal implements Iterable<JournalEntry> {
  #entries: JournalEntry[] = [];
  #waiting: Waiting[] = [];
  readonly #longest: number;

  /** When there are more than `longest` entries, the oldest tenth is dropped. */
  constructor(longest = 100_000) {
    this.#longest = longest;
  }

  /** In the order in which they were answered. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  [Symbol.iterator](): Iterator<JournalEntry> {
    return this.#entries.values();
  }

  /** PUT, PATCH and DELETE at ARM. */
  get writes(): readonly JournalEntry[] {
    return this.#entries.filter(({ method }) => method === 'PUT' || method === 'PATCH' || method === 'DELETE');
  }

  /** The next matching request that is answered from now on. Rejects when the emulator closes first. */
  next(matches: Matches = () => true): Promise<JournalEntry> {
    return new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject }));
  }

  /** The first matching request, past or future. */
  async first(matches: Matches): Promise<JournalEntry> {
    return this.#entries.find(matches) ?? this.next(matches);
  }

  record(entry: JournalEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.#longest) this.#entries.splice(0, Math.ceil(this.#longest / 10));
    const served = this.#waiting.filter(({ matches }) => matches(entry));
    this.#waiting = this.#waiting.filter((waiting) => !served.includes(waiting));
    for (const { resolve } of served) resolve(entry);
  }

  /** Drops the entries; callers of `next` and `first` keep waiting. */
  clear(): void {
    this.#entries = [];
  }

  close(): void {
    for (const { reject } of this.#waiting) reject(new Error('The ARM emulator was closed before such a request came'));
    this.#waiting = [];
  }
}
