// Missing rights, resource locks and Azure Policies, in the order in which ARM checks them. All of them are faults:
// without one, every caller may do everything.
import type { Fault } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import * as refusal from './refusal.ts';
import { shortForm } from './regions.ts';
import type { Tags } from './replica-snapshot.ts';
import type { RequestInfo } from './request-info.ts';

/** A refusal and the name of the fault that causes it. */
export interface Denial {
  readonly name: string;
  readonly refusal: refusal.Refusal;
}

/** Undefined if the request is allowed. */
export function denialFor(
  faults: Faults,
  info: RequestInfo,
  caller: { readonly clientId: string; readonly objectId: string },
): Denial | undefined {
  const action = actionOf(info);
  const id = scopeOf(info);
  const forbidden = faults.consume(
    'forbidden',
    (fault) => isWithin(id, fault.scope) && matchesAny(fault.actions, action),
  );
  if (forbidden) {
    const { clientId, objectId } = caller;
    return { name: forbidden.name, refusal: refusal.authorizationFailed(clientId, objectId, action, id) };
  }
  if (info.method === 'GET') return undefined;
  const operation = info.method === 'DELETE' ? 'delete' : 'write';
  const lock = faults.consume('lock', (fault) => locks(fault, id, operation));
  if (lock) {
    const scope = lock.fault.scope ?? subscriptionOf(info);
    return { name: lock.name, refusal: refusal.scopeLocked(id, operation, scope) };
  }
  if (operation === 'delete') return undefined;
  const denied = faults.consume('policyDeny', (fault) => isWithin(id, fault.scope) && isAt(fault, info));
  if (!denied) return undefined;
  const scope = denied.fault.scope ?? subscriptionOf(info);
  return { name: denied.name, refusal: refusal.disallowedByPolicy(nameOf(info), scope) };
}

/** The tags that policies add to a resource. */
export function policyTags(faults: Faults, id: string): Tags | undefined {
  return faults.consume('policyTags', (fault) => isWithin(id, fault.scope))?.fault.tags;
}

/** The action in Azure's role definitions (names: Microsoft's list of resource provider operations). */
export function actionOf({ method, endpoint, path }: RequestInfo): string {
  const verb = method === 'GET' ? 'read' : method === 'DELETE' ? 'delete' : 'write';
  switch (endpoint) {
    case 'registry':
      return `Microsoft.ContainerRegistry/registries/${verb}`;
    case 'replicas':
    case 'replica':
      return `Microsoft.ContainerRegistry/registries/replications/${verb}`;
    case 'operation':
      return /\/operationresults\//i.test(path)
        ? 'Microsoft.ContainerRegistry/locations/operationResults/read'
        : 'Microsoft.ContainerRegistry/registries/replications/operationStatuses/read';
    case 'locations':
      return 'Microsoft.Resources/subscriptions/locations/read';
    case 'token':
      return `*/${verb}`;
    case 'other':
      // The lists of registries.
      return /\/microsoft\.containerregistry\/registries$/i.test(path)
        ? `Microsoft.ContainerRegistry/registries/${verb}`
        : `*/${verb}`;
    default:
      return endpoint satisfies never;
  }
}

/** The id of the requested resource. A deletion is polled under the subscription, outside of any group (recorded). */
function scopeOf({ subscriptionId = '', resourceGroup, registry, replica }: RequestInfo): string {
  return [
    `/subscriptions/${subscriptionId}`,
    ...(resourceGroup === undefined ? [] : [`resourceGroups/${resourceGroup}`]),
    ...(registry === undefined ? [] : [`providers/Microsoft.ContainerRegistry/registries/${registry}`]),
    ...(replica === undefined ? [] : [`replications/${replica}`]),
  ].join('/');
}

/** A scope covers everything below it; ids are case-insensitive. */
function isWithin(id: string, scope = ''): boolean {
  const bare = scope.replace(/\/+$/, '').toLowerCase();
  return `${id.toLowerCase()}/`.startsWith(`${bare}/`);
}

/** A lock on a replica also prevents the deletion of its registry, as locks inside a group prevent the group's. */
function locks({ level, scope }: Fault<'lock'>, id: string, operation: 'delete' | 'write'): boolean {
  if (operation === 'delete') return isWithin(id, scope) || (scope !== undefined && isWithin(scope, id));
  return level === 'ReadOnly' && isWithin(id, scope);
}

function matchesAny(patterns: readonly string[], action: string): boolean {
  return patterns.some((pattern) => {
    const source = pattern.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.*');
    return new RegExp(`^${source}$`, 'i').test(action);
  });
}

/** By the location in the body, or by the replica's name: a PATCH has no location. */
function isAt({ locations }: Fault<'policyDeny'>, { body, replica = '' }: RequestInfo): boolean {
  if (!locations) return true;
  const sent = typeof body === 'object' && body !== null && 'location' in body ? String(body.location) : replica;
  return locations.some((location) => shortForm(location) === shortForm(sent));
}

function nameOf({ registry = '', replica }: RequestInfo): string {
  return replica ?? registry;
}

function subscriptionOf({ subscriptionId = '' }: RequestInfo): string {
  return `/subscriptions/${subscriptionId}`;
}
