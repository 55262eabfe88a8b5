// The ARM emulator's faults in the outcome of ACR's work, and in what reads show.
import { expect } from 'chai';
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

describe('the ARM emulator, with faults', () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  const stateOf = async (name = 'japaneast') => {
    const { status, body } = await send('GET', replicaPath(name));
    return status === 200 ? body.properties?.provisioningState : status;
  };
  const poll = async ({ headers }: ArmResponse) => (await send('GET', operationUrl(headers))).body;
  const listed = async () =>
    (await send('GET', `${registryId}/replications`)).body.value?.map(({ location }) => location) ?? [];
  const remove = () => send('DELETE', replicaPath('japaneast'));

  describe('of a creation,', () => {
    it('makes it fail the given number of times', async () => {
      const { azure } = await start();
      azure.faults.add({ kind: 'failedCreation', location: 'Japan East', times: 2, code: 'NoCapacity' });
      for (const expected of ['Failed', 'Failed', 'Succeeded']) {
        const created = await create('japaneast');
        expect(await stateOf()).to.equal(expected);
        expect((await poll(created)).status).to.equal(expected);
        await remove();
      }
    });

    it('never completes it, until the replica is deleted', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      azure.faults.add({ kind: 'stuckCreation', times: 1 });
      const created = await create('japaneast');
      await clock.advance(50 * 60_000);
      azure.settle();
      expect(await stateOf()).to.equal('Creating');
      expect(await poll(created)).to.deep.equal({ status: 'Creating' });
      expect((await send('PATCH', replicaPath('japaneast'), { tags: {} })).status).to.equal(409);
      expect((await remove()).status).to.equal(202);
      expect(await stateOf()).to.equal(404);
      expect((await poll(created)).status).to.equal('Canceled');
      await create('japaneast');
      expect(await stateOf()).to.equal('Succeeded');
    });

    it('removes the replica at its end, and gives the reason only in the operation', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock, timings: realistic });
      azure.faults.add({ kind: 'vanishingCreation', times: 1 });
      const created = await create('japaneast');
      expect(await stateOf()).to.equal('Creating');
      await clock.advance(19_000);
      expect(await stateOf()).to.equal(404);
      expect(await poll(created))
        .to.have.nested.property('error.message')
        .that.contains('no free IP address');
    });

    it('makes it fail soon after a deletion', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      azure.faults.add({ kind: 'failedRecreation', ms: 30_000 });
      await create('japaneast');
      expect(await stateOf()).to.equal('Succeeded');
      await remove();
      await clock.advance(29_999);
      expect((await create('japaneast')).status).to.equal(201);
      expect(await stateOf()).to.equal('Failed');
      await remove();
      await clock.advance(30_000);
      await create('japaneast');
      expect(await stateOf()).to.equal('Succeeded');
    });

    it('delays the home entry', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      azure.faults.add({ kind: 'lateHomeEntry', ms: 600_000 });
      await create('japaneast');
      await clock.advance(599_999);
      expect(await listed()).to.deep.equal(['japaneast']);
      await clock.advance(1);
      expect(await listed()).to.have.members(['eastus', 'japaneast']);
    });
  });

  describe('of an update,', () => {
    const off = { properties: { regionEndpointEnabled: false } };

    it('makes it fail', async () => {
      const { azure } = await start();
      await create('japaneast');
      azure.faults.add({ kind: 'failedUpdate', times: 1 });
      const patched = await send('PATCH', replicaPath('japaneast'), off);
      expect((await poll(patched)).status).to.equal('Failed');
      expect(await stateOf()).to.equal('Failed');
    });

    it('lets a Failed replica fail again, or heal', async () => {
      const { azure } = await start();
      azure.addReplica(reference, 'japaneast', { state: 'Failed' });
      await send('PATCH', replicaPath('japaneast'), { tags: {} });
      expect(await stateOf()).to.equal('Failed');
      azure.faults.add({ kind: 'healing' });
      const healed = await send('PATCH', replicaPath('japaneast'), { tags: {} });
      expect((await poll(healed)).status).to.equal('Succeeded');
      expect(await stateOf()).to.equal('Succeeded');
    });
  });

  describe('of reads,', () => {
    it('shows an earlier state in LIST, stages and tags alike', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock, timings: realistic });
      azure.addReplica(reference, 'uksouth', { tags: { is: 'old' } });
      await clock.advance(60_000);
      await create('japaneast');
      await clock.advance(30_000);
      azure.changeReplica(reference, 'uksouth', { tags: { is: 'new' } });
      await clock.advance(30_000);
      const asOf = async (ms: number) => {
        const undo = azure.faults.add({ kind: 'staleList', ms });
        const { value = [] } = (await send('GET', `${registryId}/replications`)).body;
        undo();
        return Object.fromEntries(value.map((each) => [each.name, each.properties?.provisioningState ?? each.tags]));
      };
      expect(await asOf(0)).to.have.all.keys('eastus', 'uksouth', 'japaneast');
      expect(await asOf(0)).to.include({ japaneast: 'Succeeded' });
      expect(await asOf(59_000)).to.include({ japaneast: 'Creating' });
      expect(await asOf(61_000)).to.have.all.keys('eastus', 'uksouth');
      expect(await asOf(180_000)).to.deep.equal({});
      azure.faults.add({ kind: 'staleList', ms: 40_000 });
      const { value = [] } = (await send('GET', `${registryId}/replications`)).body;
      expect(value.find(({ name }) => name === 'uksouth')?.tags).to.deep.equal({ is: 'old' });
    });

    it('omits a replica from LIST by chance, the same for the same seed', async () => {
      const omitted = async (seed: number) => {
        const { azure } = await start({ seed });
        azure.addReplica(reference, 'japaneast');
        azure.faults.add({ kind: 'omission', location: 'japaneast', chance: 0.5 });
        const seen: boolean[] = [];
        for (let index = 0; index < 12; index++) seen.push((await listed()).includes('japaneast'));
        await arm.stop();
        return seen;
      };
      const first = await omitted(5);
      expect(new Set(first)).to.deep.equal(new Set([true, false]));
      expect(await omitted(5)).to.deep.equal(first);
      await start();
    });

    it('answers GET with 404 for a while after the PUT, and accepts writes to the replica meanwhile', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      azure.faults.add({ kind: 'lateCreation', ms: 20_000 });
      await create('japaneast');
      await clock.advance(19_999);
      expect(await stateOf()).to.equal(404);
      expect((await create('japaneast')).status).to.equal(200);
      await clock.advance(1);
      expect(await stateOf()).to.equal('Succeeded');
    });

    it('shows in GET the state before the DELETE for a while, even when the replica is gone', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      await create('japaneast');
      await clock.advance(60_000);
      azure.faults.add({ kind: 'lateDeletion', ms: 20_000 });
      azure.timings = { ...held, remove: { least: 5_000, most: 5_000 } };
      await remove();
      expect(await stateOf()).to.equal('Succeeded');
      await clock.advance(19_999);
      expect(azure.replica(reference, 'japaneast')).to.equal(undefined);
      expect(await stateOf()).to.equal('Succeeded');
      await clock.advance(1);
      expect(await stateOf()).to.equal(404);
    });
  });
});
