// The errors of ARM and ACR, which the server turns into responses. Each comment says whether it was recorded.
import type { RegistryReference } from '../../../src/azure/arm.ts';

export interface RefusalDetails {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The resource that a policy denial names. */
  readonly target?: string;
  /** Details of a policy denial. */
  readonly additionalInfo?: readonly unknown[];
  /** Seconds. */
  readonly retryAfter?: number;
  /** ARM's front end answers without asking ACR, and shows no quota (recorded for 404: ASO, 2025-11-18). */
  readonly gateway?: boolean;
  /** An HTML page of a gateway, without ARM's envelope. */
  readonly html?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly details: RefusalDetails;

  constructor(details: RefusalDetails) {
    super(details.message);
    this.details = details;
  }
}

const gateway = (status: number, code: string, message: string) =>
  new Refusal({ status, code, message, gateway: true });

const provider = (status: number, code: string, message: string) => new Refusal({ status, code, message });

// ARM's front end. These codes and messages are general to Azure; those recorded for registries say so.

export function subscriptionNotFound(subscriptionId: string): Refusal {
  return gateway(404, 'SubscriptionNotFound', `The subscription '${subscriptionId}' could not be found.`);
}

export function resourceGroupNotFound(resourceGroup: string): Refusal {
  return gateway(404, 'ResourceGroupNotFound', `Resource group '${resourceGroup}' could not be found.`);
}

/** Recorded: ASO Registry_20230701_CRUD, 2025-11-18. `path` is `<registry>` or `<registry>/replications/<replica>`. */
export function resourceNotFound(resourceGroup: string, path: string): Refusal {
  return gateway(
    404,
    'ResourceNotFound',
    `The Resource 'Microsoft.ContainerRegistry/registries/${path}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

/** Message of Microsoft's ARM troubleshooting article; for registries neither message nor status is recorded. */
export function parentResourceNotFound(registry: RegistryReference): Refusal {
  return gateway(
    404,
    'ParentResourceNotFound',
    `Can not perform requested operation on nested resource. Parent resource '${registry.name}' not found.`,
  );
}

export function noSuchPath(path: string): Refusal {
  return gateway(404, 'InvalidResourceType', `The resource type could not be found for the path '${path}'.`);
}

/** General to ARM; seen for other resource types with this status. */
export function invalidResourceLocation(name: string, resourceGroup: string, is: string, wanted: string): Refusal {
  return gateway(
    409,
    'InvalidResourceLocation',
    `The resource '${name}' already exists in location '${is}' in resource group '${resourceGroup}'. A resource with the same name cannot be created in location '${wanted}'. Please select a new resource name.`,
  );
}

/** General to ARM: the message was seen for other resource types, the status is assumed. */
export function locationNotAvailable(location: string, type: string, offered: readonly string[]): Refusal {
  return gateway(
    400,
    'LocationNotAvailableForResourceType',
    `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${offered.join(',')}'.`,
  );
}

/** General to ARM. */
export function locationRequired(): Refusal {
  return gateway(400, 'LocationRequired', 'The location property is required for this definition.');
}

/** General to ARM. */
export function invalidRequestContent(why: string): Refusal {
  return gateway(
    400,
    'InvalidRequestContent',
    `The request content was invalid and could not be deserialized: '${why}'.`,
  );
}

/** Assumed: operations are kept for as long as the emulator runs, so this means a made-up URL. */
export function operationNotFound(id: string): Refusal {
  return provider(404, 'OperationNotFound', `The operation '${id}' was not found.`);
}

/** Assumed. */
export function invalidSkipToken(token: string): Refusal {
  return provider(400, 'InvalidSkipToken', `The skip token '${token}' is invalid.`);
}

/** General to ARM. */
export function missingApiVersion(): Refusal {
  return gateway(
    400,
    'MissingApiVersionParameter',
    'The api-version query parameter (?api-version=) is required for all requests.',
  );
}

/** General to ARM. */
export function unsupportedApiVersion(version: string, type: string, supported: readonly string[]): Refusal {
  return gateway(
    400,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '' and API version '${version}' for type '${type}'. The supported api-versions are '${supported.join(', ')}'.`,
  );
}

/** General to ARM, the challenge included. */
export function unauthenticated(code: string, message: string, authority: string): Refusal {
  return new Refusal({
    status: 401,
    code,
    message,
    gateway: true,
    headers: {
      'www-authenticate': `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${message}"`,
    },
  });
}

