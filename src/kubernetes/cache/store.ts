// Caches the informer's objects, overlaid by our own writes that the informer has not delivered yet, so that no pass
// works with an object older than our last write. It never compares resourceVersions by size.
import type { KubernetesObject } from '@kubernetes/client-node';
import { namespacedName, type Resource } from '../client/resource.ts';

/** The versions known to be older than a write of ours. */
interface OlderVersions {
  /** The versions shown before the write was: a watch shows versions in order, so each of them is older. */
  readonly older: Set<string>;
  /** A LIST came between. It may have jumped over our write, so a version that is not in `older` then counts as newer. */
  relisted: boolean;
}

/**
 * Expected flow: the informer calls `show`, `remove` and `relisting`; passes `read`, and send each write through `write`
 * ({@link withReadYourWrites} does that for a whole Resource).
 *
 * The objects are shared by all readers: callers must change a copy.
 *
 * Guarantees: once `write` has resolved, `read` gives its result or something newer, until the object is gone.
 *
 * Assumptions: one write for a key at a time (the work queue sees to it), and an informer that shows every version of an
 * object in order, except across a LIST. If it is unknown whether a LIST's version is older or newer than our write, the LIST
 * wins: a briefly stale object costs a conflict, a permanently stale one would never be corrected.
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

  /** Sends a write and remembers its result until the informer has shown it. Rejects as `send` does. */
  async write(key: string, send: () => Promise<T>): Promise<T> {
    const past: OlderVersions = { older: new Set(this.#written.get(key)?.older), relisted: false };
    for (const object of [this.#observed.get(key), this.#written.get(key)?.object]) {
      if (object) past.older.add(versionOf(object));
    }
    this.#inFlight.set(key, past);
    try {
      const object = await send();
      this.#remember(key, object, past);
      return object;
    } finally {
      if (this.#inFlight.get(key) === past) this.#inFlight.delete(key);
    }
  }

  /** The informer has seen this version. Returns the one that it had seen before. */
  onObserved(object: T): T | undefined {
    const key = namespacedName(object);
    const version = versionOf(object);
    const previous = this.#observed.get(key);
    this.#observed.set(key, object);

    const underway = this.#inFlight.get(key);
    if (underway && !underway.relisted) underway.older.add(version);

    const written = this.#written.get(key);
    if (written) {
      const reached = version === versionOf(written.object);
      const jumped = written.relisted && !written.older.has(version);
      if (reached || jumped || isAnother(written.object, object)) this.#written.delete(key);
      else written.older.add(version);
    }
    return previous;
  }

  /** The informer has observed the deletion. */
  onDeleted(key: string): void {
    this.#observed.delete(key);
    this.#written.delete(key);
  }

  /** The next objects come from a LIST of this namespace; undefined: of all namespaces. */
  onRelist(namespace?: string): void {
    for (const pasts of [this.#written, this.#inFlight]) {
      for (const [key, past] of pasts) {
        if (!namespace || namespaceOf(key) === namespace) past.relisted = true;
      }
    }
  }

  #remember(key: string, object: T, past: OlderVersions): void {
    const written = this.#written.get(key);
    if (written && versionOf(written.object) === versionOf(object)) return; // it changed nothing
    const shown = this.#observed.get(key);
    const overtaken = past.older.has(versionOf(object)); // its event arrived before its response
    const jumped = past.relisted && shown && !past.older.has(versionOf(shown));
    if (!shown || overtaken || jumped || isAnother(object, shown)) this.#written.delete(key);
    else this.#written.set(key, { object, ...past });
  }
}

/** The same resource, with every write remembered by the store. */
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

/** Deleted and recreated under the same name. */
function isAnother(one: KubernetesObject, other: KubernetesObject): boolean {
  return one.metadata?.uid !== other.metadata?.uid;
}

/** The namespace of a key; undefined for an object that has none. Neither names nor namespaces contain a slash. */
function namespaceOf(key: string): string | undefined {
  const slash = key.indexOf('/');
  return slash < 0 ? undefined : key.slice(0, slash);
}
