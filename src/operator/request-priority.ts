// Computes the priority of an object's next pass for the rate limiter, and the writes it will probably need. Pure.
import type { RegistryReplication } from '../api/registryreplication.ts';
import type { Operation, Priority } from '../azure/rate-limit/limits.ts';
import { backoffUntil } from '../replication/backoff.ts';
import { normalise } from '../replication/location.ts';
import { isRetryRequested } from '../replication/region-state.ts';

/** `user`: a user's request is still pending. `background`: a background check of an object that is in sync or in progress. */
export function priorityOf(object: RegistryReplication): Priority {
  const { spec, metadata, status } = object;
  const leaves = metadata.deletionTimestamp !== undefined;
  const hasWorkLeft = spec.mode !== 'Observe' && (status?.plan?.length ?? 0) > 0;
  return isRetryRequested(object) || leaves || hasWorkLeft ? 'user' : 'background';
}

/** The writes that the next pass will probably send: the stored plan's steps without a hold. */
export function writesAhead(object: RegistryReplication, now: Date): Operation[] {
  const { spec, status, metadata } = object;
  const isPlanned = status?.observedGeneration === metadata.generation && !isRetryRequested(object);
  if (!isPlanned || spec.mode === 'Observe' || spec.suspend) return [];
  const rests = (location: string) => {
    const row = status?.regions?.find((region) => normalise(region.location) === location);
    return backoffUntil(row, now) !== undefined;
  };
  const due = (status?.plan ?? []).filter(({ waitsFor, notBefore, location }) => {
    return !waitsFor && !(notBefore && Date.parse(notBefore) > now.getTime()) && !rests(normalise(location));
  });
  return [...new Set(due.map(({ action }): Operation => (action === 'delete' ? 'deletes' : 'writes')))];
}
