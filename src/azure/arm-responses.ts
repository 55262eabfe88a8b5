// Parses ARM's responses into the types of arm.ts. Missing fields get ARM's defaults and unknown values are kept; a response
// without a name or location is rejected.
import { sanitize } from '../lib/sanitize.ts';
import type { Location, Registry, Replica } from './arm.ts';
import type { Coordinates } from './regions.ts';

/** Characters kept of ARM's texts: they are shown in statuses, whose size must stay bounded. */
const maxWordLength = 64;
const maxNameLength = 256;
const maxMessageLength = 1_024;
const maxFailureLength = 512;

/**
 * Names and locations are used in statuses, URLs and shell commands. Azure's replica names are letters and digits, and its regions
 * have blanks, too: other characters do not come from Azure.
 */
const namePattern = /^[\w.-]{1,256}$/;
const locationPattern = /^[\w ().-]{1,256}$/;
const regionPattern = /^[a-z0-9]{1,64}$/;
/** Decimal degrees such as `-79.8164`. */
const degreesPattern = /^-?\d{1,3}(\.\d{1,15})?$/;
const maxIdLength = 1_024;
/** The caller's token goes there: no port, path or user. */
const hostPattern = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){2,8}$/;

/** Thrown for a body that ARM does not send; errors.ts makes it Transient. */
export class MalformedResponseError extends Error {
  override readonly name = 'MalformedResponseError';
}

/** @param body A registry with its properties flattened, as the SDK returns it. */
export function parseRegistry(body: unknown): Registry {
  const registry = record(body);
  const id = text(registry.id);
  const location = matching(locationPattern, registry.location);
  if (!id || !location || sanitize(id, maxIdLength) !== id)
    throw new MalformedResponseError('the answer is no registry: it has no id or no location');
  return {
    id,
    location,
    sku: words(record(registry.sku).name, maxWordLength) ?? '',
    ...present('loginServer', words(registry.loginServer, maxNameLength)),
    ...present('creationDate', time(registry.creationDate)),
    ...present('provisioningState', words(registry.provisioningState, maxWordLength)),
  };
}

/** @param body A replica with its properties flattened, as the SDK returns it. */
export function parseReplica(body: unknown): Replica {
  const replica = record(body);
  const name = matching(namePattern, replica.name);
  const location = matching(locationPattern, replica.location);
  if (!name || !location) throw new MalformedResponseError('the answer is no replica: it has no name or no location');
  const status = record(replica.status);
  return {
    name,
    location,
    // ARM's default (Microsoft.ContainerRegistry 2025-11-01, Replication.models.tsp).
    routing: replica.regionEndpointEnabled !== false,
    tags: Object.fromEntries(
      Object.entries(record(replica.tags)).filter((tag): tag is [string, string] => typeof tag[1] === 'string'),
    ),
    ...present('provisioningState', words(replica.provisioningState, maxWordLength)),
    ...present('displayStatus', words(status.displayStatus, maxWordLength)),
    ...present('createdAt', time(record(replica.systemData).createdAt)),
    ...present('statusMessage', words(status.message, maxMessageLength)),
  };
}

/** @param body A registry or replica, flattened. ARM's default is Disabled. */
export function parseZoneRedundancy(body: unknown): boolean {
  return record(body).zoneRedundancy === 'Enabled';
}

/** @param body A registry, flattened, in an API version with regional endpoints. Returns host names in lower case. */
export function parseHostNames(body: unknown): string[] {
  const { regionalEndpoints, regionalEndpointHostNames: names } = record(body);
  if (regionalEndpoints !== 'Enabled' || !Array.isArray(names)) return [];
  return names.flatMap((name) => matching(hostPattern, text(name)?.toLowerCase()) ?? []);
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The URL of the next page. */
  readonly nextLink: string | undefined;
}

/**
 * @param body The response to `GET /subscriptions/{id}/locations`. Recorded (Azure/azure-cli test_list_locations.yaml, 2022-01-24,
 * api-version 2019-11-01): `{value: [{name, displayName, regionalDisplayName, metadata: {regionType, geographyGroup, longitude,
 * latitude, pairedRegion, …}}]}` on one page, with degrees as text, and with `regionType: Logical` for groups of regions (`europe`),
 * which have no place and take no resources. By specification (azure-rest-api-specs, Microsoft.Resources 2022-12-01, not recorded):
 * `metadata.geography`, and that there are no further pages. Assumed: a nextLink would lead to one.
 */
export function parseLocations(body: unknown): Page<Location> {
  const { value, nextLink } = record(body);
  if (!Array.isArray(value)) throw new MalformedResponseError('the answer is no list of locations');
  return { items: value.flatMap(locationIn), nextLink: text(nextLink) };
}

/** None for a group of regions, and for a name that is not in Azure's short form. */
function locationIn(item: unknown): Location[] {
  const { name, displayName, metadata } = record(item);
  const { regionType, geography, latitude, longitude } = record(metadata);
  const shortName = matching(regionPattern, text(name)?.toLowerCase());
  if (shortName === undefined || regionType === 'Logical') return [];
  const place = { latitude: degrees(latitude, 90), longitude: degrees(longitude, 180) };
  return [
    {
      name: shortName,
      ...present('displayName', words(displayName, maxWordLength)),
      ...present('geography', words(geography, maxWordLength)),
      ...(isPlace(place) && { coordinates: place }),
    },
  ];
}

function degrees(value: unknown, max: number): number | undefined {
  const number = Number(matching(degreesPattern, value));
  return Math.abs(number) <= max ? number : undefined;
}

function isPlace(place: Readonly<Record<keyof Coordinates, number | undefined>>): place is Coordinates {
  return place.latitude !== undefined && place.longitude !== undefined;
}

/**
 * @param body The status of an operation: `{status, error: {code, message}}` if it failed (Microsoft's article on asynchronous
 * operations; no failed operation is on record). Returns undefined if there is no error in it.
 */
export function failureFrom(body: unknown): string | undefined {
  const error = record(record(body).error);
  const code = words(error.code, maxWordLength);
  const message = words(error.message, maxFailureLength);
  return [code, message].filter((word) => word !== undefined).join(': ') || undefined;
}

/** Moves the fields under `properties` to the top, as the SDK does. */
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

/** ISO time in ms: the number of ARM's digits varies between responses, and a changed time means another resource. */
function time(value: unknown): string | undefined {
  if (!(value instanceof Date) && typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
