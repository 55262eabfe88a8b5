// Values with a schema, as server-side apply sees them: their fields, their differences, their merge and the removal of fields
// (the rules of sigs.k8s.io/structured-merge-diff). Schemas are those of the emulator's kinds.
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../object.ts';
import { memberSchema, type Schema } from '../schema/structural.ts';
import { ancestorsOf, elementsOf, type FieldSet, fieldElement, join } from './field-set.ts';

type Topology = 'leaf' | 'map' | 'list';

/** What a field is: a leaf has one owner as a whole; maps and lists have owners for each member or item. */
function topology(schema: Schema, ...values: (Json | undefined)[]): Topology {
  const present = values.filter((value) => value !== undefined && value !== null);
  if (present.length && present.every(isJsonObject)) {
    return schema['x-kubernetes-map-type'] === 'atomic' ? 'leaf' : 'map';
  }
  const type = schema['x-kubernetes-list-type'] ?? 'atomic';
  return present.length && type !== 'atomic' && present.every(Array.isArray) ? 'list' : 'leaf';
}

/** Members of which the schema says nothing: maps are merged, lists are atomic. */
const untyped: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

const schemaOf = (schema: Schema, name: string) => memberSchema(schema, name) ?? untyped;

const isNamed = (schema: Schema, name: string) =>
  schema.properties !== undefined && Object.hasOwn(schema.properties, name);

const members = (value: Json | undefined) =>
  new Map(Object.entries(isJsonObject(value) ? value : {}).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));

/** Thrown for an item of a list-map without a key; the message has no path. */
export class MissingKeyError extends Error {
  override readonly name = 'MissingKeyError';
}

/** The path element of an item of a list-map or list-set. */
export function itemElement(schema: Schema, item: Json): string {
  if (schema['x-kubernetes-list-type'] === 'set') return `v:${JSON.stringify(item)}`;
  const keys = [...(schema['x-kubernetes-list-map-keys'] ?? [])].sort();
  const key: JsonObject = {};
  for (const name of keys) {
    const value = (isJsonObject(item) ? item[name] : undefined) ?? schema.items?.properties?.[name]?.default;
    if (value === undefined) {
      const problem = `associative list with keys has an element that omits key field ${JSON.stringify(name)}`;
      throw new MissingKeyError(`${problem} (and doesn't have default value)`);
    }
    key[name] = value;
  }
  return `k:${JSON.stringify(key)}`;
}

/** The items by element, in order; of items with the same key the last one counts. */
function items(schema: Schema, value: Json | undefined): Map<string, Json> {
  const list = Array.isArray(value) ? value : [];
  return new Map(list.map((item) => [itemElement(schema, item), item]));
}

const itemSchema = (schema: Schema) => schema.items ?? untyped;

interface Child {
  readonly element: string;
  readonly schema: Schema;
  readonly values: (Json | undefined)[];
}

/** The members of maps or items of lists that any of the values has, each with its value in all of them. */
function children(kind: 'map' | 'list', schema: Schema, values: (Json | undefined)[]): Child[] {
  const maps = values.map((value) => (kind === 'map' ? members(value) : items(schema, value)));
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names].map((name) => ({
    element: kind === 'map' ? fieldElement(name) : name,
    schema: kind === 'map' ? schemaOf(schema, name) : itemSchema(schema),
    values: maps.map((map) => map.get(name)),
  }));
}

/** The fields that a configuration names. A field with members is not named itself, unless it is a map's key or an item. */
export function fieldsOf(value: Json, schema: Schema): Set<string> {
  const fields = new Set<string>();
  addFields(fields, value, schema, '');
  return fields;
}

function addFields(fields: Set<string>, value: Json, schema: Schema, path: string): void {
  const kind = topology(schema, value);
  if (kind === 'leaf') {
    if (path) fields.add(path);
    return;
  }
  for (const { element, schema: below, values } of children(kind, schema, [value])) {
    const [child = null] = values;
    const here = join(path, element);
    if (kind === 'list' || isEmptyMap(child) || !isNamed(schema, element.slice(2))) fields.add(here);
    addFields(fields, child, below, here);
  }
}

const isEmptyMap = (value: Json) => value === null || (isJsonObject(value) && !Object.keys(value).length);

export interface Comparison {
  readonly added: Set<string>;
  readonly modified: Set<string>;
  readonly removed: Set<string>;
}

export function compare(before: Json, after: Json, schema: Schema): Comparison {
  const comparison = { added: new Set<string>(), modified: new Set<string>(), removed: new Set<string>() };
  compareAt(comparison, before, after, schema, '');
  return comparison;
}

