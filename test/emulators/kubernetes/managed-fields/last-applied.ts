// The annotation of client-side apply, which `kubectl apply --server-side` takes over from and keeps up to date.
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../object.ts';
import type { Schema } from '../schema/structural.ts';
import type { FieldSet } from './field-set.ts';
import { compare, fieldsOf } from './typed.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The fields that client-side apply set last and that still have its values: kubectl may take them without force. */
export function allowedByLastApplied(live: KubeObject, schema: Schema): FieldSet {
  const lastApplied = parsed(live.metadata.annotations?.[annotation]);
  if (lastApplied?.apiVersion !== live.apiVersion) return new Set();
  const { added, modified, removed } = compare(lastApplied, live, schema);
  return fieldsOf(lastApplied, schema).difference(added).difference(modified).difference(removed);
}

function parsed(text: string | undefined): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(text ?? 'null');
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** The object with the annotation brought up to date, if kubectl applies it and it has one. */
export function withLastApplied(object: Json, config: JsonObject, manager: string): Json {
  if (manager !== 'kubectl' || !isJsonObject(object) || !isJsonObject(object.metadata)) return object;
  const { annotations } = object.metadata;
  if (!isJsonObject(annotations) || annotations[annotation] === undefined) return object;
  const text = `${JSON.stringify(sorted(withoutAnnotation(config)))}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [annotation]: text } } };
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const metadata = isJsonObject(config.metadata) ? config.metadata : {};
  const { [annotation]: _, ...annotations } = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  return { ...config, metadata: { ...metadata, annotations } };
}

/** With sorted keys, as Go's JSON. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    members.flatMap(([name, member]) => (member === undefined ? [] : [[name, sorted(member)]])),
  );
}
