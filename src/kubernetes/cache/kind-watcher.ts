// Follows one kind for all queries that name it: finds its resource by discovery, and runs one stream for each namespace, or one for a
// cluster-scoped kind. What is lost (403, 404, a long silence) begins anew with discovery, after a pause.
import { type Backoff, delayAfter, type Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { LogOnChange } from '../../lib/log-on-change.ts';
import type { KubeClient } from '../client/client.ts';
import { groupResource } from '../client/collection.ts';
import { type DiscoveredKind, discover } from '../client/discovery.ts';
import { explain, isForbidden, isNotFound } from '../client/errors.ts';
import type { NamedValues } from './value-index.ts';
import type { CompiledQuery } from './value-query.ts';
import { ValueStream } from './value-stream.ts';

export type Values =
  | ({ readonly state: 'Synced' } & NamedValues)
  /** The first LIST is under way. */
  | { readonly state: 'Listing' }
  | { readonly state: 'NotSynced' | 'Forbidden' | 'NotInstalled' | 'NotAllowed' | 'Invalid'; readonly message: string };

export type Failure = Extract<Values, { readonly message: string }>;

export interface KindWatcherOptions {
  readonly cluster: KubeClient;
  /** The kinds that may be read, as {@link groupResource} writes them. */
  readonly allowed: readonly string[];
  /** Called when the state of these queries, or the set of values that they name, has changed. */
  readonly onChange: (queries: ReadonlySet<CompiledQuery>) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** One kind that is watched, for metrics. */
export interface WatchedKind {
  /** As {@link groupResource} writes it. */
  readonly resource: string;
  readonly watches: number;
  readonly objects: number;
  /** How often a watch was lost and began anew with discovery. */
  readonly losses: number;
}

const retryBackoff: Backoff = { firstMs: 500, maxMs: 30_000, jitter: 0.5 };

export class KindWatcher {
  readonly #options: KindWatcherOptions;
  readonly #kind: Pick<CompiledQuery, 'group' | 'version' | 'kind' | 'kindLabel'>;
  readonly #problems: LogOnChange;
  #queries: readonly CompiledQuery[] = [];
  #resource: DiscoveredKind | undefined;
  /** Keyed by namespace; `''` for a cluster-scoped kind. */
  readonly #streams = new Map<string, ValueStream>();
  /** Why a stream was lost, by the same key. Stands until a stream has listed again. */
  readonly #lost = new Map<string, Failure>();
  /** Why there is no resource. Stands until a stream has listed. */
  #failure: Failure | undefined;
  /** The state of each query as last told. */
  #told = new Map<CompiledQuery, Values['state']>();
  #attempts = 0;
  #losses = 0;
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;

  constructor(options: KindWatcherOptions, kind: Pick<CompiledQuery, 'group' | 'version' | 'kind' | 'kindLabel'>) {
    this.#options = options;
    this.#kind = kind;
    this.#problems = new LogOnChange(options.log);
    void this.#discover();
  }

  setQueries(queries: readonly CompiledQuery[]): void {
    this.#queries = queries;
    this.#updateStreams();
    this.#told = new Map(queries.map((query) => [query, this.#stateOf(query)]));
  }

  read(query: CompiledQuery): Values {
    const key = this.#keyOf(query);
    const stream = this.#streams.get(key);
    if (stream?.hasListed(query)) return { state: 'Synced', ...stream.read(query) };
    const failure = this.#lost.get(key) ?? this.#failure;
    if (failure) return failure;
    const error = stream?.lastError;
    return error === undefined ? { state: 'Listing' } : { state: 'NotSynced', message: explain(error) };
  }

  /** Undefined for a kind that is not installed or not allowed. */
  watched(): WatchedKind | undefined {
    if (!this.#resource) return undefined;
    const objects = [...this.#streams.values()].reduce((sum, stream) => sum + stream.objects, 0);
    return { resource: groupResource(this.#resource), watches: this.#streams.size, objects, losses: this.#losses };
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
    this.#stopStreams();
  }

  async #discover(): Promise<void> {
    const { cluster, allowed } = this.#options;
    try {
      const resource = await discover(cluster, this.#kind, this.#kind.kind);
      if (this.#isStopped) return;
      if (resource && !allowed.includes(groupResource(resource))) this.#failure = notAllowed(groupResource(resource));
      else if (resource) this.#start(resource);
      else this.#onUninstalled();
    } catch (error) {
      if (this.#isStopped) return;
      this.#failure = this.#failureOf(error);
      this.#retryLater(this.#failure);
    }
    this.#tell();
  }

  #start(resource: DiscoveredKind): void {
    const { plural, namespaced } = resource;
    if (this.#resource?.plural !== plural || this.#resource.namespaced !== namespaced) this.#stopStreams();
    this.#resource = resource;
    this.#updateStreams({ retry: true });
  }

  /** Starts and stops streams as the queries need them. A lost one is started again only with `retry`. */
  #updateStreams({ retry = false } = {}): void {
    if (!this.#resource) return;
    const queriesOf = Map.groupBy(this.#queries, (query) => this.#keyOf(query));
    for (const [key, stream] of this.#streams) {
      if (queriesOf.has(key)) continue;
      stream.stop();
      this.#streams.delete(key);
    }
    for (const key of this.#lost.keys()) if (!queriesOf.has(key)) this.#lost.delete(key);
    for (const [key, queries] of queriesOf) {
      if (!retry && this.#lost.has(key) && !this.#streams.has(key)) continue;
      const stream = this.#streams.get(key) ?? this.#stream(key, this.#resource);
      this.#streams.set(key, stream);
      stream.setQueries(queries);
    }
  }

  #stream(key: string, kind: DiscoveredKind): ValueStream {
    const { cluster, clock, random, log } = this.#options;
    const debug = (fields: object, sentence: string) => log.debug(fields, sentence);
    return new ValueStream({
      cluster,
      kind,
      namespace: key || undefined,
      onChange: (queries) => {
        this.#onListed(key);
        this.#tell(queries);
      },
      onFailing: () => this.#tell(),
      onLost: (error) => {
        this.#onLost(key, error);
        this.#tell();
      },
      clock,
      random,
      // Failures are logged here, once.
      log: { debug, info: debug, warn: debug, error: log.error },
    });
  }

  #onListed(key: string): void {
    this.#lost.delete(key);
    this.#failure = undefined;
    this.#attempts = 0;
    this.#problems.settle('', `${this.#kind.kindLabel} can be followed again`);
  }

  #onLost(key: string, error: unknown): void {
    this.#losses++;
    if (isNotFound(error)) {
      this.#onUninstalled();
      return;
    }
    const failure = this.#failureOf(error);
    this.#streams.delete(key);
    this.#lost.set(key, failure);
    this.#retryLater(failure);
  }

  #onUninstalled(): void {
    this.#stopStreams();
    this.#lost.clear();
    this.#resource = undefined;
    this.#failure = { state: 'NotInstalled', message: `${this.#kind.kindLabel} is not installed` };
    this.#retryLater(this.#failure);
  }

  #retryLater({ message }: Failure): void {
    this.#problems.raise('', `${this.#kind.kindLabel} cannot be followed: ${message}`);
    if (this.#cancelRetry) return;
    const { clock, random } = this.#options;
    this.#attempts++;
    this.#cancelRetry = clock.after(delayAfter(this.#attempts, retryBackoff, random), () => {
      this.#cancelRetry = undefined;
      void this.#discover();
    });
  }

  #stopStreams(): void {
    for (const stream of this.#streams.values()) stream.stop();
    this.#streams.clear();
  }

  #failureOf(error: unknown): Failure {
    return { state: isForbidden(error) ? 'Forbidden' : 'NotSynced', message: explain(error) };
  }

  /** Reports these queries and those whose state is another one now. */
  #tell(changed: Iterable<CompiledQuery> = []): void {
    const queries = new Set(changed);
    for (const query of this.#queries) {
      const state = this.#stateOf(query);
      if (this.#told.get(query) !== state) queries.add(query);
      this.#told.set(query, state);
    }
    if (queries.size > 0) this.#options.onChange(queries);
  }

  #stateOf(query: CompiledQuery): Values['state'] {
    return this.#streams.get(this.#keyOf(query))?.hasListed(query) ? 'Synced' : this.read(query).state;
  }

  #keyOf({ namespace }: CompiledQuery): string {
    return this.#resource?.namespaced ? namespace : '';
  }
}

export function notAllowed(kind: string): Failure {
  return { state: 'NotAllowed', message: `${kind} is not among the kinds that may be followed` };
}
