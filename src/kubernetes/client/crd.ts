// Reads a CustomResourceDefinition.
import type { KubernetesObject } from '@kubernetes/client-node';
import type { KubeClient } from './client.ts';
import { objectPath } from './collection.ts';
import type { Definition } from './crd-fields.ts';
import { isMissing } from './errors.ts';

const kind = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };

/**
 * True if the CRD `<plural>.<group>` is being deleted or is gone. Never cached: with an old result, an uninstall could delete everything
 * that its objects represent. Rejects if it cannot be read (unreachable, forbidden).
 */
export async function isTerminating(cluster: KubeClient, name: string): Promise<boolean> {
  try {
    const { metadata } = await cluster.getJson<KubernetesObject>(objectPath(kind, { name }));
    return metadata?.deletionTimestamp !== undefined;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

/** Reads the CRD `<plural>.<group>`. Rejects if it cannot be read (missing, unreachable, forbidden). */
export function readDefinition(cluster: KubeClient, name: string): Promise<Definition> {
  return cluster.getJson<Definition>(objectPath(kind, { name }));
}
