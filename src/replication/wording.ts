// How several regions become one sentence that stands in a column of kubectl's, in a condition or in an event: what, where,
// and what to do. Bounded, and nothing twice; the whole of each region's words is in its row. Pure.
import { annotation, type RegionStatus, type RegistryReplication } from '../api/registryreplication.ts';
import { shellQuote } from '../shell-quote.ts';
import { cut } from '../words.ts';

const mostNamed = 10;
/** Characters of one region's words, and of all: an event's note may have 1,024 bytes. */
const longestWords = 900;
const longestSentence = 950;

/**
 * What is so in these regions. Of those with one reason the first is told in full, the others are named; those that have
 * nothing to say are told by their state.
 */
export function inWords(rows: readonly RegionStatus[]): string {
  const kinds = [...Map.groupBy(rows, ({ reason, message, state }) => reason ?? message ?? state).values()];
  const words = kinds.slice(0, mostNamed).map(ofOneKind);
  const more = kinds.slice(mostNamed).reduce((sum, { length }) => sum + length, 0);
  return cut([...words, ...(more > 0 ? [`and ${more} more`] : [])].join('; '), longestSentence);
}

function ofOneKind(rows: readonly RegionStatus[]): string {
  const [first, ...others] = rows;
  if (!first?.message) return inStates(rows);
  const { location, message, reason } = first;
  const told = cut(names(message, location) ? message : `${location}: ${message}`, longestWords);
  return others.length > 0 ? `${told}; ${reason ?? 'the same'} in ${listing(others)} too` : told;
}

/** The state of each region, and no more. */
export function inStates(rows: readonly RegionStatus[]): string {
  const states = Map.groupBy(rows, ({ state }) => state);
  return [...states].map(([state, group]) => `${listing(group)} ${areOrIs(group)} ${state}`).join('; ');
}

export function listing(rows: readonly Pick<RegionStatus, 'location'>[]): string {
  const some = rows.slice(0, mostNamed).map(({ location }) => location);
  return [...some, ...(rows.length > mostNamed ? [`${rows.length - mostNamed} more`] : [])].join(', ');
}

export function areOrIs({ length }: readonly unknown[]): 'is' | 'are' {
  return length === 1 ? 'is' : 'are';
}

/** For an object that is being deleted while its replicas cannot be: how to let it go. A sentence, with the blank before it. */
export function wayOut({ metadata }: RegistryReplication): string {
  if (metadata.deletionTimestamp === undefined) return '';
  return `. If that cannot be mended, let the object go and leave Azure as it is: kubectl annotate georep -n ${shellQuote(metadata.namespace)} ${shellQuote(metadata.name)} ${annotation.forceDetach}=true`;
}

/** The command that asks the operator for a look at once. */
export function lookNow({ metadata }: RegistryReplication): string {
  return `kubectl annotate georep -n ${shellQuote(metadata.namespace)} ${shellQuote(metadata.name)} --overwrite ${annotation.reconcileRequestedAt}="$(date)"`;
}

/** The command with which a person deletes one replica. */
export function replicaDeletion({ spec: { registry } }: RegistryReplication, name: string): string {
  const { subscriptionId, resourceGroup } = registry;
  const words = ['--registry', registry.name, '--name', name, '--resource-group', resourceGroup];
  return ['az acr replication delete', ...words.map(shellQuote), '--subscription', shellQuote(subscriptionId)].join(
    ' ',
  );
}

/** Whether the words name the region at their beginning, where nobody looks for it before them. */
function names(words: string, location: string): boolean {
  return words
    .slice(0, 150)
    .split(/[^a-z0-9]+/i)
    .includes(location);
}
