// Says for how many usual objects one counts towards --max-objects. Pure.
import type { RegistryReplication } from '../api/registryreplication.ts';

/** Regions bound the status of an object, and the length of its spec bounds the rest: its tags and selectors. */
const maxUsual = { regions: 10, specLength: 8_192 };
/** Assumed for an entry of regionsFrom, whose regions are not known beforehand. */
const regionsOfSource = 10;

/**
 * At least 1: an object of up to 10 regions and 8 kB of spec is a usual one. Of the spec and not of the status, so that no pass changes
 * it.
 */
export function weightOf({ spec }: Pick<RegistryReplication, 'spec'>): number {
  const regions = (spec.regions?.length ?? 0) + regionsOfSource * (spec.regionsFrom?.length ?? 0);
  const shares = [regions / maxUsual.regions, JSON.stringify(spec).length / maxUsual.specLength];
  return Math.max(1, ...shares.map(Math.ceil));
}

/** For a message, where the object does not count as one: ` (this one counts as 3: …)`. */
export function describeWeight(object: Pick<RegistryReplication, 'spec'>): string {
  const weight = weightOf(object);
  if (weight === 1) return '';
  return ` (this one counts as ${weight}: one for each ${maxUsual.regions} regions, an entry of regionsFrom taken for ${regionsOfSource}, or for each 8 kB of its spec)`;
}
