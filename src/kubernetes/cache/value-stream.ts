// Keeps the values that the objects of one kind in one namespace name, for any number of queries, with one informer. The objects are
// not kept, so a new query needs a new LIST: a second informer replaces the first one when it has listed.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { KubeClient } from '../client/client.ts';
import { collection } from '../client/collection.ts';
import type { DiscoveredKind } from '../client/discovery.ts';
import { isForbidden, isNotFound } from '../client/errors.ts';
import { type Informer, startInformer } from './informer.ts';
import { type NamedValues, type Reduced, ValueIndex } from './value-index.ts';
import type { CompiledQuery } from './value-query.ts';

export interface ValueStreamOptions {
  readonly cluster: KubeClient;
  readonly kind: DiscoveredKind;
  /** Undefined for a cluster-scoped kind. */
  readonly namespace: string | undefined;
  /** Called when the set of values of these queries has changed, or they were listed for the first time. */
  readonly onChange: (queries: readonly CompiledQuery[]) => void;
  /** Called after an error before the first LIST. */
  readonly onFailing: () => void;
  /** Called once when nothing that was read can be relied on any more; the stream has stopped. */
  readonly onLost: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** One informer with the queries that it evaluates. */
interface Generation {
  /** Each query with its position in the index. */
  readonly positions: ReadonlyMap<CompiledQuery, number>;
  readonly index: ValueIndex;
  readonly informer: Informer;
}

/** Least time from a LIST to the next one that a new query needs: people may edit selectors faster than 10,000 nodes can be listed. */
const relistPauseMs = 5_000;
/** Whole objects of foreign kinds may have 1 MB each, and a page is in memory as a whole. */
const wholeObjectsPerPage = 25;
/** A watch that was silent for longer may have missed too much: it begins anew with a LIST, and its values do not count until then. */
const maxSilenceMs = 60_000;

export class ValueStream {
  readonly #options: ValueStreamOptions;
  #wanted: readonly CompiledQuery[] = [];
  /** Has listed, and answers. */
  #current: Generation | undefined;
  /** Lists, to replace the current one. */
  #next: Generation | undefined;
  #cancelPause: (() => void) | undefined;
  #isStopped = false;
  #isFlushDue = false;
  #lastError: unknown;

  constructor(options: ValueStreamOptions) {
    this.#options = options;
  }

  /** Queries that are wanted no longer are dropped with the next LIST. */
  setQueries(queries: readonly CompiledQuery[]): void {
    this.#wanted = queries;
    this.#listNewQueries();
  }

  hasListed(query: CompiledQuery): boolean {
    return this.#current?.positions.has(query) ?? false;
  }

  /** Nothing if the query was not listed yet. */
  read(query: CompiledQuery): NamedValues {
    const position = this.#current?.positions.get(query);
    return this.#current?.index.read(position ?? -1) ?? { values: new Map(), objects: 0 };
  }

  /** The error of the last request, while nothing was listed. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** How many objects it has read, whether a query selects them or not. */
  get objects(): number {
    return this.#current?.index.size ?? 0;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPause?.();
    this.#current?.informer.stop();
    this.#next?.informer.stop();
  }

  #listNewQueries(): void {
    if (this.#isStopped || this.#next || this.#cancelPause) return;
    if (this.#wanted.every((query) => this.hasListed(query))) return;
    const next = this.#start(this.#wanted);
    this.#next = next;
    void next.informer.synced.then(() => this.#onListed(next));
  }

  #start(queries: readonly CompiledQuery[]): Generation {
    const { cluster, kind, namespace, clock, random, log } = this.#options;
    // Followers in many namespaces ask the same of a cluster-scoped kind.
    const alike = [...Map.groupBy(queries, ({ question }) => question).values()];
    const positions = new Map(alike.flatMap((group, position) => group.map((query) => [query, position] as const)));
    const distinct = alike.flatMap(([query]) => query ?? []);
    const index = new ValueIndex(distinct.length);
    const metadataOnly = distinct.every(({ readsOnlyMetadata }) => readsOnlyMetadata);
    const reduced = collection<Reduced>(cluster, {
      ...kind,
      metadataOnly,
      ...(!metadataOnly && { pageSize: wholeObjectsPerPage }),
      transform: (object) => reduce(object, distinct),
    });
    const informer = startInformer<Reduced>({
      cluster,
      resource: reduced,
      store: index,
      onChange: () => this.#flushSoon(),
      onError: (error) => this.#onError(error),
      ...(namespace !== undefined && { namespaces: [namespace] }),
      clock,
      random,
      log,
    });
    return { positions, index, informer };
  }

  #onListed(next: Generation): void {
    if (this.#isStopped) return;
    const previous = this.#current;
    previous?.informer.stop();
    next.index.takeChanged();
    this.#current = next;
    this.#next = undefined;
    this.#lastError = undefined;
    this.#cancelPause = this.#options.clock.after(relistPauseMs, () => {
      this.#cancelPause = undefined;
      this.#listNewQueries();
    });
    const isChanged = (query: CompiledQuery) => !hasSameKeys(countsIn(previous, query), countsIn(next, query));
    this.#options.onChange([...next.positions.keys()].filter(isChanged));
  }

  /** After the current task: a LIST reports its deletions first, so sets of values come and go within one task. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      if (this.#isStopped || !this.#current) return;
      const { index, positions } = this.#current;
      const changed = new Set(index.takeChanged());
      if (changed.size === 0) return;
      this.#options.onChange([...positions].flatMap(([query, position]) => (changed.has(position) ? [query] : [])));
    });
  }

  #onError(error: unknown): void {
    this.#lastError = error;
    const { lastContact } = this.#current?.informer.health() ?? {};
    const silentMs = lastContact ? this.#options.clock.now().getTime() - lastContact.getTime() : 0;
    if (!isForbidden(error) && !isNotFound(error) && silentMs <= maxSilenceMs) {
      if (!this.#current) this.#options.onFailing();
      return;
    }
    this.stop();
    this.#options.onLost(error);
  }
}

/** Reads each path once: hundreds of queries may differ in their selector only, and then share the values. */
function reduce(object: KubernetesObject, queries: readonly CompiledQuery[]): Reduced {
  const { name, namespace, resourceVersion } = object.metadata ?? {};
  const found = new Map<string, readonly string[]>();
  const valuesOf = (query: CompiledQuery) => {
    const values = found.get(query.path) ?? query.valuesOf(object);
    found.set(query.path, values);
    return values;
  };
  return {
    metadata: {
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    matches: queries.map((query) => (query.selects(object) ? valuesOf(query) : undefined)),
  };
}

function countsIn(generation: Generation | undefined, query: CompiledQuery): ReadonlyMap<string, number> | undefined {
  const position = generation?.positions.get(query);
  return position === undefined ? undefined : generation?.index.counts(position);
}

function hasSameKeys<K>(one: ReadonlyMap<K, unknown> | undefined, other: ReadonlyMap<K, unknown> | undefined): boolean {
  if (!one || !other) return one === other;
  return one.size === other.size && [...one.keys()].every((key) => other.has(key));
}
