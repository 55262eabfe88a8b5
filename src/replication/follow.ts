// Derives the regions that an object follows: those that its sources name, and those that none names any more and that are still
// kept. Pure. In doubt a region stays: only sources that were listed let one go.
import {
  listedRegions,
  type NeededBy,
  type RegionSource,
  type RegionSpec,
  type RegionStatus,
  type RegistryReplication,
  type Spec,
  type Status,
} from '../api/registryreplication.ts';
import { isoSeconds } from '../lib/clock.ts';
import { normalise } from './location.ts';
import { type AgeOf, earlier, keepUnusedMs } from './prune-delay.ts';
import { isAtRest } from './region-state.ts';
import { isSameReading, labelOf, letsGo, type Source, type SourceReading, sourcesOf } from './sources.ts';

/** An object whose spec.regions has the followed regions too. Without `following` it follows nothing, and did not before. */
export interface FollowingObject extends RegistryReplication {
  readonly following?: Following;
}

export interface Following {
  /** By location, of every region that a source names, or named before. */
  readonly needs: ReadonlyMap<string, Need>;
  readonly sources: readonly Source[];
  /** What the sources said; undefined if they were not asked. */
  readonly readings: readonly SourceReading[] | undefined;
}

/** Why a region is there. */
export interface Need {
  /** Empty if no source names the region any more. */
  readonly neededBy: readonly NeededBy[];
  /** ISO time. */
  readonly unusedSince?: string;
  /** An unused region that stays although the spec does not list it. */
  readonly isKept?: boolean;
  /**
   * Set while a source is not known that may be the first one to name the region, and so the one that says how to make it. An existing
   * replica is left as it is then. `guess`: it is made as the next source says; `unknown`: it is not made yet.
   */
  readonly settings?: 'guess' | 'unknown';
  /** ISO time at which it goes; undefined if it stays until the sources are listed. */
  readonly keptUntil?: string;
}

/** What an observation adds to what the sources say. */
export interface Surroundings {
  /** One for each entry of spec.regionsFrom; undefined if the sources are not asked. */
  readonly readings: readonly SourceReading[] | undefined;
  /** Normalised; undefined before the registry was read. */
  readonly home: string | undefined;
  readonly isRegion: (location: string) => boolean;
  readonly hasReplica: (location: string) => boolean;
  readonly now: Date;
  /** Measures ages per region. */
  readonly ageOf: AgeOf;
}

/** The CRD's limit. */
const maxEntries = 16;

/** The object with its followed regions, as the last status shows them: for decisions that ask no source. */
export function remembered(object: RegistryReplication, now: Date): FollowingObject {
  const home = object.status?.registry?.homeRegion;
  const nothing = () => false;
  return followed(object, { readings: undefined, home, isRegion: nothing, hasReplica: nothing, now, ageOf: () => 0 });
}

/** True if the object has sources, or regions that sources named before. */
export function follows({ spec, status }: RegistryReplication): boolean {
  return Boolean(spec.regionsFrom?.length) || (status?.regions ?? []).some(wasFollowed);
}

function wasFollowed({ neededBy, unusedSince }: RegionStatus): boolean {
  return neededBy !== undefined || unusedSince !== undefined;
}

