// Whether a person waits for the next pass of an object: that decides who goes first where Azure's budget is short. Pure.
import type { RegistryReplication } from '../api/registryreplication.ts';
import type { Operation } from '../azure/shares.ts';
import { normalise } from './location.ts';
import { restsUntil, startsOver } from './regions.ts';

/** `edit`: a person has asked for something that is not done yet. `upkeep`: looking after what is as it should be, or on its way. */
export function urgencyOf(object: RegistryReplication): 'edit' | 'upkeep' {
  const { spec, metadata, status } = object;
  const leaves = metadata.deletionTimestamp !== undefined;
  const hasWorkLeft = spec.mode !== 'Observe' && (status?.plan?.length ?? 0) > 0;
  return startsOver(object) || leaves || hasWorkLeft ? 'edit' : 'upkeep';
}

/** What the next pass will probably ask of Azure beside reads: the steps of the stored plan that nothing holds back. Pure. */
export function writesAhead(object: RegistryReplication, now: Date): Operation[] {
  const { spec, status, metadata } = object;
  const isPlanned = status?.observedGeneration === metadata.generation && !startsOver(object);
  if (!isPlanned || spec.mode === 'Observe' || spec.suspend) return [];
  const rests = (location: string) => {
    const row = status?.regions?.find((region) => normalise(region.location) === location);
    return restsUntil(row, now) !== undefined;
  };
  const due = (status?.plan ?? []).filter(({ waitsFor, notBefore, location }) => {
    return !waitsFor && !(notBefore && Date.parse(notBefore) > now.getTime()) && !rests(normalise(location));
  });
  return [...new Set(due.map(({ action }): Operation => (action === 'delete' ? 'deletes' : 'writes')))];
}
