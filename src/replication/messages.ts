// Messages for users: several regions in one bounded sentence without repetition, the failure or delay of one region, and hints
// with commands. Pure.
import { annotation, type RegionStatus, type RegistryReplication } from '../api/registryreplication.ts';
import { truncate } from '../lib/sanitize.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { isBeyondRepair, keptBecause, maxAttempts } from './recovery.ts';
import type { Region } from './regions.ts';

const maxNamed = 10;
/** Maximum characters of one region's message, and of all: an event's note is limited to 1,024 bytes. */
const maxMessageChars = 900;
const maxSummaryChars = 950;

/**
 * Summarizes the regions. Of those with the same reason it shows the first message and names the others. Regions without a
 * message are shown by state.
 */
export function summarizeRegions(rows: readonly RegionStatus[]): string {
  const kinds = [...Map.groupBy(rows, ({ reason, message, state }) => reason ?? message ?? state).values()];
  const words = kinds.slice(0, maxNamed).map(ofOneKind);
  const more = kinds.slice(maxNamed).reduce((sum, { length }) => sum + length, 0);
  return truncate([...words, ...(more > 0 ? [`and ${more} more`] : [])].join('; '), maxSummaryChars);
}

function ofOneKind(rows: readonly RegionStatus[]): string {
  const [first, ...others] = rows;
  if (!first?.message) return inStates(rows);
  const { location, message, reason } = first;
  const told = truncate(names(message, location) ? message : `${location}: ${message}`, maxMessageChars);
  return others.length > 0 ? `${told}; ${reason ?? 'the same'} in ${listing(others)} too` : told;
}

/** The regions by state, without messages. */
export function inStates(rows: readonly RegionStatus[]): string {
  const states = Map.groupBy(rows, ({ state }) => state);
  return [...states].map(([state, group]) => `${listing(group)} ${areOrIs(group)} ${state}`).join('; ');
}

export function listing(rows: readonly Pick<RegionStatus, 'location'>[]): string {
  const some = rows.slice(0, maxNamed).map(({ location }) => location);
  return [...some, ...(rows.length > maxNamed ? [`${rows.length - maxNamed} more`] : [])].join(', ');
}

export function areOrIs({ length }: readonly unknown[]): 'is' | 'are' {
  return length === 1 ? 'is' : 'are';
}

/**
 * A time for a sentence, such as "14:27 UTC", with the date unless it is today. Cut to the minute, so that nothing happens
 * before the time that is told.
 */
export function timeOfDay(iso: string, now: Date): string {
  const time = new Date(iso).toISOString();
  const isToday = time.slice(0, 10) === now.toISOString().slice(0, 10);
  return `${isToday ? '' : `${time.slice(0, 10)} `}${time.slice(11, 16)} UTC`;
}

/** How to force-detach an object whose replicas cannot be deleted, to append to a message; empty if not being deleted. */
export function forceDetachHint({ metadata }: RegistryReplication): string {
  if (metadata.deletionTimestamp === undefined) return '';
  return `. If that cannot be mended, let the object go and leave Azure as it is: kubectl annotate georep -n ${shellQuote(metadata.namespace)} ${shellQuote(metadata.name)} ${annotation.forceDetach}=true`;
}

/** The command that requests a reconcile at once. */
export function reconcileRequestHint({ metadata }: RegistryReplication): string {
  return `kubectl annotate georep -n ${shellQuote(metadata.namespace)} ${shellQuote(metadata.name)} --overwrite ${annotation.reconcileRequestedAt}="$(date)"`;
}

/** The command that deletes one replica. */
export function replicaDeletion({ spec: { registry } }: RegistryReplication, name: string): string {
  const { subscriptionId, resourceGroup } = registry;
  const words = ['--registry', registry.name, '--name', name, '--resource-group', resourceGroup];
  return ['az acr replication delete', ...words.map(shellQuote), '--subscription', shellQuote(subscriptionId)].join(
    ' ',
  );
}

/** True if the message names the region near its start, so that it needs no prefix. */
function names(words: string, location: string): boolean {
  return words
    .slice(0, 150)
    .split(/[^a-z0-9]+/i)
    .includes(location);
}

// --- one region's failure or delay, for its row

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
  if (isBeyondRepair(region))
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
