// Reads the project's sample, one RegistryReplication.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';

export const sampleFile = 'deploy/samples/myacr0007.yaml';

/** The home region of the sample's registry, which its file mentions only in a comment. */
export const homeRegion = 'eastus';

export async function readSample(): Promise<RegistryReplication> {
  const text = await readFile(new URL(`../../${sampleFile}`, import.meta.url), 'utf8');
  return parse(text) as RegistryReplication;
}
