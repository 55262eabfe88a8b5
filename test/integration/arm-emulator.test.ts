// The ARM emulator answers as ARM does in the recordings.
import { expect } from 'chai';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { held, realistic } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import {
  type ArmResponse,
  ArmTestClient,
  operationUrl,
  reference,
  registryId,
  replicaPath,
} from './arm-test-client.ts';

describe('the ARM emulator', () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  describe('called directly', () => {
    it('answers a creation with 201, an operation named after the request, and no Location', async () => {
      await start({ timings: realistic });
      const requestId = '1e511988-ace3-11f1-9b82-3cefa50a58cc';
      const headers = { 'x-ms-client-request-id': requestId };
      const created = await send('PUT', replicaPath('replication001'), { location: 'uk west' }, { headers });
      expect(created.status).to.equal(201);
      expect(created.headers).not.to.have.property('location');
      expect(created.headers['retry-after']).to.equal('10');
      expect(created.headers['azure-asyncoperation']).to.match(
        new RegExp(
          `^${arm.emulator.url}${registryId}/replications/replication001/operationStatuses/replications-${requestId}`,
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

    it('takes a replica through its stages in the recorded time', async () => {
      const clock = new FakeClock();
      await start({ clock, timings: realistic, registryDefaults: { contentBytes: 1_000_000_000 } });
      const { headers } = await create('japaneast');
      const poll = async () => (await send('GET', operationUrl(headers))).body;
      const kind = (location = 'japaneast') => arm.emulator.azure.replica(reference, location)?.stage.kind;
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
      await start({ timings: held });
      const { headers } = await create('japaneast');
      const polled = await send('GET', operationUrl(headers));
      expect(polled.headers['azure-asyncoperation']).to.be.a('string');
      expect(polled.headers['azure-asyncoperation']).not.to.equal(headers['azure-asyncoperation']);
      expect(polled.headers).to.have.property('retry-after');
    });

    it('changes tags at once, and routing as an operation, by PATCH and by PUT alike', async () => {
      await start();
      await create('japaneast');
      const tagged = await send('PATCH', replicaPath('japaneast'), { tags: { a: '1' } });
      expect(tagged).to.deep.include({ status: 200 });
      expect(tagged.body.tags).to.deep.equal({ a: '1' });
      arm.emulator.azure.timings = held;
      const off = await send('PATCH', replicaPath('japaneast'), { properties: { regionEndpointEnabled: false } });
      expect(off.status).to.equal(201);
      expect(off.body.properties).to.include({ provisioningState: 'Updating', regionEndpointEnabled: false });
      expect(off.body.properties?.status).to.include({ displayStatus: 'Ready' });
      arm.emulator.azure.finish(reference, 'japaneast');
      const same = { location: 'japaneast', tags: { b: '2' }, properties: { regionEndpointEnabled: false } };
      expect((await send('PUT', replicaPath('japaneast'), same)).status).to.equal(200);
      const on = await send('PUT', replicaPath('japaneast'), { location: 'japaneast', tags: { b: '2' } });
      expect(on.status).to.equal(201);
      expect(on.body.properties).to.include({ provisioningState: 'Updating', regionEndpointEnabled: true });
    });

    it("deletes by an operation that is polled under the subscription, in the replica's region", async () => {
      await start();
      await create('replication001', 'uksouth');
      arm.emulator.azure.timings = held;
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
      arm.emulator.azure.finish(reference, 'uksouth');
      const done = await send('GET', location);
      expect(done.status).to.equal(200);
      expect(done.headers).not.to.have.property('location');
      expect((await send('DELETE', replicaPath('replication001'))).status).to.equal(204);
    });

    it('answers 404 from the front end at no cost', async () => {
      await start();
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

    it('counts each kind of request against its own quota', async () => {
      await start({ clock: new FakeClock() });
      const left = ({ headers }: ArmResponse) =>
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

    it('refills its quotas with time', async () => {
      const clock = new FakeClock();
      await start({ clock });
      for (let i = 0; i < 30; i++) await send('GET', registryId);
      await clock.advance(1_000);
      const { headers } = await send('GET', registryId);
      expect(headers['x-ms-ratelimit-remaining-subscription-reads']).to.equal('244');
    });

    it('treats ids as case-insensitive', async () => {
      await start();
      await create('japaneast');
      const shouted = await send('GET', replicaPath('japaneast').toUpperCase());
      expect(shouted.status).to.equal(200);
      expect(shouted.body.name).to.equal('japaneast');
    });

    it('creates registries, and deletes them with their replicas', async () => {
      await start();
      const path = registryId.replace('myACR0007', 'another0001');
      const made = await send('PUT', path, { location: 'West US', sku: { name: 'Premium' } });
      expect(made).to.deep.include({ status: 200 });
      expect(made.body.properties).to.include({ provisioningState: 'Succeeded' });
      await send('PUT', `${path}/replications/japaneast`, { location: 'japaneast' });
      arm.emulator.azure.timings = held;
      const deleted = await send('DELETE', path);
      expect(deleted.status).to.equal(202);
      expect(deleted.body.properties).to.include({ provisioningState: 'Deleting' });
      expect(deleted.headers.location).to.contain('/locations/westus/operationResults/registries-');
      arm.emulator.azure.settle();
      expect((await send('GET', deleted.headers.location ?? '')).status).to.equal(200);
      expect((await send('GET', `${path}/replications/japaneast`)).body.error?.code).to.equal('ResourceNotFound');
    });

    it('lists the subscriptions of its tenant', async () => {
      await start();
      const { body } = await send('GET', '/subscriptions?api-version=2022-12-01');
      expect(body.value).to.have.length(1);
      expect(body.value?.[0]?.subscriptionId).to.equal(defaultSubscriptionId);
    });

    it('lists the regions of a subscription, including logical ones', async () => {
      await start();
      const { body } = await send('GET', `/subscriptions/${defaultSubscriptionId}/locations?api-version=2022-12-01`);
      const listed = body.value?.map(({ name }) => name);
      expect(listed).to.include.members(['japaneast', 'westeurope', 'eastus', 'europe']);
    });
  });
});
