// What the emulator was asked, in order: tests count requests with it and wait for them. Keeps no tokens and no secrets, and
// of the eldest requests nothing once there are very many.
import type { RequestInfo } from './request-info.ts';

export interface JournalEntry extends RequestInfo {
  /** When it arrived, by the emulator's clock. */
  readonly at: Date;
  /** The same moment in ns by the machine's monotonic clock (process.hrtime), which all its processes share: for benches. */
  readonly arrival: bigint;
  /** 0 where no answer was given. */
  readonly status: number;
  /** What the answer was before a fault took its place: the client was not told what became of its request. */
  readonly hidden?: number;
  /** ARM's word for a refusal: `Conflict` without a fault is a write to what was in motion. */
  readonly code?: string;
  /** Names of the faults that befell it on its way. */
  readonly faults?: readonly string[];
  /** The application that asked, where its token was good. */
  readonly clientId?: string;
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

  /** `longest`: requests that are kept; the eldest tenth is forgotten whenever there are more. */
  constructor(longest = 100_000) {
    this.#longest = longest;
  }

  /** Requests that have been answered, the earliest answer first. */
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

  /** The first matching request, whether it has been answered already or is yet to come. */
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

  /** Forgets what was; whoever waits goes on waiting. */
  clear(): void {
    this.#entries = [];
  }

  close(): void {
    for (const { reject } of this.#waiting) reject(new Error('The ARM emulator was closed before such a request came'));
    this.#waiting = [];
  }
}