/** The object with its followed regions. Its spec must be as people wrote it. */
export function followed(object: RegistryReplication, surroundings: Surroundings): FollowingObject {
  if (!follows(object)) return object;
  const { spec, status } = object;
  const rows = (status?.regions ?? []).filter(wasFollowed);
  const { readings, isRegion, home } = surroundings;
  const sources = sourcesOf(object, readings, isRegion);
  const listed = new Set(listedRegions(spec).map(({ location }) => normalise(location)));
  const needs = new Map<string, Need>();
  const named = sources.flatMap(({ regions }) => [...regions.keys()]);
  for (const location of new Set([...named, ...rows.map((row) => row.location)])) {
    const row = rows.find((one) => one.location === location);
    const neededBy = neededByOf(location, row, sources, isAtRest(status));
    if (neededBy.length > 0) needs.set(location, { neededBy });
    else if (row && location !== home) {
      const need = unusedNeed(object, row, sources, surroundings);
      // A listed region stays anyway. When it is taken out of the spec, the time since it was needed counts.
      if (!listed.has(location)) needs.set(location, need);
      else if (need.isKept) needs.set(location, { neededBy, unusedSince: need.unusedSince });
    }
  }
  const added: RegionSpec[] = [];
  for (const [location, need] of needs) {
    if (listed.has(location) || (need.neededBy.length === 0 && !need.isKept)) continue;
    const { entry, settings } = makingOf(location, need, spec, readings);
    added.push(regionMadeBy(location, entry));
    if (settings) needs.set(location, { ...need, settings });
  }
  added.sort((one, other) => (one.location < other.location ? -1 : 1));
  return {
    ...object,
    spec: { ...spec, regions: [...listedRegions(spec), ...added] },
    following: { needs, sources, readings },
  };
}

/** Why no unlisted replica may be pruned now; undefined if sources do not forbid it. */
export function pruneHold({ following }: FollowingObject, wasListed: boolean): string | undefined {
  const unlisted = following?.sources.find(({ state }) => state !== 'Synced' && state !== 'Empty');
  if (unlisted) return `waits until the source ${unlisted.label} is listed, which may name the region`;
  const empty = following?.sources.find((source) => source.state === 'Empty' && !(wasListed && letsGo(source)));
  return empty && `waits until the source ${empty.label} names a region: a source that names none removes nothing`;
}

/**
 * The status of a pass that planned nothing. A region that a source names now is needed. Were that not known, the region could go at once
 * when the source lets go of it before the next plan.
 */
export function withNeedsRenewed(
  object: RegistryReplication,
  status: Status,
  readings: readonly SourceReading[],
): Status {
  const isUnneeded = ({ neededBy = [] }: RegionStatus) => neededBy.length === 0;
  const unneeded = new Set((status.regions ?? []).filter(isUnneeded).map(({ location }) => location));
  if (unneeded.size === 0) return status;
  const sources = sourcesOf(object, readings, (location) => unneeded.has(location));
  const regions = status.regions?.map((row) => {
    const { unusedSince, firstSeen, ...others } = row;
    const neededBy = isUnneeded(row) ? neededByOf(row.location, row, sources, true) : [];
    return neededBy.length === 0 ? row : { ...others, neededBy };
  });
  return { ...status, ...(regions && { regions }) };
}

/** True if the sources still say what the object was planned with. */
export function isStillFollowed({ following }: FollowingObject, readings: readonly SourceReading[]): boolean {
  const planned = following?.readings;
  if (planned === undefined) return true;
  return planned.length === readings.length && readings.every((one, n) => isSameReading(one, planned[n]));
}

/**
 * The sources that name the region. What one said that is not Synced now stands as it was.
 * @param isCounted False: a source that named the region before shows its last count. While replicas move there is a pass every few
 * seconds, and each would write the status because of some nodes more or less.
 */
function neededByOf(
  location: string,
  row: RegionStatus | undefined,
  sources: readonly Source[],
  isCounted: boolean,
): NeededBy[] {
  return sources.flatMap((source) => {
    const { label, regions } = source;
    const naming = regions.get(location);
    const before = row?.neededBy?.find((need) => need.source === label);
    if (!naming) return before && stands(source, before) ? [before] : [];
    const now = { source: label, count: naming.count, ...(naming.names && { names: [...naming.names] }) };
    const { entries: _, ...need }: NeededBy = before && !isCounted ? before : now;
    return [{ ...need, ...entriesNaming(location, source, before) }];
  });
}

