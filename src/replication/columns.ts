// The bounded texts of kubectl's columns. Kubectl pads each column to its longest text, so one long text widens every row. Pure.
import { type Condition, listedRegions, type RegistryReplication, type Status } from '../api/registryreplication.ts';
import { truncate } from '../lib/sanitize.ts';
import { normalise } from './location.ts';
import type { RegionReport } from './region-status.ts';
import type { Region } from './regions.ts';

const maxSyncing = 3;
const maxRegions = 6;
const maxMessageChars = 160;

/** The SYNCING column: the listed regions that the operator, or Azure, still brings to what is asked. */
export function syncingColumn(listed: readonly RegionReport[], manages: boolean): string {
  return bounded(
    listed.filter((report) => isOnItsWay(report, manages)).map(({ region }) => region.location),
    maxSyncing,
  );
}

/** The REGIONS column: every region with a replica, home first and marked. */
export function regionsColumn(regions: readonly Region[]): string {
  const there = regions.filter(({ home, replica }) => home || replica);
  const sorted = there.sort((a, b) => Number(b.home) - Number(a.home) || (a.location < b.location ? -1 : 1));
  return bounded(
    sorted.map(({ location, home }) => (home ? `${location}*` : location)),
    maxRegions,
  );
}

/** The MESSAGE column, from the message of Ready. Omitted when empty. */
export function messageColumn(conditions: readonly Condition[]): Pick<Status, 'message'> {
  const message = conditions.find(({ type }) => type === 'Ready')?.message;
  return message ? { message: truncate(message, maxMessageChars) } : {};
}

/** READY and SYNCING of a spec that no pass has observed, from the last observation. */
export function columnsOfEdit(object: RegistryReplication): Pick<Status, 'readyRegions' | 'syncing'> {
  const { spec } = object;
  if (spec.mode === 'Observe' || object.metadata.deletionTimestamp !== undefined) return readyColumnOfEdit(object);
  const missing = locationsOf(object).filter((location) => !isReady(object, location));
  return { ...readyColumnOfEdit(object), ...(missing.length > 0 && { syncing: bounded(missing, maxSyncing) }) };
}

/** READY of such a spec; omitted before the first observation. */
export function readyColumnOfEdit(object: RegistryReplication): Pick<Status, 'readyRegions'> {
  if (object.status?.regions === undefined) return {};
  const locations = locationsOf(object);
  return { readyRegions: `${locations.filter((location) => isReady(object, location)).length}/${locations.length}` };
}

function locationsOf({ spec }: RegistryReplication): string[] {
  return listedRegions(spec).map(({ location }) => normalise(location));
}

function isReady({ status }: RegistryReplication, location: string): boolean {
  return status?.regions?.some((row) => row.location === location && row.state === 'Ready') ?? false;
}

function isOnItsWay({ region: { state }, steps, progress }: RegionReport, manages: boolean): boolean {
  if (progress.kind === 'blocked') return false;
  if (manages && steps.length > 0) return true;
  return state !== 'Ready' && state !== 'Absent' && (manages || state !== 'Failed');
}

/** At most `max` names, then the number of the others: "a,b,c,+4". */
function bounded(names: readonly string[], max: number): string {
  const more = names.length - max;
  return [...names.slice(0, max), ...(more > 0 ? [`+${more}`] : [])].join(',');
}
