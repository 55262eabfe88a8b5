// What Azure refuses: how the operator reports it, and that it recovers once the cause is removed.
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { held } from '../emulators/arm/timings.ts';
import { are, condition, isNotReadyBecause, isReady, messageOf, region } from './expectations.ts';
import { locked, noRightTo, throttled } from './refusals.ts';
import { openScene, referenceTo, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a registry with which Azure has a problem', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held });
  });
  after(() => scene?.close());

  function expectReady(object: RegistryReplication): void {
    expect(isReady(object), messageOf(object)).to.equal(true);
    expect(condition(object, 'Stalled')).to.equal(undefined);
  }

  it('gets its other replicas when one region is unknown, and that one too once its name is corrected', async () => {
    scene.addRegistry('misspelt');
    await scene.apply('misspelt', { regions: ['japaneest', 'westeurope'] });
    const refused = await scene.until('misspelt', 'is Creating', are('Creating', 'westeurope'));
    expect(isNotReadyBecause('RegionNotAvailable')(refused), messageOf(refused)).to.equal(true);
    expect(refused.status).to.include({ phase: 'Failed', readyRegions: '0/2', syncing: 'westeurope' });
    expect(messageOf(refused)).to.equal(
      'japaneest is not created: subscription 00000000-0000-0000-0000-000000000000 has no region japaneest; did you mean japaneast? Correct it in spec.regions',
    );
    expect(region(refused, 'japaneest')?.message).to.equal(messageOf(refused));
    expect(condition(refused, 'Available')?.message).to.equal('japaneest is Absent; westeurope is Creating');
    expect(condition(refused, 'Stalled')).to.include({ status: 'True', reason: 'RegionNotAvailable' });
    const half = await scene.arrived('misspelt', 'westeurope');
    expect(half.status?.readyRegions).to.equal('1/2');

    const regions = [{ location: 'japaneast' }, { location: 'westeurope' }];
    await scene.patch('misspelt', { spec: { regions } });
    await scene.until('misspelt', 'is Creating', are('Creating', 'japaneast'));
    expectReady(await scene.arrived('misspelt', 'japaneast'));
    expect(scene.writesTo('misspelt')).to.have.members(['PUT westeurope', 'PUT japaneast']);
    await scene.told('misspelt', /did you mean/);
    const warnings = (await scene.events('misspelt')).filter((event) => event.includes('did you mean'));
    expect(warnings.length, warnings.join()).to.equal(1);
  });

  it("repeats Azure's reason for an unavailable region without its long list of regions", async () => {
    const reopen = scene.arm.azure.withdrawRegion('westus3');
    scene.addRegistry('withdrawn');
    await scene.apply('withdrawn', { regions: ['westus3'] });
    const refused = await scene.until('withdrawn', 'is refused', isNotReadyBecause('RegionNotAvailable'));
    expect(messageOf(refused)).to.match(
      /^Cannot create replica westus3 of registry withdrawn: the region does not exist or does not offer container registries; did you mean westus or westus2\? Correct it in spec\.regions \(LocationNotAvailableForResourceType: The provided location 'westus3' is not available for resource type '[^']+'\.\)$/,
    );
    reopen();
    await scene.lookNow('withdrawn');
    expectReady(await scene.arrived('withdrawn', 'westus3'));
  });

  it('is waited for if it does not exist', async () => {
    await scene.apply('missing', { regions: ['japaneast'] });
    const refused = await scene.until('missing', 'is not found', isNotReadyBecause('RegistryNotFound'));
    expect(messageOf(refused)).to.equal(
      'Registry missing does not exist in resource group images of subscription 00000000-0000-0000-0000-000000000000. Correct spec.registry in a new object, or create the registry with: az acr create --name missing --resource-group images --sku Premium',
    );
    expect(condition(refused, 'Stalled')).to.include({ status: 'True' });
    expect(await scene.kubectl('get georep missing -o wide')).to.contain('az acr create --name missing');
    scene.addRegistry('missing');
    await scene.lookNow('missing');
    expectReady(await scene.arrived('missing', 'japaneast'));
  });

  it('gets no replicas until it is a Premium registry', async () => {
    const registry = scene.addRegistry('basic', { sku: 'Basic' });
    await scene.apply('basic', { regions: ['japaneast'] });
    const refused = await scene.until('basic', 'is not Premium', isNotReadyBecause('RegistryNotPremium'));
    expect(messageOf(refused)).to.equal(
      'Registry basic is Basic; geo-replication needs Premium. Upgrade it with: az acr update --name basic --sku Premium',
    );
    scene.arm.azure.changeRegistry(registry, { sku: 'Premium' });
    await scene.lookNow('basic');
    expectReady(await scene.arrived('basic', 'japaneast'));
    expect(scene.writesTo('basic')).to.deep.equal(['PUT japaneast']);
  });

  it('is left alone while it is in motion itself', async () => {
    const registry = scene.addRegistry('upgrading', { provisioningState: 'Updating' });
    await scene.apply('upgrading', { regions: ['japaneast'] });
    const waiting = await scene.until('upgrading', 'waits', isNotReadyBecause('RegistryNotReady'));
    expect(waiting.status?.phase).to.equal('Pending');
    expect(condition(waiting, 'Stalled')).to.equal(undefined);
    scene.arm.azure.changeRegistry(registry, { provisioningState: 'Succeeded' });
    await scene.lookNow('upgrading');
    expectReady(await scene.arrived('upgrading', 'japaneast'));
  });

  it('reports which right is missing where, and what to do, if the operator may not write to it', async () => {
    const registry = referenceTo('forbidden');
    scene.addRegistry('forbidden');
    const grant = scene.arm.azure.refuse(
      (request) => request.registry === 'forbidden' && request.method === 'PUT',
      noRightTo(registry, 'write'),
    );
    await scene.apply('forbidden', { regions: ['japaneast'] });
    const refused = await scene.until('forbidden', 'is refused', isNotReadyBecause('AuthorizationFailed'));
    const row = region(refused, 'japaneast');
    expect(row?.message).to.contain(
      'has no right to create replica japaneast of registry forbidden: it may not perform Microsoft.ContainerRegistry/registries/replications/write. Grant it',
    );
    expect(messageOf(refused)).to.equal(row?.message);
    expect(row?.message).to.match(
      /Grant it \(acts within minutes\): az role assignment create .* --scope \/subscriptions\S+\/forbidden \(Azure wants it on \/subscriptions\S+\/forbidden\)$/,
    );
    expect(row?.retryAfter).to.be.a('string');
    await scene.told('forbidden', new RegExp(`^AuthorizationFailed: ${scene.identity.label} `, 'i'));
    grant();
    await scene.lookNow('forbidden');
    expectReady(await scene.arrived('forbidden', 'japaneast'));
  });

  it('reports which right is missing if the operator may not read it', async () => {
    const registry = scene.addRegistry('hidden');
    scene.arm.azure.addReplica(registry, 'japaneast');
    const grant = scene.arm.azure.refuse((request) => request.registry === 'hidden', noRightTo(registry, 'read'));
    await scene.apply('hidden', { regions: ['japaneast'] });
    const refused = await scene.until('hidden', 'is refused', isNotReadyBecause('AuthorizationFailed'));
    expect(messageOf(refused)).to.contain(
      'it may not perform Microsoft.ContainerRegistry/registries/replications/read',
    );
    grant();
    expectReady(await scene.lookNow('hidden'));
  });

  it('is Available while a lock blocks the prune, and reports the lock', async () => {
    const registry = scene.addRegistry('locked');
    scene.arm.azure.addReplica(registry, 'japaneast');
    scene.arm.azure.addReplica(registry, 'westeurope');
    const unlock = scene.arm.azure.refuse(
      (request) => request.registry === 'locked' && request.method === 'DELETE',
      locked(registry),
    );
    await scene.apply('locked', { regions: ['japaneast'], pruneDelay: '0s' });
    const refused = await scene.until('locked', 'is blocked', isNotReadyBecause('PruneBlocked'));
    expect(condition(refused, 'Available')).to.include({ status: 'True' });
    expect(region(refused, 'westeurope')?.message).to.match(
      /^A resource lock forbids to delete replica westeurope of registry locked: it is on \/subscriptions\S+\/locked\. Remove it \(az lock list /,
    );
    unlock();
    await scene.lookNow('locked');
    expectReady(await scene.arrived('locked', 'westeurope'));
  });

  it('stays Ready while Azure throttles, and is not read again too early', async () => {
    const registry = scene.addRegistry('throttled');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('throttled', { regions: ['japaneast'] });
    await scene.untilReady('throttled');
    const seen = scene.history('throttled').length;
    scene.arm.azure.refuse((request) => request.registry === 'throttled', throttled(1), 2);
    expectReady(await scene.lookNow('throttled'));

    const since = scene.history('throttled').slice(seen);
    expect(since.every(({ status }) => status?.phase === 'Ready')).to.equal(true);
    const requests = scene.arm.journal.entries.filter((request) => request.registry === 'throttled');
    const refused = requests.filter(({ status }) => status === 429);
    const [next] = requests.slice(requests.findLastIndex(({ status }) => status === 429) + 1);
    expect(refused).to.have.length(2);
    expect(Number(next?.at) - Number(refused.at(0)?.at)).to.be.at.least(1_000);
  });

  it('stays Ready during a short outage of Azure', async () => {
    const registry = scene.addRegistry('flaky');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('flaky', { regions: ['japaneast'] });
    await scene.untilReady('flaky');
    const seen = scene.history('flaky').length;
    const refusal = { status: 503, code: 'ServerBusy', message: 'The server is busy.' };
    scene.arm.azure.refuse((request) => request.registry === 'flaky', refusal, 2);
    expectReady(await scene.lookNow('flaky'));
    const since = scene.history('flaky').slice(seen);
    expect(since.every(({ status }) => status?.phase === 'Ready')).to.equal(true);
  });

  it('keeps a replica that failed to provision as evidence, and replaces it on a reconcile request', async () => {
    const registry = scene.addRegistry('failing');
    scene.arm.azure.faults.add({
      kind: 'failedCreation',
      registry: 'failing',
      location: 'japaneast',
      times: 1,
      code: 'QuotaExceeded',
      message: 'The quota of the region is used up.',
    });
    await scene.apply('failing', { regions: ['japaneast', 'westeurope'] });
    await scene.until('failing', 'is Creating', are('Creating', 'japaneast', 'westeurope'));
    for (const location of ['japaneast', 'westeurope']) scene.arm.azure.finish(registry, location);
    const failed = await scene.until('failing', 'has failed', are('Failed', 'japaneast'));
    const words =
      'Azure reports replica japaneast as Failed (QuotaExceeded: The quota of the region is used up.) (attempt 1 of 5)';
    expect(condition(failed, 'Ready')).to.include({ status: 'False', reason: 'RegionFailed', message: words });
    expect(condition(failed, 'Stalled')).to.equal(undefined);
    expect(region(failed, 'japaneast')).to.include({ attempts: 1, createdHere: true, message: words });
    expect(region(failed, 'westeurope')?.state).to.equal('Ready');
    await scene.told('failing', `ReplicaFailed: ${words}`);

    await scene.lookNow('failing');
    const gone = await scene.arrived('failing', 'japaneast');
    // The pause is Azure's: 30 s, which cannot be shortened. reconcile.test.ts tests what follows.
    expect(region(gone, 'japaneast')).to.include({ state: 'Absent' });
    expect(gone.status?.plan?.[0]?.message).to.match(
      /^create replica japaneast; waits until \S+: Azure fails a creation/,
    );
    expect(scene.writesTo('failing')).to.have.members(['PUT japaneast', 'PUT westeurope', 'DELETE japaneast']);
  });

  it('leaves a Failed replica that it did not create to the user, with the command that replaces it', async () => {
    const registry = scene.addRegistry('adopted');
    scene.arm.azure.addReplica(registry, 'japaneast', { state: 'Failed' });
    await scene.apply('adopted', { regions: ['japaneast'] });
    const failed = await scene.until('adopted', 'is Stalled', isNotReadyBecause('RegionFailed'));
    expect(condition(failed, 'Stalled')).to.include({ status: 'True', reason: 'RegionFailed' });
    expect(messageOf(failed)).to.contain(
      'az acr replication delete --registry adopted --name japaneast --resource-group images',
    );
    await scene.lookNow('adopted');
    expect(scene.writesTo('adopted')).to.deep.equal([]);
  });

  it('has short messages: no event repeats another, and no condition is longer than a screen', async () => {
    const names = ['misspelt', 'missing', 'basic', 'upgrading', 'forbidden', 'hidden', 'locked', 'failing', 'adopted'];
    for (const name of names) {
      const warnings = (await scene.events(name)).filter(
        (event) => !/^(Replica(Ready|Creating|Delet)|\w+Changed)/.test(event),
      );
      const notes = warnings.map((event) => event.slice(event.indexOf(': ') + 2));
      for (const [index, note] of notes.entries()) {
        const others = notes.filter((_, at) => at !== index);
        expect(
          others.some((other) => other.includes(note.slice(0, 60))),
          notes.join('\n'),
        ).to.equal(false);
      }
      const messages = scene
        .history(name)
        .flatMap(({ status }) => status?.conditions?.map(({ message }) => message) ?? []);
      expect(Math.max(...messages.map(({ length }) => length)), name).to.be.at.most(1_200);
      const available = scene.history(name).flatMap((object) => condition(object, 'Available')?.message ?? []);
      for (const message of available) expect(message.length, message).to.be.at.most(100);
    }
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scene.operator.log).not.to.have.length(0);
    expect(scene.secretsLogged()).to.deep.equal([]);
  });
});
