// The queued keys of one priority. Namespaces take turns: each gives one key a turn, its oldest. Every operation takes constant time
// (amortised), however many keys or namespaces there are.
import { namespaceOf } from '../client/object-key.ts';

export class FairQueue {
  /** By namespace, in the order of their next turns. None is empty. */
  readonly #lanes = new Fifo<Fifo<true>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a key that is not queued. A namespace without queued keys gets the last turn. */
  add(key: string): void {
    const namespace = namespaceOf(key) ?? '';
    let lane = this.#lanes.get(namespace);
    if (!lane) {
      lane = new Fifo();
      this.#lanes.set(namespace, lane);
    }
    lane.set(key, true);
    this.#size++;
  }

  /** Removes a queued key. Its namespace keeps its turn if it has other keys. */
  delete(key: string): void {
    const namespace = namespaceOf(key) ?? '';
    const lane = this.#lanes.get(namespace);
    if (!lane?.delete(key)) return;
    if (lane.size === 0) this.#lanes.delete(namespace);
    this.#size--;
  }

  /**
   * Removes the next key and returns it. A namespace that `mayStart` refuses loses its turn, so the call takes as many steps as
   * namespaces are refused.
   */
  take(mayStart: (namespace: string) => boolean = () => true): string | undefined {
    for (let turns = this.#lanes.size; turns > 0; turns--) {
      const [namespace, lane] = this.#lanes.shift() ?? [];
      if (namespace === undefined || !lane) return undefined;
      const [key] = (mayStart(namespace) && lane.shift()) || [];
      if (lane.size > 0) this.#lanes.set(namespace, lane);
      if (key === undefined) continue;
      this.#size--;
      return key;
    }
    return undefined;
  }

  clear(): void {
    this.#lanes.clear();
    this.#size = 0;
  }
}

/**
 * A Map whose oldest entry can be shifted out. It goes on with one iterator: a new one for each `shift` would step over the gaps that
 * the entries removed before have left in the Map.
 */
class Fifo<V> {
  readonly #entries = new Map<string, V>();
  #oldest = this.#entries.entries();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Adds an entry as the newest. The key must not be in the Map. */
  set(key: string, value: V): void {
    this.#entries.set(key, value);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  /** Removes the oldest entry and returns it. */
  shift(): [string, V] | undefined {
    let next = this.#oldest.next();
    if (next.done) {
      // An iterator that has reached the end stays there.
      this.#oldest = this.#entries.entries();
      next = this.#oldest.next();
    }
    if (next.done) return undefined;
    this.#entries.delete(next.value[0]);
    return next.value;
  }

  clear(): void {
    this.#entries.clear();
  }
}
