// Lists every condition reason with its meaning and remedy. The table in docs/reference.md is generated from this list,
// and a test checks that it matches.
import type { ArmErrorReason } from '../azure/arm.ts';

interface Words {
  /** The problem lasts until a user acts. As a region's reason it makes the object Stalled. */
  readonly needsIntervention: boolean;
  readonly meaning: string;
  /** Empty if no action is needed. */
  readonly remedy: string;
}

export const reasons = {
  AllRegionsReady: { needsIntervention: false, meaning: 'Everything is as asked.', remedy: '' },
  RegionsNotReady: {
    needsIntervention: false,
    meaning: 'On Available: a listed region is not ready.',
    remedy: 'See the reason of Ready.',
  },
  Syncing: {
    needsIntervention: false,
    meaning: 'Listed regions are being created, synchronised or changed.',
    remedy: '',
  },
  Pruning: {
    needsIntervention: false,
    meaning: 'Every listed region is ready; replicas that are not listed are on the way out.',
    remedy: '',
  },
  Deleting: {
    needsIntervention: false,
    meaning: 'The object is being deleted and waits until its replicas are gone.',
    remedy: '',
  },
  Suspended: {
    needsIntervention: false,
    meaning: 'The object was suspended before its first observation.',
    remedy: 'Set spec.suspend to false.',
  },
  NoRegions: {
    needsIntervention: false,
    meaning: 'No region is listed, and no source names one yet.',
    remedy: 'See status.sources.',
  },
  SourceNotSynced: {
    needsIntervention: false,
    meaning: 'A source of spec.regionsFrom was not listed yet; nothing is removed until it is.',
    remedy: '',
  },
  SourceUnreadable: {
    needsIntervention: true,
    meaning: 'A source of spec.regionsFrom cannot be read; nothing is removed until it can.',
    remedy: 'Do what the message says: see docs/follow-the-fleet.md.',
  },
  OutOfSync: {
    needsIntervention: false,
    meaning: 'In mode Observe, the plan is not empty.',
    remedy: 'Read status.plan; set spec.mode to Manage to carry it out.',
  },
  InvalidSpec: {
    needsIntervention: true,
    meaning: 'The spec is not valid; nothing is done in Azure.',
    remedy: 'Correct what the message names.',
  },
  DefaultIdentityDenied: {
    needsIntervention: true,
    meaning: "The object has no identity of its own, and may not use the operator's.",
    remedy: 'Set spec.identity.serviceAccountName: see docs/tenancy.md.',
  },
  RegistryNotAllowed: {
    needsIntervention: true,
    meaning: "The object's namespace may not name this registry.",
    remedy: 'Ask an administrator to add it to the annotation of the namespace that the message names.',
  },
  NamespaceUnreadable: {
    needsIntervention: true,
    meaning: "The operator may not read the object's namespace, so it cannot know which registries are allowed there.",
    remedy: 'Grant it the right to get the namespace, as deploy/ does.',
  },
  RegistryClaimed: {
    needsIntervention: true,
    meaning: 'Another object that names the same registry manages it.',
    remedy: 'Merge the two objects, or delete one of them.',
  },
  TooManyObjects: {
    needsIntervention: true,
    meaning: 'There are more objects than the operator has room for; this one came later than the others.',
    remedy: 'Delete objects, or raise --max-objects and the memory limit: see docs/sizing.md.',
  },
  RegistryNotFound: {
    needsIntervention: true,
    meaning: 'The registry does not exist.',
    remedy: 'Create it, or create an object with the right names.',
  },
  ResourceGroupNotFound: {
    needsIntervention: true,
    meaning: "The registry's resource group does not exist.",
    remedy: 'Create an object with the right names, or create the resource group and the registry.',
  },
  RegistryNotPremium: {
    needsIntervention: true,
    meaning: 'Geo-replication needs SKU Premium.',
    remedy: 'Upgrade it with the command in the message; Premium costs more.',
  },
  RegistryNotReady: {
    needsIntervention: false,
    meaning: 'The registry itself is in motion or failed.',
    remedy: 'If it lasts, look at the registry in Azure.',
  },
  RegionFailed: {
    needsIntervention: true,
    meaning: 'A replica is Failed. While it is tried again the object is not Stalled.',
    remedy:
      'When Stalled: repair what the message names, then edit the spec, request a reconcile (reconcile-requested-at), or replace the replica with the command in the message.',
  },
  ProgressDeadlineExceeded: {
    needsIntervention: true,
    meaning: 'A region is in motion, Failed, or its creation refused, for longer than spec.progressDeadline.',
    remedy:
      'Repair the cause (a private endpoint without rights or free addresses, for instance), then delete the replica with the command in the message; it is created again.',
  },
  PruneBlocked: {
    needsIntervention: true,
    meaning: 'Azure refuses to delete a replica that is not listed.',
    remedy: 'Remove the lock, or grant the right, that the message names.',
  },
  LastRoutedRegion: {
    needsIntervention: true,
    meaning: 'What is asked would leave the registry without a routed replica that is ready.',
    remedy: 'Set routing: Enabled for another region, the home region for instance.',
  },
  Contended: {
    needsIntervention: true,
    meaning: 'Others reverted the same change three times within a day; the region rests.',
    remedy: 'Change the spec, or find out who reverts it: the message has the command.',
  },
  AuthorizationFailed: {
    needsIntervention: true,
    meaning: 'The identity lacks a right.',
    remedy:
      "Run the command in the message. It grants the operator's role (deploy/azure-role.json) or, where that lacks the right, a built-in one.",
  },
  AuthenticationFailed: {
    needsIntervention: true,
    meaning: 'No token could be obtained.',
    remedy: 'Give the operator a valid credential: see docs/install.md.',
  },
  ServiceAccountNotFound: {
    needsIntervention: true,
    meaning: "The ServiceAccount of spec.identity is not in the object's namespace.",
    remedy: 'Create it, or correct its name.',
  },
  ServiceAccountNotAnnotated: {
    needsIntervention: true,
    meaning: 'The ServiceAccount lacks the annotations that name its client and tenant in Entra.',
    remedy: 'Annotate it as the message says.',
  },
  TokenRequestDenied: {
    needsIntervention: true,
    meaning: 'The operator may not read the ServiceAccount, or may not request its tokens.',
    remedy: 'Apply the Role and RoleBinding of deploy/identity in the namespace.',
  },
  TokenExchangeRefused: {
    needsIntervention: true,
    meaning: "Entra does not accept the ServiceAccount's token for the client.",
    remedy: 'Create the federated credential that the message names, or correct the annotations.',
  },
  SubscriptionNotFound: {
    needsIntervention: true,
    meaning: 'The subscription is unknown, or disabled.',
    remedy: "Correct the id in a new object, or the identity's tenant.",
  },
  PolicyDenied: {
    needsIntervention: true,
    meaning: 'An Azure Policy forbids or reverts the change.',
    remedy: 'Change the spec to what the policy allows, or change the policy.',
  },
  Locked: {
    needsIntervention: true,
    meaning: 'A resource lock forbids the change.',
    remedy: 'Remove the lock: the message has the command that finds it.',
  },
  RegionNotAvailable: {
    needsIntervention: true,
    meaning: 'Azure has no such region, or offers no registries there.',
    remedy: 'Correct spec.regions.',
  },
  ApiVersionNotSupported: {
    needsIntervention: true,
    meaning: 'This cloud does not offer the API version that the operator uses.',
    remedy: 'Set AZURE_CONTAINER_REGISTRY_API_VERSION of the operator to a version that the message names.',
  },
  QuotaExceeded: {
    needsIntervention: true,
    meaning: 'A quota in Azure is exhausted.',
    remedy: 'Request a higher quota, or list fewer regions.',
  },
  ResourceGroupDeleting: {
    needsIntervention: true,
    meaning: 'The resource group of the registry is being deleted.',
    remedy: 'Delete the object too, or create one for another registry.',
  },
  InvalidRequest: {
    needsIntervention: true,
    meaning: 'Azure rejects the request.',
    remedy: "Correct what Azure's own words name, at the end of the message.",
  },
  Throttled: {
    needsIntervention: false,
    meaning: "ARM's rate limit is exhausted; the request is repeated when ARM allows.",
    remedy: '',
  },
  Conflict: { needsIntervention: false, meaning: 'Another operation is running; the request is repeated.', remedy: '' },
  NotFound: {
    needsIntervention: false,
    meaning: 'The replica to change was gone; it is observed again.',
    remedy: '',
  },
  AzureUnreachable: {
    needsIntervention: false,
    meaning:
      'Azure does not answer. A new or edited object shows it at once, an unedited one after three intervals, at least 15 minutes.',
    remedy: "If it lasts, check the network, the proxy and Azure's status. The last state seen is kept.",
  },
} as const satisfies Record<string, Words> & Record<ArmErrorReason, Words>;

export type Reason = keyof typeof reasons;

/** True if the reason lasts until a user acts. An unknown reason comes from another version and counts as true. */
export function needsIntervention(reason: string | undefined): boolean {
  if (reason === undefined) return false;
  return !isReason(reason) || reasons[reason].needsIntervention;
}

function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word);
}

/** The table of all reasons, in Markdown. */
export function reasonsTable(): string {
  const rows = Object.entries(reasons).map(
    ([reason, { meaning, remedy }]) => `| \`${reason}\` | ${meaning} | ${remedy} |`,
  );
  return ['| reason | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}
