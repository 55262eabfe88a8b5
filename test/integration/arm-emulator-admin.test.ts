// The ARM emulator's admin API under /emulator, as curl and tests in other processes use it.
import { expect } from 'chai';
import { adminApp } from '../emulators/arm/admin.ts';
import type { Bindings } from '../emulators/arm/connection-faults.ts';
import { type Drift, driftKinds } from '../emulators/arm/drift.ts';
import { type Fault, kinds } from '../emulators/arm/faults/fault.ts';
import { FakeClock } from '../fake-clock.ts';
import { ArmTestClient, type Method, reference, registryId, replicaPath } from './arm-test-client.ts';

describe("the ARM emulator's admin API", () => {
  const arm = new ArmTestClient();
  const { start, send, create } = arm;

  afterEach(arm.stop);

  const ask = (method: Method, path: string, body?: string | object) =>
    arm.exchange(`${arm.emulator.url}/emulator${path}`, method, body, {});
  const json = async <T>(method: Method, path: string, body?: string | object) => {
    const { status, text } = await ask(method, path, body);
    return { status, said: JSON.parse(text) as T };
  };

  interface Explained {
    readonly meaning: string;
    readonly members: Readonly<Record<string, string>>;
    readonly example: Fault & Drift;
  }

  interface Manual {
    readonly faults: Readonly<Record<string, Explained>>;
    readonly changes: Readonly<Record<string, Explained>>;
  }

  it('documents every fault and every change with an example that works', async () => {
    const { azure } = await start();
    const { said } = await json<Manual>('GET', '');
    expect(Object.keys(said.faults)).to.have.members(kinds);
    for (const [kind, { example }] of Object.entries(said.faults)) {
      expect((await ask('PUT', `/faults/${kind}`, example)).status, kind).to.equal(200);
      expect(azure.faults.list().map(({ fault }) => fault.kind)).to.deep.equal([kind]);
      // One fault at a time: some faults affect the admin API's connections too.
      azure.faults.clear();
    }
    expect(Object.keys(said.changes)).to.have.members(driftKinds);
    for (const [kind, { example }] of Object.entries(said.changes)) {
      azure.addRegistry(reference);
      azure.addReplica(reference, 'japaneast');
      expect((await ask('POST', '/changes', example)).status, kind).to.equal(204);
    }
  });

  it('sets a fault, shows it, counts it down and removes it', async () => {
    const clock = new FakeClock();
    await start({ clock });
    const fault = { kind: 'error', status: 503, times: 2, for: 60_000 };
    const { said } = await json('PUT', '/faults/outage', fault);
    const since = '2026-11-22T00:00:00.000Z';
    const until = '2026-11-22T00:01:00.000Z';
    expect(said).to.deep.equal({ name: 'outage', fault, since, until, left: 2 });
    expect((await send('GET', registryId)).status).to.equal(503);
    expect((await json('GET', '/faults')).said).to.deep.equal([{ name: 'outage', fault, since, until, left: 1 }]);
    expect((await ask('DELETE', '/faults/outage')).status).to.equal(204);
    expect((await send('GET', registryId)).status).to.equal(200);
    expect((await ask('DELETE', '/faults/outage')).status).to.equal(404);
  });

  it('removes a fault when its time is over', async () => {
    const clock = new FakeClock();
    await start({ clock });
    await ask('PUT', '/faults/outage', { kind: 'error', status: 503, for: 60_000 });
    await clock.advance(60_000);
    expect((await json('GET', '/faults')).said).to.deep.equal([]);
    expect((await send('GET', registryId)).status).to.equal(200);
  });

  it('removes all faults at once', async () => {
    await start();
    await ask('PUT', '/faults/one', { kind: 'error', status: 503 });
    await ask('PUT', '/faults/two', { kind: 'hang' });
    await ask('DELETE', '/faults');
    expect((await send('GET', registryId)).status).to.equal(200);
  });

  describe('reports what is wrong with', () => {
    const wrong: [string, string | object, string][] = [
      ['a body that is not JSON', '{"kind":', 'no JSON'],
      ['a body that is not an object', '[]', 'must be a JSON object'],
      ['an unknown kind', { kind: 'earthquake' }, '"kind" must be one of latency'],
      ['an unknown member', { kind: 'hang', forever: true }, 'no member "forever"'],
      ['a missing member', { kind: 'latency' }, '"ms" must be a number'],
      ['a number out of bounds', { kind: 'hang', chance: 2 }, '"chance" must be a number from 0 to 1'],
      ['an unknown word', { kind: 'hang', methods: ['get'] }, '"methods" must be a list of some of GET'],
    ];
    for (const [what, body, words] of wrong) {
      it(what, async () => {
        await start();
        const { status, said } = await json<{ error: string }>('PUT', '/faults/x', body);
        expect(status).to.equal(400);
        expect(said.error).to.contain(words);
      });
    }

    it('an impossible change', async () => {
      await start();
      const at = { registry: 'myACR0007', location: 'japaneast' };
      const missing = await json<{ error: string }>('POST', '/changes', { kind: 'replicaRemoved', ...at });
      expect(missing).to.deep.equal({ status: 409, said: { error: 'myACR0007 has no replica at japaneast' } });
      const nowhere = await json<{ error: string }>('POST', '/changes', { kind: 'registryRemoved', registry: 'other' });
      expect(nowhere).to.deep.equal({ status: 409, said: { error: 'There is no registry other' } });
      expect((await ask('POST', '/changes', { kind: 'earthquake' })).status).to.equal(400);
    });

    it('an unknown path', async () => {
      await start();
      expect((await ask('GET', '/fault')).status).to.equal(404);
    });
  });

  describe('makes changes of another client:', () => {
    const at = { registry: 'MYACR0007', location: 'japaneast' };
    const change = async (body: object) => expect((await ask('POST', '/changes', body)).status).to.equal(204);

    it('replicas: routing, tags, failure, removal, addition', async () => {
      const { azure } = await start();
      await create('japaneast');
      const replica = () => azure.replica(reference, 'japaneast');
      await change({ kind: 'routing', ...at, routing: false });
      await change({ kind: 'tags', ...at, tags: { by: 'someone' } });
      expect(replica()).to.deep.include({ routing: false, tags: { by: 'someone' } });
      await change({ kind: 'replicaFailed', ...at });
      expect(replica()).to.have.nested.property('stage.kind', 'Failed');
      await change({ kind: 'replicaRemoved', ...at });
      expect(replica()).to.equal(undefined);
      await change({ kind: 'replicaAdded', ...at, name: 'oddlynamed', state: 'Syncing' });
      expect(replica()).to.deep.include({ name: 'oddlynamed' });
      await change({ kind: 'replicaFinished', ...at });
      expect(replica()).to.have.nested.property('stage.kind', 'Ready');
    });

    it('registries: SKU, state, recreation in another home region, removal', async () => {
      const clock = new FakeClock();
      const { azure } = await start({ clock });
      await create('japaneast');
      const before = azure.registry(reference)?.systemData.createdAt ?? 0;
      await change({ kind: 'sku', registry: 'myACR0007', sku: 'Basic' });
      await change({ kind: 'registryState', registry: 'myACR0007', state: 'Updating' });
      expect(azure.registry(reference)).to.include({ sku: 'Basic', provisioningState: 'Updating' });
      await clock.advance(1_000);
      await change({ kind: 'registryRecreated', registry: 'myACR0007', location: 'West US' });
      expect(azure.registry(reference)).to.include({ location: 'westus', sku: 'Premium' });
      expect(azure.registry(reference)?.systemData.createdAt).to.equal(before + 1_000);
      expect(azure.replicas(reference)).to.deep.equal([]);
      await change({ kind: 'registryRemoved', registry: 'myACR0007' });
      expect((await send('GET', registryId)).status).to.equal(404);
    });
  });

  it('shows the true state, whatever ARM shows', async () => {
    const { azure } = await start();
    await create('japaneast');
    azure.faults.add({ kind: 'omission' });
    const { said } = await json<{ name: string; replicas: { name: string }[] }[]>('GET', '/registries');
    expect(said.map(({ name, replicas }) => [name, replicas.map((replica) => replica.name)])).to.deep.equal([
      ['myACR0007', ['japaneast', 'eastus']],
    ]);
  });

  it('shows and clears the journal, in which its own requests do not appear', async () => {
    await start();
    await create('japaneast');
    await send('GET', replicaPath('japaneast'));
    await send('GET', registryId);
    const journal = async (query: string) =>
      (await json<{ method: string; replica?: string; status: number }[]>('GET', `/journal?${query}`)).said;
    expect(await journal('registry=MYACR0007')).to.have.length(3);
    expect(await journal('method=put')).to.have.length(1);
    expect((await journal('replica=japaneast&last=1'))[0]).to.include({ method: 'GET', status: 200 });
    expect((await ask('GET', '/journal?last=all')).status).to.equal(400);
    expect((await journal('')).filter(({ method }) => method === 'POST')).to.have.length(1);
    await ask('DELETE', '/journal');
    expect(await journal('')).to.deep.equal([]);
  });

  it('works while a fault makes ARM hang', async () => {
    await start();
    await ask('PUT', '/faults/dead', { kind: 'hang' });
    expect((await ask('DELETE', '/faults/dead')).status).to.equal(204);
    expect((await send('GET', registryId)).status).to.equal(200);
  });

  it('answers requests from this machine only', async () => {
    const { azure, journal, connections } = await start();
    const from = (remoteAddress: string) =>
      adminApp(azure, journal, () => connections).request('/emulator', {}, {
        incoming: { socket: { remoteAddress } },
      } as Bindings);
    expect((await from('192.0.2.1')).status).to.equal(403);
    expect((await from('127.0.0.1')).status).to.equal(200);
  });
});
