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
  /** For how many usual objects it counts: at least 1. */
  readonly weight: number;
  /** Its status says that it was worked on. */
  readonly isIncumbent: boolean;
  /** Its status says that it is refused. */
  readonly isReported: boolean;
}

export interface AdmissionOptions {
  /** The weight of the objects that are worked on, at most; Infinity: all are. */
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
  weight: number;
  /** It was admitted and became too large: it needs room like a new one, whatever its status says. */
  hasOutgrown: boolean;
  /** Admitted by a LIST that has not ended, which may have older objects on later pages: takes the admission back. */
  refuse: (() => void) | undefined;
}

interface Namespace {
  readonly name: string;
  /** The weight of its admitted objects. */
  taken: number;
  /** Refused objects, oldest first. */
  readonly waiting: Entry[];
  /** Those that a LIST has admitted and not yet confirmed, oldest first. */
  readonly tentative: Entry[];
}

/**
 * Guarantees: an object that was admitted stays so until it is gone or grows beyond the room. One that an earlier process admitted, by
 * its status, stays so too if it has weight 1, or fits. So the admitted weight exceeds `maxObjects` only if objects of weight 1 were more
 * when the process started, or others grew before. Otherwise a new object is admitted while there is room for it, and the oldest refused
 * one that fits when room appears. If the room is shared, a namespace finds some whatever another one creates.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #namespaces = new Map<string, Namespace>();
  #admitted = 0;
  /** The weight of the admitted objects. */
  #taken = 0;

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
    if (!entry.isAdmitted && (this.#keepsPlace(entry, candidate) || this.#hasRoom(entry))) this.#admit(entry);
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
      for (let last = this.#youngest(); last && entry.weight > this.#left; last = this.#youngest())
        this.#takeBack(last);
      if (this.#keepsPlace(entry, candidate)) {
        this.#admit(entry);
        return true;
      }
    }
    const { tentative } = entry.namespace;
    for (let last = tentative.at(-1); last && byAge(entry, last) < 0 && !this.#hasRoom(entry); last = tentative.at(-1))
      this.#takeBack(last);
    if (!this.#hasRoom(entry)) return false;
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

  /** Admits the oldest refused object that fits, and so on. */
  #fill(): void {
    while (this.refused > 0 && this.#left > 0) {
      let oldest: Entry | undefined;
      for (const { waiting } of this.#namespaces.values()) {
        const first = waiting.find((entry) => this.#hasRoom(entry));
        if (first && (!oldest || byAge(first, oldest) < 0)) oldest = first;
      }
      if (!oldest) return;
      this.#admit(oldest);
      this.#options.onAdmitted(oldest.key);
    }
  }

  #hasRoom({ namespace, weight }: Entry): boolean {
    const leftBefore = this.#left - weight + 1;
    return leftBefore > 0 && (!this.#options.isShared || namespace.taken + weight - 1 < 3 * leftBefore);
  }

  /** An earlier process worked on it, so it may hold replicas. A large one may have grown meanwhile: it needs room. */
  #keepsPlace({ weight, hasOutgrown }: Entry, { isIncumbent }: Candidate): boolean {
    return isIncumbent && !hasOutgrown && (weight === 1 || weight <= this.#left);
  }

  get #left(): number {
    return this.#options.maxObjects - this.#taken;
  }

  /** Refused at first if it is new. */
  #entryOf({ key, uid, namespace: name, createdAt, weight, isReported }: Candidate): Entry {
    const known = this.#entries.get(key);
    if (known?.uid === uid) {
      known.isReported = isReported;
      this.#weigh(known, weight);
      return known;
    }
    this.remove(key);
    const namespace = this.#namespaceOf(name);
    const entry: Entry = {
      key,
      uid,
      createdAt,
      namespace,
      weight,
      isAdmitted: false,
      isReported,
      hasOutgrown: false,
      refuse: undefined,
    };
    this.#entries.set(key, entry);
    insertSorted(namespace.waiting, entry, byAge);
    return entry;
  }

  /** An admitted object that grows keeps its place only if it would be admitted as a new one; one that shrinks leaves room. */
  #weigh(entry: Entry, weight: number): void {
    const { weight: before, isAdmitted } = entry;
    if (weight === before || !isAdmitted) {
      entry.weight = weight;
      return;
    }
    this.#release(entry);
    entry.weight = weight;
    entry.refuse = undefined;
    insertSorted(entry.namespace.waiting, entry, byAge);
    if (weight < before || this.#hasRoom(entry)) this.#admit(entry);
    else entry.hasOutgrown = true;
    this.#fill();
  }

  #admit(entry: Entry): void {
    removeSorted(entry.namespace.waiting, entry, byAge);
    entry.isAdmitted = true;
    entry.hasOutgrown = false;
    entry.namespace.taken += entry.weight;
    this.#taken += entry.weight;
    this.#admitted++;
  }

  #takeBack(entry: Entry): void {
    this.#release(entry);
    insertSorted(entry.namespace.waiting, entry, byAge);
    entry.refuse?.();
    entry.refuse = undefined;
  }

  #release(entry: Entry): void {
    removeSorted(entry.namespace.tentative, entry, byAge);
    entry.isAdmitted = false;
    entry.namespace.taken -= entry.weight;
    this.#taken -= entry.weight;
    this.#admitted--;
  }

  #drop(entry: Entry): void {
    if (entry.isAdmitted) this.#release(entry);
    else removeSorted(entry.namespace.waiting, entry, byAge);
    this.#entries.delete(entry.key);
    const { name, taken, waiting } = entry.namespace;
    if (taken === 0 && waiting.length === 0) this.#namespaces.delete(name);
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
    const namespace = this.#namespaces.get(name) ?? { name, taken: 0, waiting: [], tentative: [] };
    this.#namespaces.set(name, namespace);
    return namespace;
  }
}

function byAge(one: Entry, other: Entry): number {
  return one.createdAt - other.createdAt || compareText(one.uid, other.uid) || compareText(one.key, other.key);
}
