// Checks the names of regions that a user gives, with suggestions for those that are probably misspelt.
import { listedRegions, type RegistryReplication } from '../api/registryreplication.ts';
import { azureRegions } from '../azure/regions.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { normalise } from '../replication/location.ts';
import type { Edit } from '../replication/spec-change.ts';
import { followedHint } from './followed-regions.ts';
import { CliError } from './session.ts';

/** Every name that is known to exist: those of the table, and those that Azure has reported for this object. */
export function knownRegions({ status }: RegistryReplication): string[] {
  const observed = (status?.regions ?? []).filter(({ replica, home }) => home || replica !== undefined);
  return [...new Set([...azureRegions.map(({ name }) => name), ...observed.map(({ location }) => location)])];
}

/** @throws CliError with a suggestion, if one is close. */
export function checkRegions(object: RegistryReplication, locations: readonly string[]): void {
  const known = knownRegions(object);
  for (const location of locations.map(normalise)) {
    if (known.includes(location)) continue;
    const hint = didYouMean(location, known);
    const remedy = hint ?? 'list the names with: az account list-locations -o table';
    throw new CliError(`${location}: no such Azure region; ${remedy} (--any-region skips this check)`);
  }
}

/** For an edit of a region that the object does not list. */
export function notListedError(object: RegistryReplication, location: string, kind: Edit['kind']): CliError {
  const listed = listedRegions(object.spec).map((region) => normalise(region.location));
  const hint =
    followedHint(object, location, kind) ??
    didYouMean(location, listed) ??
    `it lists ${listed.length > 0 ? listed.join(', ') : 'none'}`;
  return new CliError(`${location} is not in spec.regions of ${object.metadata.name}; ${hint}`);
}
