// Turns every way in which ARM, the credential or the network can refuse into the one small union of arm.ts, with words for people:
// what happened, where, and what to do. Pure and total: anything at all that was thrown becomes an ArmError.
import { clamp } from '../lib/clamp.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { sanitize } from '../lib/sanitize.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { ArmError } from './arm.ts';
import { apiVersion } from './cloud.ts';
import { classifyCredentialError, isCredentialError } from './identity/credential-errors.ts';
import { type Answer, codeOf, describe, responseOf } from './rest-error.ts';

/** Characters of ARM's words with our own around them. */
const wholeMessage = 2_048;

/** Where ARM throttles without saying for how long. */
export const defaultRetryAfterMs = 10_000;
const minRetryAfterMs = 1_000;
/** For what only resembles a Retry-After, and for answers other than 429. */
const maxVagueRetryAfterMs = 3_600_000;
/** For one number of seconds in a 429. */
const maxRetryAfterMs = 24 * 3_600_000;

/**
 * @param error Anything thrown: the SDK's RestError, a credential's error, a network error, an ArmError (kept as it is).
 * @param doing What was asked, as a verb with its object: "create replica japaneast of registry myACR0007".
 * @param whose Who asked, as part of a sentence.
 *
 * Statuses and codes: the error table compiled from the recordings and issues of Azure/azure-cli, azure-service-operator and
 * Microsoft's ARM documentation (2026-11); "assumption" marks those that were not seen.
 */
export function toArmError(error: unknown, doing = 'do what was asked', whose = "the operator's identity"): ArmError {
  if (error instanceof ArmError) return error;
  const asked = sanitize(doing, 256);
  // First: some of them have a status as well, which is not ARM's.
  if (isCredentialError(error)) return credentialError(error, asked);
  const answer = responseOf(error);
  if (answer) return refusal(answer, { asked, whose }, error);
  return transient(`Azure gave no usable answer when asked to ${asked}: ${describe(error)}`, codeOf(error), error);
}

/** What was asked, and by whom. */
interface Request {
  readonly asked: string;
  readonly whose: string;
}

