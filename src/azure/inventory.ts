// Reads what exists in Azure for the kubectl plugin: registries of a subscription, their replicas and their regional endpoints.
// The operator does not use it.
import * as registries from '@azure/arm-containerregistry/api/registries';
import * as replications from '@azure/arm-containerregistry/api/replications';
import type { Registry, RegistryReference, Replica } from './arm.ts';
import { type ArmOptions, type Connection, connectArm, segment } from './arm-connection.ts';
import {
  flatten,
  MalformedResponseError,
  parseHostNames,
  parseRegistry,
  parseReplica,
  parseZoneRedundancy,
} from './arm-responses.ts';

interface ZoneRedundancy {
  /** ARM's `zoneRedundancy` is Enabled. It says little since 2026: regions with zones are always redundant (Microsoft's article). */
  readonly isZoneRedundant: boolean;
}

export type FoundRegistry = Registry & ZoneRedundancy;
export type FoundReplica = Replica & ZoneRedundancy;

/** The registry's own endpoints for each region, `REGISTRY.REGION.geo.azurecr.io`; unlike routing, a setting of the registry. */
export interface RegionalEndpoints {
  readonly loginServer: string;
  /** Host names in lower case; empty unless the registry has `regionalEndpoints: Enabled`. */
  readonly hostNames: readonly string[];
}

/** Every method rejects with an ArmError and nothing else. */
export interface Inventory {
  registry(of: RegistryReference): Promise<FoundRegistry>;
  /** Every page, in ARM's order; without a group, all of the subscription. */
  registries(subscriptionId: string, resourceGroup?: string): Promise<FoundRegistry[]>;
  replicas(of: RegistryReference): Promise<FoundReplica[]>;
  regionalEndpoints(of: RegistryReference): Promise<RegionalEndpoints>;
  /** Ends all connections, those in use included. */
  close(): void;
}

/**
 * Has `regionalEndpoints` and `regionalEndpointHostNames`, which the SDK's version lacks (recorded: azure-cli, 2026-04-03; in every
 * version from 2026-01-01-preview on, says Microsoft's preview documentation of 2026-03-02).
 */
const regionalEndpointsVersion = '2026-03-01-preview';

const maxPages = 1_000;

export function createInventory(options: ArmOptions): Inventory {
  const connection = connectArm(options);
  const { endpoint, attempt, call, get, close } = connection;
  return {
    registry: (of) =>
      call(`read registry ${of.name}`, of, async (context, group, name) =>
        foundRegistry(await registries.get(context, group, name)),
      ),
    registries: (subscriptionId, resourceGroup) => listRegistries(connection, subscriptionId, resourceGroup),
    replicas: (of) =>
      call(`list the replicas of registry ${of.name}`, of, async (context, group, name) =>
        (await allPages(replications.list(context, group, name))).map(foundReplica),
      ),
    regionalEndpoints: ({ subscriptionId, resourceGroup, name }) =>
      attempt(`read the regional endpoints of registry ${name}`, async () => {
        const [subscription, group, registry] = [subscriptionId, resourceGroup, name].map(encoded);
        const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerRegistry/registries/${registry}`;
        const body = flatten(await get(`${endpoint}${id}?api-version=${regionalEndpointsVersion}`));
        const { loginServer = '' } = parseRegistry(body);
        return { loginServer: loginServer.toLowerCase(), hostNames: parseHostNames(body) };
      }),
    close,
  };
}

function listRegistries(
  { call }: Connection,
  subscriptionId: string,
  resourceGroup: string | undefined,
): Promise<FoundRegistry[]> {
  const where = resourceGroup === undefined ? `subscription ${subscriptionId}` : `resource group ${resourceGroup}`;
  // The connection checks all three names; those that the list does not use are any.
  const of = { subscriptionId, resourceGroup: resourceGroup ?? 'any', name: 'any' };
  return call(`list the registries of ${where}`, of, async (context, group) => {
    const list =
      resourceGroup === undefined ? registries.list(context) : registries.listByResourceGroup(context, group);
    return (await allPages(list)).map(foundRegistry);
  });
}

async function allPages<T>(list: { byPage(): AsyncIterable<readonly T[]> }): Promise<T[]> {
  const found: T[] = [];
  let pages = 0;
  for await (const page of list.byPage()) {
    if (++pages > maxPages) throw new MalformedResponseError(`the list goes on after ${maxPages} pages`);
    found.push(...page);
  }
  return found;
}

function foundRegistry(body: unknown): FoundRegistry {
  return { ...parseRegistry(body), isZoneRedundant: parseZoneRedundancy(body) };
}

function foundReplica(body: unknown): FoundReplica {
  return { ...parseReplica(body), isZoneRedundant: parseZoneRedundancy(body) };
}

function encoded(name: string): string {
  return encodeURIComponent(segment(name));
}
