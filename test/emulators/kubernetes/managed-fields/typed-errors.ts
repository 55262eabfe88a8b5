// Why a configuration cannot be applied: what its schema does not have, in the API server's words.
import { isJsonObject, type Json } from '../object.ts';
import { memberSchema, type Schema } from '../schema/structural.ts';
import { join, printPath } from './field-set.ts';
import { itemElement, MissingKeyError } from './typed.ts';

/** Each with its path; empty if the configuration fits. */
export function typedErrors(config: Json, schema: Schema): string[] {
  return errorsAt(config, schema, '');
}

function errorsAt(value: Json, schema: Schema, path: string): string[] {
  const at = (problem: string) => [`${path ? `${printPath(path)}: ` : ''}${problem}`];
  if (value === null || schema['x-kubernetes-int-or-string']) return [];
  switch (schema.type) {
    case 'object':
      return isJsonObject(value) ? memberErrors(value, schema, path) : at(`expected map, got &{${goValue(value)}}`);
    case 'array':
      return Array.isArray(value) ? itemErrors(value, schema, path) : at(`expected list, got &{${goValue(value)}}`);
    case 'string':
      if (typeof value === 'string') return [];
      return at(`expected string, got &value.valueUnstructured{Value:${goValue(value)}}`);
    case 'boolean':
      return typeof value === 'boolean' ? [] : at(`expected boolean, got &{${goValue(value)}}`);
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : at(`expected numeric (int or float), got ${goType(value)}`);
    default:
      return isJsonObject(value) && schema.properties ? memberErrors(value, schema, path) : [];
  }
}

function memberErrors(value: { [name: string]: Json | undefined }, schema: Schema, path: string): string[] {
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  return Object.entries(value).flatMap(([name, member]) => {
    if (member === undefined) return [];
    const here = join(path, `f:${name}`);
    const known = memberSchema(schema, name);
    if (known) return errorsAt(member, known, here);
    const isTypeField = schema['x-kubernetes-embedded-resource'] && ['apiVersion', 'kind', 'metadata'].includes(name);
    return isOpen || isTypeField ? [] : [`${printPath(here)}: field not declared in schema`];
  });
}

function itemErrors(list: Json[], schema: Schema, path: string): string[] {
  const isKeyed = schema['x-kubernetes-list-type'] === 'map' || schema['x-kubernetes-list-type'] === 'set';
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    let element = `i:${index}`;
    if (isKeyed) {
      try {
        element = itemElement(schema, item);
      } catch (error) {
        if (!(error instanceof MissingKeyError)) throw error;
        return [`${printPath(path)}: element ${index}: ${error.message}`];
      }
      if (seen.has(element)) return [`${printPath(path)}: duplicate entries for key ${printPath(element)}`];
      seen.add(element);
    }
    return schema.items ? errorsAt(item, schema.items, join(path, element)) : [];
  });
}

/** Go's %v. */
function goValue(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isJsonObject(value)) return value === null || value === undefined ? '<nil>' : String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([name, member]) => `${name}:${goValue(member)}`).join(' ')}]`;
}

function goType(value: Json): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
