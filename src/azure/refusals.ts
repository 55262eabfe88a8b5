// The table of ARM's error codes and statuses: what each means for the operator, and what a user can do about it.
import { type ArmErrorKind, type ArmErrorReason, alreadyThereCodes } from './arm.ts';
import {
  isOperationRunning,
  lockOf,
  notAuthorized,
  notAvailable,
  policyIn,
  type Refusal,
  unsupportedVersion,
} from './refusal-details.ts';

export interface Finding {
  readonly kind: ArmErrorKind;
  readonly reason: ArmErrorReason;
  readonly message: string;
}

type Explain = (refusal: Refusal) => Finding;

/**
 * Statuses and codes: compiled from the recordings and issues of Azure/azure-cli, azure-service-operator and Microsoft's ARM
 * documentation (2026-11). "assumption" marks those that were not seen.
 */
export function explain(refusal: Refusal): Finding {
  return byCode.get(refusal.answer.code)?.(refusal) ?? byStatus(refusal);
}

const notFound: Explain = ({ asked, said }) => ({
  kind: 'NotFound',
  reason: 'NotFound',
  message: `not found: cannot ${asked} (${said})`,
});

const unknownSubscription: Explain = ({ asked, identityLabel, said }) => ({
  kind: 'Denied',
  reason: 'SubscriptionNotFound',
  message: `the subscription is unknown to ${identityLabel}, or disabled: cannot ${asked}. Check that it is enabled, that the identity belongs to its tenant, and spec.registry.subscriptionId (${said})`,
});

/** The next request gets a new token. */
const expiredToken: Explain = ({ asked, identityLabel, said }) => ({
  kind: 'Transient',
  reason: 'AzureUnreachable',
  message: `the token of ${identityLabel} has expired: cannot ${asked}; the next attempt has a new one. If it lasts, set the machine's clock (${said})`,
});

const unauthorized: Explain = (refusal) => ({
  kind: 'Denied',
  reason: 'AuthorizationFailed',
  message: notAuthorized(refusal),
});

const deniedByPolicy: Explain = ({ asked, words, said }) => ({
  kind: 'Denied',
  reason: 'PolicyDenied',
  message: `denied by ${policyIn(words)}: cannot ${asked}. Change the spec to what it allows, change the policy, or exempt the registry from it (${said})`,
});

const locked: Explain = ({ asked, words, said }) => {
  const { where, find } = lockOf(words);
  const message = `a resource lock${where} is in the way: cannot ${asked}. Find it with ${find} and remove it with az lock delete, or change the spec (${said})`;
  return { kind: 'Denied', reason: 'Locked', message };
};

const regionNotAvailable: Explain = (refusal) => {
  const version = unsupportedVersion(refusal);
  return version === undefined
    ? { kind: 'Invalid', reason: 'RegionNotAvailable', message: notAvailable(refusal) }
    : { kind: 'Invalid', reason: 'ApiVersionNotSupported', message: version };
};

const groupBeingDeleted: Explain = ({ asked, said }) => ({
  kind: 'Denied',
  reason: 'ResourceGroupDeleting',
  message: `the resource group is being deleted: cannot ${asked}. Delete this object too, or create one for another registry (${said})`,
});

/** LIST did not show the replica that has this name or location; the next pass does. */
const taken: Explain = ({ asked, said }) => ({
  kind: 'Conflict',
  reason: 'Conflict',
  message: `a replica is there already: cannot ${asked} (${said})`,
});

/** A 409 that waiting does not resolve. */
const providerNotRegistered: Explain = ({ asked, said }) => ({
  kind: 'Invalid',
  reason: 'InvalidRequest',
  message: `the provider is not registered in the subscription: cannot ${asked}. Register it with: az provider register --namespace Microsoft.ContainerRegistry (${said})`,
});

const byCode: ReadonlyMap<string, Explain> = new Map<string, Explain>([
  ['ResourceNotFound', notFound],
  ['ResourceGroupNotFound', notFound],
  ['ParentResourceNotFound', notFound],
  ['SubscriptionNotFound', unknownSubscription],
  ['InvalidSubscriptionId', unknownSubscription],
  ['SubscriptionDisabled', unknownSubscription],
  ['DisabledSubscription', unknownSubscription],
  ['ReadOnlyDisabledSubscription', unknownSubscription],
  ['ExpiredAuthenticationToken', expiredToken],
  ['AuthorizationFailed', unauthorized],
  ['LinkedAuthorizationFailed', unauthorized],
  ['RequestDisallowedByPolicy', deniedByPolicy],
  ['RequestDisallowedByAzure', deniedByPolicy], // assumption: Azure's own policy on regions, of the same shape
  ['ScopeLocked', locked],
  ['LocationNotAvailableForResourceType', regionNotAvailable],
  ['LocationNotAvailable', regionNotAvailable],
  ['NoRegisteredProviderFound', regionNotAvailable], // ARM's code for a location that the resource type does not know
  ['NoRegisteredProviderForLocation', regionNotAvailable],
  ['ResourceGroupBeingDeleted', groupBeingDeleted],
  ...alreadyThereCodes.map((code) => [code, taken] as const),
  ['MissingSubscriptionRegistration', providerNotRegistered],
]);

function byStatus(refusal: Refusal): Finding {
  const { answer, asked, identityLabel, said } = refusal;
  const { status, code } = answer;
  if (/quota/i.test(code))
    return {
      kind: 'Denied',
      reason: 'QuotaExceeded',
      message: `a quota in Azure is exhausted: cannot ${asked}. Request a higher one, or list fewer regions (${said})`,
    };
  if (status === 401)
    return {
      kind: 'Denied',
      reason: 'AuthenticationFailed',
      message: `Azure rejects the token of ${identityLabel}: cannot ${asked}. Renew the credential, and check AZURE_TENANT_ID and AZURE_AUTHORITY_HOST (${said})`,
    };
  if (status === 403) return unauthorized(refusal);
  if (status === 412 || status === 423 || (status === 409 && isOperationRunning(answer)))
    return {
      kind: 'Conflict',
      reason: 'Conflict',
      message: `another operation is running in Azure: cannot ${asked} yet (${said})`,
    };
  // A 404 without ARM's own code may come from a proxy, and must not be taken for an absent resource.
  if (status >= 400 && status < 500 && status !== 404 && status !== 408)
    return {
      kind: 'Invalid',
      reason: 'InvalidRequest',
      message: `Azure rejects the request: cannot ${asked}. Change what its answer names, in the spec or in Azure (${said})`,
    };
  return {
    kind: 'Transient',
    reason: 'AzureUnreachable',
    message: `Azure answers with an error: cannot ${asked} yet (${said})`,
  };
}
