// Pruning: drops fields that a structural schema does not have, and reports them.
import { isJsonObject, type Json, type JsonObject } from '../object.ts';
import { child, element, memberSchema, type Schema } from './structural.ts';

/** `value` without unknown fields, whose paths are added to `unknown`. Values of a wrong type are left to validation. */
export function prune(value: Json, schema: Schema, path: string, unknown: string[]): Json {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, index) => prune(item, items, element(path, index), unknown)) : value;
  }
  if (!isJsonObject(value)) return value;
  const kept: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const known = memberSchema(schema, name);
    if (known) kept[name] = prune(member, known, child(path, name), unknown);
    else if (preserve || isTypeField(name, path, schema)) kept[name] = member;
    else unknown.push(child(path, name));
  }
  return kept;
}

function isTypeField(name: string, path: string, schema: Schema): boolean {
  if (path !== '' && schema['x-kubernetes-embedded-resource'] !== true) return false;
  return name === 'apiVersion' || name === 'kind' || name === 'metadata';
}
