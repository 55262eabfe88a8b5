// Tells which values the objects of any kinds name, such as the regions of nodes. One informer for each kind and namespace serves all
// followers, from the first one to the last; of the objects it keeps no more than their names and values.
import {
  type Failure,
  KindWatcher,
  type KindWatcherOptions,
  notAllowed,
  type Values,
  type WatchedKind,
} from './kind-watcher.ts';
import { QueryLimits } from './query-limits.ts';
import { type CompiledQuery, compileQuery, keyOf, type ValueQuery } from './value-query.ts';

export type { Values, WatchedKind } from './kind-watcher.ts';
export type { Naming } from './value-index.ts';
export type { ValueQuery } from './value-query.ts';

export interface ValueWatcher {
  /** Sets what `follower` (namespace/name) follows; [] ends it. Cheap if nothing has changed. */
  follow(follower: string, queries: readonly ValueQuery[]): void;
  /** What a query that is followed reads. A set of values counts from its first LIST on, also while a watch is being restarted. */
  read(query: ValueQuery): Values;
  /** One for each kind and apiVersion. */
  watched(): WatchedKind[];
  close(): void;
}

export interface ValueWatcherOptions extends Omit<KindWatcherOptions, 'onChange'> {
  /**
   * Called when the state of a query of these followers, or its set of values, has changed; not when more or fewer objects name the
   * same values.
   */
  readonly onChange: (followers: ReadonlySet<string>) => void;
}

export function createValueWatcher(options: ValueWatcherOptions): ValueWatcher {
  return new InformerValueWatcher(options);
}

/** A query with its followers: `kind` if objects are read for it, otherwise the failure that says why not. */
type Followed = { readonly followers: Set<string> } & (
  | { readonly kind: FollowedKind; readonly query: CompiledQuery }
  | { readonly failure: Failure }
);

interface FollowedKind {
  readonly watcher: KindWatcher;
  readonly queries: Set<CompiledQuery>;
}

class InformerValueWatcher implements ValueWatcher {
  readonly #options: ValueWatcherOptions;
  readonly #allowedGroups: ReadonlySet<string>;
  /** By the key of the query. */
  readonly #followed = new Map<string, Followed>();
  /** The keys of each follower's queries. */
  readonly #keys = new Map<string, readonly string[]>();
  readonly #limits = new QueryLimits();
  /** By key, the queries beyond the limits. */
  readonly #refused = new Map<string, ValueQuery>();
  readonly #followers = new WeakMap<CompiledQuery, ReadonlySet<string>>();
  /** By the label of the kind. */
  readonly #kinds = new Map<string, FollowedKind>();

  constructor(options: ValueWatcherOptions) {
    this.#options = options;
    this.#allowedGroups = new Set(options.allowed.map((name) => name.split('.').slice(1).join('.')));
  }

  follow(follower: string, queries: readonly ValueQuery[]): void {
    const before = this.#keys.get(follower) ?? [];
    const keys = queries.map(keyOf);
    if (keys.length === before.length && keys.every((key, index) => key === before[index])) return;
    if (keys.length > 0) this.#keys.set(follower, keys);
    else this.#keys.delete(follower);
    const left = before.filter((key) => !keys.includes(key));
    const touched = new Set([
      ...queries.flatMap((query) => this.#add(follower, query)),
      ...left.flatMap((key) => this.#remove(follower, key)),
      ...(left.length > 0 ? this.#retryRefused() : []),
    ]);
    for (const [label, kind] of this.#kinds) {
      if (!touched.has(kind)) continue;
      if (kind.queries.size > 0) kind.watcher.setQueries([...kind.queries]);
      else {
        kind.watcher.stop();
        this.#kinds.delete(label);
      }
    }
  }

  read(query: ValueQuery): Values {
    const followed = this.#followed.get(keyOf(query));
    if (!followed) return { state: 'NotSynced', message: `${query.kind} is not followed` };
    return 'failure' in followed ? followed.failure : followed.kind.watcher.read(followed.query);
  }

  watched(): WatchedKind[] {
    return [...this.#kinds.values()].flatMap(({ watcher }) => watcher.watched() ?? []);
  }

  close(): void {
    for (const { watcher } of this.#kinds.values()) watcher.stop();
    this.#kinds.clear();
    this.#followed.clear();
    this.#keys.clear();
    this.#refused.clear();
  }

  /** Returns the kinds whose queries have changed. */
  #add(follower: string, query: ValueQuery): FollowedKind[] {
    const key = keyOf(query);
    const known = this.#followed.get(key);
    const followed = known ?? this.#compile(query);
    followed.followers.add(follower);
    this.#followed.set(key, followed);
    return known ? [] : kindOf(followed);
  }

  /** Returns the kinds whose queries have changed. */
  #retryRefused(): FollowedKind[] {
    return [...this.#refused].flatMap(([key, query]) => {
      this.#refused.delete(key);
      const followed = this.#compile(query, this.#followed.get(key)?.followers);
      this.#followed.set(key, followed);
      return kindOf(followed);
    });
  }

  #remove(follower: string, key: string): FollowedKind[] {
    const followed = this.#followed.get(key);
    followed?.followers.delete(follower);
    if (followed?.followers.size !== 0) return [];
    this.#followed.delete(key);
    this.#refused.delete(key);
    if ('failure' in followed) return [];
    followed.kind.queries.delete(followed.query);
    this.#limits.remove(followed.query);
    return [followed.kind];
  }

  #compile(query: ValueQuery, followers = new Set<string>()): Followed {
    const compiled = compileQuery(query);
    if ('problem' in compiled) return { followers, failure: { state: 'Invalid', message: compiled.problem } };
    const { group, kindLabel } = compiled;
    // The API server is not even asked which resource it is.
    if (!this.#allowedGroups.has(group)) return { followers, failure: notAllowed(kindLabel) };
    const refusal = this.#limits.refusalOf(compiled);
    if (refusal) {
      this.#refused.set(keyOf(query), query);
      return { followers, failure: refusal };
    }
    this.#limits.add(compiled);
    this.#followers.set(compiled, followers);
    const kind = this.#kinds.get(kindLabel) ?? this.#watch(compiled);
    this.#kinds.set(kindLabel, kind);
    kind.queries.add(compiled);
    return { followers, kind, query: compiled };
  }

  #watch(query: CompiledQuery): FollowedKind {
    const onChange = (queries: ReadonlySet<CompiledQuery>) => {
      const followers = new Set([...queries].flatMap((one) => [...(this.#followers.get(one) ?? [])]));
      if (followers.size > 0) this.#options.onChange(followers);
    };
    return { watcher: new KindWatcher({ ...this.#options, onChange }, query), queries: new Set() };
  }
}

function kindOf(followed: Followed): FollowedKind[] {
  return 'failure' in followed ? [] : [followed.kind];
}
