// List topology: items of a list-map have unique keys, items of a list-set are unique.
import { isJsonObject, type Json } from '../object.ts';
import { type FieldError, fieldError } from '../status.ts';
import { child, element, memberSchema, type Schema } from './structural.ts';

export function listErrors(value: Json, schema: Schema, path = ''): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return [
      ...duplicates(value, schema, path),
      ...(items ? value.flatMap((item, index) => listErrors(item, items, element(path, index))) : []),
    ];
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const known = memberSchema(schema, name);
    return known && member !== undefined ? listErrors(member, known, child(path, name)) : [];
  });
}

function duplicates(list: Json[], schema: Schema, path: string): FieldError[] {
  const identify = identity(schema);
  if (!identify) return [];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const id = identify(item);
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [fieldError.duplicate(element(path, index), id)];
  });
}

/** Identifies an item of the list, in Go's format; undefined for an atomic list. */
export function identity(schema: Schema): ((item: Json) => string) | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return (item) => JSON.stringify(item);
    case 'map': {
      const keys = [...(schema['x-kubernetes-list-map-keys'] ?? [])].sort();
      return (item) => {
        const pairs = keys.flatMap((key) => {
          const value = isJsonObject(item) ? (item[key] ?? schema.items?.properties?.[key]?.default) : undefined;
          return value === undefined ? [] : [`"${key}":${JSON.stringify(value)}`];
        });
        return `map[string]interface {}{${pairs.join(', ')}}`;
      };
    }
    default:
      return undefined;
  }
}
