// Messages about one region's failure or delay, for its row: what happened, and what to do. Pure.
import type { RegistryReplication } from '../api/registryreplication.ts';
import { reconcileRequestHint, replicaDeletion } from './messages.ts';
import { keptBecause, maxAttempts, needsPerson } from './recovery.ts';
import type { Region } from './regions.ts';

/** Why a creation or change failed, and what happens next or what to do. */
export function failureMessage(object: RegistryReplication, region: Region, attempts: number): string {
  const { name, spec, home, replica, failure } = region;
  const why = failure ?? replica?.statusMessage;
  const reason = why ? ` (${why})` : '';
  const fact = replica
    ? `Azure reports replica ${name} as ${replica.provisioningState}${reason}`
    : `the creation of replica ${name} came to nothing: Azure has dropped it again${reason}`;
  if (home) return `${fact}; only Azure can mend the home region: open a support request`;
  if (!spec) return fact;
  const kept = replica && keptBecause(region);
  const replace = `replace it with: ${replicaDeletion(object, name)}, upon which it is made again`;
  if (needsPerson(region))
    return `${fact}. The operator does not replace it, because ${kept}. Mend what is in its way, then ${replace}`;
  if (attempts < maxAttempts) return `${fact} (attempt ${Math.max(1, attempts)} of ${maxAttempts})`;
  const over = `${fact}. It failed ${attempts} times and is left as it is, for you to look at. Mend what is in its way, then edit the spec or start over with: ${reconcileRequestHint(object)}`;
  return kept === undefined ? over : `${over}; or ${replace}`;
}

/** What is late, and what to do. */
export function delayMessage(object: RegistryReplication, { name, state, since }: Region): string {
  const delay = `replica ${name} has been ${state} since ${since}, longer than spec.progressDeadline`;
  if (state === 'Deleting') return `${delay}. If that lasts, open a support request with Azure`;
  return `${delay}. Mend what is in its way (a private endpoint's rights or addresses, for instance) and delete it, upon which it is made again: ${replicaDeletion(object, name)}`;
}

export function refusedMessage(name: string, since: string, message: string | undefined): string {
  return `the creation of replica ${name} has been refused since ${since}, longer than spec.progressDeadline: ${message}`;
}
