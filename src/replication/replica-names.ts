// Chooses a unique ARM name for each region's replica. Pure.
import type { RegionStatus } from '../api/registryreplication.ts';
import type { Observation } from './observation.ts';

/**
 * ARM names by location: the present replica's name, else the one in the status, else the location. A number is appended if
 * another region's replica has that name.
 */
export function replicaNames(
  locations: ReadonlySet<string>,
  { replicas }: Observation,
  before: ReadonlyMap<string, RegionStatus>,
): Map<string, string> {
  const names = new Map([...replicas].map(([location, { replica }]) => [location, replica.name]));
  const taken = new Set([...names.values()].map((name) => name.toLowerCase()));
  for (const location of locations) {
    if (names.has(location)) continue;
    const last = before.get(location)?.replica;
    const numbered = Array.from({ length: locations.size + 1 }, (_, n) => `${location}${n + 2}`);
    const wishes = [
      ...(last === undefined ? [] : [last]),
      location,
      ...numbered.filter((name) => !locations.has(name)),
    ];
    const name = wishes.find((wish) => !taken.has(wish.toLowerCase())) ?? location;
    names.set(location, name);
    taken.add(name.toLowerCase());
  }
  return names;
}

/** A replica in a message that begins with its location: its name only if that differs. */
export function theReplica({ name, location }: { readonly name: string; readonly location: string }): string {
  return name === location ? 'the replica' : `replica ${name}`;
}
