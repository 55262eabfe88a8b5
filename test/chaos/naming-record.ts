// Records what the sources of regions named and when, by the test's own writes, and judges the deletions in ARM's journal by that. It
// uses none of the operator's code. Times are ms since the epoch.

export interface Follower {
  /** The name of both the object and the registry. */
  readonly name: string;
  /** The locations in spec.regions. */
  readonly listed: readonly string[];
  readonly sources: readonly string[];
  /** spec.keepUnused. */
  readonly keepMs: number;
}

export interface Deletion {
  readonly registry: string;
  readonly location: string;
  readonly at: number;
}

interface Span {
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
}

interface Naming extends Span {
  readonly source: string;
  readonly location: string;
}

/** How long the operator may take to learn of a change, on a busy machine too. Until then no deletion is reported. */
export interface Tolerances {
  /** From a write to the pass that knows of it, if the source is watched. */
  readonly learnMs: number;
  /** Until it tries to read a source again that fails now. */
  readonly noticeMs: number;
}

export class NamingRecord {
  readonly #tolerances: Tolerances;
  readonly #current = new Map<string, ReadonlySet<string>>();
  readonly #namings: Naming[] = [];
  /** For as long as a source names nothing: the location that it named last. */
  readonly #emptied: Naming[] = [];
  readonly #failing: (Span & { readonly source: string })[] = [];
  /** The operator has no working watch of the source. */
  readonly #unwatched: (Span & { readonly source: string })[] = [];
  /** The operator cannot reach the API server. */
  readonly #disconnected: Span[] = [];
  /** When processes of the operator started. */
  readonly #starts: number[] = [];

  constructor(tolerances: Tolerances) {
    this.#tolerances = tolerances;
  }

  get namings(): number {
    return this.#namings.length;
  }

  /** The locations that the source names now. */
  named(source: string): ReadonlySet<string> {
    return this.#current.get(source) ?? new Set();
  }

  /** Carries out a request after which the sources name these locations. A naming ends before the request, and begins after it. */
  async write(after: ReadonlyMap<string, ReadonlySet<string>>, request: () => Promise<void>): Promise<void> {
    const asked = Date.now();
    for (const [source, locations] of after) this.#end(source, locations, asked);
    await request();
    const answered = Date.now();
    for (const [source, locations] of after) {
      for (const location of locations) {
        if (!this.named(source).has(location)) this.#namings.push(naming(source, location, answered));
      }
      this.#current.set(source, locations);
    }
  }

  /** The source cannot be read from now on. Returns the function that ends this. */
  fails(source: string): () => void {
    const span = { source, ...begun() };
    this.#failing.push(span);
    return () => end(span);
  }

  /** The watch of the source ends now. The returned function tells that another one has begun. */
  losesWatch(source: string): () => void {
    const span = { source, ...begun() };
    this.#unwatched.push(span);
    return () => end(span);
  }

  /** The connection to the API server breaks now. The returned function tells that another one would work. */
  disconnects(): () => void {
    const span = begun();
    this.#disconnected.push(span);
    return () => end(span);
  }

  /** A process of the operator starts: it knows nothing that the cluster does not say. */
  starts(): void {
    this.#starts.push(Date.now());
  }

  /** Describes the deletions that the sources forbid. */
  violations(deletions: readonly Deletion[], followers: readonly Follower[]): string[] {
    return deletions.flatMap((deletion) => {
      const follower = followers.find(({ name }) => name === deletion.registry);
      const why = follower ? this.#objection(deletion, follower) : 'belongs to no object';
      const when = new Date(deletion.at).toISOString();
      return why === undefined ? [] : [`${when} ${deletion.registry}: the deletion of ${deletion.location} ${why}`];
    });
  }

  #objection({ location, at }: Deletion, { listed, sources, keepMs }: Follower): string | undefined {
    if (listed.includes(location)) return 'ignores spec.regions';
    const own = <T extends { source: string }>(all: readonly T[]) =>
      all.filter(({ source }) => sources.includes(source));
    const namings = own(this.#namings).filter((one) => one.location === location);
    const naming = namings.find((one) => isIn(at, { from: this.#knownFrom(one), to: one.to }));
    if (naming) return `ignores that ${naming.source} names it ${since(naming.from, at)}`;
    const kept = namings.find((one) => this.#wasSeen(one) && isIn(at, { from: one.to, to: one.to + keepMs }));
    if (kept) return `ignores that ${kept.source} named it ${since(kept.to, at)}, of ${keepMs} ms`;
    const failing = own(this.#failing).find(({ from, to }) => isIn(at, { from: this.#noticed(from), to }));
    if (failing) return `ignores that ${failing.source} cannot be read ${since(failing.from, at)}`;
    const emptied = own(this.#emptied).find((one) => one.location === location && isIn(at, one));
    if (emptied) return `ignores that ${emptied.source} names nothing ${since(emptied.from, at)}, and named it last`;
    return undefined;
  }

  #end(source: string, after: ReadonlySet<string>, at: number): void {
    const before = this.named(source);
    if (after.size > 0) for (const span of this.#emptied) if (span.source === source) end(span, at);
    for (const naming of this.#namings) {
      if (naming.source !== source || naming.to < at || after.has(naming.location)) continue;
      naming.to = at;
      const isLast = after.size === 0 && before.size === 1;
      if (isLast && this.#wasSeen(naming)) this.#emptied.push({ ...naming, from: at, to: Number.POSITIVE_INFINITY });
    }
  }

  /** From when on the operator knows the naming, if it lasts. A new process lists before it deletes. */
  #knownFrom(naming: Naming): number {
    const start = this.#starts.find((at) => at >= naming.from) ?? Number.POSITIVE_INFINITY;
    return Math.min(start, this.#learnt(naming));
  }

  /** True if the naming lasted so long that the operator must have seen it. */
  #wasSeen(naming: Naming): boolean {
    return this.#learnt(naming) <= naming.to;
  }

  #learnt({ source, from }: Naming): number {
    const unwatched = this.#unwatched.filter((one) => one.source === source);
    return afterGaps(from, unwatched, this.#tolerances.learnMs);
  }

  #noticed(from: number): number {
    return afterGaps(from, this.#disconnected, this.#tolerances.noticeMs);
  }
}

/** The first time that `ms` have passed since `from` without a gap. */
function afterGaps(from: number, gaps: readonly Span[], ms: number): number {
  let until = from + ms;
  for (const gap of gaps.toSorted((one, other) => one.from - other.from)) {
    if (gap.from <= until && gap.to > from) until = Math.max(until, gap.to + ms);
  }
  return until;
}

function naming(source: string, location: string, from: number): Naming {
  return { source, location, from, to: Number.POSITIVE_INFINITY };
}

function begun(): Span {
  return { from: Date.now(), to: Number.POSITIVE_INFINITY };
}

function end(span: Span, at = Date.now()): void {
  span.to = Math.min(span.to, at);
}

function isIn(at: number, { from, to }: Span): boolean {
  return from <= at && at < to;
}

function since(from: number, at: number): string {
  return `since ${at - from} ms`;
}
