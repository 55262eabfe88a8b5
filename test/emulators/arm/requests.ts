// Parses request bodies, names and api-versions into types and refuses what ARM would, without looking at any state.
import { invalidName, invalidRequestContent, locationRequired } from './refusal.ts';
import { shortForm } from './regions.ts';
import type { Tags, ZoneRedundancy } from './replica-snapshot.ts';

/**
 * Recorded: `api-supported-versions` of a replication PUT, Azure/azure-cli test_acr_create_replication.yaml, 2026-09-10.
 */
export const supportedApiVersions: readonly string[] = [
  '2020-11-01-preview',
  '2021-06-01-preview',
  '2021-08-01-preview',
  '2021-09-01',
  '2021-12-01-preview',
  '2022-02-01-preview',
  '2022-12-01',
  '2023-01-01-preview',
  '2023-06-01-preview',
  '2023-07-01',
  '2023-08-01-preview',
  '2023-11-01-preview',
  '2024-01-01-preview',
  '2024-11-01-preview',
  '2025-03-01-preview',
  '2025-04-01',
  '2025-05-01-preview',
  '2025-06-01-preview',
  '2025-09-01-preview',
  '2025-11-01',
  '2025-12-01-preview',
  '2026-01-01-preview',
  '2026-03-01-preview',
  '2026-09-01-preview',
  '2026-11-01',
];

export interface ReplicaPut {
  readonly location: string;
  /** Default true, as in the specification. */
  readonly routing: boolean;
  readonly zoneRedundancy?: ZoneRedundancy;
  /** Assumed: a PUT without tags removes all tags, as a replacement does. */
  readonly tags: Tags;
}

export interface ReplicaPatch {
  readonly routing?: boolean;
  /** Replaces all tags (assumed; the specification is silent). */
  readonly tags?: Tags;
}

export interface RegistryPut {
  readonly location: string;
  readonly sku: string;
  readonly zoneRedundancy?: ZoneRedundancy;
  readonly tags: Tags;
}

/** The specification's pattern for registries and replications alike. */
export function checkName(kind: 'registry' | 'replication', name: string): void {
  if (!/^[a-zA-Z0-9]{5,50}$/.test(name)) throw invalidName(kind, name);
}

/** Tolerates unknown members (recorded: ASO sends a `name`). */
export function readReplicaPut(text: string): ReplicaPut {
  const body = jsonObject(text);
  const properties = optionalObject(body, 'properties');
  const zoneRedundancy = zoneRedundancyOf(properties);
  return {
    location: locationOf(body),
    routing: optional(properties, 'regionEndpointEnabled', 'boolean') ?? true,
    ...(zoneRedundancy && { zoneRedundancy }),
    tags: tagsOf(body) ?? {},
  };
}

export function readReplicaPatch(text: string): ReplicaPatch {
  const body = jsonObject(text);
  const routing = optional(optionalObject(body, 'properties'), 'regionEndpointEnabled', 'boolean');
  const tags = tagsOf(body);
  return { ...(routing !== undefined && { routing }), ...(tags && { tags }) };
}

export function readRegistryPut(text: string): RegistryPut {
  const body = jsonObject(text);
  const sku = optional(optionalObject(body, 'sku'), 'name', 'string');
  if (!sku) throw invalidRequestContent("Required property 'sku.name' not found in JSON");
  const zoneRedundancy = zoneRedundancyOf(optionalObject(body, 'properties'));
  return { location: locationOf(body), sku, ...(zoneRedundancy && { zoneRedundancy }), tags: tagsOf(body) ?? {} };
}

type JsonObject = Readonly<Record<string, unknown>>;

interface Kinds {
  boolean: boolean;
  string: string;
}

function jsonObject(text: string): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw invalidRequestContent(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(body)) throw invalidRequestContent('The request body must be a JSON object');
  return body;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Treats null as absent. */
function optionalObject(parent: JsonObject, member: string): JsonObject {
  const value = parent[member] ?? {};
  if (!isObject(value)) throw invalidRequestContent(`The value of '${member}' must be an object`);
  return value;
}

function optional<K extends keyof Kinds>(parent: JsonObject, member: string, kind: K): Kinds[K] | undefined {
  const value = parent[member] ?? undefined;
  if (value !== undefined && typeof value !== kind) {
    throw invalidRequestContent(`The value of '${member}' must be a ${kind}`);
  }
  return value as Kinds[K] | undefined;
}

function locationOf(body: JsonObject): string {
  const location = optional(body, 'location', 'string');
  if (!location?.trim()) throw locationRequired();
  return shortForm(location);
}

function zoneRedundancyOf(properties: JsonObject): ZoneRedundancy | undefined {
  const value = optional(properties, 'zoneRedundancy', 'string');
  if (value === undefined || value === 'Enabled' || value === 'Disabled') return value;
  throw invalidRequestContent(`Error converting value '${value}' to type 'ZoneRedundancy'`);
}

function tagsOf(body: JsonObject): Tags | undefined {
  if (body.tags === undefined || body.tags === null) return undefined;
  const tags = optionalObject(body, 'tags');
  const wrong = Object.entries(tags).find(([, value]) => typeof value !== 'string');
  if (wrong) throw invalidRequestContent(`The value of tag '${wrong[0]}' must be a string`);
  return tags as Tags;
}
