// What the verbs that edit say of regions that the object follows: an edit of spec.regions does not let them go. Pure.
import type { RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { normalise } from '../replication/location.ts';
import { describeNeed, isFollowed, keptFor } from '../replication/needs.ts';
import type { Edit } from '../replication/spec-change.ts';

/** Why the edit cannot name the region, which is not in spec.regions, and what to do; undefined if the object does not follow it. */
export function followedHint(object: RegistryReplication, location: string, kind: Edit['kind']): string | undefined {
  const row = rowOf(object, location);
  if (!row || !isFollowed(row)) return undefined;
  const { name, namespace } = object.metadata;
  const needed = neededBy(row);
  if (kind === 'route') {
    const command = `kubectl georep add ${name} ${normalise(location)} -n ${namespace}`;
    return `the object follows it${needed ? ` (needed by ${needed})` : ''}. To route it on its own, list it: ${command}`;
  }
  if (needed) return `it stays as long as it is needed by ${needed}`;
  return `no source names it any more, and it is kept for ${keptFor(object.spec)} (spec.keepUnused)`;
}

/** One for each removed region that stays: `uksouth stays, needed by nodes (12)`. */
export function stayingRegions(object: RegistryReplication, edit: Edit): string[] {
  if (edit.kind !== 'remove') return [];
  return [...new Set(edit.locations.map(normalise))].flatMap((location) => {
    const needed = neededBy(rowOf(object, location));
    return needed ? [`${location} stays, needed by ${needed}`] : [];
  });
}

function rowOf({ status }: RegistryReplication, location: string): RegionStatus | undefined {
  return status?.regions?.find((row) => normalise(row.location) === normalise(location));
}

function neededBy(row: RegionStatus | undefined): string {
  return (row?.neededBy ?? []).map((need) => describeNeed(need)).join(' and ');
}