function refusal(answer: Answer, { asked, whose }: Request, cause: unknown): ArmError {
  const { status, code } = answer;
  const words = answer.words.replace(everyRegion, '').trim();
  const said = [code || `HTTP ${status}`, words].filter(Boolean).join(': ');
  const make = (kind: ArmError['kind'], reason: ArmError['reason'], message: string, retryAfter?: number) =>
    new ArmError(kind, reason, sanitize(message, wholeMessage), {
      code,
      cause,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });

  if (status === 429)
    return make(
      'Throttled',
      'Throttled',
      `Azure throttles the operator; it will ${asked} later (${said})`,
      retryAfterIn(answer.header) ?? defaultRetryAfterMs,
    );
  const asksToWait = retryAfterIn(answer.header);
  const retryAfter = asksToWait === undefined ? undefined : Math.min(asksToWait, maxVagueRetryAfterMs);
  if (!answer.fromArm)
    return transient(
      `Something between the operator and Azure, such as a proxy, answered when Azure was asked to ${asked}: HTTP ${status} without an error of Azure's form. It is tried again; if that lasts, check HTTPS_PROXY, NO_PROXY, firewalls and AZURE_RESOURCE_MANAGER_ENDPOINT${words && ` (${words})`}`,
      code,
      cause,
      retryAfter,
    );

  switch (code) {
    case 'ResourceNotFound':
    case 'ResourceGroupNotFound':
    case 'ParentResourceNotFound':
      return make('NotFound', 'NotFound', `Cannot ${asked}: it is not there (${said})`);
    case 'SubscriptionNotFound':
    case 'InvalidSubscriptionId':
    case 'SubscriptionDisabled':
    case 'DisabledSubscription':
    case 'ReadOnlyDisabledSubscription':
      return make(
        'Denied',
        'SubscriptionNotFound',
        `Cannot ${asked}: the subscription is unknown to ${whose}, or disabled. Check that it is enabled, that the identity belongs to its tenant, and spec.registry.subscriptionId (${said})`,
      );
    // Nobody need act: the next request brings a new one.
    case 'ExpiredAuthenticationToken':
      return transient(
        `The token of ${whose} had ended before Azure was asked to ${asked}; it is asked again with a new one. If that lasts, set this machine's clock (${said})`,
        code,
        cause,
      );
    case 'AuthorizationFailed':
    case 'LinkedAuthorizationFailed':
      return make('Denied', 'AuthorizationFailed', notAuthorized({ asked, whose }, words, said));
    case 'RequestDisallowedByPolicy':
    case 'RequestDisallowedByAzure': // assumption: Azure's own policy on regions, of the same shape
      return make(
        'Denied',
        'PolicyDenied',
        `${policyIn(words)} forbids to ${asked}. Change the spec to what it allows, change the policy, or exempt the registry from it (${said})`,
      );
    case 'ScopeLocked':
      return make(
        'Denied',
        'Locked',
        `A resource lock forbids to ${asked}: ${lockIn(words) ?? said}. Remove it (az lock list shows its name, az lock delete removes it), or change the spec so that this is not asked for`,
      );
    case 'LocationNotAvailableForResourceType':
    case 'LocationNotAvailable':
    case 'NoRegisteredProviderFound': // ARM's code for a location that the resource type does not know
    case 'NoRegisteredProviderForLocation': {
      const version = unsupportedVersion(asked, answer, said);
      if (version !== undefined) return make('Invalid', 'ApiVersionNotSupported', version);
      return make('Invalid', 'RegionNotAvailable', notAvailable(asked, answer, said));
    }
    case 'ResourceGroupBeingDeleted':
      return make(
        'Denied',
        'ResourceGroupDeleting',
        `Cannot ${asked}: its resource group is being deleted. Delete the object, too, or make one for another registry (${said})`,
      );
    // The name or the place is taken, and LIST did not show by what: the next look does.
    case 'InvalidResourceLocation':
    case 'ReplicationAlreadyExists': // assumption
      return make('Conflict', 'Conflict', `Cannot ${asked} yet: a replica is there already (${said})`);
    case 'MissingSubscriptionRegistration': // a 409, but waiting does not mend it
      return make(
        'Invalid',
        'InvalidRequest',
        `Cannot ${asked}: register the provider first, with: az provider register --namespace Microsoft.ContainerRegistry (${said})`,
      );
  }

  if (/quota/i.test(code)) {
    return make(
      'Denied',
      'QuotaExceeded',
      `Cannot ${asked}: a quota in Azure is used up. Have it raised (its words say which), or list fewer regions (${said})`,
    );
  }
  if (status === 401) {
    return make(
      'Denied',
      'AuthenticationFailed',
      `Azure does not accept the token of ${whose}, so it cannot ${asked}. Renew the credential, and check AZURE_TENANT_ID and AZURE_AUTHORITY_HOST (${said})`,
    );
  }
  if (status === 403) return make('Denied', 'AuthorizationFailed', notAuthorized({ asked, whose }, words, said));
  if (status === 412 || status === 423 || (status === 409 && isOperationRunning(answer))) {
    return make(
      'Conflict',
      'Conflict',
      `Another operation is running in Azure; the operator will ${asked} when it is over (${said})`,
    );
  }
  // A 404 without ARM's own code may come from anything in between, and must never pass for "gone".
  if (status >= 400 && status < 500 && status !== 404 && status !== 408) {
    return make(
      'Invalid',
      'InvalidRequest',
      `Azure refuses to ${asked}. Change what its words name, in the spec or in Azure (${said})`,
    );
  }
  return transient(`Azure could not ${asked} just now; it is tried again (${said})`, code, cause, retryAfter);
}

/**
 * What ARM says (seen, status 403): "The client 'C' with object id 'O' does not have authorization to perform action 'A' over scope 'S'
 * or the scope is invalid. …" Of linked resources (its article on authorization errors): "… has permission to perform action 'B' on
 * scope 'T'; however, it does not have permission to perform action(s) 'A' on the linked scope(s) 'S' (respectively) …"; of
 * several the first is told.
 */
function notAuthorized({ asked, whose }: Request, words: string, said: string): string {
  const principal = /object id '([0-9a-fA-F-]{36})'/.exec(words)?.[1];
  const [, action, scope] =
    /does not have (?:authorization|permission) to perform action(?:\(s\))? '([\w./*-]+)[',].{0,512}?scope(?:\(s\))? '(\/[\w./()-]+)[',]/.exec(
      words,
    ) ?? [];
  const asker = `${whose.slice(0, 1).toUpperCase()}${whose.slice(1)}${principal ? ` ${principal}` : ''}`;
  if (!action || !scope) return `${asker} has no right to ${asked}. Grant it the role Contributor there (${said})`;
  const registry =
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[^/]+/i;
  const role = action.endsWith('/read') ? 'Reader' : 'Contributor';
  const grant = `az role assignment create --assignee-object-id ${principal ?? 'PRINCIPAL_ID'} --assignee-principal-type ServicePrincipal --role ${role} --scope ${shellQuote(registry.exec(scope)?.[0] ?? scope)}`;
  // The remedy before the evidence: what is too long for a condition or an event is cut at its end.
  return `${asker} has no right to ${asked}: it may not perform ${action}. Grant it (acts within minutes): ${grant} (Azure wants it on ${scope})`;
}

/**
 * What ARM says: "The provided location 'L' is not available for resource type 'T'. List of available regions for the resource type
 * is 'a,b,c'." (seen for another resource type); of a location unknown to a type, "No registered resource provider found for
 * location 'L' and API version 'V' for type 'T'. … The supported locations are 'a, b, c'." (its article on that error). All
 * of them help nobody: the likely ones are told.
 */
