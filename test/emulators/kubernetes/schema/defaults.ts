// Applies the defaults of a structural schema, and drops nulls for which there is a default and, when objects are read, unknown fields.
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../object.ts';
import { prune } from './prune.ts';
import { memberSchema, type Schema } from './structural.ts';

/** A copy of `value` with its defaults; absent parents stay absent unless they have a default. */
export function withDefaults(value: Json, schema: Schema): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withDefaults(item, items)) : value;
  }
  if (!isJsonObject(value)) return value;
  const filled: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const known = memberSchema(schema, name);
    if (member === null && known?.default !== undefined && known.nullable !== true) continue;
    filled[name] = known ? withDefaults(member, known) : member;
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined || Object.hasOwn(filled, name)) continue;
    filled[name] = withDefaults(structuredClone(property.default), property);
  }
  return filled;
}

/**
 * Applies defaults to objects when they are read, as the real server does: a status has defaults although no creation
 * stores one. Drops what an older definition has stored and this one does not know (recorded: 1.20.2); it stays stored until
 * the next write. The result is cached per object, so that it is encoded once.
 */
export function completeWhenRead(schema: Schema): (object: KubeObject) => KubeObject {
  const views = new WeakMap<KubeObject, KubeObject>();
  return (object) => {
    const known = views.get(object);
    if (known) return known;
    const completed = withDefaults(prune(object, schema, '', []), schema);
    const { apiVersion, kind, metadata } = object;
    const view = isJsonObject(completed) ? { ...completed, apiVersion, kind, metadata } : object;
    views.set(object, view);
    return view;
  };
}
