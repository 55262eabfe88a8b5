// ARM's refusals in its own words, for the emulator to answer with.
import type { RegistryReference } from '../../src/azure/arm.ts';
import { registryId } from '../../src/replication/validation.ts';
import type { RefusalDetails } from '../emulators/arm/refusal.ts';

/** General to ARM; seen with this status. */
export function authorizationFailed(registry: RegistryReference, verb: 'read' | 'write' | 'delete'): RefusalDetails {
  const action = `Microsoft.ContainerRegistry/registries/replications/${verb}`;
  return {
    status: 403,
    code: 'AuthorizationFailed',
    message: `The client '22222222-2222-2222-2222-222222222222' with object id '33333333-3333-3333-3333-333333333333' does not have authorization to perform action '${action}' over scope '${registryId(registry)}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  };
}

/** Message of captured traffic (2026-09) for another resource type. `retryAfter` in seconds. */
export function throttled(retryAfter: number): RefusalDetails {
  return {
    status: 429,
    code: 'SubscriptionRequestsThrottled',
    message: `Number of 'read' requests for subscription 'S' actor 'O' exceeded. Please try again after '${retryAfter}' seconds.`,
    retryAfter,
  };
}

/** General to ARM; seen with this status. */
export function scopeLocked(registry: RegistryReference): RefusalDetails {
  const id = registryId(registry);
  return {
    status: 409,
    code: 'ScopeLocked',
    message: `The scope '${id}' cannot perform delete operation because following scope(s) are locked: '${id}'. Please remove the lock and try again.`,
  };
}
