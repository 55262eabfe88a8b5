// Finds the endpoint of each region of a registry: those that ARM shows, or by their form where the caller may not read ARM.
import type { RegistryReplication } from '../../api/registryreplication.ts';
import { ArmError } from '../../azure/arm.ts';
import type { Inventory } from '../../azure/inventory.ts';
import { regionalHost, regionOf } from '../../azure/registry-endpoint.ts';
import { shellQuote } from '../../lib/shell-quote.ts';
import { wantedRegions } from '../../replication/needs.ts';
import { azureMessage } from '../azure.ts';
import { CliError } from '../session.ts';

export interface Endpoints {
  /** By normalised location. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Why they are assumed; undefined if ARM has shown them. */
  readonly assumed?: string;
}

/** @throws CliError if the registry has no regional endpoints. */
export async function endpointsOf(inventory: Inventory, object: RegistryReplication): Promise<Endpoints> {
  try {
    const { loginServer, hostNames } = await inventory.regionalEndpoints(object.spec.registry);
    if (hostNames.length === 0) throw new CliError(notEnabled(object));
    const found = hostNames.map((host) => [regionOf(host, loginServer), host] as const);
    return { hosts: new Map(found.filter((entry): entry is [string, string] => entry[0] !== undefined)) };
  } catch (error) {
    // AcrPull, which is all that a pull needs, has no right to read the registry in ARM.
    if (error instanceof ArmError && error.reason === 'AuthorizationFailed') return assumedEndpoints(object, error);
    throw error;
  }
}

/** How to get them: Microsoft's article on geo-replication; the commands are those of azure-cli since April 2026. */
function notEnabled({ spec: { registry } }: RegistryReplication): string {
  return `registry ${registry.name} has no regional endpoints, so its regions cannot be asked one by one. Enable them, a setting of the registry that changes neither its replicas nor their routing, with: az acr update --name ${shellQuote(registry.name)} --resource-group ${shellQuote(registry.resourceGroup)} --regional-endpoints enabled`;
}

function assumedEndpoints(object: RegistryReplication, error: ArmError): Endpoints {
  const { spec, status } = object;
  const loginServer = status?.registry?.loginServer?.toLowerCase() ?? '';
  const hosts = wantedRegions(object).flatMap((region) => {
    const host = regionalHost(loginServer, region);
    return host === undefined ? [] : [[region, host] as const];
  });
  if (hosts.length === 0) throw new CliError(azureMessage(error));
  return {
    hosts: new Map(hosts),
    assumed: `Azure does not let you read whether registry ${spec.registry.name} has regional endpoints; it is assumed that it has.`,
  };
}