function compareAt(
  comparison: Comparison,
  before: Json | undefined,
  after: Json | undefined,
  schema: Schema,
  path: string,
): void {
  const kind = topology(schema, before, after);
  const isLeaf = kind === 'leaf' || (isBlank(before) && isBlank(after));
  if (!isLeaf) {
    for (const { element, schema: below, values } of children(kind, schema, [before, after])) {
      compareAt(comparison, values[0], values[1], below, join(path, element));
    }
  }
  if (!path) return;
  if (before === undefined) comparison.added.add(path);
  else if (after === undefined) comparison.removed.add(path);
  else if (isLeaf && !isDeepStrictEqual(before, after)) comparison.modified.add(path);
}

/** Empty containers are compared as leaves, which keeps null and empty apart. */
const isBlank = (value: Json | undefined) =>
  value === undefined || value === null || (typeof value === 'object' && !Object.keys(value).length);

/** `live` with the fields of `config`; items of lists keep the order of `config`, and others their place. */
export function merge(live: Json | undefined, config: Json | undefined, schema: Schema): Json | undefined {
  if (config === undefined) return live;
  if (live === undefined || live === null || config === null) return config;
  const kind = topology(schema, live, config);
  if (kind === 'leaf') return config;
  const merged = children(kind, schema, [live, config]).map(({ element, schema: below, values }) => ({
    element,
    value: merge(values[0], values[1], below),
  }));
  if (kind === 'map') return Object.fromEntries(merged.map(({ element, value }) => [element.slice(2), value]));
  const byElement = new Map(merged.map(({ element, value }) => [element, value ?? null]));
  return mergedOrder([...items(schema, live).keys()], [...items(schema, config).keys()]).map(
    (element) => byElement.get(element) ?? null,
  );
}

/** Shared items follow the order of `config`; an item of `live` alone stays before the item that it preceded. */
export function mergedOrder(live: readonly string[], config: readonly string[]): string[] {
  const [ours, theirs] = [new Set(config), new Set(live)];
  const shared = config.filter((element) => theirs.has(element));
  const placed = new Set<string>();
  const order: string[] = [];
  let next = 0;
  const takeConfig = () => {
    const element = config[next++] ?? '';
    placed.add(element);
    order.push(element);
    if (shared[0] === element) shared.shift();
  };
  for (const element of live) {
    if (!ours.has(element)) {
      order.push(element);
    } else if (!placed.has(element) && element === shared[0]) {
      while (config[next] !== element) takeConfig();
      takeConfig();
    }
  }
  while (next < config.length) takeConfig();
  return order;
}

/** `value` without these fields; a map or list that loses its last member becomes null, which still has an owner. */
export function without(value: Json, remove: FieldSet, schema: Schema): Json {
  return withoutAt(value, { remove, above: ancestorsOf(remove) }, schema, '') ?? {};
}

/** `value` without nulls, where the schema does not allow them, as kube-apiserver stores it. */
export function withoutNulls(value: Json, schema: Schema): Json {
  const kind = topology(schema, value);
  if (kind === 'leaf') return value;
  const kept = children(kind, schema, [value]).flatMap(({ element, schema: below, values: [child = null] }) =>
    child === null && below.nullable !== true && below !== untyped
      ? []
      : [{ element, value: withoutNulls(child, below) }],
  );
  if (kind === 'list') return kept.map(({ value }) => value);
  return Object.fromEntries(kept.map(({ element, value }) => [element.slice(2), value]));
}

interface Removal {
  readonly remove: FieldSet;
  /** The paths below which something is removed. */
  readonly above: FieldSet;
}

function withoutAt(value: Json, removal: Removal, schema: Schema, path: string): Json {
  const kind = topology(schema, value);
  if (kind === 'leaf') return value;
  const kept = children(kind, schema, [value]).flatMap(({ element, schema: below, values }) => {
    const here = join(path, element);
    const [child = null] = values;
    if (removal.remove.has(here)) return [];
    return [{ element, value: removal.above.has(here) ? withoutAt(child, removal, below, here) : child }];
  });
  if (!kept.length) return null;
  if (kind === 'list') return kept.map(({ value }) => value);
  return Object.fromEntries(kept.map(({ element, value }) => [element.slice(2), value]));
}

/** Adds the named fields of the schema that have a field of the set below them: they may go when all below goes. */
export function withNamedParents(fields: FieldSet, schema: Schema): Set<string> {
  const all = new Set(fields);
  for (const path of ancestorsOf(fields)) {
    if (isNamedField(path, schema)) all.add(path);
  }
  return all;
}

function isNamedField(path: string, schema: Schema): boolean {
  let at = schema;
  let named = false;
  for (const element of elementsOf(path)) {
    const isField = element.startsWith('f:');
    named = isField && isNamed(at, element.slice(2));
    at = isField ? schemaOf(at, element.slice(2)) : itemSchema(at);
  }
  return named;
}
