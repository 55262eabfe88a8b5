// Reads the project's sample, one RegistryReplication.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';

export const sampleFile = 'deploy/samples/myacr0007.yaml';

/** The home region of the sample's registry, which its file mentions only in a comment. */
export const homeRegion = 'eastus';

/** Short enough to watch; the default is a day. */
export const keepUnused = '15s';

/** The sample with regions that follow the nodes, in place of those that it lists. */
export async function followingSample(): Promise<RegistryReplication> {
  const { spec, ...sample } = await readSample();
  return { ...sample, spec: { registry: spec.registry, regionsFrom: [{ nodes: {} }], keepUnused } };
}

export async function readSample(): Promise<RegistryReplication> {
  const text = await readFile(new URL(`../../${sampleFile}`, import.meta.url), 'utf8');
  return parse(text) as RegistryReplication;
}
