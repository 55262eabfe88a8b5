// The cache that passes read: the informer's objects, with our own writes on top until the informer has delivered them. So a pass
// never works with an object older than our last write. resourceVersions are opaque, so they are never compared by size.
import type { KubernetesObject } from '@kubernetes/client-node';
import { namespaceOf } from '../client/object-key.ts';
import { namespacedName, type Resource } from '../client/resource.ts';

/** The versions known to be older than a write of ours. */
interface OlderVersions {
  /** Observed before the write was: a watch delivers versions in order, so they are older. */
  readonly versions: Set<string>;
  /** A LIST came in between. It may skip the version of our write, so any version not in `versions` counts as newer. */
  relisted: boolean;
}

/**
 * Expected flow: the informer calls `onObserved`, `onDeleted` and `onRelist`; passes call `read`, and send each write through `write`
 * ({@link withReadYourWrites} does that for a Resource).
 *
 * All readers share the objects: change a copy.
 *
 * Guarantees: after `write` has resolved, `read` returns its result or a newer version, until the object is deleted.
 *
 * Assumptions: one write for a key at a time (the work queue ensures it), and an informer that delivers every version of an object in
 * order, except across a LIST. If a LIST's version may be older or newer than our write, the LIST wins: a briefly stale object costs
 * a conflict, a permanently stale one would never be corrected.
 */
export class Store<T extends KubernetesObject> {
  readonly #observed = new Map<string, T>();
  readonly #written = new Map<string, OlderVersions & { readonly object: T }>();
  readonly #inFlight = new Map<string, OlderVersions>();

  get size(): number {
    return this.#observed.size;
  }

  read(key: string): T | undefined {
    return this.#written.get(key)?.object ?? this.#observed.get(key);
  }

  list(): T[] {
    return Array.from(this.#observed, ([key, object]) => this.#written.get(key)?.object ?? object);
  }

  /** Sends a write and keeps its result until the informer has delivered it. Rejects as `send` does. */
  async write(key: string, send: () => Promise<T>): Promise<T> {
    const older: OlderVersions = { versions: new Set(this.#written.get(key)?.versions), relisted: false };
    for (const object of [this.#observed.get(key), this.#written.get(key)?.object]) {
      if (object) older.versions.add(versionOf(object));
    }
    this.#inFlight.set(key, older);
    try {
      const object = await send();
      this.#remember(key, object, older);
      return object;
    } finally {
      if (this.#inFlight.get(key) === older) this.#inFlight.delete(key);
    }
  }

  /** The informer has delivered this version. Returns the version that it had delivered before. */
  onObserved(object: T): T | undefined {
    const key = namespacedName(object);
    const version = versionOf(object);
    const previous = this.#observed.get(key);
    this.#observed.set(key, object);

    const inFlight = this.#inFlight.get(key);
    if (inFlight && !inFlight.relisted) inFlight.versions.add(version);

    const written = this.#written.get(key);
    if (written) {
      const isDelivered = version === versionOf(written.object);
      const isSkipped = written.relisted && !written.versions.has(version);
      if (isDelivered || isSkipped || isRecreated(written.object, object)) this.#written.delete(key);
      else written.versions.add(version);
    }
    return previous;
  }

  /** The informer has delivered the deletion. */
  onDeleted(key: string): void {
    this.#observed.delete(key);
    this.#written.delete(key);
  }

  /** The next objects come from a LIST of this namespace, or of all namespaces if undefined. */
  onRelist(namespace?: string): void {
    for (const writes of [this.#written, this.#inFlight]) {
      for (const [key, older] of writes) {
        if (!namespace || namespaceOf(key) === namespace) older.relisted = true;
      }
    }
  }

  #remember(key: string, object: T, older: OlderVersions): void {
    const written = this.#written.get(key);
    if (written && versionOf(written.object) === versionOf(object)) return; // the write changed nothing
    const observed = this.#observed.get(key);
    const isOutdated = older.versions.has(versionOf(object)); // its event came before its response
    const isSkipped = older.relisted && observed && !older.versions.has(versionOf(observed));
    if (!observed || isOutdated || isSkipped || isRecreated(object, observed)) this.#written.delete(key);
    else this.#written.set(key, { object, ...older });
  }
}

/** The same resource, but its writes go through the store. */
export function withReadYourWrites<T extends KubernetesObject>(resource: Resource<T>, store: Store<T>): Resource<T> {
  return {
    ...resource,
    replaceStatus: (object) => store.write(namespacedName(object), () => resource.replaceStatus(object)),
    patch: (name, operations) =>
      store.write(namespacedName({ metadata: name }), () => resource.patch(name, operations)),
  };
}

function versionOf(object: KubernetesObject): string {
  return object.metadata?.resourceVersion ?? '';
}

function isRecreated(one: KubernetesObject, other: KubernetesObject): boolean {
  return one.metadata?.uid !== other.metadata?.uid;
}