const everyRegion =
  /\b(List of available regions for the resource type is|The supported (?:api-versions|locations) are) '([^']*)('\.?|$)/g;

function notAvailable(asked: string, answer: Answer, said: string): string {
  const { location, locations } = namedIn(answer);
  const isOffered = locations.some((region) => shortForm(region) === shortForm(location));
  const meant = isOffered ? '' : didYouMean(shortForm(location), locations.map(shortForm));
  return `Cannot ${asked}: the region does not exist or does not offer container registries${meant ? `; ${meant}` : '.'} Correct it in spec.regions (${said})`;
}

const maxVersionsShown = 10;

/** Where ARM knows the location, or was asked about none, and not the api-version: what to do. Else undefined. */
function unsupportedVersion(asked: string, answer: Answer, said: string): string | undefined {
  const { version, versions, location, locations } = namedIn(answer);
  const isPlaced = location === '' || locations.some((region) => shortForm(region) === shortForm(location));
  if (!version || versions.length === 0 || versions.includes(version) || !isPlaced) return undefined;
  const newest = versions.sort().reverse();
  const more = newest.length > maxVersionsShown ? `, and ${newest.length - maxVersionsShown} older ones` : '';
  const shown = newest.slice(0, maxVersionsShown).join(', ') + more;
  return `Cannot ${asked}: Azure does not offer API version ${version} there. Set AZURE_CONTAINER_REGISTRY_API_VERSION of the operator to one of ${shown} (${said})`;
}

/** What ARM's words name: the location and API version that were asked for, and those that it supports. */
function namedIn({ text }: Answer) {
  const lists = [...text.matchAll(everyRegion)].map(([, what = '', list = '']) => ({
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

/**
 * Whether a 409 says that something else goes on there, which ends by itself. Other codes with this status are refusals that
 * waiting does not mend. Without a code there is nothing to tell them apart by.
 */
function isOperationRunning({ code, words }: Answer): boolean {
  if (code === '' || /^Conflict$|InProgress|Busy|Retryable|Concurrent/i.test(code)) return true;
  return /\bin progress\b|\banother operation\b|\boperation is running\b|\btry again\b|\bretry\b/i.test(words);
}

/** ARM names a policy in JSON within its words (its article on RequestDisallowedByPolicy). */
function policyIn(words: string): string {
  const name = /"policyAssignment":\{"name":"([^"\\]{1,128})"/.exec(words)?.[1];
  return name ? `The Azure Policy "${name}"` : 'An Azure Policy';
}

/** What ARM says (general to it): "The scope 'S' cannot perform delete operation because following scope(s) are locked: 'L'. …" */
function lockIn(words: string): string | undefined {
  const scope = /scope\(s\) are locked: '([^']{1,512})'/.exec(words)?.[1];
  return scope && `it is on ${scope}`;
}

/**
 * The ms that an answer asks to wait, undefined where it does not say. One number of seconds is taken at its word up to 24 h. A
 * date, measured against the answer's own Date so that our clock does not matter, or the longest of several numbers, counts up
 * to 1 h. Anything else is no Retry-After.
 */
export function retryAfterIn(header: (name: string) => string | undefined): number | undefined {
  const value = header('retry-after')?.trim() ?? '';
  if (isSeconds.test(value)) return clamp(Math.ceil(Number(value) * 1_000), minRetryAfterMs, maxRetryAfterMs);
  const numbers = value.split(',').map((part) => part.trim());
  const ms = numbers.every((part) => isSeconds.test(part))
    ? Math.max(...numbers.map(Number)) * 1_000
    : isHttpDate.test(value)
      ? Date.parse(value) - Date.parse(header('date') ?? '')
      : Number.NaN;
  return Number.isNaN(ms) ? undefined : clamp(Math.ceil(ms), minRetryAfterMs, maxVagueRetryAfterMs);
}

const isSeconds = /^\d+(\.\d+)?$/;
const isHttpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function transient(message: string, code: string, cause: unknown, retryAfter?: number): ArmError {
  return new ArmError('Transient', 'AzureUnreachable', sanitize(message, wholeMessage), {
    code,
    cause,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function credentialError(error: Error, asked: string): ArmError {
  const { is, words } = classifyCredentialError(error);
  if (is === 'Unreachable') {
    return transient(
      `The token endpoint cannot be reached, or is in trouble, so the operator cannot ${asked}. If that lasts, check the network, AZURE_AUTHORITY_HOST, AZURE_TENANT_ID and the credential (${words})`,
      '',
      error,
    );
  }
  const why =
    is === 'NotSetUp'
      ? 'no Azure credential found: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or use workload identity or a managed identity'
      : words;
  const message = `The operator has no valid Azure credential, so it cannot ${asked} (${why})`;
  return new ArmError('Denied', 'AuthenticationFailed', sanitize(message, wholeMessage), { cause: error });
}
