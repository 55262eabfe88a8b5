// The demo's Azure: the ARM emulator with one registry that has content, so that new replicas take a while to sync, a curl
// configuration for it, and a summary of the writes that it received.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { normalise } from '../../src/replication/location.ts';
import { type ArmEmulator, startArmEmulator } from '../emulators/arm/emulator.ts';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { realistic, scaled, type Timings } from '../emulators/arm/timings.ts';
import { trust } from '../trust.ts';
import { type DemoRegistries, startRegistries } from './registries.ts';

const contentBytes = 2_000_000_000;

/**
 * Like Azure's, but short enough to watch, and no state shorter than the 2 s between two passes for a region in motion:
 * 6-8 s Creating, 8 s Syncing.
 */
const watchableTimings: Timings = {
  ...realistic,
  create: { least: 6_000, most: 8_000 },
  // The operator first polls a quarter later than this.
  retryAfter: 5,
  sync: contentBytes / 8,
  remove: { least: 6_000, most: 10_000 },
};

export interface DemoAzure {
  readonly arm: ArmEmulator;
  readonly registries: DemoRegistries;
  /** The PEM file to trust. */
  readonly certificateFile: string;
  /** For `curl -K`. */
  readonly curlConfig: string;
  /** The registry in ARM, without a query. */
  readonly registryUrl: string;
  close(): Promise<void>;
}

export async function startAzure(
  registry: RegistryReference,
  { home, speed, directory }: { home: string; speed: number; directory: string },
): Promise<DemoAzure> {
  const arm = await startArmEmulator({
    timings: scaled(watchableTimings, 1 / speed),
    registryDefaults: { contentBytes },
  });
  const { id } = arm.azure.addRegistry(registry, { location: home, regionalEndpoints: true });
  const registries = await startRegistries(arm, registry, speed);
  const certificateFile = join(directory, 'arm.pem');
  const curlConfig = join(directory, 'azure.curl');
  await writeFile(certificateFile, `${arm.certificate}\n${registries.certificate}`);
  trust(arm.certificate);

  const renew = async () => writeFile(curlConfig, curlConfigFor(certificateFile, await tokenOf(arm)), { mode: 0o600 });
  await renew();
  const renewal = setInterval(() => void renew(), tokenRenewalMs);
  return {
    arm,
    registries,
    certificateFile,
    curlConfig,
    registryUrl: arm.url + id,
    async close() {
      clearInterval(renewal);
      await registries.close();
      await arm.close();
    },
  };
}

/** ms; tokens are valid for an hour. */
const tokenRenewalMs = 30 * 60_000;

async function tokenOf({ url, environment }: ArmEmulator): Promise<string> {
  const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_RESOURCE_MANAGER_AUDIENCE } = environment;
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: AZURE_CLIENT_ID ?? '',
    client_secret: AZURE_CLIENT_SECRET ?? '',
    scope: `${AZURE_RESOURCE_MANAGER_AUDIENCE}/.default`,
  });
  const response = await fetch(`${url}/${AZURE_TENANT_ID}/oauth2/v2.0/token`, { method: 'POST', body });
  if (!response.ok) throw new Error(`The ARM emulator gave no token: HTTP ${response.status}`);
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

function curlConfigFor(certificateFile: string, token: string): string {
  return [
    '# For curl -K: how to talk to the emulated Azure Resource Manager.',
    'silent',
    'show-error',
    `cacert = ${JSON.stringify(certificateFile)}`,
    `header = "Authorization: Bearer ${token}"`,
    'header = "Content-Type: application/json"',
    'write-out = "\\n"',
    '',
  ].join('\n');
}

/** Summarizes the writes to Azure: "Azure saw 2 PUTs, none for eastus (home)." */
export function summaryOf(writes: readonly Pick<JournalEntry, 'method' | 'replica' | 'body'>[], home: string): string {
  const counts = new Map<string, number>();
  for (const { method } of writes) counts.set(method, (counts.get(method) ?? 0) + 1);
  const all = [...counts].map(([method, count]) => `${count} ${method}${count === 1 ? '' : 's'}`).join(' and ');
  const atHome = writes.filter((write) => isForRegion(home, write)).length;
  return `Azure saw ${all || 'no writes'}, ${atHome === 0 ? 'none' : atHome} for ${home} (home).`;
}

/** By the replica's name, which is usually the region's, or by the location in a PUT. */
function isForRegion(region: string, { replica, body }: Pick<JournalEntry, 'replica' | 'body'>): boolean {
  const location = typeof body === 'object' && body !== null && 'location' in body ? String(body.location) : '';
  return replica?.toLowerCase() === region || normalise(location) === region;
}
