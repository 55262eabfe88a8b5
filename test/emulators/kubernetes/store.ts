// Stores objects: one version counter for the cluster, and a collection per resource. A collection remembers its latest
// changes, so that watches can resume and paged lists stay consistent.
import { type KubeObject, keyOf } from './object.ts';

/** One write. `previous` is the state before; for a deletion, `object` is that state with the deletion's version. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}

/** A collection keeps at least this many changes, and drops the older half when it has twice as many. */
const minChanges = 10_000;

export class Store {
  #version = 1;
  readonly #collections = new Map<string, Collection>();

  /** The version of the latest write to any object. */
  get version(): number {
    return this.#version;
  }

  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  /** The collection of that name, created on first use. */
  collection(name: string): Collection {
    let collection = this.#collections.get(name);
    if (!collection) {
      collection = new Collection(this);
      this.#collections.set(name, collection);
    }
    return collection;
  }

  drop(name: string): void {
    this.#collections.get(name)?.close();
    this.#collections.delete(name);
  }

  /** Drops all history, as etcd's compaction does: requests for older versions are told that they are gone. */
  compact(): void {
    for (const collection of this.#collections.values()) collection.compact();
  }

  get collections(): Iterable<Collection> {
    return this.#collections.values();
  }
}

export interface Subscriber {
  changed(change: Change): void;
  /** No change will follow: the resource is gone, or the server closes its watches. */
  closed(): void;
}

export class Collection {
  readonly #store: Store;
  readonly #objects = new Map<string, KubeObject>();
  #sortedKeys: string[] | undefined;
  #changes: Change[] = [];
  /** Every change after this version is in #changes. */
  #oldest: number;
  readonly #subscribers = new Set<Subscriber>();

  constructor(store: Store) {
    this.#store = store;
    this.#oldest = store.version;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The oldest version whose successors are all remembered. */
  get oldest(): number {
    return this.#oldest;
  }

  get(namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  /** All objects, by namespace and name. */
  list(): KubeObject[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort();
    const objects: KubeObject[] = [];
    for (const key of this.#sortedKeys) {
      const object = this.#objects.get(key);
      if (object) objects.push(object);
    }
    return objects;
  }

  /** All objects as they were at `version`; undefined if that history was dropped. */
  listAt(version: number): KubeObject[] | undefined {
    const later = this.changesSince(version);
    if (!later) return undefined;
    if (!later.length) return this.list();
    const then = new Map(this.#objects);
    for (const { object, previous } of later.toReversed()) {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      if (previous) then.set(key, previous);
      else then.delete(key);
    }
    return [...then.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The changes after `version`, oldest first; undefined if some of them were dropped. */
  changesSince(version: number): Change[] | undefined {
    if (version < this.#oldest) return undefined;
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  /** Stores a new object, or a new state of one, under a new version. */
  put(object: KubeObject): KubeObject {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const previous = this.#objects.get(key);
    const version = this.#store.nextVersion();
    const stored = withVersion(object, version);
    this.#objects.set(key, stored);
    if (previous) this.#record({ type: 'MODIFIED', version, object: stored, previous });
    else {
      this.#sortedKeys = undefined;
      this.#record({ type: 'ADDED', version, object: stored });
    }
    return stored;
  }

  /** Removes an object; does nothing if it is not stored. */
  remove(object: KubeObject): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#objects.delete(key);
    this.#sortedKeys = undefined;
    const version = this.#store.nextVersion();
    this.#record({ type: 'DELETED', version, object: withVersion(previous, version), previous });
  }

  /** Calls `subscriber` synchronously for every later change; returns the function that unsubscribes. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  compact(): void {
    this.#changes = [];
    this.#oldest = this.#store.version;
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.closed();
    this.#subscribers.clear();
  }

  #record(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length >= 2 * minChanges) {
      const forgotten = this.#changes.splice(0, minChanges);
      this.#oldest = forgotten.at(-1)?.version ?? this.#oldest;
    }
    for (const subscriber of [...this.#subscribers]) subscriber.changed(change);
  }
}

function withVersion(object: KubeObject, version: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}
