// Reads the project's sample: one namespace and one RegistryReplication.
import { readFile } from 'node:fs/promises';
import type { V1Namespace } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { kind, type RegistryReplication } from '../../src/api/registryreplication.ts';

export const sampleFile = 'deploy/samples/myacr0007.yaml';

/** The home region of the sample's registry, which its file mentions only in a comment. */
export const homeRegion = 'eastus';

export interface Sample {
  readonly namespace: V1Namespace;
  readonly object: RegistryReplication;
}

export async function readSample(): Promise<Sample> {
  const text = await readFile(new URL(`../../${sampleFile}`, import.meta.url), 'utf8');
  const documents = parseAllDocuments(text).map((document) => document.toJS() as { kind?: string });
  const namespace = documents.find((document) => document.kind === 'Namespace');
  const object = documents.find((document) => document.kind === kind);
  if (!namespace || !object) throw new Error(`${sampleFile} has no Namespace or no ${kind}`);
  return { namespace: namespace as V1Namespace, object: object as RegistryReplication };
}
