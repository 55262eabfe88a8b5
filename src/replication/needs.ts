// Which regions an object wants, as its spec and its last status tell, and in words why sources want them. Pure.
import {
  listedRegions,
  type NeededBy,
  type RegionStatus,
  type RegistryReplication,
  type SourceStatus,
  type Spec,
} from '../api/registryreplication.ts';
import { formatDuration } from '../lib/duration.ts';
import { normalise } from './location.ts';
import { keepUnusedMs } from './prune-delay.ts';

/** The regions that the spec lists, then those that the object follows. */
export function wantedRegions({ spec, status }: RegistryReplication): string[] {
  const listed = listedRegions(spec).map(({ location }) => normalise(location));
  const followed = (status?.regions ?? []).filter(isFollowed).map(({ location }) => normalise(location));
  return [...new Set([...listed, ...followed])];
}

/** True if a source names the region, or did so and the region is kept. */
export function isFollowed({ neededBy = [], unusedSince, desired }: RegionStatus): boolean {
  return neededBy.length > 0 || (unusedSince !== undefined && desired);
}

/** Why a region goes that no source named before. With `isUncertain` a source may name it and could not be asked. */
export function whyUnwanted({ regionsFrom = [] }: Spec, isUncertain = false): string {
  return regionsFrom.length === 0 || isUncertain
    ? 'not in spec.regions'
    : 'neither in spec.regions nor named by a source';
}

export interface Unused {
  readonly unusedSince?: string;
  /** How long the region is kept from then on, as "24h"; undefined if it is no longer. */
  readonly keptFor?: string;
}

/** Since when no source names the region any more. Empty for a listed region, which stays anyway. */
export function unusedIn(spec: Spec, row: RegionStatus): Unused {
  const { location, unusedSince } = row;
  const isListed = listedRegions(spec).some((listed) => normalise(listed.location) === normalise(location));
  if (unusedSince === undefined || isListed) return {};
  return { unusedSince, ...(isFollowed(row) && { keptFor: keptFor(spec) }) };
}

/** "nodes (12)", "MemberCluster prod-eu, prod-us and 3 more". */
export function describeNeed({ source, count, names = [] }: NeededBy, limit = names.length): string {
  if (names.length === 0) return `${source} (${count})`;
  const shown = names.slice(0, limit);
  const more = count - shown.length;
  return `${source} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * "nodes: Synced, 2 regions", "MemberCluster: Forbidden: …", with values that are no region.
 * @param told What the reader sees anyway; it may say why the source cannot be read.
 */
export function describeSource({ source, state, regions = 0, unknown, message = '' }: SourceStatus, told = ''): string {
  const named = regions > 0 ? `, ${regions} ${regions === 1 ? 'region' : 'regions'}` : '';
  const facts = `${source}: ${state}${named}${unknown ? `, ${describeUnknown(unknown)}` : ''}`;
  return told.includes(message) ? facts : `${facts}: ${message}`;
}

function describeUnknown({ count, examples = [] }: NonNullable<SourceStatus['unknown']>): string {
  const quoted = examples.map((value) => JSON.stringify(value)).join(', ');
  const what = count === 1 ? '1 value is no Azure region' : `${count} values are no Azure regions`;
  if (quoted === '') return what;
  return count > examples.length ? `${what}, such as ${quoted}` : `${what}: ${quoted}`;
}

/** How long a region is kept that no source names any more: "24h". */
export function keptFor(spec: Pick<Spec, 'keepUnused'>): string {
  return formatDuration(keepUnusedMs(spec));
}
