// Replicas are created, adopted, moved and routed as the spec asks, and kubectl shows the progress.
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { held } from '../emulators/arm/timings.ts';
import { startKubectl } from '../emulators/kubectl.ts';
import { are, condition, isReady, messageOf, region } from './expectations.ts';
import { openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a registry and the object that lists its regions', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held });
  });
  after(() => scene?.close());

  it('shows a replica Creating, Syncing and Ready: in columns, conditions and events', async () => {
    const registry = scene.addRegistry('simple');
    await scene.apply('simple', { regions: ['japaneast', 'westeurope'] });
    const creating = await scene.until('simple', 'is Creating', are('Creating', 'japaneast', 'westeurope'));
    expect(creating.status).to.include({ phase: 'Syncing', readyRegions: '0/2', syncing: 'japaneast,westeurope' });
    expect(condition(creating, 'Reconciling')).to.include({ status: 'True' });

    scene.arm.azure.advance(registry, 'japaneast');
    scene.arm.azure.advance(registry, 'westeurope');
    const syncing = await scene.lookNow('simple');
    expect(region(syncing, 'japaneast')).to.include({ state: 'Syncing', provisioningState: 'Succeeded' });
    expect(condition(syncing, 'Ready')).to.include({ status: 'False', reason: 'Syncing' });
    expect(await table('get georep simple')).to.deep.equal([
      ['NAME', 'REGISTRY', 'STATUS', 'READY', 'SYNCING', 'AGE'],
      ['simple', 'simple', 'Syncing', '0/2', 'japaneast,westeurope'],
    ]);

    scene.arm.azure.finish(registry, 'eastus');
    const ready = await scene.arrived('simple', 'japaneast', 'westeurope');
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(condition(ready, 'Available')).to.include({ status: 'True' });
    expect(ready.status?.conditions?.map(({ type }) => type)).to.deep.equal(['Ready', 'Available']);
    expect(await table('get georep simple -o wide')).to.deep.equal([
      ['NAME', 'REGISTRY', 'STATUS', 'READY', 'SYNCING', 'AGE', 'HOME', 'REGIONS', 'MESSAGE'],
      ['simple', 'simple', 'Ready', '2/2', 'eastus', 'eastus*,japaneast,westeurope', 'japaneast, westeurope are ready'],
    ]);
    await scene.told('simple', 'ReplicaReady: replica japaneast in japaneast is ready');
    const described = await scene.kubectl('describe georep simple');
    expect(described).to.match(/Normal +ReplicaCreating .*creating replica japaneast in japaneast/);
    expect(described).to.match(/Normal +ReplicaReady .*replica japaneast in japaneast is ready/);
    expect(scene.writesTo('simple')).to.have.members(['PUT japaneast', 'PUT westeurope']);
  });

  /** kubectl's table without ages; columns are at least two blanks apart. */
  async function table(args: string): Promise<string[][]> {
    const [header = '', ...rows] = (await scene.kubectl(args)).trimEnd().split('\n');
    const cells = (line: string) => line.trimEnd().split(/ {2,}/);
    return [cells(header), ...rows.map((row) => cells(row).filter((cell) => !/^\d+s$/.test(cell)))];
  }

  it('becomes Ready without a requested reconcile', async () => {
    const registry = scene.addRegistry('patient');
    await scene.apply('patient', { regions: ['japaneast'] });
    await scene.until('patient', 'is Creating', are('Creating', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await scene.untilReady('patient');
    expect(scene.history('patient').map(({ status }) => status?.phase)).to.include.members(['Syncing', 'Ready']);
  });

  it('creates several replicas at a time, and shows what waits for them', async () => {
    scene.addRegistry('several');
    const regions = ['australiaeast', 'brazilsouth', 'canadacentral', 'japaneast', 'koreacentral', 'westeurope'];
    await scene.apply('several', { regions });
    const busy = await scene.until('several', 'makes the first four', are('Creating', ...regions.slice(0, 4)));
    expect(busy.status?.plan?.map(({ action, location }) => `${action} ${location}`)).to.deep.equal([
      'create koreacentral',
      'create westeurope',
    ]);
    expect(busy.status?.plan?.[0]?.message).to.contain('at most 4 replicas of a registry move at a time');
    await scene.arrived('several', ...regions.slice(0, 4));
    const ready = await scene.arrived('several', ...regions.slice(4));
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(scene.writesTo('several')).to.have.members(regions.map((location) => `PUT ${location}`));
  });

  it('accepts "Japan East" for japaneast', async () => {
    scene.addRegistry('spelling');
    await scene.apply('spelling', { regions: ['Japan East'] });
    await scene.until('spelling', 'is Creating', are('Creating', 'japaneast'));
    const ready = await scene.arrived('spelling', 'japaneast');
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(scene.writesTo('spelling')).to.deep.equal(['PUT japaneast']);
  });

  it('adopts an existing replica, whatever its name', async () => {
    const registry = scene.addRegistry('adopting');
    scene.arm.azure.addReplica(registry, 'westeurope', { name: 'asotestmvqrux', tags: { team: 'web' } });
    await scene.apply('adopting', { regions: ['westeurope'] });
    const ready = await scene.untilReady('adopting');
    expect(region(ready, 'westeurope')).to.include({ replica: 'asotestmvqrux', state: 'Ready', desired: true });
    expect(scene.writesTo('adopting')).to.deep.equal([]);
  });

  it('moves a registry from one region to another: creates before it deletes', async () => {
    const registry = scene.addRegistry('moving');
    scene.arm.azure.addReplica(registry, 'northeurope');
    await scene.apply('moving', { regions: ['northeurope'] });
    await scene.untilReady('moving');

    await scene.patch('moving', { spec: { regions: [{ location: 'westeurope' }] } });
    const making = await scene.until('moving', 'is Creating', are('Creating', 'westeurope'));
    expect(making.status?.plan).to.have.length(1);
    expect(making.status?.plan?.[0]).to.include({
      action: 'delete',
      location: 'northeurope',
      waitsFor: 'westeurope',
    });
    expect(region(making, 'northeurope')).to.include({ desired: false, state: 'Ready' });

    const pruning = await scene.arrived('moving', 'westeurope');
    expect(condition(pruning, 'Ready')).to.include({ status: 'False', reason: 'Pruning' });
    expect(condition(pruning, 'Available')).to.include({ status: 'True' });
    expect(region(pruning, 'northeurope')?.state).to.equal('Deleting');

    // For a minute after our deletion, a GET that still shows the replica is not believed, but one that shows it gone is.
    const ready = await scene.arrived('moving', 'northeurope');
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(region(ready, 'northeurope')).to.equal(undefined);
    expect(scene.writesTo('moving')).to.deep.equal(['PUT westeurope', 'DELETE northeurope']);
    await scene.told('moving', 'ReplicaDeleted: replica northeurope in northeurope is gone');
  });

  it('routes a WhenReady region only after its content is there', async () => {
    const registry = scene.addRegistry('routing');
    await scene.apply('routing', { regions: [{ location: 'japaneast', routing: 'WhenReady' }] });
    const creating = await scene.until('routing', 'is Creating', are('Creating', 'japaneast'));
    expect(region(creating, 'japaneast')?.routing).to.equal('Disabled');
    scene.arm.azure.advance(registry, 'japaneast');
    const syncing = await scene.lookNow('routing');
    expect(region(syncing, 'japaneast')).to.include({ state: 'Syncing', routing: 'Disabled' });

    await scene.arrived('routing', 'japaneast');
    const ready = await scene.arrived('routing', 'japaneast');
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(region(ready, 'japaneast')?.routing).to.equal('Enabled');
    expect(scene.writesTo('routing')).to.deep.equal(['PUT japaneast', 'PATCH japaneast']);
    await scene.told('routing', 'RoutingChanged: japaneast: turn routing on');
  });

  it('treats the home region alone as: no other replicas', async () => {
    const registry = scene.addRegistry('alone');
    await scene.apply('alone', { regions: ['eastus'], pruneDelay: '0s' });
    const ready = await scene.untilReady('alone');
    expect(ready.status).to.include({ readyRegions: '1/1', regionList: 'eastus*' });
    expect(scene.writesTo('alone')).to.deep.equal([]);

    scene.arm.azure.addReplica(registry, 'northeurope');
    const pruning = await scene.lookNow('alone');
    expect(condition(pruning, 'Ready')).to.include({ reason: 'Pruning' });
    expect(isReady(await scene.arrived('alone', 'northeurope'))).to.equal(true);
    expect(scene.arm.azure.replicas(registry).map(({ name }) => name)).to.deep.equal(['eastus']);
  });

  it('lets `kubectl wait` start right after an edit', async () => {
    const registry = scene.addRegistry('waiting');
    scene.arm.azure.addReplica(registry, 'westeurope');
    await scene.apply('waiting', { regions: ['westeurope'] });
    await scene.untilReady('waiting');
    const edit = { spec: { regions: [{ location: 'westeurope' }, { location: 'japaneast' }] } };
    await scene.patch('waiting', edit);
    let waited = false;
    const waiting = scene.kubectl('wait georep/waiting --for=condition=Ready --timeout=20s').then((answer) => {
      waited = true;
      return answer;
    });
    await scene.until('waiting', 'is Creating', are('Creating', 'japaneast'));
    // Another kubectl has come and gone: a wait that ends too early would have ended by now.
    await scene.kubectl('get georep waiting');
    expect(waited).to.equal(false);
    await scene.arrived('waiting', 'japaneast');
    expect(await waiting).to.contain('condition met');
  });

  it('can be edited with `kubectl edit` and followed with `kubectl get -w`', async () => {
    const registry = scene.addRegistry('edited');
    scene.arm.azure.addReplica(registry, 'westeurope');
    await scene.apply('edited', { regions: ['westeurope'], prune: 'Retain' });
    await scene.untilReady('edited');

    const follower = startKubectl(scene.kubeconfig, ['get', 'georep', 'edited', '-w']);
    const rows = createInterface(follower.stdout)[Symbol.asyncIterator]();
    const follow = async (expected: RegExp) => {
      for (let row = await rows.next(); !expected.test(row.value ?? ''); row = await rows.next())
        if (row.done) expect.fail(`kubectl ended before it said ${expected}`);
    };
    await follow(/^edited +edited +Ready +1\/1 +\d+s$/);
    await scene.kubectl('edit georep edited', {
      env: { KUBE_EDITOR: 'sed -i "s/location: westeurope/location: japaneast/"' },
    });
    await follow(/^edited +edited +Syncing +0\/1 +japaneast +\d+s$/);
    // The status is updated before the request to Azure.
    await scene.arm.journal.first(({ method, registry }) => method === 'PUT' && registry === 'edited');
    await scene.arrived('edited', 'japaneast');
    await follow(/^edited +edited +Ready +1\/1 +\d+s$/);
    follower.kill();
    expect(scene.writesTo('edited')).to.deep.equal(['PUT japaneast']);
  });

  it('keeps fields of the object that it does not own', async () => {
    scene.addRegistry('shared');
    await scene.apply('shared', { regions: ['eastus'] });
    await scene.untilReady('shared');
    await scene.kubectl(
      'patch georep shared --type=merge -p {"metadata":{"labels":{"team":"web"},"annotations":{"a":"b"}}}',
    );
    await scene.lookNow('shared');
    const object = JSON.parse(await scene.kubectl('get georep shared -o json')) as RegistryReplication;
    expect(object.metadata.labels).to.deep.equal({ team: 'web' });
    expect(object.metadata.annotations).to.include({ a: 'b' });
    expect(object.metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
  });

  it('gets its finalizer back at once when others remove it', async () => {
    scene.addRegistry('stripped');
    await scene.apply('stripped', { regions: ['eastus'] });
    await scene.untilReady('stripped');
    const finalizers = ['georeplication.dev/replicas'];
    const untilBack = (stripped: string) => {
      const { resourceVersion } = (JSON.parse(stripped) as RegistryReplication).metadata;
      return scene.until('stripped', 'has its finalizer again', ({ metadata }) => {
        const isStrippedSeen = scene
          .history('stripped')
          .some((one) => one.metadata.resourceVersion === resourceVersion);
        return isStrippedSeen && metadata.finalizers?.includes('georeplication.dev/replicas') === true;
      });
    };
    await untilBack(
      await scene.kubectl('patch georep stripped --type=merge -p {"metadata":{"finalizers":null}} -o json'),
    );

    const { apiVersion, kind, spec } = JSON.parse(
      await scene.kubectl('get georep stripped -o json'),
    ) as RegistryReplication;
    const applied = (metadata: object) =>
      scene.kubectl('apply -f - -o json', {
        input: JSON.stringify({ apiVersion, kind, metadata: { name: 'stripped', ...metadata }, spec }),
      });
    await applied({ finalizers });
    await untilBack(await applied({}));
  });

  it('explains its fields', async () => {
    const regions = await scene.kubectl('explain georep.spec.regions');
    expect(regions).to.contain('The regions that shall have a replica.');
    expect(regions).to.match(/location\t<string> -required-/);
    expect(regions).to.match(/routing\t<string>/);
    expect(await scene.kubectl('explain georep.spec.prune')).to.match(
      /What happens to replicas in regions that are not\s+listed/,
    );
  });

  it('is found under its short name and its categories', async () => {
    expect(await scene.kubectl('get acr')).to.contain('simple');
    expect(await scene.kubectl('get azure')).to.contain('simple');
  });

  it('never writes to the home region', () => {
    const home = scene.arm.journal.writes.filter(({ replica }) => replica === 'eastus');
    expect(home).to.deep.equal([]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scene.operator.log).not.to.have.length(0);
    expect(scene.secretsLogged()).to.deep.equal([]);
  });
});
