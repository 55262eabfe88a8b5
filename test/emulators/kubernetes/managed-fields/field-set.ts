// A set of field paths, and its form in metadata.managedFields (FieldsV1).
import { isJsonObject, type Json, type JsonObject } from '../object.ts';

/**
 * Paths, each of which joins its elements. An element is written as in FieldsV1: `f:name` for a field,
 * `k:{"key":"value"}` for an item of a list-map, `v:"value"` for an item of a list-set, `i:0` for one of another list.
 */
export type FieldSet = ReadonlySet<string>;

const separator = '\u0000';

export const fieldElement = (name: string) => `f:${name}`;

/** The empty path is the object itself. */
export function join(path: string, element: string): string {
  return path ? path + separator + element : element;
}

export function elementsOf(path: string): string[] {
  return path.split(separator);
}

/** The path of a field below the root: `fieldPath('metadata', 'name')`. */
export function fieldPath(...names: string[]): string {
  return names.map(fieldElement).join(separator);
}

/** Every path above one of the set. */
export function ancestorsOf(fields: FieldSet): Set<string> {
  const ancestors = new Set<string>();
  for (const path of fields) {
    for (let end = path.lastIndexOf(separator); end > 0; end = path.lastIndexOf(separator, end - 1)) {
      ancestors.add(path.slice(0, end));
    }
  }
  return ancestors;
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor + separator);
}

interface Node {
  isMember: boolean;
  readonly children: Map<string, Node>;
}

export function toFieldsV1(fields: FieldSet): JsonObject {
  const root: Node = { isMember: false, children: new Map() };
  for (const path of fields) {
    let node = root;
    for (const element of elementsOf(path)) {
      const next = node.children.get(element) ?? { isMember: false, children: new Map() };
      node.children.set(element, next);
      node = next;
    }
    node.isMember = true;
  }
  return jsonOf(root);
}

function jsonOf({ isMember, children }: Node): JsonObject {
  const sorted = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    // A member without children is an empty object.
    ...(isMember && children.size > 0 && { '.': {} }),
    ...Object.fromEntries(sorted.map(([element, node]) => [element, jsonOf(node)])),
  };
}

export function fromFieldsV1(json: Json | undefined): FieldSet {
  const fields = new Set<string>();
  if (isJsonObject(json)) collect(json, '', fields);
  return fields;
}

function collect(json: JsonObject, path: string, fields: Set<string>): void {
  for (const [element, below] of Object.entries(json)) {
    if (element === '.' || !isJsonObject(below)) continue;
    const here = join(path, element);
    if (!Object.keys(below).length || '.' in below) fields.add(here);
    collect(below, here, fields);
  }
}

/** The API server's order of paths: of the fields of an object, those that the set has come before those with fields below. */
export function comparePaths(a: string, b: string): number {
  const [left, right] = [elementsOf(a), elementsOf(b)];
  const at = left.findIndex((element, index) => element !== right[index]);
  const [isLeft, isRight] = [at === left.length - 1, at === right.length - 1];
  if (at < 0 || isLeft !== isRight) return at < 0 || isLeft ? -1 : 1;
  return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
}

/** As in the API server's messages: `.spec.regions[location="japaneast"].suspend`. */
export function printPath(path: string): string {
  return elementsOf(path).map(printElement).join('');
}

function printElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  if (element.startsWith('i:')) return `[${rest}]`;
  const key: Json = JSON.parse(rest);
  const pairs = isJsonObject(key) ? Object.entries(key) : [];
  return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}
