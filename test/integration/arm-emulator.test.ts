// The ARM emulator, asked by the real Azure clients and by hand: that it answers as the recordings do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
import { ClientAssertionCredential, ClientSecretCredential, WorkloadIdentityCredential } from '@azure/identity';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ArmEmulator,
  type ArmEmulatorOptions,
  defaultSubscriptionId,
  startArmEmulator,
} from '../emulators/arm/emulator.ts';
import { following, isPassing, type Resting, type Stage, stageAt } from '../emulators/arm/life.ts';
import { held, instant, realistic, scaled } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';

const reference = { subscriptionId: defaultSubscriptionId, resourceGroup: 'myresourcegroup', name: 'myACR0007' };
const registryId = `/subscriptions/${defaultSubscriptionId}/resourceGroups/myresourcegroup/providers/Microsoft.ContainerRegistry/registries/myACR0007`;
const names = ['myresourcegroup', 'myACR0007'] as const;
const apiVersion = '2025-11-01';

describe('the ARM emulator', () => {
  let emulator: ArmEmulator;
  /** Of the operator; keeps its token for the whole test. */
  let operator: ClientSecretCredential;

  afterEach(async () => {
    await emulator.close();
  });

  /** An emulator with one Premium registry at home in eastus. */
  async function begin(options: ArmEmulatorOptions = {}): Promise<ArmEmulator> {
    emulator = await startArmEmulator({ timings: instant, ...options });
    emulator.azure.addRegistry(reference, { location: 'eastus' });
    operator = credential();
    return emulator;
  }

  function credential(secret = emulator.environment.AZURE_CLIENT_SECRET): ClientSecretCredential {
    const { AZURE_TENANT_ID: tenant = '', AZURE_CLIENT_ID: client = '' } = emulator.environment;
    return new ClientSecretCredential(tenant, client, secret ?? '', identityOptions());
  }

  function identityOptions() {
    return {
      authorityHost: emulator.url,
      disableInstanceDiscovery: true,
      tlsOptions: { ca: emulator.certificate },
      retryOptions: { maxRetries: 0 },
    };
  }

  function sdk(): ContainerRegistryManagementClient {
    return new ContainerRegistryManagementClient(operator, defaultSubscriptionId, {
      endpoint: emulator.url,
      tlsOptions: { ca: emulator.certificate },
      retryOptions: { maxRetries: 0 },
    });
  }

  interface Answer {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: Body;
  }

  /** As much of any answer as the tests look at. */
  interface Body {
    readonly error?: { readonly code: string; readonly message: string };
    readonly status?: string;
    readonly value?: readonly Body[];
    readonly name?: string;
    readonly location?: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly properties?: Readonly<Record<string, unknown>>;
  }

  /** One request by hand; `path` may be an absolute URL, and gets an api-version where it has none. */
  async function send(
    method: 'GET' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: string | object,
    extra: { headers?: Record<string, string>; token?: string } = {},
  ): Promise<Answer> {
    const url = new URL(path, emulator.url);
    if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', apiVersion);
    return exchange(url.href, method, typeof body === 'object' ? JSON.stringify(body) : body, {
      authorization: `Bearer ${extra.token ?? (await operator.getToken('https://management.azure.com/.default')).token}`,
      ...extra.headers,
    });
  }

  async function exchange(
    url: string,
    method: 'GET' | 'PUT' | 'PATCH' | 'DELETE',
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const asked = request(url, { method, headers, ca: emulator.certificate });
    asked.end(body);
    const [answered] = (await once(asked, 'response')) as [IncomingMessage];
    const content = await text(answered);
    return {
      status: answered.statusCode ?? 0,
      headers: answered.headers,
      body: content ? (JSON.parse(content) as Body) : {},
    };
  }

  const operationUrl = (headers: IncomingHttpHeaders) => String(headers['azure-asyncoperation']);
  const replicaPath = (name: string) => `${registryId}/replications/${name}`;
  const create = (name: string, location = name) => send('PUT', replicaPath(name), { location, properties: {} });

  describe('asked by @azure/arm-containerregistry', () => {
    it('creates a replica that core-lro follows to its end', async () => {
      await begin({ timings: { ...held, homeEntry: { least: 0, most: 0 } } });
      const poller = sdk().replications.create(...names, 'japaneast', { location: 'Japan East' });
      const polled = (method: string, part: string) =>
        emulator.journal.next((entry) => entry.method === method && entry.path.includes(part));
      const [firstPoll] = await Promise.all([polled('GET', '/operationStatuses/'), poller.submitted(), poller.poll()]);
      expect(firstPoll.status).to.equal(200);
      expect(emulator.azure.replica(reference, 'japaneast')?.stage.kind).to.equal('Creating');
      emulator.azure.advance(reference, 'japaneast');

      const replica = await poller;
      expect(replica).to.include({ name: 'japaneast', location: 'japaneast', provisioningState: 'Succeeded' });
      expect(replica.status?.displayStatus).to.equal('Syncing');
      emulator.azure.advance(reference, 'japaneast');
      expect((await sdk().replications.get(...names, 'japaneast')).status?.displayStatus).to.equal('Ready');
    });

    it('tells core-lro why a creation failed', async () => {
      await begin();
      emulator.azure.failCreations(reference, 'japaneast', { code: 'NoAddressesLeft', message: 'The subnet is full.' });
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
      await begin();
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
      expect(emulator.azure.replica(reference, 'japaneast')).to.equal(undefined);
    });

    it('lists every replica once, over pages', async () => {
      await begin({ pageSize: 2 });
      const locations = ['japaneast', 'westeurope', 'uksouth', 'westus2'];
      for (const location of locations) emulator.azure.addReplica(reference, location);
      const listed: string[] = [];
      for await (const { location } of sdk().replications.list(...names)) listed.push(location);
      expect(listed).to.have.members(['eastus', ...locations]);
      const lists = emulator.journal.entries.filter(({ path }) => path.endsWith('/replications'));
      expect(lists).to.have.length(3);
    });

    it('says what a registry is', async () => {
      await begin();
      emulator.azure.changeRegistry(reference, { sku: 'Basic', provisioningState: 'Updating' });
      const registry = await sdk().registries.get(...names);
      expect(registry).to.include({ id: registryId, location: 'eastus', loginServer: 'myacr0007.azurecr.io' });
      expect(registry.sku.name).to.equal('Basic');
      expect(registry.provisioningState).to.equal('Updating');
      expect(registry.creationDate).to.be.instanceOf(Date);
    });
  });

  describe('asked for tokens by @azure/identity', () => {
    const scope = 'https://management.azure.com/.default';

    it('gives one for the right secret, and says AADSTS7000215 for a wrong one', async () => {
      await begin();
      expect((await credential().getToken(scope)).token).to.have.length.above(100);
      const refused = await credential('wrong')
        .getToken(scope)
        .then(
          () => 'granted',
          (error: unknown) => String(error),
        );
      expect(refused).to.contain('AADSTS7000215');
      expect(emulator.journal.entries.at(-1)).to.include({ method: 'POST', status: 401 });
    });

    it('gives one for a federated assertion, from a callback or from a file', async () => {
      await begin();
      const { AZURE_TENANT_ID: tenantId = '', AZURE_CLIENT_ID: clientId = '' } = emulator.environment;
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

    it('knows neither other tenants, nor other applications, nor other resources', async () => {
      await begin();
      const { AZURE_TENANT_ID: tenant = '', AZURE_CLIENT_ID: client = '' } = emulator.environment;
      const asking = (tenantId: string, clientId: string, wanted: string) =>
        new ClientSecretCredential(tenantId, clientId, 'emulated-secret', identityOptions()).getToken(wanted).then(
          () => 'granted',
          (error: unknown) => String(error),
        );
      const nobody = '99999999-9999-9999-9999-999999999999';
      expect(await asking(nobody, client, scope)).to.contain('endpoints_resolution_error');
      expect(await asking(tenant, nobody, scope)).to.contain('AADSTS700016');
      expect(await asking(tenant, client, 'https://vault.azure.net/.default')).to.contain('AADSTS500011');
    });

    it('refuses requests without a token, with a forged one, and with one that has expired', async () => {
      const clock = new FakeClock();
      await begin({ clock });
      const { token } = await credential().getToken(scope);
      const nameless = await exchange(`${emulator.url}${registryId}?api-version=${apiVersion}`, 'GET', undefined, {});
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
      await begin();
      await credential().getToken(scope);
      expect(inspect([...emulator.journal], { depth: null })).not.to.contain('emulated-secret');
    });
  });

  describe('asked by hand', () => {
    it('answers a creation with 201, an operation named after the request, and no Location', async () => {
      await begin({ timings: realistic });
      const requestId = '1e511988-ace3-11f1-9b82-3cefa50a58cc';
      const headers = { 'x-ms-client-request-id': requestId };
      const created = await send('PUT', replicaPath('replication001'), { location: 'uk west' }, { headers });
      expect(created.status).to.equal(201);
      expect(created.headers).not.to.have.property('location');
      expect(created.headers['retry-after']).to.equal('10');
      expect(created.headers['azure-asyncoperation']).to.match(
        new RegExp(
          `^${emulator.url}${registryId}/replications/replication001/operationStatuses/replications-${requestId}`,
        ),
      );
      expect(created.headers['azure-asyncoperation']).to.have.length.above(4000);
      expect(Object.keys(created.body)).to.deep.equal([
        'type',
        'id',
        'name',
        'location',
        'tags',
        'systemData',
        'properties',
      ]);
      expect(created.body).to.deep.include({ name: 'replication001', location: 'ukwest', tags: {} });
      expect(created.body.properties).to.include({ provisioningState: 'Creating', regionEndpointEnabled: true });
      expect(created.body.properties?.status).to.have.all.keys('timestamp');
    });

    it('lives through a replica in the time that was recorded', async () => {
      const clock = new FakeClock();
      await begin({ clock, timings: realistic, registryDefaults: { contentBytes: 1_000_000_000 } });
      const { headers } = await create('japaneast');
      const poll = async () => (await send('GET', operationUrl(headers))).body;
      const kind = (location = 'japaneast') => emulator.azure.replica(reference, location)?.stage.kind;
      await clock.advance(3_900);
      expect(kind('eastus')).to.equal(undefined);
      await clock.advance(100);
      expect(kind('eastus')).to.equal('Ready');
      await clock.advance(3_999);
      expect(await poll()).to.deep.equal({ status: 'Creating' });
      await clock.advance(11_001);
      expect(await poll()).to.deep.equal({ status: 'Succeeded' });
      expect(kind()).to.equal('Syncing');
      await clock.advance(10_000);
      expect(kind()).to.equal('Ready');
    });

    it('signs operation URLs anew at every poll', async () => {
      await begin({ timings: held });
      const { headers } = await create('japaneast');
      const polled = await send('GET', operationUrl(headers));
      expect(polled.headers['azure-asyncoperation']).to.be.a('string');
      expect(polled.headers['azure-asyncoperation']).not.to.equal(headers['azure-asyncoperation']);
      expect(polled.headers).to.have.property('retry-after');
    });

    it('writes tags at once, and routing as an operation, by PATCH and by PUT alike', async () => {
      await begin();
      await create('japaneast');
      const tagged = await send('PATCH', replicaPath('japaneast'), { tags: { a: '1' } });
      expect(tagged).to.deep.include({ status: 200 });
      expect(tagged.body.tags).to.deep.equal({ a: '1' });
      emulator.azure.timings = held;
      const off = await send('PATCH', replicaPath('japaneast'), { properties: { regionEndpointEnabled: false } });
      expect(off.status).to.equal(201);
      expect(off.body.properties).to.include({ provisioningState: 'Updating', regionEndpointEnabled: false });
      expect(off.body.properties?.status).to.include({ displayStatus: 'Ready' });
      emulator.azure.finish(reference, 'japaneast');
      const same = { location: 'japaneast', tags: { b: '2' }, properties: { regionEndpointEnabled: false } };
      expect((await send('PUT', replicaPath('japaneast'), same)).status).to.equal(200);
      const on = await send('PUT', replicaPath('japaneast'), { location: 'japaneast', tags: { b: '2' } });
      expect(on.status).to.equal(201);
      expect(on.body.properties).to.include({ provisioningState: 'Updating', regionEndpointEnabled: true });
    });

    it("deletes by an operation that is polled under the subscription, in the replica's region", async () => {
      await begin();
      await create('replication001', 'uksouth');
      emulator.azure.timings = held;
      const deleted = await send('DELETE', replicaPath('replication001'));
      expect(deleted).to.deep.include({ status: 202, body: {} });
      expect(deleted.headers).not.to.have.property('azure-asyncoperation');
      const { location = '' } = deleted.headers;
      expect(location).to.contain(
        `/subscriptions/${defaultSubscriptionId}/providers/Microsoft.ContainerRegistry/locations/uksouth/operationResults/replications-`,
      );
      const running = await send('GET', location);
      expect(running.status).to.equal(202);
      expect(running.headers.location).to.be.a('string').and.not.to.equal(location);
      expect((await send('GET', replicaPath('replication001'))).body.properties).to.include({
        provisioningState: 'Deleting',
      });
      emulator.azure.finish(reference, 'uksouth');
      const done = await send('GET', location);
      expect(done.status).to.equal(200);
      expect(done.headers).not.to.have.property('location');
      expect((await send('DELETE', replicaPath('replication001'))).status).to.equal(204);
    });

    it('answers for what is gone from the front end, at no cost', async () => {
      await begin();
      const missing = await send('GET', replicaPath('japaneast'));
      expect(missing.status).to.equal(404);
      expect(missing.headers).to.include({ 'x-ms-failure-cause': 'gateway' });
      expect(Object.keys(missing.headers).filter((name) => name.includes('ratelimit'))).to.deep.equal([]);
      expect(missing.body.error).to.deep.equal({
        code: 'ResourceNotFound',
        message:
          "The Resource 'Microsoft.ContainerRegistry/registries/myACR0007/replications/japaneast' under resource group 'myresourcegroup' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
      });
    });

    it('counts each kind of request against its own budget', async () => {
      await begin({ clock: new FakeClock() });
      const left = ({ headers }: Answer) =>
        Object.fromEntries(Object.entries(headers).filter(([name]) => name.includes('ratelimit')));
      expect(left(await send('GET', registryId))).to.deep.equal({
        'x-ms-ratelimit-remaining-subscription-reads': '249',
        'x-ms-ratelimit-remaining-subscription-global-reads': '3749',
      });
      expect(left(await send('GET', registryId))).to.include({ 'x-ms-ratelimit-remaining-subscription-reads': '248' });
      expect(left(await create('japaneast'))).to.include({ 'x-ms-ratelimit-remaining-subscription-writes': '199' });
      expect(left(await send('DELETE', replicaPath('japaneast')))).to.deep.equal({
        'x-ms-ratelimit-remaining-subscription-deletes': '199',
        'x-ms-ratelimit-remaining-subscription-global-deletes': '2999',
      });
    });

    it('refills its budgets with time', async () => {
      const clock = new FakeClock();
      await begin({ clock });
      for (let i = 0; i < 30; i++) await send('GET', registryId);
      await clock.advance(1_000);
      const { headers } = await send('GET', registryId);
      expect(headers['x-ms-ratelimit-remaining-subscription-reads']).to.equal('244');
    });

    it('compares ids without regard to case', async () => {
      await begin();
      await create('japaneast');
      const shouted = await send('GET', replicaPath('japaneast').toUpperCase());
      expect(shouted.status).to.equal(200);
      expect(shouted.body.name).to.equal('japaneast');
    });

    it('makes and deletes registries, with the replicas in them', async () => {
      await begin();
      const path = registryId.replace('myACR0007', 'another0001');
      const made = await send('PUT', path, { location: 'West US', sku: { name: 'Premium' } });
      expect(made).to.deep.include({ status: 200 });
      expect(made.body.properties).to.include({ provisioningState: 'Succeeded' });
      await send('PUT', `${path}/replications/japaneast`, { location: 'japaneast' });
      emulator.azure.timings = held;
      const deleted = await send('DELETE', path);
      expect(deleted.status).to.equal(202);
      expect(deleted.body.properties).to.include({ provisioningState: 'Deleting' });
      expect(deleted.headers.location).to.contain('/locations/westus/operationResults/registries-');
      emulator.azure.settle();
      expect((await send('GET', deleted.headers.location ?? '')).status).to.equal(200);
      expect((await send('GET', `${path}/replications/japaneast`)).body.error?.code).to.equal('ResourceNotFound');
    });

    it('names the regions of a subscription, logical ones among them', async () => {
      await begin();
      const { body } = await send('GET', `/subscriptions/${defaultSubscriptionId}/locations?api-version=2022-12-01`);
      const listed = body.value?.map(({ name }) => name);
      expect(listed).to.include.members(['japaneast', 'westeurope', 'eastus', 'europe']);
    });

    describe('refuses', () => {
      const cases: {
        what: string;
        status: number;
        code: string;
        asking: () => Promise<Answer>;
      }[] = [
        {
          what: 'a request without an api-version',
          status: 400,
          code: 'MissingApiVersionParameter',
          asking: () => send('GET', `${registryId}?api-version=`),
        },
        {
          what: 'an api-version that it does not know',
          status: 400,
          code: 'NoRegisteredProviderFound',
          asking: () => send('GET', `${registryId}?api-version=2015-01-01`),
        },
        {
          what: 'a subscription that is not there',
          status: 404,
          code: 'SubscriptionNotFound',
          asking: () => send('GET', registryId.replace(defaultSubscriptionId, '12345678-0000-0000-0000-000000000000')),
        },
        {
          what: 'a resource group that is not there',
          status: 404,
          code: 'ResourceGroupNotFound',
          asking: () => send('GET', registryId.replace('myresourcegroup', 'other')),
        },
        {
          what: 'a registry that is not there',
          status: 404,
          code: 'ResourceNotFound',
          asking: () => send('GET', registryId.replace('myACR0007', 'nothing')),
        },
        {
          what: 'a replica of a registry that is not there',
          status: 404,
          code: 'ParentResourceNotFound',
          asking: () =>
            send('PUT', replicaPath('japaneast').replace('myACR0007', 'nothing'), { location: 'japaneast' }),
        },
        {
          what: 'a region that does not exist',
          status: 400,
          code: 'LocationNotAvailableForResourceType',
          asking: () => create('japaneest'),
        },
        {
          what: 'a region that takes nothing any more',
          status: 400,
          code: 'LocationNotAvailableForResourceType',
          asking: () => {
            emulator.azure.withdrawRegion('Japan West');
            return create('japanwest');
          },
        },
        {
          what: 'a name that another location has',
          status: 409,
          code: 'InvalidResourceLocation',
          asking: async () => {
            await create('japaneast');
            return create('japaneast', 'japanwest');
          },
        },
        {
          what: 'a second name for a location',
          status: 409,
          code: 'ReplicationAlreadyExists',
          asking: async () => {
            await create('japaneast');
            return create('japaneast2', 'japaneast');
          },
        },
        {
          what: 'replicas of a registry that is not Premium',
          status: 400,
          code: 'ReplicationNotSupported',
          asking: () => {
            emulator.azure.changeRegistry(reference, { sku: 'Standard' });
            return create('japaneast');
          },
        },
        {
          what: 'to write to a registry in motion',
          status: 409,
          code: 'Conflict',
          asking: () => {
            emulator.azure.changeRegistry(reference, { provisioningState: 'Updating' });
            return create('japaneast');
          },
        },
        {
          what: 'to change a replica in motion',
          status: 409,
          code: 'Conflict',
          asking: async () => {
            emulator.azure.timings = held;
            await create('japaneast');
            return send('PATCH', replicaPath('japaneast'), { tags: {} });
          },
        },
        {
          what: 'to delete a replica that is being created',
          status: 409,
          code: 'Conflict',
          asking: async () => {
            emulator.azure.timings = held;
            await create('japaneast');
            return send('DELETE', replicaPath('japaneast'));
          },
        },
        {
          what: 'to delete the home replica while there are others',
          status: 400,
          code: 'HomeReplicationCannotBeDeleted',
          asking: async () => {
            await create('japaneast');
            return send('DELETE', replicaPath('eastus'));
          },
        },
        {
          what: 'to change zone redundancy',
          status: 400,
          code: 'ZoneRedundancyCannotBeUpdated',
          asking: async () => {
            await create('japaneast');
            return send('PUT', replicaPath('japaneast'), {
              location: 'japaneast',
              properties: { zoneRedundancy: 'Enabled' },
            });
          },
        },
        {
          what: 'a name with a hyphen',
          status: 400,
          code: 'InvalidResourceName',
          asking: () => create('japan-east', 'japaneast'),
        },
        {
          what: 'a body that is no JSON',
          status: 400,
          code: 'InvalidRequestContent',
          asking: () => send('PUT', replicaPath('japaneast'), '{"location":'),
        },
        {
          what: 'a body without a location',
          status: 400,
          code: 'LocationRequired',
          asking: () => send('PUT', replicaPath('japaneast'), { properties: {} }),
        },
        {
          what: 'routing that is neither on nor off',
          status: 400,
          code: 'InvalidRequestContent',
          asking: () =>
            send('PUT', replicaPath('japaneast'), {
              location: 'japaneast',
              properties: { regionEndpointEnabled: 'yes' },
            }),
        },
        {
          what: 'tags that are no text',
          status: 400,
          code: 'InvalidRequestContent',
          asking: () => send('PUT', replicaPath('japaneast'), { location: 'japaneast', tags: { a: 1 } }),
        },
      ];
      for (const { what, status, code, asking } of cases) {
        it(what, async () => {
          await begin();
          const answer = await asking();
          expect({ status: answer.status, code: answer.body.error?.code }).to.deep.equal({ status, code });
        });
      }
    });
  });

  describe('in the hands of a test', () => {
    const listed = async () =>
      (await send('GET', `${registryId}/replications`)).body.value?.map(({ location }) => location);

    it('takes registries, groups and subscriptions away with all that was going on in them', async () => {
      await begin({ timings: held });
      const { headers } = await create('japaneast');
      emulator.azure.removeResourceGroup(defaultSubscriptionId, 'MyResourceGroup');
      expect((await send('GET', registryId)).body.error?.code).to.equal('ResourceGroupNotFound');
      expect((await send('GET', operationUrl(headers))).body.status).to.equal('Canceled');
      emulator.azure.removeSubscription(defaultSubscriptionId);
      expect((await send('GET', registryId)).body.error?.code).to.equal('SubscriptionNotFound');
    });

    it('has the home entry with the first replica, and none before', async () => {
      await begin();
      expect(await listed()).to.deep.equal([]);
      await create('japaneast');
      expect(await listed()).to.have.members(['eastus', 'japaneast']);
    });

    it('deletes the home entry once it is the last', async () => {
      await begin();
      await create('japaneast');
      await send('DELETE', replicaPath('japaneast'));
      expect(await listed()).to.deep.equal(['eastus']);
      expect((await send('DELETE', replicaPath('eastus'))).status).to.equal(202);
      expect(await listed()).to.deep.equal([]);
    });

    it('shows what someone else did: replicas under other names, routing, tags, failures, removals', async () => {
      await begin();
      emulator.azure.addReplica(reference, 'West Europe', { name: 'asotestmvqrux', routing: false });
      emulator.azure.changeReplica(reference, 'westeurope', { routing: true, tags: { by: 'someone' } });
      const found = await send('GET', replicaPath('asotestmvqrux'));
      expect(found.body).to.deep.include({ location: 'westeurope', tags: { by: 'someone' } });
      expect(found.body.properties).to.include({ regionEndpointEnabled: true });
      emulator.azure.failReplica(reference, 'westeurope');
      expect((await send('GET', replicaPath('asotestmvqrux'))).body.properties).to.include({
        provisioningState: 'Failed',
      });
      emulator.azure.removeReplica(reference, 'westeurope');
      expect((await send('GET', replicaPath('asotestmvqrux'))).status).to.equal(404);
    });

    it('ends an operation whose replica vanished', async () => {
      await begin({ timings: held });
      const { headers } = await create('japaneast');
      emulator.azure.removeReplica(reference, 'japaneast');
      expect((await send('GET', operationUrl(headers))).body.status).to.equal('Canceled');
    });

    it('lets a Failed replica fail again until it is deleted and made anew', async () => {
      await begin();
      emulator.azure.failCreations(reference, 'japaneast');
      await create('japaneast');
      const again = await create('japaneast');
      expect((await send('GET', operationUrl(again.headers))).body.status).to.equal('Failed');
      await send('DELETE', replicaPath('japaneast'));
      await create('japaneast');
      expect(emulator.azure.replica(reference, 'japaneast')?.stage.kind).to.equal('Ready');
    });

    it('lies in LIST when told to, and never in GET', async () => {
      await begin();
      emulator.azure.addReplica(reference, 'japaneast', { state: 'Syncing' });
      const thaw = emulator.azure.freezeList(reference);
      emulator.azure.finish(reference, 'japaneast');
      const inList = async () =>
        (await send('GET', `${registryId}/replications`)).body.value?.find(({ name }) => name === 'japaneast')
          ?.properties?.status;
      expect(await inList()).to.include({ displayStatus: 'Syncing' });
      expect((await send('GET', replicaPath('japaneast'))).body.properties?.status).to.include({
        displayStatus: 'Ready',
      });
      thaw();
      expect(await inList()).to.include({ displayStatus: 'Ready' });
      const show = emulator.azure.omitFromList(reference, 'japaneast');
      expect(await listed()).to.deep.equal(['eastus']);
      show();
      expect(await listed()).to.have.members(['eastus', 'japaneast']);
    });

    it('answers chosen requests with a chosen error, as often as asked', async () => {
      await begin();
      const refusal = { status: 429, code: 'SubscriptionRequestsThrottled', message: 'Later.', retryAfter: 17 };
      emulator.azure.refuse(({ method, replica }) => method === 'PUT' && replica === 'japaneast', refusal, 1);
      const refused = await create('japaneast');
      expect(refused).to.deep.include({ status: 429, body: { error: { code: refusal.code, message: 'Later.' } } });
      expect(refused.headers).to.include({ 'retry-after': '17' }).and.to.have.property('x-ms-request-id');
      expect((await create('uksouth')).status).to.equal(201);
      expect((await create('japaneast')).status).to.equal(201);
    });

    it('journals every request with its body, its answer and no signature', async () => {
      await begin();
      const { headers } = await create('japaneast');
      await send('GET', operationUrl(headers));
      const [put] = emulator.journal.writes;
      expect(put).to.deep.include({
        method: 'PUT',
        path: replicaPath('japaneast'),
        registry: 'myACR0007',
        replica: 'japaneast',
        status: 201,
        body: { location: 'japaneast', properties: {} },
      });
      expect(inspect(emulator.journal.entries.at(-1), { depth: null })).not.to.contain('&c=');
    });

    it('tells whoever waits for a request that none will come', async () => {
      await begin();
      const waiting = emulator.journal.next().then(
        () => 'came',
        (error: unknown) => String(error),
      );
      await emulator.close();
      expect(await waiting).to.contain('closed before such a request came');
      await begin();
    });

    it('draws the same times from the same seed', async () => {
      const drawn = async (seed: number) => {
        await begin({ clock: new FakeClock(), timings: realistic, seed });
        emulator.azure.addReplica(reference, 'japaneast', { state: 'Creating' });
        const stage = emulator.azure.replica(reference, 'japaneast')?.stage;
        await emulator.close();
        return stage;
      };
      const first = await drawn(7);
      expect(await drawn(7)).to.deep.equal(first);
      expect(await drawn(8)).not.to.deep.equal(first);
      await begin({ timings: scaled(realistic, 0) });
    });
  });
});

describe('the life of an emulated replica', () => {
  const time = fc.nat({ max: 10_000 });
  const failure = { code: 'ReplicationFailed', message: 'It did not work.' };
  const resting: fc.Arbitrary<Resting> = fc.oneof(
    fc.record({ kind: fc.constant('Syncing' as const), since: time, until: time }),
    fc.record({ kind: fc.constant('Ready' as const), since: time }),
    fc.record({ kind: fc.constant('Failed' as const), since: time, failure: fc.constant(failure) }),
  );
  const stages: fc.Arbitrary<Stage> = fc.oneof(
    resting,
    fc.record({ kind: fc.constant('Awaited' as const), until: time }),
    fc.record({ kind: fc.constant('Creating' as const), since: time, until: time, sync: time }),
    fc.record({
      kind: fc.constant('Creating' as const),
      since: time,
      until: time,
      sync: time,
      ending: fc.constant({ kind: 'Failed' as const, failure }),
    }),
    fc.record({ kind: fc.constant('Updating' as const), since: time, until: time, rest: resting }),
    fc.record({ kind: fc.constant('Deleting' as const), since: time, until: time }),
  );

  it('does not depend on how often anyone looks', () => {
    fc.assert(
      fc.property(stages, time, time, (stage, a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(stageAt(stageAt(stage, early), late)).to.deep.equal(stageAt(stage, late));
      }),
    );
  });

  it('comes to rest, and stays there', () => {
    fc.assert(
      fc.property(stages, (stage) => {
        const end = stageAt(stage, Number.MAX_SAFE_INTEGER);
        expect(['Ready', 'Failed', 'Gone']).to.include(end.kind);
        expect(following(end, 0)).to.equal(end);
      }),
    );
  });

  it('waits for ever in what is held', () => {
    fc.assert(
      fc.property(stages, time, (stage, now) => {
        fc.pre(isPassing(stage));
        const still = { ...stage, until: Number.POSITIVE_INFINITY };
        expect(stageAt(still, now)).to.equal(still);
      }),
    );
  });
});

describe('npm run emulator:arm', () => {
  it('serves a client that knows only what it printed, and ends on SIGTERM', async function () {
    this.timeout(30_000);
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

  it('says in one line why it cannot start', async () => {
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