/** General to ARM; seen with this status. `scope` is the id of the requested resource. */
export function authorizationFailed(clientId: string, objectId: string, action: string, scope: string): Refusal {
  return gateway(
    403,
    'AuthorizationFailed',
    `The client '${clientId}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

/** General to ARM; seen with this status for deletions, the message for writes is assumed. */
export function scopeLocked(id: string, operation: 'delete' | 'write', lockedScope: string): Refusal {
  return gateway(
    409,
    'ScopeLocked',
    `The scope '${id}' cannot perform ${operation} operation because following scope(s) are locked: '${lockedScope}'. Please remove the lock and try again.`,
  );
}

/** General to ARM; the status is assumed. */
export function disallowedByPolicy(resource: string, scope: string): Refusal {
  const policyAssignment = {
    name: 'Emulated assignment',
    id: `${scope}/providers/Microsoft.Authorization/policyAssignments/emulated`,
  };
  const policyDefinition = {
    name: 'Emulated definition',
    id: '/providers/Microsoft.Authorization/policyDefinitions/emulated',
  };
  return new Refusal({
    status: 403,
    code: 'RequestDisallowedByPolicy',
    message: `Resource '${resource}' was disallowed by policy. Policy identifiers: '${JSON.stringify([{ policyAssignment, policyDefinition }])}'.`,
    target: resource,
    additionalInfo: [
      {
        type: 'PolicyViolation',
        info: {
          policyAssignmentId: policyAssignment.id,
          policyDefinitionId: policyDefinition.id,
          policyDefinitionEffect: 'deny',
        },
      },
    ],
    gateway: true,
  });
}

/** Quoted from captured traffic for other resource types (2026-09). `retryAfter` in seconds; undefined: no such header. */
export function subscriptionRequestsThrottled(
  subscriptionId: string,
  actor: string,
  what: 'read' | 'write' | 'delete',
  retryAfter: number | undefined,
): Refusal {
  const when = retryAfter === undefined ? 'some' : String(retryAfter);
  return new Refusal({
    status: 429,
    code: 'SubscriptionRequestsThrottled',
    message: `Number of '${what}' requests for subscription '${subscriptionId}' actor '${actor}' exceeded. Please try again after '${when}' seconds.`,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** The same, of an enforced quota: the front end refuses it at no cost. */
export function quotaExceeded(
  subscriptionId: string,
  actor: string,
  spending: 'reads' | 'writes' | 'deletes',
  retryAfter: number,
): Refusal {
  const what = { reads: 'read', writes: 'write', deletes: 'delete' } as const;
  const { details } = subscriptionRequestsThrottled(subscriptionId, actor, what[spending], retryAfter);
  return new Refusal({ ...details, gateway: true });
}

// ACR itself: hardly any of its errors is recorded.

/** Assumed: only the pattern ([length, alphanumeric]) is in the specification; code and status are not recorded. */
export function invalidName(kind: 'registry' | 'replication', name: string): Refusal {
  return provider(
    400,
    'InvalidResourceName',
    `The ${kind} name '${name}' is invalid: it must be 5 to 50 alphanumeric characters.`,
  );
}

/** Assumed, after ACR's pattern for other Premium features ("... is not supported for the SKU Basic."). */
export function replicationNotSupported(sku: string): Refusal {
  return provider(400, 'ReplicationNotSupported', `Geo-replication is not supported for the SKU ${sku}.`);
}

/** Assumed: no recording has a second name at one location. */
export function locationAlreadyReplicated(registry: string, location: string, name: string): Refusal {
  return provider(
    409,
    'ReplicationAlreadyExists',
    `The registry '${registry}' already has the replication '${name}' in location '${location}'.`,
  );
}

/** The code was reported (Azure/acr issue 294, 2019); status and message are assumed. */
export function homeReplicationCannotBeDeleted(name: string): Refusal {
  return provider(
    400,
    'HomeReplicationCannotBeDeleted',
    `The replication '${name}' is in the registry's home region and cannot be deleted.`,
  );
}

/** The refusal was reported (Azure/azure-rest-api-specs issue 18934, 2022); code, status and message are assumed. */
export function zoneRedundancyIsFixed(name: string): Refusal {
  return provider(
    400,
    'ZoneRedundancyCannotBeUpdated',
    `The zone redundancy of the replication '${name}' cannot be changed after its creation.`,
  );
}

/** Assumed: every recording writes to one resource after the other. */
export function busy(what: string, state: string): Refusal {
  return provider(
    409,
    'Conflict',
    `${what} is in the provisioning state '${state}'. Please try again when the running operation has completed.`,
  );
}
