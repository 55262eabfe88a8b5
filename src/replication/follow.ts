// Derives the regions that an object follows: those that its sources name, and those that none names any more and that are still
// kept. Pure. In doubt a region stays: only sources that were listed let one go.
import {
  listedRegions,
  type NeededBy,
  type RegionSpec,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import { isoSeconds } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { normalise } from './location.ts';
import { type AgeOf, earlier } from './prune-delay.ts';
import { isListed, isSameReading, labelOf, type Source, type SourceReading, sourcesOf } from './sources.ts';

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
  /** An unused region that stays. */
  readonly isKept?: boolean;
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
  readonly now: Date;
  /** Measures ages per region. */
  readonly ageOf: AgeOf;
}

/** The CRD's default, for servers that do not apply it. */
const defaultKeepMs = 24 * 3_600_000;

/** The object with its followed regions, as the last status shows them: for decisions that ask no source. */
export function remembered(object: RegistryReplication, now: Date): FollowingObject {
  const home = object.status?.registry?.homeRegion;
  return followed(object, { readings: undefined, home, isRegion: () => false, now, ageOf: () => 0 });
}

/** The object with its followed regions. Its spec must be as people wrote it. */
export function followed(object: RegistryReplication, surroundings: Surroundings): FollowingObject {
  const { spec, status } = object;
  const rows = (status?.regions ?? []).filter(({ neededBy, unusedSince }) => neededBy || unusedSince);
  if (!spec.regionsFrom?.length && rows.length === 0) return object;
  const { readings, isRegion, home } = surroundings;
  const sources = sourcesOf(object, readings, isRegion);
  const listed = new Set(listedRegions(spec).map(({ location }) => normalise(location)));
  const needs = new Map<string, Need>();
  for (const location of new Set([...sources.flatMap(({ regions }) => [...regions.keys()]), ...locationsOf(rows)])) {
    const row = rows.find((one) => one.location === location);
    const neededBy = neededByOf(location, row, sources);
    if (neededBy.length > 0) needs.set(location, { neededBy });
    else if (row && !listed.has(location) && location !== home)
      needs.set(location, unusedNeed(object, row, sources, surroundings));
  }
  const added = [...needs]
    .filter(([location, { neededBy, isKept }]) => !listed.has(location) && (neededBy.length > 0 || isKept))
    .map(([location, need]) => regionFrom(location, need, object, readings))
    .sort((one, other) => (one.location < other.location ? -1 : 1));
  return {
    ...object,
    spec: { ...spec, regions: [...listedRegions(spec), ...added] },
    following: { needs, sources, readings },
  };
}

/** Why no unlisted replica may be pruned now; undefined if sources do not forbid it. */
export function pruneHold({ following }: FollowingObject, wasListed: boolean): string | undefined {
  const unlisted = following?.sources.find((source) => !isListed(source));
  if (unlisted) return `waits until the source ${unlisted.label} is listed, which may name the region`;
  const empty = wasListed ? undefined : following?.sources.find(({ state }) => state === 'Empty');
  return empty && `waits until the source ${empty.label} names a region: a source that names none removes nothing`;
}

/** True if the sources still say what the object was planned with. */
export function isStillFollowed({ following }: FollowingObject, readings: readonly SourceReading[]): boolean {
  const planned = following?.readings ?? [];
  if (following?.readings === undefined) return true;
  return planned.length === readings.length && planned.every((one, n) => isSame(one, readings[n]));
}

function isSame(one: SourceReading, other: SourceReading | undefined): boolean {
  return other !== undefined && isSameReading(one, other);
}

function locationsOf(rows: readonly RegionStatus[]): string[] {
  return rows.map(({ location }) => location);
}

/** The sources that name the region. What one said that is not Synced now stands as it was. */
function neededByOf(location: string, row: RegionStatus | undefined, sources: readonly Source[]): NeededBy[] {
  return sources.flatMap(({ label, state, regions }) => {
    const naming = regions.get(location);
    if (naming) return [{ source: label, count: naming.count, ...(naming.names && { names: [...naming.names] }) }];
    const before = row?.neededBy?.find(({ source }) => source === label);
    return before && state !== 'Synced' ? [before] : [];
  });
}

/** A region that no source names any more. Without a replica there is nothing to keep. */
function unusedNeed(
  { spec }: RegistryReplication,
  { location, unusedSince: before, state }: RegionStatus,
  sources: readonly Source[],
  { now, ageOf }: Surroundings,
): Need {
  const unusedSince = earlier(before, isoSeconds(now));
  const need = { neededBy: [], unusedSince };
  if (state === 'Absent') return need;
  if (!sources.every(isListed)) return { ...need, isKept: true };
  const keepMs = (spec.keepUnused === undefined ? undefined : parseDuration(spec.keepUnused)) ?? defaultKeepMs;
  // `unusedSince` has no fractions and may be up to 1 s too early.
  const leftMs = keepMs === 0 ? 0 : keepMs + 1_000 - ageOf(`unused ${location}`, Date.parse(unusedSince));
  if (leftMs <= 0) return need;
  return { ...need, isKept: true, keptUntil: isoSeconds(new Date(now.getTime() + leftMs)) };
}

/** The region as the first source that names it makes it. An unused one is kept as it is. */
function regionFrom(
  location: string,
  { neededBy }: Need,
  { spec }: RegistryReplication,
  readings: readonly SourceReading[] | undefined,
): RegionSpec {
  const entries = spec.regionsFrom ?? [];
  const names = (reading: SourceReading | undefined) =>
    reading?.state === 'Synced' && [...reading.values.keys()].some((value) => normalise(value) === location);
  const labels = neededBy.map(({ source }) => source);
  const entry =
    entries.find((_, index) => names(readings?.[index])) ?? entries.find((one) => labels.includes(labelOf(one)));
  if (!entry) return { location };
  const { routing, tags } = entry;
  return { location, ...(routing && { routing }), ...(tags && { tags }) };
}
