// Keeps metadata.managedFields: which manager owns which fields of an object.
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../object.ts';
import { apiVersionOf, type Resource } from '../resource.ts';
import { decodeEntries, type Entry, encodeEntries, type Writer } from './entries.ts';
import { entriesAfterUpdate } from './ownership.ts';
import { MissingKeyError } from './typed.ts';

export interface Change {
  /** Undefined for a creation. */
  readonly before?: KubeObject;
  readonly after: KubeObject;
  /** What the request holds: clients may write managedFields, as kubectl does to take over from client-side apply. */
  readonly sent?: KubeObject;
  readonly subresource?: 'status' | undefined;
  readonly manager: string;
  /** ISO time in whole seconds. */
  readonly now: string;
}

/** The managedFields after a create, update or patch; empty if the resource or the object keeps none. */
export function managedFieldsAfterUpdate(resource: Resource, change: Change): JsonObject[] {
  const { before, after, sent, subresource, manager, now } = change;
  const schema = resource.ownedSchema;
  if (!schema) return [];
  const entries = startingEntries(before, subresource ? undefined : sent);
  // As in the real server, an object whose managedFields were cleared is tracked again from its next server-side apply.
  if (before && !entries.length) return [];
  const writer: Writer = { manager, operation: 'Update', apiVersion: apiVersionOf(resource), subresource };
  const from = before ? withManagedFields(before, []) : {};
  try {
    const tracked = { before: from, after: withManagedFields(after, []), schema, now };
    return encodeEntries(entriesAfterUpdate(entries, writer, tracked));
  } catch (error) {
    // As in the real server, a write with items that have no key leaves the owners as they were.
    if (!(error instanceof MissingKeyError)) throw error;
    return encodeEntries(entries);
  }
}

/** The entries of the request, if it has readable ones, otherwise those of the object. One empty entry clears them. */
function startingEntries(before: KubeObject | undefined, sent: KubeObject | undefined): Entry[] {
  const requested: Json | undefined = sent?.metadata.managedFields;
  if (Array.isArray(requested) && requested.length === 1 && isEmpty(requested[0])) return [];
  const readable = decodeEntries(requested);
  return readable?.length ? readable : entriesOf(before);
}

const isEmpty = (entry: Json | undefined) => isJsonObject(entry) && !Object.keys(entry).length;

export function entriesOf(object: KubeObject | undefined): Entry[] {
  return decodeEntries(object?.metadata.managedFields) ?? [];
}

export function withManagedFields(object: KubeObject, managedFields: JsonObject[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields.length && { managedFields }) } };
}
