// `az acr replication create`, as a user runs it in a shell, against the emulated Azure.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { registryAt } from './arm.ts';
import { fiveRegions, type Setup } from './setup.ts';

const run = promisify(execFile);
/** Of a command or script. Five creations in turn take two minutes. */
const timeoutMs = 600_000;

export interface AzureCli {
  /** Creates five replicas of registry number `index`. Resolves to the CPU seconds of all az processes, once they have ended. Rejects if one fails. */
  createFive(index: number, how: 'in parallel' | 'in turn'): Promise<number>;
}

/** Logs in at the emulated Azure, with settings of its own. Resolves to undefined if az is not installed. */
export async function azureCli(
  ended: AsyncDisposableStack,
  { environment }: Pick<Setup, 'environment'>,
): Promise<AzureCli | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-az-'));
  ended.defer(() => rm(directory, { recursive: true, force: true }));
  const env = {
    ...process.env,
    AZURE_CONFIG_DIR: directory,
    AZURE_CORE_COLLECT_TELEMETRY: 'false',
    AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
    REQUESTS_CA_BUNDLE: environment.NODE_EXTRA_CA_CERTS,
  };
  const az = (...args: string[]) => run('az', args, { env, timeout: timeoutMs });
  try {
    await az('version');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  await logIn(az, environment);
  return {
    async createFive(index, how) {
      const { name, resourceGroup, subscriptionId } = registryAt(index);
      const registry = `-r ${name} -g ${resourceGroup} --subscription ${subscriptionId}`;
      const each = `for region in ${fiveRegions.join(' ')}; do az acr replication create ${registry} -l $region -o none`;
      const script = {
        'in turn': `${each}; done`,
        'in parallel': `${each} & all="$all $!"; done; for one in $all; do wait $one; done`,
      };
      // The second line of `times` is the CPU of what the shell has run.
      const { stdout } = await run('sh', ['-ec', `${script[how]}; times`], { env, timeout: timeoutMs });
      return secondsIn(stdout.trim().split('\n').at(-1) ?? '');
    },
  };
}

async function logIn(az: (...args: string[]) => Promise<unknown>, environment: Setup['environment']): Promise<void> {
  const {
    AZURE_RESOURCE_MANAGER_ENDPOINT: arm = '',
    AZURE_RESOURCE_MANAGER_AUDIENCE: audience = '',
    AZURE_CLIENT_ID: clientId = '',
    AZURE_CLIENT_SECRET: secret = '',
    AZURE_TENANT_ID: tenant = '',
  } = environment;
  const cloud = {
    'endpoint-resource-manager': arm,
    // az asks Entra's public endpoint about a host that it does not know, unless that has AD FS.
    'endpoint-active-directory': `${arm}/adfs`,
    'endpoint-active-directory-resource-id': audience,
    'endpoint-active-directory-graph-resource-id': audience,
    'suffix-acr-login-server-endpoint': '.azurecr.io',
  };
  const options = Object.entries(cloud).flatMap(([name, value]) => [`--${name}`, value]);
  await az('cloud', 'register', '-n', 'emulated', ...options);
  await az('cloud', 'set', '-n', 'emulated');
  await az('login', '--service-principal', '-u', clientId, '-p', secret, '--tenant', tenant);
}

/** The sum of user and system time, such as `0m7.520000s 0m0.610000s`. */
function secondsIn(times: string): number {
  const parts = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}
