// Parses ARM's error messages for the facts that a user needs: the missing right, the supported regions, the policy, the lock.
import { didYouMean } from '../lib/did-you-mean.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { apiVersion } from './cloud.ts';
import type { Answer } from './rest-error.ts';

/** The role of deploy/azure-role.json: its name, and the actions that it grants. A test compares them. */
export const ownRole = 'ACR Replication Operator';
export const actionsOfOwnRole =
  /^Microsoft\.(ContainerRegistry\/registries\/(read|replications\/(read|write|delete|operationStatuses\/read))|Resources\/subscriptions\/locations\/read)$/;

/** An error response of ARM to one request. */
export interface Refusal {
  readonly answer: Answer;
  /** What was asked, as a verb with its object. */
  readonly asked: string;
  /** The identity that asked, as part of a sentence. */
  readonly identityLabel: string;
  /** ARM's message without lists of regions. */
  readonly words: string;
  /** ARM's code and message. */
  readonly said: string;
}

/**
 * What ARM says (seen, status 403): "The client 'C' with object id 'O' does not have authorization to perform action 'A' over scope 'S'
 * or the scope is invalid. …" Of linked resources (its article on authorization errors): "… has permission to perform action 'B' on
 * scope 'T'; however, it does not have permission to perform action(s) 'A' on the linked scope(s) 'S' (respectively) …"; of
 * several scopes the first is shown.
 */
export function notAuthorized({ asked, identityLabel, words, said }: Refusal): string {
  const principal = /object id '([0-9a-fA-F-]{36})'/.exec(words)?.[1];
  const [, action, scope] =
    /does not have (?:authorization|permission) to perform action(?:\(s\))? '([\w./*-]+)[',].{0,512}?scope(?:\(s\))? '(\/[\w./()-]+)[',]/.exec(
      words,
    ) ?? [];
  if (!action || !scope)
    return `${identityLabel}${principal ? ` ${principal}` : ''} has no right to ${asked}. Grant it the operator's role (deploy/azure-role.json), or Contributor, on the registry (${said})`;
  const registry =
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[^/]+/i;
  const builtIn = action.endsWith('/read') ? 'Reader' : 'Contributor';
  const isOurs = actionsOfOwnRole.test(action);
  const role = isOurs ? ownRole : builtIn;
  const roles = isOurs ? `the operator's role (deploy/azure-role.json), or ${builtIn}` : builtIn;
  const grant = `az role assignment create --assignee-object-id ${principal ?? 'PRINCIPAL_ID'} --assignee-principal-type ServicePrincipal --role ${shellQuote(role)} --scope ${shellQuote(registry.exec(scope)?.[0] ?? scope)}`;
  // The remedy comes first: messages are truncated at the end.
  return `${identityLabel} has no right to ${asked}. Grant it ${roles}: ${grant} (Azure demands ${action} on ${scope}; a grant takes minutes to act)`;
}

/**
 * What ARM says: "The provided location 'L' is not available for resource type 'T'. List of available regions for the resource type
 * is 'a,b,c'." (seen for another resource type); of a location unknown to a type, "No registered resource provider found for
 * location 'L' and API version 'V' for type 'T'. … The supported locations are 'a, b, c'." (its article on that error).
 * The whole list is too long for a message: only similar names are shown.
 */
const regionLists =
  /\b(List of available regions for the resource type is|The supported (?:api-versions|locations) are) '([^']*)('\.?|$)/g;

/** ARM's message without its lists of all regions. */
export function withoutRegionLists(words: string): string {
  return words.replace(regionLists, '').trim();
}

export function notAvailable({ asked, answer, said }: Refusal): string {
  const { location, locations } = namedIn(answer);
  const isOffered = locations.some((region) => shortForm(region) === shortForm(location));
  const meant = isOffered ? '' : didYouMean(shortForm(location), locations.map(shortForm));
  return `the region does not exist or offers no container registries: cannot ${asked}${meant ? `; ${meant}` : '.'} Correct it in spec.regions (${said})`;
}

const maxVersionsShown = 10;

/** Undefined unless ARM rejects the API version and not the location. */
export function unsupportedVersion({ asked, answer, said }: Refusal): string | undefined {
  const { version, versions, location, locations } = namedIn(answer);
  const isPlaced = location === '' || locations.some((region) => shortForm(region) === shortForm(location));
  if (!version || versions.length === 0 || versions.includes(version) || !isPlaced) return undefined;
  const newest = versions.sort().reverse();
  const more = newest.length > maxVersionsShown ? `, and ${newest.length - maxVersionsShown} older ones` : '';
  const shown = newest.slice(0, maxVersionsShown).join(', ') + more;
  return `Azure does not offer API version ${version} there: cannot ${asked}. Set AZURE_CONTAINER_REGISTRY_API_VERSION of the operator to one of ${shown} (${said})`;
}

/** The requested location and API version in ARM's message, and the supported ones. */
function namedIn({ text }: Answer) {
  const lists = [...text.matchAll(regionLists)].map(([, what = '', list = '']) => ({
    what,
    items: list.split(',').map((item) => item.trim()),
  }));
  const of = (isVersion: boolean) =>
    lists.filter(({ what }) => what.includes('api-versions') === isVersion).flatMap(({ items }) => items);
  return {
    location: /location '([^']{1,64})'/.exec(text)?.[1] ?? '',
    version: /API version '([\w.-]{1,32})'/i.exec(text)?.[1],
    versions: of(true).filter((item) => apiVersion.test(item)),
    locations: of(false),
  };
}

function shortForm(location: string): string {
  return location.replace(/\s/g, '').toLowerCase();
}

/** True if a 409 reports a running operation, or has no code. A 409 with any other code is permanent. */
export function isOperationRunning({ code, words }: Answer): boolean {
  if (code === '' || /^Conflict$|InProgress|Busy|Retryable|Concurrent/i.test(code)) return true;
  return /\bin progress\b|\banother operation\b|\boperation is running\b|\btry again\b|\bretry\b/i.test(words);
}

/** ARM names the policy in JSON within its message (its article on RequestDisallowedByPolicy). */
export function policyIn(words: string): string {
  const name = /"policyAssignment":\{"name":"([^"\\]{1,128})"/.exec(words)?.[1];
  return name ? `Azure Policy "${name}"` : 'an Azure Policy';
}

/**
 * What is locked, and the command that finds the lock. What ARM says (general to it): "The scope 'S' cannot perform delete operation
 * because following scope(s) are locked: 'L'. …"
 */
export function lockOf(words: string): { readonly where: string; readonly find: string } {
  const scope = /scope\(s\) are locked: '([^']{1,512})'/.exec(words)?.[1];
  const find = 'az lock list';
  if (scope === undefined) return { where: '', find };
  const [, subscription, group, resource] =
    /^\/subscriptions\/([^/]+)(?:\/resourceGroups\/([^/]+)(\/.+)?)?$/i.exec(scope) ?? [];
  if (!subscription) return { where: ` on ${scope}`, find };
  if (resource) return { where: ` on ${resource.split('/').at(-1)}`, find: `${find} --resource ${shellQuote(scope)}` };
  const inSubscription = `--subscription ${shellQuote(subscription)}`;
  if (!group) return { where: ' on the subscription', find: `${find} ${inSubscription}` };
  return {
    where: ` on resource group ${group}`,
    find: `${find} --resource-group ${shellQuote(group)} ${inSubscription}`,
  };
}
