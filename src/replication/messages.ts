// Messages for users: several regions in one bounded sentence without repetition, the failure or delay of one region, and hints
// with commands. Pure.
import {
  annotation,
  type RegionState,
  type RegionStatus,
  type RegistryReplication,
} from '../api/registryreplication.ts';
import { timeOfDay } from '../lib/clock.ts';
import { truncate } from '../lib/sanitize.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { isBeyondRepair, keptBecause, maxAttempts } from './recovery.ts';
import type { Region } from './regions.ts';

const maxNamed = 10;
/** Maximum characters of one region's message, and of all: an event's note is limited to 1,024 bytes. */
const maxMessageChars = 900;
const maxSummaryChars = 950;

/** How a message speaks of an Absent region: "creating japaneast" if the operator will create it. */
export type Creates = (row: RegionStatus) => boolean;

/**
 * Summarizes the regions. Of those with the same reason or message it shows the first and names the others. The rest is shown
 * by state.
 */
export function summarizeRegions(rows: readonly RegionStatus[], creates?: Creates): string {
  const plain = rows.filter(({ message }) => !message);
  const told = Map.groupBy(
    rows.filter(({ message }) => message),
    ({ reason, message }) => reason ?? message,
  );
  const kinds = [...told.values()];
  const words = [...kinds.slice(0, maxNamed).map(ofOneKind), ...(plain.length > 0 ? [inStates(plain, creates)] : [])];
  const more = kinds.slice(maxNamed).reduce((sum, { length }) => sum + length, 0);
  return truncate([...words, ...(more > 0 ? [`and ${more} more`] : [])].join('; '), maxSummaryChars);
}

function ofOneKind([first, ...others]: readonly RegionStatus[]): string {
  if (!first) return '';
  const { location, message = '', reason } = first;
  const told = truncate(`${location}: ${message}`, maxMessageChars);
  return others.length > 0 ? `${told}; ${reason ?? 'the same'} in ${listing(others)} too` : told;
}

const verbs: Readonly<Partial<Record<RegionState, string>>> = {
  Creating: 'creating',
  Syncing: 'synchronising',
  Updating: 'changing',
  Deleting: 'deleting',
};

/** The regions by state, without messages: "creating japaneast, westeurope; uksouth is Failed". */
export function inStates(rows: readonly RegionStatus[], creates: Creates = () => false): string {
  const verbOf = (row: RegionStatus) => (row.state === 'Absent' && creates(row) ? verbs.Creating : verbs[row.state]);
  const groups = Map.groupBy(rows, (row) => verbOf(row) ?? row.state);
  return [...groups]
    .map(([word, group]) => {
      const isVerb = Object.values(verbs).includes(word);
      return isVerb ? `${word} ${listing(group)}` : `${listing(group)} ${areOrIs(group)} ${word}`;
    })
    .join('; ');
}

export function listing(rows: readonly Pick<RegionStatus, 'location'>[]): string {
  const some = rows.slice(0, maxNamed).map(({ location }) => location);
  return [...some, ...(rows.length > maxNamed ? [`${rows.length - maxNamed} more`] : [])].join(', ');
}

export function areOrIs({ length }: readonly unknown[]): 'is' | 'are' {
  return length === 1 ? 'is' : 'are';
}

/** How to force-detach an object whose replicas cannot be deleted, to append to a message; empty if not being deleted. */
export function forceDetachHint({ metadata }: RegistryReplication): string {
  if (metadata.deletionTimestamp === undefined) return '';
  return `. To delete the object and leave Azure as it is: kubectl annotate georep -n ${shellQuote(metadata.namespace)} ${shellQuote(metadata.name)} ${annotation.forceDetach}=true`;
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

/** Adds to an error's message what happens next: before its advice and Azure's own words, which may be long. */
export function withClause(message: string, clause: string): string {
  const at = message.search(/\. | \(/);
  return at < 0 ? `${message}; ${clause}` : `${message.slice(0, at)}; ${clause}${message.slice(at)}`;
}

// --- one region's failure or delay, for its row

/**
 * That a creation or change failed, and what happens next or what to do, then Azure's own reason. `retryAfter`: ISO time of the
 * next attempt, if one is planned.
 */
export function failureMessage(
  object: RegistryReplication,
  region: Region,
  attempts: number,
  now: Date,
  retryAfter?: string,
): string {
  const { replica, failure } = region;
  const why = failure ?? replica?.statusMessage;
  return `${failureOf(object, region, attempts, now, retryAfter)}${why ? ` (${why})` : ''}`;
}

function failureOf(
  object: RegistryReplication,
  region: Region,
  attempts: number,
  now: Date,
  retryAfter: string | undefined,
): string {
  const { name, spec, home, replica } = region;
  const fact = replica
    ? `Azure reports the replica as ${replica.provisioningState}`
    : 'the creation failed: Azure dropped the replica';
  if (home) return `${fact}. Only Azure can repair the home region: open a support request`;
  if (!spec) return fact;
  const kept = replica && keptBecause(region);
  const replace = `replace the replica with: ${replicaDeletion(object, name)}; the operator creates it again`;
  if (isBeyondRepair(region))
    return `${fact}, and the operator does not replace it because ${kept}. Remove the cause, then ${replace}`;
  if (attempts < maxAttempts) {
    const next = attempts + 1;
    return retryAfter
      ? `${fact}; attempt ${next} of ${maxAttempts} at ${timeOfDay(retryAfter, now)}`
      : `${fact}; attempt ${next} of ${maxAttempts} follows`;
  }
  const over = `${fact}; stopped after ${attempts} attempts. Remove the cause, then edit the spec or run: ${reconcileRequestHint(object)}`;
  return kept === undefined ? over : `${over}; or ${replace}`;
}

/** Begins the message of a region that has been Syncing for long. */
export const longSyncing = 'synchronising since';

/** What is late, and what to do. */
export function delayMessage(object: RegistryReplication, { name, state, since }: Region, now: Date): string {
  const delay = `${state} since ${timeOfDay(since, now)}, longer than spec.progressDeadline`;
  if (state === 'Deleting') return `${delay}. If it lasts, open a support request with Azure`;
  return `${delay}. Repair the cause (such as a private endpoint without rights or free addresses), then delete the replica with: ${replicaDeletion(object, name)}; the operator creates it again`;
}

export function refusedMessage(since: string, message: string | undefined, now: Date): string {
  return `creation refused since ${timeOfDay(since, now)}, longer than spec.progressDeadline: ${message}`;
}
