// The replicas of objects as rows: what `az acr replication list` shows of each, and what the object says about it. Pure.
import {
  listedRegions,
  type NeededBy,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import { humanDuration } from '../lib/human-duration.ts';
import { truncate } from '../lib/sanitize.ts';
import { normalise } from '../replication/location.ts';
import { describeNeed, isFollowed, unusedIn } from '../replication/needs.ts';
import type { Column, Style } from './output.ts';
import { problemOf } from './problem.ts';

/** Of the column NEEDED BY: a name has up to 253. */
const maxNeedChars = 100;

/** One region of one object; this is also its JSON. */
export interface ReplicaRow {
  readonly namespace: string;
  /** The RegistryReplication. */
  readonly object: string;
  readonly registry: string;
  /** The replica's name in ARM; omitted if there is none. */
  readonly name?: string;
  readonly id?: string;
  readonly location: string;
  readonly provisioningState?: string;
  readonly displayStatus?: string;
  /** Omitted for a listed region that no pass has observed yet. */
  readonly state?: RegionState;
  readonly routing?: 'Enabled' | 'Disabled';
  readonly since?: string;
  readonly home: boolean;
  /** Whether spec.regions lists the region. */
  readonly listed: boolean;
  /** Whether the object wants the region: it is listed, a source names it, or did so and the region is kept. */
  readonly desired: boolean;
  /** The sources that name the region, as in the status. */
  readonly neededBy?: readonly NeededBy[];
  /** Of a followed region that no source names any more, and that is not listed. */
  readonly unusedSince?: string;
  /** How long it is kept from then on; omitted if it is no longer. */
  readonly keptFor?: string;
  /** Of a region that no replica could be made in for the object's problem: that problem. */
  readonly message?: string;
}

export function replicaRows(object: RegistryReplication): ReplicaRow[] {
  const observed = object.status?.regions ?? [];
  const listed = listedRegions(object.spec).map(({ location }) => normalise(location));
  const unseen = listed.filter((location) => !observed.some((row) => row.location === location));
  return [
    ...observed.map((row) => rowOf(object, row, listed.includes(row.location))),
    ...unseen.map((location) => ({
      ...ownerOf(object),
      location,
      home: false,
      listed: true,
      desired: true,
      ...messageOf(problemOf(object)),
    })),
  ];
}

function rowOf(object: RegistryReplication, row: RegionStatus, listed: boolean): ReplicaRow {
  const { location, replica, provisioningState, displayStatus, state, routing, since, home, message } = row;
  const registryId = object.status?.registry?.id;
  return {
    ...ownerOf(object),
    ...(replica !== undefined && { name: replica }),
    ...(replica !== undefined && registryId !== undefined && { id: `${registryId}/replications/${replica}` }),
    location,
    ...(provisioningState !== undefined && { provisioningState }),
    ...(displayStatus !== undefined && { displayStatus }),
    state,
    ...(routing !== undefined && { routing }),
    ...(since !== undefined && { since }),
    home,
    listed,
    desired: listed || isFollowed(row),
    ...needOf(object, row),
    ...messageOf(message || (state === 'Absent' ? problemOf(object) : undefined)),
  };
}

function messageOf(message: string | undefined): Pick<ReplicaRow, 'message'> {
  return message ? { message } : {};
}

function ownerOf({ metadata, spec }: RegistryReplication) {
  return { namespace: metadata.namespace, object: metadata.name, registry: spec.registry.name };
}

function needOf({ spec }: RegistryReplication, row: RegionStatus): Partial<ReplicaRow> {
  return { ...(row.neededBy && { neededBy: row.neededBy }), ...unusedIn(spec, row) };
}

/** Unique among the rows of one cluster. */
export function rowKey({ namespace, object, location }: ReplicaRow): string {
  return `${namespace}/${object}/${location}`;
}

export interface ColumnOptions {
  /** Rows of several namespaces. */
  readonly namespaces: boolean;
  /** Rows of several objects. */
  readonly objects: boolean;
  readonly now: () => Date;
}

/** The first four are those of `az acr replication list -o table` (azure-cli, acr/_format.py, read 2026-11-28). */
export function replicaColumns({ namespaces, objects, now }: ColumnOptions): Column<ReplicaRow>[] {
  return [
    ...(namespaces ? [{ heading: 'NAMESPACE', cell: ({ namespace }: ReplicaRow) => namespace }] : []),
    ...(objects ? [{ heading: 'OBJECT', cell: ({ object }: ReplicaRow) => object }] : []),
    { heading: 'NAME', cell: ({ name }) => name },
    { heading: 'LOCATION', cell: ({ location }) => location },
    { heading: 'PROVISIONING STATE', cell: ({ provisioningState }) => provisioningState },
    { heading: 'STATUS', cell: statusWord, style: ({ state }) => styleOfState(state) },
    {
      heading: 'STATE',
      cell: ({ state }) => state ?? 'Unknown',
      style: ({ state }) => styleOfState(state),
      wide: true,
    },
    { heading: 'FOR', cell: ({ since }) => since && age(since, now()), wide: true, timeless: () => '' },
    { heading: 'ROUTING', cell: ({ routing }) => routing, wide: true },
    {
      heading: 'NEEDED BY',
      cell: (row) => needCell(row, row.unusedSince && age(row.unusedSince, now())),
      timeless: (row) => needCell(row, row.unusedSince),
      style: ({ unusedSince }) => (unusedSince === undefined ? undefined : 'yellow'),
      wide: true,
    },
    { heading: 'MESSAGE', cell: ({ message }) => message, wide: true },
  ];
}

/** "spec, nodes (12), MemberCluster prod-eu and 2 more", "unused 3h (kept 24h)". Empty: it is on its way out, or retained. */
function needCell({ listed, home, neededBy = [], keptFor }: ReplicaRow, unused: string | undefined): string {
  const kept = keptFor === undefined ? '' : ` (kept ${keptFor})`;
  const words = [
    ...(listed ? ['spec'] : []),
    ...(home ? ['home'] : []),
    ...neededBy.map((need) => describeNeed(need, 1)),
    ...(unused === undefined ? [] : [`unused ${unused}${kept}`]),
  ];
  return truncate(words.join(', '), maxNeedChars);
}

/** Azure's word for the content; without one, the operator's word for the region. */
function statusWord({ displayStatus, state }: ReplicaRow): string {
  return displayStatus ?? state ?? 'Unknown';
}

function age(since: string, now: Date): string | undefined {
  const ms = now.getTime() - Date.parse(since);
  return Number.isNaN(ms) ? undefined : humanDuration(ms);
}

/** Undefined: no pass has observed the region yet. */
export function styleOfState(state: RegionState | undefined): Style {
  switch (state) {
    case 'Ready':
      return 'green';
    case 'Failed':
      return 'red';
    case 'Absent':
    case undefined:
      return 'dim';
    case 'Creating':
    case 'Syncing':
    case 'Updating':
    case 'Deleting':
      return 'yellow';
    default:
      return state satisfies never;
  }
}
