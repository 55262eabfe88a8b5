// The port to Azure Resource Manager: eight requests, each sent once and not awaited to the end of its long-running operation, and
// one error type. arm-client.ts implements it.
import type { AzureRegion } from './regions.ts';

/** A registry's three names in Azure; `spec.registry` has this shape. */
export interface RegistryReference {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
}

/** A registry as ARM reports it. */
export interface Registry {
  /** The ARM resource id; compare case-insensitively. */
  readonly id: string;
  /** The home region, spelt as ARM spells it. */
  readonly location: string;
  readonly loginServer?: string;
  /** ISO time; differs if the registry was deleted and created again. */
  readonly creationDate?: string;
  /** `Basic`, `Standard`, `Premium`, or a future value. */
  readonly sku: string;
  readonly provisioningState?: string;
}

/** A replica (`registries/replications`) as ARM reports it. */
export interface Replica {
  /** The ARM name, which may differ from the location. */
  readonly name: string;
  /** Spelt as ARM spells it. */
  readonly location: string;
  readonly provisioningState?: string;
  /** Free text: `Ready`, `Syncing`, or a future value; absent while Creating. */
  readonly displayStatus?: string;
  /** ISO time (systemData.createdAt); differs if the replica was deleted and created again. */
  readonly createdAt?: string;
  /** ACR's message about the status; specified, but in no recording. */
  readonly statusMessage?: string;
  /** ARM's regionEndpointEnabled; true, ARM's default, if it is absent. */
  readonly routing: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** A new replica; ARM's defaults apply to absent fields. */
export interface NewReplica {
  readonly location: string;
  readonly routing?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A change to a replica; absent fields stay. `tags` replaces all tags: merge first. */
export interface ReplicaChange {
  readonly routing?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A region of a subscription as ARM reports it; ARM may leave out everything but the name. */
export type Location = Pick<AzureRegion, 'name'> & Partial<AzureRegion>;

/** A write that ARM has accepted. */
export interface Accepted {
  /** ARM's id of the request, which Azure's support asks for. */
  readonly correlationId?: string | undefined;
}

/** An accepted creation. */
export interface Created extends Accepted {
  /** In state Creating. */
  readonly replica: Replica;
  /** ms; ARM's hint for the first poll (`Retry-After: 10` on record). */
  readonly askAfter?: number;
}

/** An accepted change. */
export interface Updated extends Accepted {
  /** With the new values, possibly still Updating. */
  readonly replica: Replica;
}

/** Every method rejects with an {@link ArmError} and nothing else. */
export interface Arm {
  registry(registry: RegistryReference): Promise<Registry>;
  /** Every page. May omit a replica and report a stale state (Azure/ARO-HCP, pull request 2585). */
  replicas(registry: RegistryReference): Promise<Replica[]>;
  replica(registry: RegistryReference, name: string): Promise<Replica>;
  /** Resolves once ARM has accepted the creation. */
  create(registry: RegistryReference, name: string, replica: NewReplica): Promise<Created>;
  /** Resolves once ARM has accepted the change. */
  update(registry: RegistryReference, name: string, change: ReplicaChange): Promise<Updated>;
  /**
   * Returns ARM's code and message of the last creation or change of the replica by this process, if it failed. Reads it from ARM
   * once; undefined if ARM gives no reason or this process submitted nothing.
   */
  failure(registry: RegistryReference, name: string): Promise<string | undefined>;
  /** Every region of the subscription. Not all of them offer registries. */
  locations(subscriptionId: string): Promise<Location[]>;
  /** Resolves once ARM has accepted the deletion, or if the replica does not exist. */
  remove(registry: RegistryReference, name: string): Promise<Accepted>;
}

/**
 * - `Throttled`: ARM answered 429. Nothing may be sent before `retryAfter` is over.
 * - `NotSent`: the operator's own rate limiter held the request back. Nothing went wrong; `retryAfter` tells when to try again.
 * - `Conflict`: another operation is running, or the replica is there already; try again later.
 * - `Denied`: a missing right, a lock, a policy or the credential prevents it, until a person acts.
 * - `Invalid`: ARM rejects the request as it is.
 * - `NotFound`: the registry, its resource group or the replica does not exist. An unknown subscription is `Denied`.
 * - `Transient`: no response, or one that says nothing about the request.
 */
export type ArmErrorKind = 'Throttled' | 'NotSent' | 'Conflict' | 'Denied' | 'Invalid' | 'NotFound' | 'Transient';

/** The refusal as a condition's reason. */
export type ArmErrorReason =
  | 'Throttled'
  | 'Conflict'
  | 'AuthorizationFailed'
  | 'AuthenticationFailed'
  | IdentityReason
  | 'SubscriptionNotFound'
  | 'PolicyDenied'
  | 'Locked'
  | 'RegionNotAvailable'
  | 'ApiVersionNotSupported'
  | 'QuotaExceeded'
  | 'ResourceGroupDeleting'
  | 'InvalidRequest'
  | 'NotFound'
  | 'AzureUnreachable';

/** Reasons why there is no token for an object's own identity. */
export type IdentityReason =
  | 'ServiceAccountNotFound'
  | 'ServiceAccountNotAnnotated'
  | 'TokenRequestDenied'
  | 'TokenExchangeRefused';

export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly kind: ArmErrorKind;
  readonly reason: ArmErrorReason;
  /** ARM's own code, such as `ScopeLocked`; empty if there was no response. */
  readonly code: string;
  /** ms: always with `Throttled` and `NotSent`, with `Transient` where the answer says so. */
  readonly retryAfter?: number;
  /** ARM's id of the refused request, which Azure's support asks for. */
  readonly correlationId?: string;

  constructor(
    kind: ArmErrorKind,
    reason: ArmErrorReason,
    message: string,
    details: { code?: string; retryAfter?: number; correlationId?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.reason = reason;
    this.code = details.code ?? '';
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
    if (details.correlationId !== undefined) this.correlationId = details.correlationId;
  }
}

/** ARM's codes for a creation whose name or location has a replica. The second one is an assumption. */
export const alreadyThereCodes = ['InvalidResourceLocation', 'ReplicationAlreadyExists'] as const;

/** True for the one `Conflict` in which no other operation is running. */
export function isAlreadyThere({ code }: ArmError): boolean {
  return alreadyThereCodes.some((known) => known === code);
}

/** A request that has ended, for metrics and logs. */
export interface ArmRequest {
  readonly method: string;
  /** The HTTP status in digits, or `<error>` where there was no answer (client-go's word in rest_client_requests_total). */
  readonly status: string;
  /** Token included. */
  readonly durationMs: number;
  /** ARM's id, or ours if there was no response: Azure's support asks for it. */
  readonly correlationId: string;
}

/** Returns an ArmError as a value, so that the pass can report it. Rethrows every other error. */
export async function attempt<T>(answer: Promise<T>): Promise<T | ArmError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
}
