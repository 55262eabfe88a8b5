// What a test can set up, change and read in the emulated Azure without a request to ARM.
import { inspect } from 'node:util';
import { expect } from 'chai';
import { defaultSubscriptionId } from '../emulators/arm/emulator.ts';
import { held, realistic, scaled } from '../emulators/arm/timings.ts';
import { FakeClock } from '../fake-clock.ts';
import { ArmTestClient, operationUrl, reference, registryId, replicaPath } from './arm-test-client.ts';

describe('the ARM emulator', () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  describe('used directly by a test', () => {
    const listed = async () =>
      (await send('GET', `${registryId}/replications`)).body.value?.map(({ location }) => location);

    it('removes registries, groups and subscriptions with their operations', async () => {
      await start({ timings: held });
      const { headers } = await create('japaneast');
      arm.emulator.azure.removeResourceGroup(defaultSubscriptionId, 'MyResourceGroup');
      expect((await send('GET', registryId)).body.error?.code).to.equal('ResourceGroupNotFound');
      expect((await send('GET', operationUrl(headers))).body.status).to.equal('Canceled');
      arm.emulator.azure.removeSubscription(defaultSubscriptionId);
      expect((await send('GET', registryId)).body.error?.code).to.equal('SubscriptionNotFound');
    });

    it('creates the home entry with the first replica', async () => {
      await start();
      expect(await listed()).to.deep.equal([]);
      await create('japaneast');
      expect(await listed()).to.have.members(['eastus', 'japaneast']);
    });

    it('deletes the home entry if it is the last replica', async () => {
      await start();
      await create('japaneast');
      await send('DELETE', replicaPath('japaneast'));
      expect(await listed()).to.deep.equal(['eastus']);
      expect((await send('DELETE', replicaPath('eastus'))).status).to.equal(202);
      expect(await listed()).to.deep.equal([]);
    });

    it('shows changes of other clients: replica names, routing, tags, failures, removals', async () => {
      await start();
      arm.emulator.azure.addReplica(reference, 'West Europe', { name: 'asotestmvqrux', routing: false });
      arm.emulator.azure.changeReplica(reference, 'westeurope', { routing: true, tags: { by: 'someone' } });
      const found = await send('GET', replicaPath('asotestmvqrux'));
      expect(found.body).to.deep.include({ location: 'westeurope', tags: { by: 'someone' } });
      expect(found.body.properties).to.include({ regionEndpointEnabled: true });
      arm.emulator.azure.failReplica(reference, 'westeurope');
      expect((await send('GET', replicaPath('asotestmvqrux'))).body.properties).to.include({
        provisioningState: 'Failed',
      });
      arm.emulator.azure.removeReplica(reference, 'westeurope');
      expect((await send('GET', replicaPath('asotestmvqrux'))).status).to.equal(404);
    });

    it('cancels an operation whose replica was removed', async () => {
      await start({ timings: held });
      const { headers } = await create('japaneast');
      arm.emulator.azure.removeReplica(reference, 'japaneast');
      expect((await send('GET', operationUrl(headers))).body.status).to.equal('Canceled');
    });

    it('lets a Failed replica fail again until it is deleted and recreated', async () => {
      await start();
      arm.emulator.azure.failCreations(reference, 'japaneast');
      await create('japaneast');
      const again = await create('japaneast');
      expect((await send('GET', operationUrl(again.headers))).body.status).to.equal('Failed');
      await send('DELETE', replicaPath('japaneast'));
      await create('japaneast');
      expect(arm.emulator.azure.replica(reference, 'japaneast')?.stage.kind).to.equal('Ready');
    });

    it('shows a frozen or incomplete LIST, while GET stays true', async () => {
      await start();
      arm.emulator.azure.addReplica(reference, 'japaneast', { state: 'Syncing' });
      const thaw = arm.emulator.azure.freezeList(reference);
      arm.emulator.azure.finish(reference, 'japaneast');
      const inList = async () =>
        (await send('GET', `${registryId}/replications`)).body.value?.find(({ name }) => name === 'japaneast')
          ?.properties?.status;
      expect(await inList()).to.include({ displayStatus: 'Syncing' });
      expect((await send('GET', replicaPath('japaneast'))).body.properties?.status).to.include({
        displayStatus: 'Ready',
      });
      thaw();
      expect(await inList()).to.include({ displayStatus: 'Ready' });
      const show = arm.emulator.azure.omitFromList(reference, 'japaneast');
      expect(await listed()).to.deep.equal(['eastus']);
      show();
      expect(await listed()).to.have.members(['eastus', 'japaneast']);
    });

    it('answers the chosen requests with the chosen error, the given number of times', async () => {
      await start();
      const refusal = { status: 429, code: 'SubscriptionRequestsThrottled', message: 'Later.', retryAfter: 17 };
      arm.emulator.azure.refuse(({ method, replica }) => method === 'PUT' && replica === 'japaneast', refusal, 1);
      const refused = await create('japaneast');
      expect(refused).to.deep.include({ status: 429, body: { error: { code: refusal.code, message: 'Later.' } } });
      expect(refused.headers).to.include({ 'retry-after': '17' }).and.to.have.property('x-ms-request-id');
      expect((await create('uksouth')).status).to.equal(201);
      expect((await create('japaneast')).status).to.equal(201);
    });

    it('journals every request with its body and status, without signatures', async () => {
      await start();
      const { headers } = await create('japaneast');
      await send('GET', operationUrl(headers));
      const [put] = arm.emulator.journal.writes;
      expect(put).to.deep.include({
        method: 'PUT',
        path: replicaPath('japaneast'),
        registry: 'myACR0007',
        replica: 'japaneast',
        status: 201,
        body: { location: 'japaneast', properties: {} },
      });
      expect(inspect(arm.emulator.journal.entries.at(-1), { depth: null })).not.to.contain('&c=');
    });

    it('rejects waits for a request when it closes', async () => {
      await start();
      const waiting = arm.emulator.journal.next().then(
        () => 'came',
        (error: unknown) => String(error),
      );
      await arm.emulator.close();
      expect(await waiting).to.contain('closed before such a request came');
      await start();
    });

    it('draws the same durations from the same seed', async () => {
      const drawn = async (seed: number) => {
        await start({ clock: new FakeClock(), timings: realistic, seed });
        arm.emulator.azure.addReplica(reference, 'japaneast', { state: 'Creating' });
        const stage = arm.emulator.azure.replica(reference, 'japaneast')?.stage;
        await arm.emulator.close();
        return stage;
      };
      const first = await drawn(7);
      expect(await drawn(7)).to.deep.equal(first);
      expect(await drawn(8)).not.to.deep.equal(first);
      await start({ timings: scaled(realistic, 0) });
    });
  });
});