/** True if an entry of the source may have named the region that is not Synced now. In doubt it may. */
function stands({ state, entries }: Source, { entries: naming }: NeededBy): boolean {
  if (state !== 'Empty' || !naming) return state !== 'Synced';
  return !naming.every((id) => entries.some((entry) => entry.id === id && entry.isSynced));
}

/**
 * Which of several entries of the source name the region, or are not Synced and named it before. Nothing if that is not known: then
 * each may be the one.
 */
function entriesNaming(location: string, { entries }: Source, before: NeededBy | undefined): Pick<NeededBy, 'entries'> {
  const synced = entries.filter(({ isSynced }) => isSynced);
  if (entries.length < 2 || (synced.length < entries.length && before && !before.entries)) return {};
  const isSynced = (id: string) => synced.some((entry) => entry.id === id);
  const naming = synced.filter(({ locations }) => locations.has(location)).map(({ id }) => id);
  const standing = synced.length < entries.length ? (before?.entries ?? []).filter((id) => !isSynced(id)) : [];
  const all = [...new Set([...naming, ...standing])];
  return all.length <= maxEntries ? { entries: all } : {};
}

/** A region that no source names any more. Without a replica there is nothing to keep. */
function unusedNeed(
  { spec }: RegistryReplication,
  { location, unusedSince: before, state }: RegionStatus,
  sources: readonly Source[],
  { hasReplica, now, ageOf }: Surroundings,
): Need & { readonly unusedSince: string } {
  const unusedSince = earlier(before, isoSeconds(now));
  const need = { neededBy: [], unusedSince };
  // A creation whose answer was lost shows its replica later.
  if (state === 'Absent' && !hasReplica(location)) return need;
  // Measured in each pass, so that a step of the wall clock while a source is not listed ages nothing.
  const ageMs = ageOf(`unused ${location}`, Date.parse(unusedSince));
  if (!sources.every(letsGo)) return { ...need, isKept: true };
  const keepMs = keepUnusedMs(spec);
  // `unusedSince` has no fractions and may be up to 1 s too early.
  const leftMs = keepMs === 0 ? 0 : keepMs + 1_000 - ageMs;
  if (leftMs <= 0) return need;
  return { ...need, isKept: true, keptUntil: isoSeconds(new Date(now.getTime() + leftMs)) };
}

interface Making extends Pick<Need, 'settings'> {
  readonly entry?: RegionSource | undefined;
}

/** The entry of spec.regionsFrom that says how to make the region: the first one that names it. */
function makingOf(
  location: string,
  { neededBy }: Need,
  { regionsFrom = [] }: Spec,
  readings: readonly SourceReading[] = [],
): Making {
  const isNeeding = (entry: RegionSource) => neededBy.some(({ source }) => source === labelOf(entry));
  const isAlone = (entry: RegionSource) => regionsFrom.every((one) => one === entry || labelOf(one) !== labelOf(entry));
  const names = regionsFrom.map((_, index) => isNaming(readings[index], location));
  const mayName = regionsFrom.map((entry, index) => readings[index]?.state !== 'Synced' && isNeeding(entry));
  const naming = regionsFrom.find((_, index) => names[index]);
  // What an empty source named stands, too.
  const first = regionsFrom.find((_, index) => names[index] || mayName[index]) ?? regionsFrom.find(isNeeding);
  if (!first || first === naming || isAlone(first)) return { entry: first };
  return naming ? { entry: naming, settings: 'guess' } : { settings: 'unknown' };
}

function isNaming(reading: SourceReading | undefined, location: string): boolean {
  return reading?.state === 'Synced' && [...reading.values.keys()].some((value) => normalise(value) === location);
}

/** An unused region, which no entry makes, is kept as it is. */
function regionMadeBy(location: string, { routing, tags }: Pick<RegionSource, 'routing' | 'tags'> = {}): RegionSpec {
  return { location, ...(routing && { routing }), ...(tags && { tags }) };
}
