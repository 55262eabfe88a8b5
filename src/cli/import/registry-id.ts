// The ARM id of a registry, as Azure's portal and `az acr show --query id` print it. Pure.
import type { RegistryReference } from '../../azure/arm.ts';

const pattern =
  /^\/subscriptions\/(?<subscriptionId>[^/]+)\/resourceGroups\/(?<resourceGroup>[^/]+)\/providers\/Microsoft\.ContainerRegistry\/registries\/(?<name>[^/]+)\/?$/i;

/** Undefined if the text is not the id of a registry. */
export function parseRegistryId(id: string): RegistryReference | undefined {
  const { subscriptionId, resourceGroup, name } = pattern.exec(id.trim())?.groups ?? {};
  return subscriptionId && resourceGroup && name ? { subscriptionId, resourceGroup, name } : undefined;
}
