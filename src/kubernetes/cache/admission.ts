// Decides which objects the operator works on when there are more than its memory has room for. Pure.
import { compareText, insertSorted, removeSorted } from '../../lib/sorted.ts';

/** One version of an object. */
export interface Candidate {
  /** namespace/name */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Its status says that it was worked on. */
  readonly isIncumbent: boolean;
  /** Its status says that it is refused. */
  readonly isReported: boolean;
}

export interface AdmissionOptions {
  /** How many objects are worked on; Infinity: all. */
  readonly maxObjects: number;
  /** Whether a namespace may take only three quarters of the room that the others leave. */
  readonly isShared: boolean;
  /** A refused object is taken in: there is room now. */
  readonly onAdmitted: (key: string) => void;
}

interface Entry {
  readonly key: string;
  readonly uid: string;
  readonly createdAt: number;
  readonly namespace: Namespace;
  isAdmitted: boolean;
  isReported: boolean;
  /** Admitted by a LIST that has not ended, which may have older objects on later pages: takes the admission back. */
  refuse: (() => void) | undefined;
}

interface Namespace {
  readonly name: string;
  admitted: number;
  /** Refused objects, oldest first. */
  readonly waiting: Entry[];
  /** Those that a LIST has admitted and not yet confirmed, oldest first. */
  readonly tentative: Entry[];
}

/**
 * Guarantees: an object that was admitted stays so until it is gone, and so does one that an earlier process admitted, by its status.
 * So more than `maxObjects` are admitted only if there were more when the process started. Otherwise a new object is admitted while
 * there is room, and the oldest refused one when room appears. If it is shared, a namespace finds
 * room whatever another one creates.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #namespaces = new Map<string, Namespace>();
  #admitted = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get admitted(): number {
    return this.#admitted;
  }

  get refused(): number {
    return this.#entries.size - this.#admitted;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  isAdmitted(key: string): boolean {
    return this.#entries.get(key)?.isAdmitted ?? false;
  }

  isRefused(key: string): boolean {
    return this.#entries.get(key)?.isAdmitted === false;
  }

  /** Refused, and the status does not say so yet. */
  isUnreported(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && !entry.isAdmitted && !entry.isReported;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** A version that a watch delivers. Returns whether the object is admitted. */
  onWatched(candidate: Candidate): boolean {
    const entry = this.#entryOf(candidate);
    if (!entry.isAdmitted && (candidate.isIncumbent || this.#hasRoom(entry.namespace))) this.#admit(entry);
    return entry.isAdmitted;
  }

  /**
   * A version from a LIST. Returns whether the object is admitted for now; `refuse` is called if a later page shows that others come
   * before it. End the LIST with {@link onListed}.
   */
  onItem(candidate: Candidate, refuse: () => void): boolean {
    const entry = this.#entryOf(candidate);
    if (entry.isAdmitted) {
      if (entry.refuse) entry.refuse = refuse; // the LIST was begun again
      return true;
    }
    if (candidate.isIncumbent) {
      this.#admit(entry);
      if (this.#admitted > this.#options.maxObjects) this.#takeBack(this.#youngest());
      return true;
    }
    const youngest = entry.namespace.tentative.at(-1);
    if (!this.#hasRoom(entry.namespace) && youngest && byAge(entry, youngest) < 0) this.#takeBack(youngest);
    if (!this.#hasRoom(entry.namespace)) return false;
    this.#admit(entry);
    entry.refuse = refuse;
    insertSorted(entry.namespace.tentative, entry, byAge);
    return true;
  }

  /** The LIST of this namespace, or of all if undefined, has ended with these keys. What it did not have is gone. */
  onListed(namespace: string | undefined, keys: ReadonlySet<string>): void {
    const scope = namespace === undefined ? undefined : this.#namespaceOf(namespace);
    for (const [key, entry] of this.#entries) {
      if ((scope === undefined || entry.namespace === scope) && !keys.has(key)) this.#drop(entry);
    }
    for (const each of scope === undefined ? this.#namespaces.values() : [scope])
      for (const entry of each.tentative.splice(0)) entry.refuse = undefined;
    this.#fill();
  }

  /** The object is gone. */
  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#drop(entry);
    this.#fill();
  }

  /** Admits refused objects while there is room, oldest first. */
  #fill(): void {
    while (this.refused > 0 && this.#admitted < this.#options.maxObjects) {
      let oldest: Entry | undefined;
      for (const namespace of this.#namespaces.values()) {
        const [first] = namespace.waiting;
        if (first && this.#hasRoom(namespace) && (!oldest || byAge(first, oldest) < 0)) oldest = first;
      }
      if (!oldest) return;
      this.#admit(oldest);
      this.#options.onAdmitted(oldest.key);
    }
  }

  #hasRoom({ admitted }: Namespace): boolean {
    const { maxObjects, isShared } = this.#options;
    const left = maxObjects - this.#admitted;
    return left > 0 && (!isShared || admitted < 3 * left);
  }

  /** Refused at first if it is new. */
  #entryOf({ key, uid, namespace: name, createdAt, isReported }: Candidate): Entry {
    const known = this.#entries.get(key);
    if (known?.uid === uid) {
      known.isReported = isReported;
      return known;
    }
    this.remove(key);
    const namespace = this.#namespaceOf(name);
    const entry: Entry = { key, uid, createdAt, namespace, isAdmitted: false, isReported, refuse: undefined };
    this.#entries.set(key, entry);
    insertSorted(namespace.waiting, entry, byAge);
    return entry;
  }

  #admit(entry: Entry): void {
    removeSorted(entry.namespace.waiting, entry, byAge);
    entry.isAdmitted = true;
    entry.namespace.admitted++;
    this.#admitted++;
  }

  #takeBack(entry: Entry | undefined): void {
    if (!entry) return;
    this.#release(entry);
    insertSorted(entry.namespace.waiting, entry, byAge);
    entry.refuse?.();
    entry.refuse = undefined;
  }

  #release(entry: Entry): void {
    removeSorted(entry.namespace.tentative, entry, byAge);
    entry.isAdmitted = false;
    entry.namespace.admitted--;
    this.#admitted--;
  }

  #drop(entry: Entry): void {
    if (entry.isAdmitted) this.#release(entry);
    else removeSorted(entry.namespace.waiting, entry, byAge);
    this.#entries.delete(entry.key);
    const { name, admitted, waiting } = entry.namespace;
    if (admitted === 0 && waiting.length === 0) this.#namespaces.delete(name);
  }

  #youngest(): Entry | undefined {
    let youngest: Entry | undefined;
    for (const { tentative } of this.#namespaces.values()) {
      const last = tentative.at(-1);
      if (last && (!youngest || byAge(youngest, last) < 0)) youngest = last;
    }
    return youngest;
  }

  #namespaceOf(name: string): Namespace {
    const namespace = this.#namespaces.get(name) ?? { name, admitted: 0, waiting: [], tentative: [] };
    this.#namespaces.set(name, namespace);
    return namespace;
  }
}

function byAge(one: Entry, other: Entry): number {
  return one.createdAt - other.createdAt || compareText(one.uid, other.uid) || compareText(one.key, other.key);
}
