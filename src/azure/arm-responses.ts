// Reads ARM's answers into the operator's own shapes. Total: what may be missing gets its default, unknown words are kept, and
// what has no name or no place is refused as an answer that says nothing.
import { sanitize } from '../lib/sanitize.ts';
import type { Registry, Replica } from './arm.ts';

/** Characters kept of ARM's words: they end in a status, and that must stay small whatever ARM says. */
const mostOfAWord = 64;
const mostOfAName = 256;
const mostOfAMessage = 1_024;
const mostOfAFailure = 512;

/**
 * Names and places end in statuses, in URLs and in commands for people: what could not stand there as it is was not sent by Azure,
 * whose names of replicas are letters and digits, and whose regions have blanks besides.
 */
const anyName = /^[\w.-]{1,256}$/;
const anyPlace = /^[\w ().-]{1,256}$/;
const mostOfAnId = 1_024;

/** Thrown for a body that is not what ARM sends; errors.ts takes it for Transient. */
export class MalformedResponseError extends Error {
  override readonly name = 'UnreadableAnswer';
}

/** @param body A registry with its properties flattened into it, as the SDK hands it out. */
export function parseRegistry(body: unknown): Registry {
  const registry = record(body);
  const id = text(registry.id);
  const location = matching(anyPlace, registry.location);
  if (!id || !location || sanitize(id, mostOfAnId) !== id)
    throw new MalformedResponseError('the answer is no registry: it has no id or no location');
  return {
    id,
    location,
    sku: words(record(registry.sku).name, mostOfAWord) ?? '',
    ...present('loginServer', words(registry.loginServer, mostOfAName)),
    ...present('creationDate', time(registry.creationDate)),
    ...present('provisioningState', words(registry.provisioningState, mostOfAWord)),
  };
}

/** @param body A replica with its properties flattened into it, as the SDK hands it out. */
export function parseReplica(body: unknown): Replica {
  const replica = record(body);
  const name = matching(anyName, replica.name);
  const location = matching(anyPlace, replica.location);
  if (!name || !location) throw new MalformedResponseError('the answer is no replica: it has no name or no location');
  const status = record(replica.status);
  return {
    name,
    location,
    // ARM's default, and what it means when it says nothing (Microsoft.ContainerRegistry 2025-11-01, Replication.models.tsp).
    routing: replica.regionEndpointEnabled !== false,
    tags: Object.fromEntries(
      Object.entries(record(replica.tags)).filter((tag): tag is [string, string] => typeof tag[1] === 'string'),
    ),
    ...present('provisioningState', words(replica.provisioningState, mostOfAWord)),
    ...present('displayStatus', words(status.displayStatus, mostOfAWord)),
    ...present('createdAt', time(record(replica.systemData).createdAt)),
    ...present('statusMessage', words(status.message, mostOfAMessage)),
  };
}

/**
 * @param body The answer to `GET /subscriptions/{id}/locations`: `value` has `name`, and `metadata.regionType`, by which the groups
 * of regions (`europe`) are told apart, which take no resources (Microsoft's REST reference, Subscriptions - List Locations,
 * 2022-12-01; no recording of it was at hand).
 */
export function parseLocations(body: unknown): string[] {
  const { value } = record(body);
  if (!Array.isArray(value)) throw new MalformedResponseError('the answer is no list of locations');
  const names = value.flatMap((location) => {
    const name = text(record(location).name)?.toLowerCase() ?? '';
    const isGroup = record(record(location).metadata).regionType === 'Logical';
    return /^[a-z0-9]{1,64}$/.test(name) && !isGroup ? [name] : [];
  });
  if (names.length === 0) throw new MalformedResponseError('the list of locations has none');
  return names;
}

/**
 * @param body The status of an operation: `{status, error: {code, message}}` where it has failed (Microsoft's article on
 * asynchronous operations; no failed operation is on record). Undefined where it says no reason.
 */
export function failureFrom(body: unknown): string | undefined {
  const error = record(record(body).error);
  const code = words(error.code, mostOfAWord);
  const message = words(error.message, mostOfAFailure);
  return [code, message].filter((word) => word !== undefined).join(': ') || undefined;
}

/** The wire nests under `properties` what the SDK flattens. */
export function flatten(body: unknown): unknown {
  return { ...record(body), ...record(record(body).properties) };
}

function present<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value ? ({ [key]: value } as { [P in K]?: string }) : {};
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function matching(pattern: RegExp, value: unknown): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}

function words(value: unknown, limit: number): string | undefined {
  return typeof value === 'string' ? text(sanitize(value, limit)) : undefined;
}

/** ISO time in milliseconds: ARM's own digits vary between answers, and a change would mean another registry. */
function time(value: unknown): string | undefined {
  if (!(value instanceof Date) && typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
