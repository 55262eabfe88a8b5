// How long operations take at the emulated Azure, with presets.
import type { Random } from './random.ts';

/** ms, drawn uniformly from least to most; `held`: until a test continues it (Azure.advance, finish, settle). */
export type Span = { readonly least: number; readonly most: number } | 'held';

export interface Timings {
  /** A replica is Creating. */
  readonly create: Span;
  /** Bytes per second at which a new replica takes over the registry's content, Syncing meanwhile. */
  readonly sync: number | 'held';
  /** A replica is Updating, after its routing was changed. */
  readonly update: Span;
  /** A replica is Deleting. */
  readonly remove: Span;
  /** A whole registry is Deleting. */
  readonly removeRegistry: Span;
  /** From the first creation until ACR has made the entry of the home region. */
  readonly homeEntry: Span;
  /** Seconds in the `Retry-After` of long-running operations. */
  readonly retryAfter: number;
}

/**
 * Recorded by Azure/azure-cli test_acr_create_replication.yaml (2026-09-10), Azure/azure-powershell
 * New-AzContainerRegistryReplication (2023 and 2025) and Azure/azure-service-operator Registry_20230701_CRUD (2025-11-18):
 * creations of 8.2-19 s, deletions of 10-69 s, a routing change in 0.3 s, home entries 3.9-7.1 s after the first creation,
 * a registry deleted in 10-75 s. The rate of syncing was not recorded: assumed.
 */
export const realistic: Timings = {
  create: { least: 8_000, most: 19_000 },
  sync: 100_000_000,
  update: { least: 300, most: 300 },
  remove: { least: 10_000, most: 70_000 },
  removeRegistry: { least: 10_000, most: 75_000 },
  homeEntry: { least: 4_000, most: 4_000 },
  retryAfter: 10,
};

/** A hundredth of the realistic durations. */
export const fast: Timings = scaled(realistic, 1 / 100);

/** Every operation is done by the next read. */
export const instant: Timings = scaled(realistic, 0);

/** No operation proceeds by itself. */
export const held: Timings = {
  create: 'held',
  sync: 'held',
  update: 'held',
  remove: 'held',
  removeRegistry: 'held',
  homeEntry: 'held',
  retryAfter: 0,
};

/** Multiplies every duration by `factor`; 0 makes everything instant. */
export function scaled(timings: Timings, factor: number): Timings {
  const span = (span: Span): Span =>
    span === 'held' ? span : { least: span.least * factor, most: span.most * factor };
  return {
    create: span(timings.create),
    sync: timings.sync === 'held' ? 'held' : timings.sync / factor,
    update: span(timings.update),
    remove: span(timings.remove),
    removeRegistry: span(timings.removeRegistry),
    homeEntry: span(timings.homeEntry),
    retryAfter: Math.floor(timings.retryAfter * factor),
  };
}

/** ms; Infinity if held. */
export function draw(span: Span, random: Random): number {
  return span === 'held' ? Number.POSITIVE_INFINITY : span.least + random() * (span.most - span.least);
}

/** ms of Syncing for this much content; a replica of an empty registry is Ready at once (recorded), unless held. */
export function syncTime(timings: Timings, contentBytes: number): number {
  if (timings.sync === 'held') return Number.POSITIVE_INFINITY;
  return contentBytes === 0 ? 0 : (contentBytes / timings.sync) * 1000;
}
