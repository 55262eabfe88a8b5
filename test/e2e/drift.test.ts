// Changes that others make in Azure: drift is corrected, or left alone where the spec says so.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { condition, isNotReadyBecause, isReady, readyMessage, region } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a registry that others change', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: instant, args: ['--interval=1s'] });
    // Read once a second: tests count its reads to know that two intervals have passed.
    scenario.addRegistry('clock');
    await scenario.apply('clock', { regions: ['eastus'] });
    await scenario.untilReady('clock');
  });
  after(() => scenario?.close());

  /** The next write of this method to a replica of the registry; start it before its cause, and await it afterwards. */
  function nextWrite(registry: string, method: 'PUT' | 'PATCH' | 'DELETE') {
    return scenario.arm.journal.next((request) => request.registry === registry && request.method === method);
  }

  /** Resolves after two drift checks of another object. */
  async function twoIntervals(): Promise<void> {
    for (let look = 1; look <= 2; look++)
      await scenario.arm.journal.next(({ registry, path }) => registry === 'clock' && path.endsWith('/replications'));
  }

  function requestsTo(registry: string): number {
    return scenario.arm.journal.entries.filter((request) => request.registry === registry).length;
  }

  it('gets its routing back', async () => {
    const registry = scenario.addRegistry('rerouted');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('rerouted', { regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    await scenario.untilReady('rerouted');
    const corrected = nextWrite('rerouted', 'PATCH');
    scenario.arm.azure.changeReplica(registry, 'japaneast', { routing: false });
    expect((await corrected).body).to.deep.equal({ properties: { regionEndpointEnabled: true } });
    const ready = await scenario.reconcileNow('rerouted');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.arm.azure.replica(registry, 'japaneast')?.routing).to.equal(true);
    await scenario.untilEvent(
      'rerouted',
      'DriftCorrected: japaneast: others changed the replica in Azure, correcting it: turn routing on',
    );
  });

  it('keeps a routing that the spec does not set', async () => {
    const registry = scenario.addRegistry('unrouted');
    scenario.arm.azure.addReplica(registry, 'japaneast', { routing: false });
    await scenario.apply('unrouted', { regions: ['japaneast'] });
    const ready = await scenario.untilReady('unrouted');
    expect(region(ready, 'japaneast')?.routing).to.equal('Disabled');
    expect(scenario.writesTo('unrouted')).to.deep.equal([]);
  });

  it('gets its managed tags back, and keeps the tags of others', async () => {
    const registry = scenario.addRegistry('tagged');
    scenario.arm.azure.addReplica(registry, 'japaneast', { tags: { foreign: 'kept' } });
    await scenario.apply('tagged', { regions: [{ location: 'japaneast', tags: { team: 'web', tier: 'gold' } }] });
    const tagged = await scenario.untilReady('tagged');
    expect(region(tagged, 'japaneast')?.managedTags).to.deep.equal(['team', 'tier']);
    const tags = () => scenario.arm.azure.replica(registry, 'japaneast')?.tags;
    expect(tags()).to.deep.equal({ foreign: 'kept', team: 'web', tier: 'gold' });

    const corrected = nextWrite('tagged', 'PATCH');
    scenario.arm.azure.changeReplica(registry, 'japaneast', { tags: { foreign: 'changed', team: 'api' } });
    await corrected;
    expect(tags()).to.deep.equal({ foreign: 'changed', team: 'web', tier: 'gold' });
    await scenario.reconcileNow('tagged');
    await scenario.untilEvent(
      'tagged',
      'DriftCorrected: japaneast: others changed the replica in Azure, correcting it: set tags',
    );

    await scenario.patch('tagged', { spec: { regions: [{ location: 'japaneast', tags: { team: 'web' } }] } });
    const ready = await scenario.reconcileNow('tagged');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(tags()).to.deep.equal({ foreign: 'changed', team: 'web' });
    expect(region(ready, 'japaneast')?.managedTags).to.deep.equal(['team']);
  });

  it('gets a deleted replica back', async () => {
    const registry = scenario.addRegistry('robbed');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('robbed', { regions: ['japaneast'] });
    await scenario.untilReady('robbed');
    const corrected = nextWrite('robbed', 'PUT');
    scenario.arm.azure.removeReplica(registry, 'japaneast');
    await corrected;
    const ready = await scenario.reconcileNow('robbed');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    await scenario.untilEvent(
      'robbed',
      'DriftCorrected: japaneast: others deleted the replica in Azure, correcting it: create the replica',
    );
  });

  it('loses a replica that the spec does not list', async () => {
    const registry = scenario.addRegistry('crowded');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('crowded', { regions: ['japaneast'], pruneDelay: '0s' });
    await scenario.untilReady('crowded');
    const corrected = nextWrite('crowded', 'DELETE');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    expect((await corrected).replica).to.equal('westeurope');
  });

  it('keeps its last routed replica, whatever the spec says, until another one serves', async () => {
    const registry = scenario.addRegistry('lastone');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    scenario.arm.azure.changeReplica(registry, 'eastus', { routing: false });
    await scenario.apply('lastone', { regions: [{ location: 'japaneast', routing: 'Disabled' }] });
    const refused = await scenario.until('lastone', 'is refused', isNotReadyBecause('LastRoutedRegion'));
    expect(condition(refused, 'Stalled')).to.include({ status: 'True' });
    expect(readyMessage(refused)).to.equal(
      'japaneast: no other replica is routed and ready: routing off would cut clients off. Set routing: Enabled for this region or another; the home region can be listed for it',
    );
    expect(scenario.writesTo('lastone')).to.deep.equal([]);

    const regions = [
      { location: 'japaneast', routing: 'Disabled' },
      { location: 'eastus', routing: 'Enabled' },
    ];
    await scenario.patch('lastone', { spec: { regions } });
    await scenario.reconcileNow('lastone');
    await scenario.reconcileNow('lastone');
    const ready = await scenario.reconcileNow('lastone');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.writesTo('lastone')).to.deep.equal(['PATCH eastus', 'PATCH japaneast']);
  });

  it('is left alone while its object is suspended, and corrected afterwards', async () => {
    const registry = scenario.addRegistry('resting');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('resting', { regions: [{ location: 'japaneast', routing: 'Enabled' }] });
    const before = await scenario.untilReady('resting');
    await scenario.patch('resting', { spec: { suspend: true } });
    const suspended = await scenario.until('resting', 'is Suspended', ({ status }) => status?.phase === 'Suspended');
    expect(suspended.status?.observedGeneration).to.equal(suspended.metadata.generation);
    expect(condition(suspended, 'Ready')).to.deep.equal(condition(before, 'Ready'));

    scenario.arm.azure.changeReplica(registry, 'japaneast', { routing: false });
    const requests = requestsTo('resting');
    await twoIntervals();
    expect(requestsTo('resting')).to.equal(requests);

    const corrected = nextWrite('resting', 'PATCH');
    await scenario.patch('resting', { spec: { suspend: false } });
    await corrected;
    const ready = await scenario.reconcileNow('resting');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
  });

  it('is not written to in mode Observe, which shows what Manage then does', async () => {
    const registry = scenario.addRegistry('observed');
    scenario.arm.azure.addReplica(registry, 'northeurope');
    await scenario.apply('observed', {
      regions: [{ location: 'japaneast', tags: { team: 'web' } }],
      mode: 'Observe',
      pruneDelay: '0s',
    });
    const observing = await scenario.until('observed', 'shows its plan', isNotReadyBecause('OutOfSync'));
    expect(observing.status?.phase).to.equal('Observing');
    expect(observing.status?.plan?.map(({ action, location }) => `${action} ${location}`)).to.deep.equal([
      'create japaneast',
      'delete northeurope',
    ]);
    expect(observing.metadata.finalizers).to.equal(undefined);
    await twoIntervals();
    expect(scenario.writesTo('observed')).to.deep.equal([]);

    await scenario.patch('observed', { spec: { mode: 'Manage' } });
    await scenario.reconcileNow('observed');
    await scenario.reconcileNow('observed');
    const ready = await scenario.reconcileNow('observed');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.writesTo('observed')).to.deep.equal(['PUT japaneast', 'DELETE northeurope']);
  });

  it("is not read again because of the operator's own status write", async () => {
    const registry = scenario.addRegistry('quiet');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('quiet', { regions: ['japaneast'], interval: '1h' });
    await scenario.untilReady('quiet');
    const requests = requestsTo('quiet');
    await twoIntervals();
    expect(requestsTo('quiet')).to.equal(requests);
    const versions = scenario.history('quiet').map(({ metadata }) => metadata.resourceVersion);
    expect(versions.length, 'versions: created, with finalizer, with status').to.be.within(2, 3);
  });

  it('costs two reads per pass when nothing has changed: the registry and its list', async () => {
    await twoIntervals();
    const paths = scenario.arm.journal.entries.flatMap(({ registry, path }) => (registry === 'clock' ? [path] : []));
    const registryPath = paths.find((path) => path.endsWith('/clock'));
    // Both reads are sent at once, in any order, and answered before the next pass; the last pass may be incomplete.
    const looks = Array.from({ length: Math.floor(paths.length / 2) }, (_, n) => paths.slice(2 * n, 2 * n + 2));
    expect(looks.length).to.be.at.least(2);
    for (const look of looks) expect(look).to.have.members([registryPath, `${registryPath}/replications`]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
