// The ARM emulator as a program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';

describe('npm run emulator:arm', () => {
  it('serves a client that uses only the printed variables, and exits on SIGTERM', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'arm-emulator-'));
    const server = spawn(process.execPath, [
      'test/emulators/arm/main.ts',
      '--timings=instant',
      `--certificate=${join(folder, 'arm.pem')}`,
      `--registry=${defaultSubscriptionId}/myresourcegroup/myACR0007@westus:Premium`,
    ]);
    try {
      let printed = '';
      for await (const chunk of server.stdout.setEncoding('utf8')) {
        printed += chunk;
        if (printed.includes('Ctrl-C')) break;
      }
      const variables = Object.fromEntries(
        [...printed.matchAll(/^export (?<name>\w+)='(?<value>.*)'$/gm)].map(({ groups }) => [
          groups?.name,
          groups?.value,
        ]),
      );
      const client = spawn(process.execPath, ['--input-type=module', '--eval', clientProgram], {
        env: { ...process.env, ...variables, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      for await (const chunk of client.stdout.setEncoding('utf8')) said += chunk;
      expect(said).to.equal('westus Ready\n');
    } finally {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      expect(await ended).to.deep.equal([0, null]);
      await rm(folder, { recursive: true });
    }
  });

  it('reports in one line why it cannot start', async () => {
    const broken = spawn(process.execPath, ['test/emulators/arm/main.ts', '--certificate=/dev/null/arm.pem']);
    const said = await text(broken.stderr);
    expect(said.trim().split('\n')).to.have.length(1);
    expect(said).to.contain('/dev/null/arm.pem');
    expect(broken.exitCode ?? (await once(broken, 'exit'))[0]).to.equal(1);
  });

  const clientProgram = `
    import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
    import { DefaultAzureCredential } from '@azure/identity';
    const { AZURE_RESOURCE_MANAGER_ENDPOINT: endpoint, AZURE_RESOURCE_MANAGER_AUDIENCE: audience } = process.env;
    const client = new ContainerRegistryManagementClient(
      new DefaultAzureCredential({ disableInstanceDiscovery: true }),
      '${defaultSubscriptionId}',
      { endpoint, credentials: { scopes: [audience + '/.default'] } },
    );
    const registry = await client.registries.get('myresourcegroup', 'myACR0007');
    const replica = await client.replications.create('myresourcegroup', 'myACR0007', 'japaneast', { location: 'japaneast' });
    console.log(registry.location, replica.status.displayStatus);
  `;
});
