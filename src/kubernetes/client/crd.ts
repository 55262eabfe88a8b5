// Reads live whether a CustomResourceDefinition is being deleted. With a cached answer, an uninstall could delete
// everything that its objects represent.
import { ApiextensionsV1Api } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { isMissing } from './errors.ts';

/**
 * True when the CRD `<plural>.<group>` is being deleted, or is gone already. Rejects when the API server cannot tell
 * (unreachable, forbidden): the caller must then assume neither.
 */
export async function isTerminating(cluster: KubeClient, name: string): Promise<boolean> {
  try {
    const { metadata } = await cluster.api(ApiextensionsV1Api).readCustomResourceDefinition({ name });
    return metadata?.deletionTimestamp !== undefined;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
