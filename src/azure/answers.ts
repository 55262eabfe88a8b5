// Reads ARM's answers into the operator's own shapes. Total: what may be missing gets its default, unknown words are kept, and
// what has no name or no place is refused as an answer that says nothing.
import type { Registry, Replica } from './arm.ts';

/** Thrown for a body that is not what ARM sends; errors.ts takes it for Transient. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
}

/** @param body A registry with its properties flattened into it, as the SDK hands it out. */
export function registryFrom(body: unknown): Registry {
  const registry = record(body);
  const id = text(registry.id);
  const location = text(registry.location);
  if (!id || !location) throw new UnreadableAnswer('the answer is no registry: it has no id or no location');
  return {
    id,
    location,
    sku: text(record(registry.sku).name) ?? '',
    ...present('loginServer', text(registry.loginServer)),
    ...present('creationDate', time(registry.creationDate)),
    ...present('provisioningState', text(registry.provisioningState)),
  };
}

/** @param body A replica with its properties flattened into it, as the SDK hands it out. */
export function replicaFrom(body: unknown): Replica {
  const replica = record(body);
  const name = text(replica.name);
  const location = text(replica.location);
  if (!name || !location) throw new UnreadableAnswer('the answer is no replica: it has no name or no location');
  const status = record(replica.status);
  return {
    name,
    location,
    // ARM's default, and what it means when it says nothing (Microsoft.ContainerRegistry 2025-11-01, Replication.models.tsp).
    routing: replica.regionEndpointEnabled !== false,
    tags: Object.fromEntries(
      Object.entries(record(replica.tags)).filter((tag): tag is [string, string] => typeof tag[1] === 'string'),
    ),
    ...present('provisioningState', text(replica.provisioningState)),
    ...present('displayStatus', text(status.displayStatus)),
    ...present('statusMessage', text(status.message)),
  };
}

/** The wire nests under `properties` what the SDK flattens. */
export function flattened(body: unknown): unknown {
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

/** ISO time in milliseconds: ARM's own digits vary between answers, and a change would mean another registry. */
function time(value: unknown): string | undefined {
  if (!(value instanceof Date) && typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
