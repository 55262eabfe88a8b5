// Extracts what the demo shows of an object from its status, as text that is safe to print.
import { stripVTControlCharacters } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import { findCondition } from '../../src/api/conditions.ts';
import type { RegionState, RegionStatus, RegistryReplication, Spec } from '../../src/api/registryreplication.ts';

/** Kubernetes' label for the region of a node. */
export const regionLabel = 'topology.kubernetes.io/region';

export interface View {
  /** `namespace/name` */
  readonly name: string;
  /** The registry's name. */
  readonly registry: string;
  /** status.phase; `Pending` before there is one. */
  readonly phase: string;
  /** As `1/2`; empty before it is known. */
  readonly readyRegions: string;
  /** Whether Ready is True for the current generation. */
  readonly isReady: boolean;
  /** Why it is not Ready; empty when it is. */
  readonly message: string;
  readonly regions: readonly RegionView[];
}

export interface RegionView {
  readonly location: string;
  readonly home: boolean;
  readonly desired: boolean;
  readonly state: RegionState;
  /** Azure's own words, as `Succeeded, Syncing`; empty if it has none. */
  readonly azure: string;
  readonly routing: string;
  /** As `needed by nodes (2)`, or `unused, kept for 15s`; empty for a region that no source has named. */
  readonly need: string;
  /** When the state was entered, in ms since the epoch; undefined if the status does not say. */
  readonly since: number | undefined;
  readonly message: string;
}

export function viewOf({ metadata, spec, status = {} }: RegistryReplication): View {
  const ready = findCondition(status.conditions, 'Ready');
  const isReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  return {
    name: printable(`${metadata.namespace}/${metadata.name}`),
    registry: printable(spec.registry.name),
    phase: printable(status.phase ?? 'Pending'),
    readyRegions: printable(status.readyRegions ?? ''),
    isReady,
    message: isReady ? '' : printable(ready?.message ?? ''),
    regions: (status.regions ?? []).map((row) => regionOf(row, spec)),
  };
}

function regionOf(row: RegionStatus, spec: Spec): RegionView {
  const words = [row.provisioningState, row.displayStatus].filter((word) => word !== undefined);
  const since = Date.parse(row.since ?? '');
  return {
    location: printable(row.location),
    home: row.home,
    desired: row.desired,
    state: row.state,
    azure: printable(words.join(', ')),
    routing: printable(row.routing ?? ''),
    need: printable(needOf(row, spec)),
    since: Number.isNaN(since) ? undefined : since,
    message: printable(row.message ?? ''),
  };
}

function needOf({ neededBy = [], unusedSince, desired }: RegionStatus, { keepUnused }: Spec): string {
  if (neededBy.length > 0) return `needed by ${neededBy.map(({ source, count }) => `${source} (${count})`).join(', ')}`;
  if (unusedSince === undefined) return '';
  return desired ? `unused, kept for ${keepUnused}` : 'unused';
}

/** A node, with the region of its label. */
export interface NodeView {
  readonly name: string;
  readonly region: string;
}

export function nodeViewOf({ metadata }: KubernetesObject): NodeView {
  const region = metadata?.labels?.[regionLabel] ?? 'no region';
  return { name: printable(metadata?.name ?? ''), region: printable(region) };
}

/**
 * Text on one line that cannot control a terminal: escape sequences, control characters and bidirectional marks are removed.
 * Users who may write objects or tags must not be able to write to the reader's screen.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}]/gu, '')
    .trim();
}
