// What the sources of an object (spec.regionsFrom) say, and what that means for regions. Pure. Sources with one label are told as one.
import { createHash } from 'node:crypto';
import type { RegionSource, RegistryReplication, SourceStatus } from '../api/registryreplication.ts';
import { sanitize } from '../lib/sanitize.ts';
import { normalise } from './location.ts';

/** How often a value occurs, and the first objects by name that have it, at most 5. */
export interface Naming {
  readonly count: number;
  readonly names?: readonly string[];
}

/** One entry of spec.regionsFrom as the cluster shows it. */
export type SourceReading =
  /** `values`: as the objects have them, in any spelling. */
  | { readonly state: 'Synced'; readonly values: ReadonlyMap<string, Naming> }
  /** The first LIST is under way. */
  | { readonly state: 'Listing' }
  /** `message`: why the values are not known, and the remedy. */
  | { readonly state: Exclude<SourceStatus['state'], 'Synced' | 'Empty'>; readonly message: string };

export interface SourceEntry {
  /** Equal for entries that ask for the same, in each version of the spec. */
  readonly id: string;
  readonly isSynced: boolean;
  readonly locations: ReadonlySet<string>;
}

/** The sources of one label. */
export interface Source {
  /** `nodes`, or a kind. */
  readonly label: string;
  /** The worst of its entries: only Synced means that all of them are known and name something. */
  readonly state: SourceReading['state'] | 'Empty';
  /** By location. */
  readonly regions: ReadonlyMap<string, Naming>;
  readonly entries: readonly SourceEntry[];
  /** The object has regions for which the source asked. */
  readonly hasNamed: boolean;
  /** For the user. */
  readonly status: SourceStatus;
}

const worstFirst = [
  'Invalid',
  'NotAllowed',
  'NotInstalled',
  'Forbidden',
  'NotSynced',
  'Listing',
  'Empty',
  'Synced',
] as const;

const maxNames = 5;
const maxExamples = 3;
const maxExampleChars = 40;
const maxMessageChars = 600;

export function labelOf({ resources }: RegionSource): string {
  return resources?.kind ?? 'nodes';
}

/** True if both say the same about regions: states and values, but not how often a value occurs. */
export function isSameReading(one: SourceReading, other: SourceReading | undefined): boolean {
  if (one.state !== 'Synced' || other?.state !== 'Synced') return one.state === other?.state;
  return one.values.size === other.values.size && [...one.values.keys()].every((value) => other.values.has(value));
}

/**
 * The sources of the object by label, in the spec's order.
 * @param readings One for each entry of spec.regionsFrom; undefined if they were not asked.
 */
export function sourcesOf(
  { spec, status }: RegistryReplication,
  readings: readonly SourceReading[] | undefined,
  isRegion: (location: string) => boolean,
): Source[] {
  const entries = (spec.regionsFrom ?? []).map((entry, index) => ({
    label: labelOf(entry),
    id: idOf(entry),
    reading: readings?.[index] ?? ({ state: 'Listing' } as const),
  }));
  return [...Map.groupBy(entries, ({ label }) => label)].map(([label, group]) => {
    const source = sourceOf(
      label,
      group.map(({ reading }) => reading),
      isRegion,
    );
    const entries = group.map(({ id, reading }) => {
      const locations = locationsIn(reading).filter(isRegion);
      return { id, isSynced: reading.state === 'Synced' && locations.length > 0, locations: new Set(locations) };
    });
    const before = status?.sources?.find((one) => one.source === label);
    const isNeeding = status?.regions?.some(({ neededBy }) => neededBy?.some((need) => need.source === label)) ?? false;
    return {
      ...source,
      entries,
      hasNamed: source.regions.size > 0 || isNeeding,
      // A restart lists everything anew, within moments: until then the last state is shown.
      ...(source.state === 'Listing' && before && { status: before }),
    };
  });
}

/**
 * True if the source may let regions go. One that is Empty lets none of its own go; and none at all if it never named any, since its
 * selector may be misspelt.
 */
export function letsGo({ state, hasNamed }: Source): boolean {
  return state === 'Synced' || (state === 'Empty' && hasNamed);
}

function sourceOf(
  label: string,
  readings: readonly SourceReading[],
  isRegion: (location: string) => boolean,
): Omit<Source, 'entries' | 'hasNamed'> {
  const named = readings.flatMap((reading) => (reading.state === 'Synced' ? [...reading.values] : []));
  const regions = new Map<string, Naming>();
  const unknown = new Set<string>();
  for (const [value, naming] of named) {
    const location = normalise(value);
    if (isRegion(location)) regions.set(location, sum(naming, regions.get(location)));
    else unknown.add(value);
  }
  const states = readings.map((reading) => stateOf(reading, isRegion));
  const state = worstFirst.find((one) => states.includes(one)) ?? 'Synced';
  const told = readings.find((reading) => reading.state === state);
  const message =
    told && 'message' in told ? told.message : state === 'Listing' ? 'its objects are being listed' : undefined;
  const status: SourceStatus = {
    source: label,
    state: state === 'Listing' ? 'NotSynced' : state,
    regions: regions.size,
    ...(unknown.size > 0 && { unknown: { count: unknown.size, ...examplesOf(unknown) } }),
    ...(message !== undefined && { message: sanitize(message, maxMessageChars) }),
  };
  return { label, state, regions, status };
}

function stateOf(reading: SourceReading, isRegion: (location: string) => boolean): Source['state'] {
  if (reading.state !== 'Synced') return reading.state;
  return locationsIn(reading).some(isRegion) ? 'Synced' : 'Empty';
}

/** What the values are, if they are regions. */
function locationsIn(reading: SourceReading): string[] {
  return reading.state === 'Synced' ? [...reading.values.keys()].map(normalise) : [];
}

function idOf({ nodes, resources }: RegionSource): string {
  return createHash('sha256')
    .update(JSON.stringify([nodes, resources]))
    .digest('hex')
    .slice(0, 16);
}

function sum(one: Naming, other: Naming = { count: 0 }): Naming {
  const names = [...new Set([...(one.names ?? []), ...(other.names ?? [])])].sort().slice(0, maxNames);
  return { count: one.count + other.count, ...(names.length > 0 && { names }) };
}

/** Without empty ones, which an API server 1.20 treats as null and rejects. */
function examplesOf(unknown: ReadonlySet<string>): Pick<NonNullable<SourceStatus['unknown']>, 'examples'> {
  const examples = [...unknown].sort().flatMap((value) => sanitize(value, maxExampleChars) || []);
  return examples.length > 0 ? { examples: examples.slice(0, maxExamples) } : {};
}
