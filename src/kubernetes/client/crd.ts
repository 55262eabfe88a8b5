// Reads a CustomResourceDefinition.
import { ApiextensionsV1Api } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import type { Definition } from './crd-fields.ts';
import { isMissing } from './errors.ts';

/**
 * True if the CRD `<plural>.<group>` is being deleted or is gone. Never cached: with an old result, an uninstall could delete everything
 * that its objects represent. Rejects if it cannot be read (unreachable, forbidden).
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

/**
 * Reads the CRD `<plural>.<group>` as JSON, because client-node's class for it renames `enum`. Rejects if it cannot be read (missing,
 * unreachable, forbidden).
 */
export function readDefinition(cluster: KubeClient, name: string): Promise<Definition> {
  return cluster.getJson<Definition>(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
}
