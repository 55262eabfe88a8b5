// What Azure refuses: how the operator reports it, and that it recovers once the cause is removed.
import { expect } from 'chai';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { held } from '../emulators/arm/timings.ts';
import { condition, isNotReadyBecause, isReady, readyMessage, region, regionsAre } from './expectations.ts';
import { authorizationFailed, scopeLocked, throttled } from './refusals.ts';
import { referenceTo, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('a registry with which Azure has a problem', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  function expectReady(object: RegistryReplication): void {
    expect(isReady(object), readyMessage(object)).to.equal(true);
    expect(condition(object, 'Stalled')).to.equal(undefined);
  }

  it('gets its other replicas when one region is unknown, and that one too once its name is corrected', async () => {
    scenario.addRegistry('misspelt');
    await scenario.apply('misspelt', { regions: ['japaneest', 'westeurope'] });
    const refused = await scenario.until('misspelt', 'is Creating', regionsAre('Creating', 'westeurope'));
    expect(isNotReadyBecause('RegionNotAvailable')(refused), readyMessage(refused)).to.equal(true);
    expect(refused.status).to.include({ phase: 'Failed', readyRegions: '0/2', syncing: 'westeurope' });
    expect(readyMessage(refused)).to.equal(
      'japaneest: no such region in subscription 00000000-0000-0000-0000-000000000000; did you mean japaneast? Correct it in spec.regions',
    );
    expect(readyMessage(refused)).to.equal(`japaneest: ${region(refused, 'japaneest')?.message}`);
    expect(condition(refused, 'Available')?.message).to.equal('japaneest is Absent; creating westeurope');
    expect(condition(refused, 'Stalled')).to.include({ status: 'True', reason: 'RegionNotAvailable' });
    const half = await scenario.finishProvisioning('misspelt', 'westeurope');
    expect(half.status?.readyRegions).to.equal('1/2');

    const regions = [{ location: 'japaneast' }, { location: 'westeurope' }];
    await scenario.patch('misspelt', { spec: { regions } });
    await scenario.until('misspelt', 'is Creating', regionsAre('Creating', 'japaneast'));
    expectReady(await scenario.finishProvisioning('misspelt', 'japaneast'));
    expect(scenario.writesTo('misspelt')).to.have.members(['PUT westeurope', 'PUT japaneast']);
    await scenario.untilEvent('misspelt', /did you mean/);
    const warnings = (await scenario.events('misspelt')).filter((event) => event.includes('did you mean'));
    expect(warnings.length, warnings.join()).to.equal(1);
  });

  it("repeats Azure's reason for an unavailable region without its long list of regions", async () => {
    const reopen = scenario.arm.azure.withdrawRegion('westus3');
    scenario.addRegistry('withdrawn');
    await scenario.apply('withdrawn', { regions: ['westus3'] });
    const refused = await scenario.until('withdrawn', 'is refused', isNotReadyBecause('RegionNotAvailable'));
    expect(readyMessage(refused)).to.match(
      /^westus3: the region does not exist or offers no container registries: cannot create the replica; did you mean westus or westus2\? Correct it in spec\.regions \(LocationNotAvailableForResourceType: The provided location 'westus3' is not available for resource type '[^']+'\.\)$/,
    );
    reopen();
    await scenario.reconcileNow('withdrawn');
    expectReady(await scenario.finishProvisioning('withdrawn', 'westus3'));
  });

  it('is waited for if it does not exist', async () => {
    await scenario.apply('missing', { regions: ['japaneast'] });
    const refused = await scenario.until('missing', 'is not found', isNotReadyBecause('RegistryNotFound'));
    expect(readyMessage(refused)).to.equal(
      'registry missing does not exist in resource group images of subscription 00000000-0000-0000-0000-000000000000. Correct spec.registry in a new object, or create the registry with: az acr create --name missing --resource-group images --sku Premium --subscription 00000000-0000-0000-0000-000000000000',
    );
    expect(condition(refused, 'Stalled')).to.include({ status: 'True' });
    expect(await scenario.kubectl('get georep missing -o wide')).to.match(
      / RegistryNotFound .* registry missing does not exist/,
    );
    scenario.addRegistry('missing');
    await scenario.reconcileNow('missing');
    expectReady(await scenario.finishProvisioning('missing', 'japaneast'));
  });

  it('gets no replicas until it is a Premium registry', async () => {
    const registry = scenario.addRegistry('basic', { sku: 'Basic' });
    await scenario.apply('basic', { regions: ['japaneast'] });
    const refused = await scenario.until('basic', 'is not Premium', isNotReadyBecause('RegistryNotPremium'));
    expect(readyMessage(refused)).to.equal(
      'registry basic is Basic; geo-replication needs Premium: az acr update --name basic --sku Premium --subscription 00000000-0000-0000-0000-000000000000',
    );
    scenario.arm.azure.changeRegistry(registry, { sku: 'Premium' });
    await scenario.reconcileNow('basic');
    expectReady(await scenario.finishProvisioning('basic', 'japaneast'));
    expect(scenario.writesTo('basic')).to.deep.equal(['PUT japaneast']);
  });

  it('is left alone while it is in motion itself', async () => {
    const registry = scenario.addRegistry('upgrading', { provisioningState: 'Updating' });
    await scenario.apply('upgrading', { regions: ['japaneast'] });
    const waiting = await scenario.until('upgrading', 'waits', isNotReadyBecause('RegistryNotReady'));
    expect(waiting.status?.phase).to.equal('Pending');
    expect(condition(waiting, 'Stalled')).to.equal(undefined);
    scenario.arm.azure.changeRegistry(registry, { provisioningState: 'Succeeded' });
    await scenario.reconcileNow('upgrading');
    expectReady(await scenario.finishProvisioning('upgrading', 'japaneast'));
  });

  it('reports which right is missing where, and what to do, if the operator may not write to it', async () => {
    const registry = referenceTo('forbidden');
    scenario.addRegistry('forbidden');
    const grant = scenario.arm.azure.refuse(
      (request) => request.registry === 'forbidden' && request.method === 'PUT',
      authorizationFailed(registry, 'write'),
    );
    await scenario.apply('forbidden', { regions: ['japaneast'] });
    const refused = await scenario.until('forbidden', 'is refused', isNotReadyBecause('AuthorizationFailed'));
    const row = region(refused, 'japaneast');
    expect(row?.message).to.contain(
      "has no right to create the replica. Grant it the operator's role (deploy/azure-role.json), or Contributor: az role assignment create",
    );
    expect(readyMessage(refused)).to.equal(`japaneast: ${row?.message}`);
    expect(row?.message).to.match(
      / --scope \/subscriptions\S+\/forbidden \(Azure demands \S+\/replications\/write on \/subscriptions\S+\/forbidden; a grant takes minutes to act\)$/,
    );
    expect(row?.retryAfter).to.be.a('string');
    await scenario.untilEvent(
      'forbidden',
      new RegExp(`^AuthorizationFailed: japaneast: ${scenario.identity.label} `, 'i'),
    );
    grant();
    await scenario.reconcileNow('forbidden');
    expectReady(await scenario.finishProvisioning('forbidden', 'japaneast'));
  });

  it('reports which right is missing if the operator may not read it', async () => {
    const registry = scenario.addRegistry('hidden');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    const grant = scenario.arm.azure.refuse(
      (request) => request.registry === 'hidden',
      authorizationFailed(registry, 'read'),
    );
    await scenario.apply('hidden', { regions: ['japaneast'] });
    const refused = await scenario.until('hidden', 'is refused', isNotReadyBecause('AuthorizationFailed'));
    expect(readyMessage(refused)).to.contain(
      'Azure demands Microsoft.ContainerRegistry/registries/replications/read on',
    );
    grant();
    expectReady(await scenario.reconcileNow('hidden'));
  });

  it('is Available while a lock blocks the prune, and reports the lock', async () => {
    const registry = scenario.addRegistry('locked');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    const unlock = scenario.arm.azure.refuse(
      (request) => request.registry === 'locked' && request.method === 'DELETE',
      scopeLocked(registry),
    );
    await scenario.apply('locked', { regions: ['japaneast'], pruneDelay: '0s' });
    const refused = await scenario.until('locked', 'is blocked', isNotReadyBecause('PruneBlocked'));
    expect(condition(refused, 'Available')).to.include({ status: 'True' });
    expect(region(refused, 'westeurope')?.message).to.match(
      /^a resource lock on locked is in the way: cannot delete the replica\. Find it with az lock list --resource \/subscriptions\S+\/locked and /,
    );
    unlock();
    await scenario.reconcileNow('locked');
    expectReady(await scenario.finishProvisioning('locked', 'westeurope'));
  });

  it('stays Ready while Azure throttles, and is not read again too early', async () => {
    const registry = scenario.addRegistry('throttled');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('throttled', { regions: ['japaneast'] });
    await scenario.untilReady('throttled');
    const seen = scenario.history('throttled').length;
    scenario.arm.azure.refuse((request) => request.registry === 'throttled', throttled(1), 2);
    expectReady(await scenario.reconcileNow('throttled'));

    const since = scenario.history('throttled').slice(seen);
    expect(since.every(({ status }) => status?.phase === 'Ready')).to.equal(true);
    const requests = scenario.arm.journal.entries.filter((request) => request.registry === 'throttled');
    const refused = requests.filter(({ status }) => status === 429);
    const [next] = requests.slice(requests.findLastIndex(({ status }) => status === 429) + 1);
    expect(refused).to.have.length(2);
    expect(Number(next?.at) - Number(refused.at(0)?.at)).to.be.at.least(1_000);
  });

  it('stays Ready during a short outage of Azure', async () => {
    const registry = scenario.addRegistry('flaky');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('flaky', { regions: ['japaneast'] });
    await scenario.untilReady('flaky');
    const seen = scenario.history('flaky').length;
    const refusal = { status: 503, code: 'ServerBusy', message: 'The server is busy.' };
    scenario.arm.azure.refuse((request) => request.registry === 'flaky', refusal, 2);
    expectReady(await scenario.reconcileNow('flaky'));
    const since = scenario.history('flaky').slice(seen);
    expect(since.every(({ status }) => status?.phase === 'Ready')).to.equal(true);
  });

  for (const [name, reason, refusal] of [
    ['editedinoutage', 'AzureUnreachable', { status: 503, code: 'ServerBusy', message: 'The server is busy.' }],
    ['editedthrottled', 'Throttled', throttled(3)],
  ] as const)
    it(`shows at once that Azure has not answered an edit yet: ${reason}`, async () => {
      const registry = scenario.addRegistry(name);
      scenario.arm.azure.addReplica(registry, 'japaneast');
      scenario.arm.azure.addReplica(registry, 'westeurope');
      await scenario.apply(name, { regions: ['japaneast', 'westeurope'] });
      await scenario.untilReady(name);
      const answerAgain = scenario.arm.azure.refuse((request) => request.registry === name, refusal);
      await scenario.apply(name, { regions: ['japaneast', 'westeurope', 'northeurope'] });
      const waiting = await scenario.until(name, 'shows the edit', ({ status }) => status?.phase === 'Syncing');
      expect(waiting.status).to.include({ readyRegions: '2/3', syncing: 'northeurope' });
      expect(condition(waiting, 'Ready')).to.include({ status: 'Unknown', reason, observedGeneration: 2 });
      expect(readyMessage(waiting)).to.match(
        /^Azure .+ yet; edit not observed since .+ UTC, it is tried again by itself \(/,
      );
      await scenario.untilEvent(name, new RegExp(`^${reason}: Azure .+; edit not observed since`));
      answerAgain();
      await scenario.until(name, 'is Creating', regionsAre('Creating', 'northeurope'));
      expectReady(await scenario.finishProvisioning(name, 'northeurope'));
    });

  it('keeps a replica that failed to provision as evidence, and replaces it on a reconcile request', async () => {
    const registry = scenario.addRegistry('failing');
    scenario.arm.azure.faults.add({
      kind: 'failedCreation',
      registry: 'failing',
      location: 'japaneast',
      times: 1,
      code: 'QuotaExceeded',
      message: 'The quota of the region is used up.',
    });
    await scenario.apply('failing', { regions: ['japaneast', 'westeurope'] });
    await scenario.until('failing', 'is Creating', regionsAre('Creating', 'japaneast', 'westeurope'));
    for (const location of ['japaneast', 'westeurope']) scenario.arm.azure.finish(registry, location);
    const failed = await scenario.until('failing', 'has failed', regionsAre('Failed', 'japaneast'));
    const words =
      /Azure reports the replica as Failed; attempt 2 of 5 at \d\d:\d\d UTC \(QuotaExceeded: The quota of the region is used up.\)$/;
    expect(condition(failed, 'Ready')).to.include({ status: 'False', reason: 'RegionFailed' });
    expect(readyMessage(failed)).to.match(words);
    expect(condition(failed, 'Stalled')).to.equal(undefined);
    expect(region(failed, 'japaneast')).to.include({ attempts: 1, createdHere: true });
    expect(region(failed, 'westeurope')?.state).to.equal('Ready');
    await scenario.untilEvent('failing', new RegExp(`^ReplicaFailed: japaneast: ${words.source}`));

    await scenario.reconcileNow('failing');
    const gone = await scenario.finishProvisioning('failing', 'japaneast');
    // The pause is Azure's: 30 s, which cannot be shortened. reconcile.test.ts tests what follows.
    expect(region(gone, 'japaneast')).to.include({ state: 'Absent' });
    expect(gone.status?.plan?.[0]?.message).to.match(/^create the replica; waits until .+ UTC: Azure fails a creation/);
    expect(scenario.writesTo('failing')).to.have.members(['PUT japaneast', 'PUT westeurope', 'DELETE japaneast']);
  });

  it('leaves a Failed replica that it did not create to the user, with the command that replaces it', async () => {
    const registry = scenario.addRegistry('adopted');
    scenario.arm.azure.addReplica(registry, 'japaneast', { state: 'Failed' });
    await scenario.apply('adopted', { regions: ['japaneast'] });
    const failed = await scenario.until('adopted', 'is Stalled', isNotReadyBecause('RegionFailed'));
    expect(condition(failed, 'Stalled')).to.include({ status: 'True', reason: 'RegionFailed' });
    expect(readyMessage(failed)).to.contain(
      'az acr replication delete --registry adopted --name japaneast --resource-group images',
    );
    await scenario.reconcileNow('adopted');
    expect(scenario.writesTo('adopted')).to.deep.equal([]);
  });

  it('has short messages: no event repeats another, and no condition is longer than a screen', async () => {
    const names = ['misspelt', 'missing', 'basic', 'upgrading', 'forbidden', 'hidden', 'locked', 'failing', 'adopted'];
    for (const name of names) {
      const warnings = (await scenario.events(name)).filter(
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
      const messages = scenario
        .history(name)
        .flatMap(({ status }) => status?.conditions?.map(({ message }) => message) ?? []);
      expect(Math.max(...messages.map(({ length }) => length)), name).to.be.at.most(1_200);
      const available = scenario.history(name).flatMap((object) => condition(object, 'Available')?.message ?? []);
      for (const message of available) expect(message.length, message).to.be.at.most(100);
    }
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
