// The entries of metadata.managedFields: which manager owns which fields, read from and written to an object.
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../object.ts';
import { type FieldSet, fromFieldsV1, toFieldsV1 } from './field-set.ts';

export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: 'status' | undefined;
}

export interface Entry extends Writer {
  readonly time: string;
  readonly fields: FieldSet;
}

/** An applied configuration of another version replaces the manager's earlier one; updates are kept by version. */
export function isBy(entry: Entry, writer: Writer): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    entry.subresource === writer.subresource &&
    (entry.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  );
}

const decoded = new WeakMap<JsonObject, Entry>();

/** Undefined if an entry cannot be read. */
export function decodeEntries(managedFields: Json | undefined): Entry[] | undefined {
  if (!Array.isArray(managedFields)) return undefined;
  const entries = managedFields.map(decodeEntry);
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function decodeEntry(json: Json): Entry | undefined {
  if (!isJsonObject(json)) return undefined;
  const known = decoded.get(json);
  if (known) return known;
  const { manager, operation, apiVersion, subresource, time, fieldsV1 } = json;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  const entry: Entry = {
    manager: typeof manager === 'string' ? manager : '',
    operation,
    apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
    subresource: subresource === 'status' ? 'status' : undefined,
    time: typeof time === 'string' ? time : '',
    fields: fromFieldsV1(fieldsV1),
  };
  decoded.set(json, entry);
  return entry;
}

/** Without entries that own nothing, in the API server's order: applied configurations first, then by time. */
export function encodeEntries(entries: readonly Entry[]): JsonObject[] {
  const rank = ({ operation, time, manager, apiVersion, subresource }: Entry) =>
    JSON.stringify([operation, time, manager, apiVersion, subresource ?? '']);
  return entries
    .filter(({ fields }) => fields.size)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .map((entry) => {
      const { manager, operation, apiVersion, subresource, time, fields } = entry;
      const json: JsonObject = {
        manager,
        operation,
        apiVersion,
        time,
        fieldsType: 'FieldsV1',
        fieldsV1: toFieldsV1(fields),
        ...(subresource && { subresource }),
      };
      decoded.set(json, entry);
      return json;
    });
}

/** Whether the same managers own the same fields; the times of their last changes may differ. */
export function sameOwners(a: Json | undefined, b: Json | undefined): boolean {
  return isDeepStrictEqual(withoutTimes(a), withoutTimes(b));
}

function withoutTimes(managedFields: Json | undefined): Json[] {
  if (!Array.isArray(managedFields)) return [];
  const untimed = managedFields.map((entry) => (isJsonObject(entry) ? { ...entry, time: '' } : entry));
  return untimed.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
