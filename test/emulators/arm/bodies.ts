// ARM's JSON response bodies, with its members in its order.
import { azureRegion } from '../../../src/azure/regions.ts';
import type { Operation } from './operation.ts';
import type { RefusalDetails } from './refusal.ts';
import type { Region } from './regions.ts';
import type { RegistrySnapshot } from './registry.ts';
import type { ReplicaSnapshot, SystemData } from './replica-snapshot.ts';

/** Member order, `tags: {}` and the absent displayStatus while Creating: Azure/azure-cli, 2026-09-10. */
export function replicaBody({ id, name, location, tags, systemData, stage, routing, zoneRedundancy }: ReplicaSnapshot) {
  return {
    type: 'Microsoft.ContainerRegistry/registries/replications',
    id,
    name,
    location,
    tags,
    systemData: systemDataBody(systemData),
    properties: {
      ...stateBody(stage),
      regionEndpointEnabled: routing,
      zoneRedundancy,
    },
  };
}

interface StateBody {
  readonly provisioningState: string;
  readonly status: { readonly displayStatus?: string; readonly timestamp: string };
}

/**
 * `Syncing` and `Ready` come with Succeeded (recorded: Azure/azure-powershell, 2025-09-09); Updating keeps the previous
 * status (recorded: Azure/azure-cli). The status of Deleting and Failed was not recorded: assumed to have no
 * displayStatus, because ACR reports it for provisioned replicas only. No recording has a `status.message`.
 */
function stateBody(stage: ReplicaSnapshot['stage']): StateBody {
  switch (stage.kind) {
    case 'Creating':
    case 'Deleting':
    case 'Failed':
      return { provisioningState: stage.kind, status: { timestamp: zulu(stage.since) } };
    case 'Syncing':
    case 'Ready':
      return {
        provisioningState: 'Succeeded',
        status: { displayStatus: stage.kind, timestamp: zulu(stage.since) },
      };
    case 'Updating':
      return { ...stateBody(stage.rest), provisioningState: 'Updating' };
    default:
      return stage satisfies never;
  }
}

/**
 * The members that clients read, in their order; Azure/azure-cli, 2026-09-10, has about twenty settings more. Versions from
 * 2026-01-01-preview on show the regional endpoints (recorded: Azure/azure-cli, 2026-04-03).
 */
export function registryBody(registry: RegistrySnapshot, apiVersion = '') {
  const { id, name, location, sku, tags, systemData, provisioningState, zoneRedundancy } = registry;
  return {
    sku: { name: sku, tier: sku },
    type: 'Microsoft.ContainerRegistry/registries',
    id,
    name,
    location,
    tags,
    systemData: systemDataBody(systemData),
    properties: {
      loginServer: `${name.toLowerCase()}.azurecr.io`,
      creationDate: zulu(systemData.createdAt),
      provisioningState,
      adminUserEnabled: false,
      policies: {
        quarantinePolicy: { status: 'disabled' },
        trustPolicy: { type: 'Notary', status: 'disabled' },
        exportPolicy: { status: 'enabled' },
        softDeletePolicy: { retentionDays: 7, lastUpdatedTime: offset(systemData.createdAt), status: 'disabled' },
      },
      encryption: { status: 'disabled' },
      dataEndpointEnabled: false,
      dataEndpointHostNames: [],
      privateEndpointConnections: [],
      publicNetworkAccess: 'Enabled',
      networkRuleBypassOptions: 'AzureServices',
      zoneRedundancy,
      anonymousPullEnabled: false,
      ...(apiVersion >= '2026' && {
        regionalEndpoints: registry.regionalEndpointHostNames.length > 0 ? 'Enabled' : 'Disabled',
        regionalEndpointHostNames: registry.regionalEndpointHostNames,
      }),
    },
  };
}

/**
 * One member while it runs and when it has succeeded (recorded: every recording). A failure was not recorded; its shape
 * is that of ARM's contract for asynchronous operations.
 */
export function operationBody({ doing, outcome }: Operation) {
  if (!outcome) return { status: doing };
  switch (outcome.status) {
    case 'Succeeded':
      return { status: 'Succeeded' };
    case 'Failed':
      return { status: 'Failed', error: { code: outcome.failure.code, message: outcome.failure.message } };
    case 'Canceled':
      return {
        status: 'Canceled',
        error: { code: 'Canceled', message: 'The resource was removed while the operation was running.' },
      };
    default:
      return outcome satisfies never;
  }
}

/** Not recorded: by Microsoft's REST reference (Subscriptions - List, 2022-12-01). */
export function subscriptionBody(subscriptionId: string, tenantId: string) {
  return {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId,
    tenantId,
    displayName: subscriptionId,
    state: 'Enabled',
  };
}

/**
 * Recorded (Azure/azure-cli test_list_locations.yaml, 2022-01-24, api-version 2019-11-01), in its order, without physical locations
 * and region pairs; `type` and `geography` by the specification of 2022-12-01.
 */
export function regionBody(subscriptionId: string, region: Region) {
  const { name, displayName, geographyGroup, kind } = region;
  const common = { id: `/subscriptions/${subscriptionId}/locations/${name}`, name, type: 'Region', displayName };
  if (kind === 'Logical') {
    const metadata = { regionType: kind, regionCategory: 'Other' };
    return { ...common, regionalDisplayName: displayName, metadata };
  }
  const { geography, coordinates } = { ...azureRegion(name), ...region };
  return {
    ...common,
    regionalDisplayName: `(${geographyGroup}) ${displayName}`,
    metadata: {
      regionType: kind,
      regionCategory: 'Recommended',
      geography,
      geographyGroup,
      ...(coordinates && { longitude: String(coordinates.longitude), latitude: String(coordinates.latitude) }),
    },
  };
}

export function errorBody({
  code,
  message,
  target,
  additionalInfo,
}: Pick<RefusalDetails, 'code' | 'message' | 'target' | 'additionalInfo'>) {
  return { error: { code, message, ...(target && { target }), ...(additionalInfo && { additionalInfo }) } };
}

function systemDataBody({ createdBy, createdAt, lastModifiedBy, lastModifiedAt }: SystemData) {
  return {
    createdBy: createdBy.id,
    createdByType: createdBy.type,
    createdAt: offset(createdAt),
    lastModifiedBy: lastModifiedBy.id,
    lastModifiedByType: lastModifiedBy.type,
    lastModifiedAt: offset(lastModifiedAt),
  };
}

/** .NET's seven digits, as in `status.timestamp` and `creationDate`. */
function zulu(ms: number): string {
  return `${sevenDigits(ms)}Z`;
}

/** .NET's seven digits, as in `systemData`. */
function offset(ms: number): string {
  return `${sevenDigits(ms)}+00:00`;
}

/** The clock has ms only; the digits below are derived from them, so that one moment always reads the same. */
function sevenDigits(ms: number): string {
  const below = String((Math.floor(ms) * 7919) % 10_000).padStart(4, '0');
  return new Date(ms).toISOString().replace('Z', below);
}
