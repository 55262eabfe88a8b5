// Replicas are created, adopted, moved and routed as the spec asks, and kubectl shows the progress.
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { held } from '../emulators/arm/timings.ts';
import { startKubectl } from '../emulators/kubectl.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { condition, isReady, readyMessage, region, regionsAre } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a registry and the object that lists its regions', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  it('shows a replica Creating, Syncing and Ready: in columns, conditions and events', async () => {
    const registry = scenario.addRegistry('simple');
    await scenario.apply('simple', { regions: ['japaneast', 'westeurope'] });
    const creating = await scenario.until('simple', 'is Creating', regionsAre('Creating', 'japaneast', 'westeurope'));
    expect(creating.status).to.include({ phase: 'Syncing', readyRegions: '0/2', syncing: 'japaneast,westeurope' });
    expect(condition(creating, 'Reconciling')).to.include({ status: 'True' });

    scenario.arm.azure.advance(registry, 'japaneast');
    scenario.arm.azure.advance(registry, 'westeurope');
    const syncing = await scenario.reconcileNow('simple');
    expect(region(syncing, 'japaneast')).to.include({ state: 'Syncing', provisioningState: 'Succeeded' });
    expect(condition(syncing, 'Ready')).to.include({ status: 'False', reason: 'Syncing' });
    expect(await table('get georep simple')).to.deep.equal([
      ['NAME', 'REGISTRY', 'STATUS', 'READY', 'SYNCING', 'REASON', 'AGE'],
      ['simple', 'simple', 'Syncing', '0/2', 'japaneast,westeurope', 'Syncing'],
    ]);

    scenario.arm.azure.finish(registry, 'eastus');
    const ready = await scenario.finishProvisioning('simple', 'japaneast', 'westeurope');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(condition(ready, 'Available')).to.include({ status: 'True' });
    expect(ready.status?.conditions?.map(({ type }) => type)).to.deep.equal(['Ready', 'Available']);
    expect(await table('get georep simple -o wide')).to.deep.equal([
      ['NAME', 'REGISTRY', 'STATUS', 'READY', 'SYNCING', 'REASON', 'AGE', 'HOME', 'REGIONS', 'MESSAGE'],
      [
        'simple',
        'simple',
        'Ready',
        '2/2',
        'AllRegionsReady',
        'eastus',
        'eastus*,japaneast,westeurope',
        'japaneast, westeurope are ready',
      ],
    ]);
    await scenario.untilEvent('simple', 'ReplicaReady: japaneast: the replica is ready');
    const described = await scenario.kubectl('describe georep simple');
    expect(described).to.match(/Normal +ReplicaCreating .*japaneast: creating the replica/);
    expect(described).to.match(/Normal +ReplicaReady .*japaneast: the replica is ready/);
    expect(scenario.writesTo('simple')).to.have.members(['PUT japaneast', 'PUT westeurope']);
  });

  /** kubectl's table without ages; columns are at least two blanks apart. */
  async function table(args: string): Promise<string[][]> {
    const [header = '', ...rows] = (await scenario.kubectl(args)).trimEnd().split('\n');
    const cells = (line: string) => line.trimEnd().split(/ {2,}/);
    return [cells(header), ...rows.map((row) => cells(row).filter((cell) => !/^\d+s$/.test(cell)))];
  }

  it('becomes Ready without a requested reconcile', async () => {
    const registry = scenario.addRegistry('patient');
    await scenario.apply('patient', { regions: ['japaneast'] });
    await scenario.until('patient', 'is Creating', regionsAre('Creating', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await scenario.untilReady('patient');
    expect(scenario.history('patient').map(({ status }) => status?.phase)).to.include.members(['Syncing', 'Ready']);
  });

  it('creates several replicas at a time, and shows what waits for them', async () => {
    scenario.addRegistry('several');
    const first = ['australiaeast', 'brazilsouth', 'canadacentral', 'centralindia', 'francecentral'];
    const ten = [...first, 'japaneast', 'koreacentral', 'northeurope', 'norwayeast', 'southindia'];
    const regions = [...ten, 'uksouth', 'westeurope'];
    await scenario.apply('several', { regions });
    const busy = await scenario.until('several', 'makes the first ten', regionsAre('Creating', ...ten));
    expect(busy.status?.plan?.map(({ action, location }) => `${action} ${location}`)).to.deep.equal([
      'create uksouth',
      'create westeurope',
    ]);
    expect(busy.status?.plan?.[0]?.message).to.contain('at most 10 replicas of a registry change at a time');
    await scenario.finishProvisioning('several', ...ten);
    const ready = await scenario.finishProvisioning('several', 'uksouth', 'westeurope');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.writesTo('several')).to.have.members(regions.map((location) => `PUT ${location}`));
  });

  it('accepts "Japan East" for japaneast', async () => {
    scenario.addRegistry('spelling');
    await scenario.apply('spelling', { regions: ['Japan East'] });
    await scenario.until('spelling', 'is Creating', regionsAre('Creating', 'japaneast'));
    const ready = await scenario.finishProvisioning('spelling', 'japaneast');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.writesTo('spelling')).to.deep.equal(['PUT japaneast']);
  });

  it('adopts an existing replica, whatever its name', async () => {
    const registry = scenario.addRegistry('adopting');
    scenario.arm.azure.addReplica(registry, 'westeurope', { name: 'asotestmvqrux', tags: { team: 'web' } });
    await scenario.apply('adopting', { regions: ['westeurope'] });
    const ready = await scenario.untilReady('adopting');
    expect(region(ready, 'westeurope')).to.include({ replica: 'asotestmvqrux', state: 'Ready', desired: true });
    expect(scenario.writesTo('adopting')).to.deep.equal([]);
  });

  it('moves a registry from one region to another: creates before it deletes', async () => {
    const registry = scenario.addRegistry('moving');
    scenario.arm.azure.addReplica(registry, 'northeurope');
    await scenario.apply('moving', { regions: ['northeurope'] });
    await scenario.untilReady('moving');

    await scenario.patch('moving', { spec: { regions: [{ location: 'westeurope' }] } });
    const making = await scenario.until('moving', 'is Creating', regionsAre('Creating', 'westeurope'));
    expect(making.status?.plan).to.have.length(1);
    expect(making.status?.plan?.[0]).to.include({
      action: 'delete',
      location: 'northeurope',
      waitsFor: 'westeurope',
    });
    expect(region(making, 'northeurope')).to.include({ desired: false, state: 'Ready' });

    const pruning = await scenario.finishProvisioning('moving', 'westeurope');
    expect(condition(pruning, 'Ready')).to.include({ status: 'False', reason: 'Pruning' });
    expect(condition(pruning, 'Available')).to.include({ status: 'True' });
    expect(region(pruning, 'northeurope')?.state).to.equal('Deleting');

    // For a minute after our deletion, a GET that still shows the replica is not believed, but one that shows it gone is.
    const ready = await scenario.finishProvisioning('moving', 'northeurope');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(region(ready, 'northeurope')).to.equal(undefined);
    expect(scenario.writesTo('moving')).to.deep.equal(['PUT westeurope', 'DELETE northeurope']);
    await scenario.untilEvent('moving', 'ReplicaDeleted: northeurope: the replica is gone');
  });

  it('routes a WhenReady region only after its content is there', async () => {
    const registry = scenario.addRegistry('routing');
    await scenario.apply('routing', { regions: [{ location: 'japaneast', routing: 'WhenReady' }] });
    const creating = await scenario.until('routing', 'is Creating', regionsAre('Creating', 'japaneast'));
    expect(region(creating, 'japaneast')?.routing).to.equal('Disabled');
    scenario.arm.azure.advance(registry, 'japaneast');
    const syncing = await scenario.reconcileNow('routing');
    expect(region(syncing, 'japaneast')).to.include({ state: 'Syncing', routing: 'Disabled' });

    await scenario.finishProvisioning('routing', 'japaneast');
    const ready = await scenario.finishProvisioning('routing', 'japaneast');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(region(ready, 'japaneast')?.routing).to.equal('Enabled');
    expect(scenario.writesTo('routing')).to.deep.equal(['PUT japaneast', 'PATCH japaneast']);
    await scenario.untilEvent('routing', 'RoutingChanged: japaneast: turn routing on');
  });

  it('treats the home region alone as: no other replicas', async () => {
    const registry = scenario.addRegistry('alone');
    await scenario.apply('alone', { regions: ['eastus'], pruneDelay: '0s' });
    const ready = await scenario.untilReady('alone');
    expect(ready.status).to.include({ readyRegions: '1/1', regionList: 'eastus*' });
    expect(scenario.writesTo('alone')).to.deep.equal([]);

    scenario.arm.azure.addReplica(registry, 'northeurope');
    const pruning = await scenario.reconcileNow('alone');
    expect(condition(pruning, 'Ready')).to.include({ reason: 'Pruning' });
    expect(isReady(await scenario.finishProvisioning('alone', 'northeurope'))).to.equal(true);
    expect(scenario.arm.azure.replicas(registry).map(({ name }) => name)).to.deep.equal(['eastus']);
  });

  it('lets `kubectl wait` start right after an edit', async () => {
    const registry = scenario.addRegistry('waiting');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    await scenario.apply('waiting', { regions: ['westeurope'] });
    await scenario.untilReady('waiting');
    const edit = { spec: { regions: [{ location: 'westeurope' }, { location: 'japaneast' }] } };
    await scenario.patch('waiting', edit);
    let waited = false;
    const waiting = scenario.kubectl(`wait georep/waiting --for=condition=Ready ${kubectlTimeout}`).then((answer) => {
      waited = true;
      return answer;
    });
    await scenario.until('waiting', 'is Creating', regionsAre('Creating', 'japaneast'));
    // Another kubectl has come and gone: a wait that ends too early would have ended by now.
    await scenario.kubectl('get georep waiting');
    expect(waited).to.equal(false);
    await scenario.finishProvisioning('waiting', 'japaneast');
    expect(await waiting).to.contain('condition met');
  });

  it('can be edited with `kubectl edit` and followed with `kubectl get -w`', async () => {
    const registry = scenario.addRegistry('edited');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    await scenario.apply('edited', { regions: ['westeurope'], prune: 'Retain' });
    await scenario.untilReady('edited');

    const follower = startKubectl(scenario.kubeconfig, ['get', 'georep', 'edited', '-w']);
    const rows = createInterface(follower.stdout)[Symbol.asyncIterator]();
    const follow = async (expected: RegExp) => {
      for (let row = await rows.next(); !expected.test(row.value ?? ''); row = await rows.next())
        if (row.done) expect.fail(`kubectl ended before it said ${expected}`);
    };
    await follow(/^edited +edited +Ready +1\/1 +AllRegionsReady +\d+s$/);
    await scenario.kubectl('edit georep edited', {
      env: { KUBE_EDITOR: 'sed -i "s/location: westeurope/location: japaneast/"' },
    });
    await follow(/^edited +edited +Syncing +0\/1 +japaneast +Syncing +\d+s$/);
    // The status is updated before the request to Azure.
    await scenario.arm.journal.first(({ method, registry }) => method === 'PUT' && registry === 'edited');
    await scenario.finishProvisioning('edited', 'japaneast');
    await follow(/^edited +edited +Ready +1\/1 +AllRegionsReady +\d+s$/);
    follower.kill();
    expect(scenario.writesTo('edited')).to.deep.equal(['PUT japaneast']);
  });

  it('keeps fields of the object that it does not own', async () => {
    scenario.addRegistry('shared');
    await scenario.apply('shared', { regions: ['eastus'] });
    await scenario.untilReady('shared');
    await scenario.kubectl(
      'patch georep shared --type=merge -p {"metadata":{"labels":{"team":"web"},"annotations":{"a":"b"}}}',
    );
    await scenario.reconcileNow('shared');
    const object = JSON.parse(await scenario.kubectl('get georep shared -o json')) as RegistryReplication;
    expect(object.metadata.labels).to.deep.equal({ team: 'web' });
    expect(object.metadata.annotations).to.include({ a: 'b' });
    expect(object.metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
  });

  it('gets its finalizer back at once when others remove it', async () => {
    scenario.addRegistry('stripped');
    await scenario.apply('stripped', { regions: ['eastus'] });
    await scenario.untilReady('stripped');
    const finalizers = ['georeplication.dev/replicas'];
    const untilBack = (stripped: string) => {
      const { resourceVersion } = (JSON.parse(stripped) as RegistryReplication).metadata;
      return scenario.until('stripped', 'has its finalizer again', ({ metadata }) => {
        const isStrippedSeen = scenario
          .history('stripped')
          .some((one) => one.metadata.resourceVersion === resourceVersion);
        return isStrippedSeen && metadata.finalizers?.includes('georeplication.dev/replicas') === true;
      });
    };
    await untilBack(
      await scenario.kubectl('patch georep stripped --type=merge -p {"metadata":{"finalizers":null}} -o json'),
    );

    const { apiVersion, kind, spec } = JSON.parse(
      await scenario.kubectl('get georep stripped -o json'),
    ) as RegistryReplication;
    const applied = (metadata: object) =>
      scenario.kubectl('apply -f - -o json', {
        input: JSON.stringify({ apiVersion, kind, metadata: { name: 'stripped', ...metadata }, spec }),
      });
    await applied({ finalizers });
    await untilBack(await applied({}));
  });

  it('explains its fields', async () => {
    const regions = await scenario.kubectl('explain georep.spec.regions');
    expect(regions).to.contain('The regions that have a replica.');
    expect(regions).to.match(/location\t<string> -required-/);
    expect(regions).to.match(/routing\t<string>/);
    expect(await scenario.kubectl('explain georep.spec.prune')).to.match(
      /What happens to replicas in regions that are not\s+listed/,
    );
  });

  it('is found under its short name and its categories', async () => {
    expect(await scenario.kubectl('get acr')).to.contain('simple');
    expect(await scenario.kubectl('get azure')).to.contain('simple');
  });

  it('never writes to the home region', () => {
    const home = scenario.arm.journal.writes.filter(({ replica }) => replica === 'eastus');
    expect(home).to.deep.equal([]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
