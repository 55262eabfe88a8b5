// Whether a CustomResourceDefinition is going away, read live: a cached answer could turn an uninstall into a deletion of
// everything its objects stand for.
import { ApiextensionsV1Api } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { isMissing } from './errors.ts';

/**
 * True when the CRD `<plural>.<group>` is being deleted, or is gone already. Rejects when the API server cannot tell
 * (unreachable, forbidden): that is no licence to go either way.
 */
export async function isTerminating(cluster: Cluster, name: string): Promise<boolean> {
  try {
    const { metadata } = await cluster.api(ApiextensionsV1Api).readCustomResourceDefinition({ name });
    return metadata?.deletionTimestamp !== undefined;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
