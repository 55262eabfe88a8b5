// Counts which values the objects of one kind name, for several queries at once. It takes the place of a Store in a Reflector: of each
// object it keeps the name, the resourceVersion and its values. Pure.
import type { KubernetesObject } from '@kubernetes/client-node';
import { insertSorted } from '../../lib/sorted.ts';
import { namespacedName } from '../client/resource.ts';

/** What is kept of an object. */
export interface Reduced extends KubernetesObject {
  /** For each query the distinct values that the object names; undefined if its selector does not match. */
  readonly matches: readonly (readonly string[] | undefined)[];
}

/** The objects that name one value. */
export interface Naming {
  readonly count: number;
  /** The first 5, sorted, without their namespace. */
  readonly names: readonly string[];
}

/** The objects that match the selector of one query, and what they name. */
export interface NamedValues {
  readonly values: ReadonlyMap<string, Naming>;
  readonly objects: number;
}

interface Tally {
  objects: number;
  readonly counts: Map<string, number>;
  /** The values that came or went since the last {@link ValueIndex.takeChanged}, and whether they were named before. */
  readonly wasNamed: Map<string, boolean>;
  /** The last reading; undefined when it is out of date. */
  reading: NamedValues | undefined;
}

const maxNames = 5;
const byText = (one: string, other: string) => (one < other ? -1 : Number(one > other));

export class ValueIndex {
  readonly #objects = new Map<string, Reduced>();
  readonly #tallies: readonly Tally[];

  constructor(queries: number) {
    const none = (): Tally => ({ objects: 0, counts: new Map(), wasNamed: new Map(), reading: undefined });
    this.#tallies = Array.from({ length: queries }, none);
  }

  get size(): number {
    return this.#objects.size;
  }

  onObserved(object: Reduced): Reduced | undefined {
    const key = namespacedName(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#count(previous, object);
    return previous;
  }

  onDeleted(key: string): void {
    this.#count(this.#objects.get(key), undefined);
    this.#objects.delete(key);
  }

  onRelist(): void {}

  /** The queries whose set of values differs from that of the last call. */
  takeChanged(): number[] {
    return this.#tallies.flatMap(({ counts, wasNamed }, query) => {
      const isChanged = [...wasNamed].some(([value, before]) => counts.has(value) !== before);
      wasNamed.clear();
      return isChanged ? [query] : [];
    });
  }

  /** How many objects name each value. */
  counts(query: number): ReadonlyMap<string, number> {
    return this.#tallies[query]?.counts ?? new Map();
  }

  /** The same with the names of the objects. Scans the objects, unless none of those that match has changed since the last call. */
  read(query: number): NamedValues {
    const tally = this.#tallies[query];
    if (!tally) return { values: new Map(), objects: 0 };
    tally.reading ??= { values: this.#namingsOf(query, tally), objects: tally.objects };
    return tally.reading;
  }

  #namingsOf(query: number, { counts }: Tally): Map<string, Naming> {
    const firstNames = new Map<string, string[]>();
    for (const { metadata, matches } of this.#objects.values()) {
      for (const value of matches[query] ?? []) {
        const names = firstNames.get(value) ?? [];
        firstNames.set(value, names);
        insertName(names, metadata?.name ?? '');
      }
    }
    return new Map(Array.from(firstNames, ([value, names]) => [value, { count: counts.get(value) ?? 0, names }]));
  }

  #count(previous: Reduced | undefined, next: Reduced | undefined): void {
    for (const [query, tally] of this.#tallies.entries()) {
      const [before, after] = [previous?.matches[query], next?.matches[query]];
      if (isSame(before, after)) continue; // most updates are heartbeats
      tally.reading = undefined;
      tally.objects += Number(after !== undefined) - Number(before !== undefined);
      for (const value of before ?? []) change(tally, value, -1);
      for (const value of after ?? []) change(tally, value, 1);
    }
  }
}

function insertName(names: string[], name: string): void {
  const last = names[maxNames - 1];
  if (last !== undefined && name >= last) return;
  insertSorted(names, name, byText);
  if (names.length > maxNames) names.pop();
}

function change({ counts, wasNamed }: Tally, value: string, by: 1 | -1): void {
  const before = counts.get(value) ?? 0;
  const after = before + by;
  if (after > 0) counts.set(value, after);
  else counts.delete(value);
  if (before > 0 !== after > 0 && !wasNamed.has(value)) wasNamed.set(value, before > 0);
}

function isSame(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  if (!one || !other) return one === other;
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
