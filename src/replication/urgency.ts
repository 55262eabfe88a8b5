// Whether a person waits for the next pass of an object: that decides who goes first where Azure's budget is short. Pure.
import type { RegistryReplication } from '../api/registryreplication.ts';
import { startsOver } from './regions.ts';

/** `edit`: a person has asked for something that is not done yet. `upkeep`: looking after what is as it should be, or on its way. */
export function urgencyOf(object: RegistryReplication): 'edit' | 'upkeep' {
  const { spec, metadata, status } = object;
  const leaves = metadata.deletionTimestamp !== undefined;
  const hasWorkLeft = spec.mode !== 'Observe' && (status?.plan?.length ?? 0) > 0;
  return startsOver(object) || leaves || hasWorkLeft ? 'edit' : 'upkeep';
}
