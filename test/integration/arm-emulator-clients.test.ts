// The real Azure clients work with the ARM emulator as they do with Azure.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ClientAssertionCredential, ClientSecretCredential, WorkloadIdentityCredential } from '@azure/identity';
import { expect } from 'chai';
import { held } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import { ArmTestClient, apiVersion, names, reference, registryId } from './arm-test-client.ts';

describe('the ARM emulator', () => {
  const arm = new ArmTestClient();
  const { start, sdk, send, exchange, credential, identityOptions } = arm;

  afterEach(arm.stop);

  describe('used by @azure/arm-containerregistry', () => {
    it('creates a replica that core-lro polls to completion', async () => {
      await start({ timings: { ...held, homeEntry: { least: 0, most: 0 } } });
      const poller = sdk().replications.create(...names, 'japaneast', { location: 'Japan East' });
      const polled = (method: string, part: string) =>
        arm.emulator.journal.next((entry) => entry.method === method && entry.path.includes(part));
      const [firstPoll] = await Promise.all([polled('GET', '/operationStatuses/'), poller.submitted(), poller.poll()]);
      expect(firstPoll.status).to.equal(200);
      expect(arm.emulator.azure.replica(reference, 'japaneast')?.stage.kind).to.equal('Creating');
      arm.emulator.azure.advance(reference, 'japaneast');

      const replica = await poller;
      expect(replica).to.include({ name: 'japaneast', location: 'japaneast', provisioningState: 'Succeeded' });
      expect(replica.status?.displayStatus).to.equal('Syncing');
      arm.emulator.azure.advance(reference, 'japaneast');
      expect((await sdk().replications.get(...names, 'japaneast')).status?.displayStatus).to.equal('Ready');
    });

    it('reports to core-lro why a creation failed', async () => {
      await start();
      arm.emulator.azure.failCreations(reference, 'japaneast', {
        code: 'NoAddressesLeft',
        message: 'The subnet is full.',
      });
      const outcome = await sdk()
        .replications.create(...names, 'japaneast', { location: 'japaneast' })
        .then(
          () => 'created',
          (error: unknown) => String(error),
        );
      expect(outcome).to.contain('NoAddressesLeft').and.to.contain('The subnet is full.');
      expect((await sdk().replications.get(...names, 'japaneast')).provisioningState).to.equal('Failed');
    });

    it('updates routing and tags, and deletes', async () => {
      await start();
      await sdk().replications.create(...names, 'japaneast', { location: 'japaneast' });
      const updated = await sdk().replications.update(...names, 'japaneast', {
        regionEndpointEnabled: false,
        tags: { team: 'web' },
      });
      expect(updated).to.deep.include({
        regionEndpointEnabled: false,
        tags: { team: 'web' },
        provisioningState: 'Succeeded',
      });
      await sdk().replications.delete(...names, 'japaneast');
      expect(arm.emulator.azure.replica(reference, 'japaneast')).to.equal(undefined);
    });

    it('lists every replica once, over several pages', async () => {
      await start({ pageSize: 2 });
      const locations = ['japaneast', 'westeurope', 'uksouth', 'westus2'];
      for (const location of locations) arm.emulator.azure.addReplica(reference, location);
      const listed: string[] = [];
      for await (const { location } of sdk().replications.list(...names)) listed.push(location);
      expect(listed).to.have.members(['eastus', ...locations]);
      const lists = arm.emulator.journal.entries.filter(({ path }) => path.endsWith('/replications'));
      expect(lists).to.have.length(3);
    });

    it('returns the properties of a registry', async () => {
      await start();
      arm.emulator.azure.changeRegistry(reference, { sku: 'Basic', provisioningState: 'Updating' });
      const registry = await sdk().registries.get(...names);
      expect(registry).to.include({ id: registryId, location: 'eastus', loginServer: 'myacr0007.azurecr.io' });
      expect(registry.sku.name).to.equal('Basic');
      expect(registry.provisioningState).to.equal('Updating');
      expect(registry.creationDate).to.be.instanceOf(Date);
    });
  });

  describe('used by @azure/identity', () => {
    const scope = 'https://management.azure.com/.default';

    it('grants a token for the right secret, and answers AADSTS7000215 for a wrong one', async () => {
      await start();
      expect((await credential().getToken(scope)).token).to.have.length.above(100);
      const refused = await credential('wrong')
        .getToken(scope)
        .then(
          () => 'granted',
          (error: unknown) => String(error),
        );
      expect(refused).to.contain('AADSTS7000215');
      expect(arm.emulator.journal.entries.at(-1)).to.include({ method: 'POST', status: 401 });
    });

    it('grants a token to a client that takes it for AD FS', async () => {
      await start();
      const { AZURE_CLIENT_ID: clientId = '', AZURE_CLIENT_SECRET: secret = '' } = arm.emulator.environment;
      const { token } = await new ClientSecretCredential('adfs', clientId, secret, identityOptions()).getToken(scope);
      expect(arm.emulator.verify(token)).to.deep.include({ kind: 'valid' });
    });

    it('grants a token for a federated assertion, from a callback or from a file', async () => {
      await start();
      const { AZURE_TENANT_ID: tenantId = '', AZURE_CLIENT_ID: clientId = '' } = arm.emulator.environment;
      const fromCallback = new ClientAssertionCredential(tenantId, clientId, async () => 'a.b.c', identityOptions());
      expect((await fromCallback.getToken(scope))?.token).to.be.a('string');
      const folder = await mkdtemp(join(tmpdir(), 'arm-emulator-'));
      try {
        const tokenFilePath = join(folder, 'token');
        await writeFile(tokenFilePath, 'a.b.c');
        const fromFile = new WorkloadIdentityCredential({ tenantId, clientId, tokenFilePath, ...identityOptions() });
        expect((await fromFile.getToken(scope))?.token).to.be.a('string');
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('rejects unknown tenants, applications and resources', async () => {
      await start();
      const { AZURE_TENANT_ID: tenant = '', AZURE_CLIENT_ID: client = '' } = arm.emulator.environment;
      const asking = (tenantId: string, clientId: string, wanted: string) =>
        new ClientSecretCredential(tenantId, clientId, 'emulated-secret', identityOptions()).getToken(wanted).then(
          () => 'granted',
          (error: unknown) => String(error),
        );
      const unknown = '99999999-9999-9999-9999-999999999999';
      expect(await asking(unknown, client, scope)).to.contain('endpoints_resolution_error');
      expect(await asking(tenant, unknown, scope)).to.contain('AADSTS700016');
      expect(await asking(tenant, client, 'https://vault.azure.net/.default')).to.contain('AADSTS500011');
    });

    it('refuses requests without a token, with a forged one, and with an expired one', async () => {
      const clock = new FakeClock();
      await start({ clock });
      const { token } = await credential().getToken(scope);
      const nameless = await exchange(
        `${arm.emulator.url}${registryId}?api-version=${apiVersion}`,
        'GET',
        undefined,
        {},
      );
      expect(nameless).to.deep.include({ status: 401 });
      expect(nameless.headers['www-authenticate']).to.contain('authorization_uri=');
      const forged = await send('GET', registryId, undefined, { token: `${token}x` });
      expect(forged.body.error?.code).to.equal('InvalidAuthenticationToken');
      expect((await send('GET', registryId, undefined, { token })).status).to.equal(200);
      await clock.advance(3_600_000);
      const expired = await send('GET', registryId, undefined, { token });
      expect(expired.body.error?.code).to.equal('ExpiredAuthenticationToken');
    });

    it('keeps secrets out of the journal', async () => {
      await start();
      await credential().getToken(scope);
      expect(inspect([...arm.emulator.journal], { depth: null })).not.to.contain('emulated-secret');
    });
  });
});
