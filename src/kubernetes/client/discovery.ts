// Finds the resource of a kind by the API server's discovery, in one request for its group and version.
import type { V1APIResourceList } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';

export interface GroupVersion {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
}

export interface DiscoveredKind extends GroupVersion {
  /** Lower case, as in the URL. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Splits `v1` or `apps/v1`; undefined if it is no apiVersion. Neither part can change the path of a URL. */
export function parseApiVersion(apiVersion: string): GroupVersion | undefined {
  const [version = '', group = '', ...others] = apiVersion.split('/').reverse();
  const isValid =
    others.length === 0 &&
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(version) &&
    (!apiVersion.includes('/') || (group.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(group)));
  return isValid ? { group, version } : undefined;
}

/** Undefined if the server has no such kind, or one that cannot be listed and watched. Rejects as {@link KubeClient.getJson} does. */
export async function discover(
  cluster: KubeClient,
  { group, version }: GroupVersion,
  kind: string,
): Promise<DiscoveredKind | undefined> {
  const resources = await resourcesOf(cluster, group ? `/apis/${group}/${version}` : `/api/${version}`);
  const found = resources.find(
    (one) => one.kind === kind && !one.name.includes('/') && one.verbs.includes('list') && one.verbs.includes('watch'),
  );
  return found && { group, version, plural: found.name, namespaced: found.namespaced };
}

async function resourcesOf(cluster: KubeClient, path: string): Promise<V1APIResourceList['resources']> {
  try {
    const { resources } = await cluster.getJson<V1APIResourceList>(path);
    return resources;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
