// Where objects live: one counter of versions for the whole cluster, and a collection of objects for each resource that
// remembers its latest changes, so that watches can resume and paged lists stay consistent. It never judges what it stores.
import { type KubeObject, keyOf } from './object.ts';

/** One write. `previous` is what was stored before; of a deletion, `object` is that with the deletion's version. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}

/** How many changes a collection remembers, at least; it keeps up to twice as many before it forgets the older half. */
const remembered = 10_000;

export class Store {
  #version = 1;
  readonly #collections = new Map<string, Collection>();

  /** The version of the latest write to anything. */
  get version(): number {
    return this.#version;
  }

  nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  /** The collection of that name; made when first asked for. */
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

  /** Forgets all history, as etcd's compaction does: whoever asks for older versions is told that they are gone. */
  compact(): void {
    for (const collection of this.#collections.values()) collection.compact();
  }

  get collections(): Iterable<Collection> {
    return this.#collections.values();
  }
}

export interface Subscriber {
  changed(change: Change): void;
  /** No change will follow: the resource is gone, or the server wants its watches closed. */
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

  /** All objects as they were at `version`; undefined where that has been forgotten. */
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

  /** The changes after `version`, oldest first; undefined where some of them have been forgotten. */
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

  /** Stores a new object, or a new state of one; its version is given here. */
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

  /** Takes an object out; nothing happens where it is not stored. */
  remove(object: KubeObject): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#objects.delete(key);
    this.#sortedKeys = undefined;
    const version = this.#store.nextVersion();
    this.#record({ type: 'DELETED', version, object: withVersion(previous, version), previous });
  }

  /** Calls `subscriber` at once for every later change; the function returned ends that. */
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
    if (this.#changes.length >= 2 * remembered) {
      const forgotten = this.#changes.splice(0, remembered);
      this.#oldest = forgotten.at(-1)?.version ?? this.#oldest;
    }
    for (const subscriber of [...this.#subscribers]) subscriber.changed(change);
  }
}

function withVersion(object: KubeObject, version: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}
