// Reads whether a CustomResourceDefinition is being deleted. Not cached: with an old result, an uninstall could delete everything that
// its objects represent.
import { ApiextensionsV1Api } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { isMissing } from './errors.ts';

/** True if the CRD `<plural>.<group>` is being deleted or is gone. Rejects if it cannot be read (unreachable, forbidden). */
export async function isTerminating(cluster: KubeClient, name: string): Promise<boolean> {
  try {
    const { metadata } = await cluster.api(ApiextensionsV1Api).readCustomResourceDefinition({ name });
    return metadata?.deletionTimestamp !== undefined;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
