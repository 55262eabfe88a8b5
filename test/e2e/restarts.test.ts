// The operator ends at critical moments, with and without notice, and another one takes over: nothing is lost, and no write is
// repeated.
import { expect } from 'chai';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { held } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import { isReady, readyMessage, regionsAre } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an operator that ends', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  /** Kills the operator when Azure has handled such a request and before the operator has read the response; then starts another. */
  async function killAt(which: (request: JournalEntry) => boolean): Promise<void> {
    await scenario.arm.journal.next(which);
    await scenario.restartOperator();
  }

  function on(registry: string, method: string): (request: JournalEntry) => boolean {
    return (request) => request.registry === registry && request.method === method;
  }

  async function expectReady(name: string): Promise<void> {
    const object = await scenario.reconcileNow(name);
    expect(isReady(object), readyMessage(object)).to.equal(true);
  }

  it('before its first read: the next one begins', async () => {
    scenario.addRegistry('atfirst');
    const killed = killAt(on('atfirst', 'GET'));
    await scenario.apply('atfirst', { regions: ['japaneast'] });
    await killed;
    await scenario.until('atfirst', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.finishProvisioning('atfirst', 'japaneast');
    await expectReady('atfirst');
    expect(scenario.writesTo('atfirst')).to.deep.equal(['PUT japaneast']);
  });

  it('after a creation was accepted and before it was reported: it is not repeated', async () => {
    scenario.addRegistry('atput');
    const killed = killAt(on('atput', 'PUT'));
    await scenario.apply('atput', { regions: ['japaneast'] });
    await killed;
    await scenario.until('atput', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.finishProvisioning('atput', 'japaneast');
    await expectReady('atput');
    expect(scenario.writesTo('atput')).to.deep.equal(['PUT japaneast']);
  });

  it('after several creations were accepted and before they were reported: each happens once', async () => {
    scenario.addRegistry('atfew');
    const regions = ['canadacentral', 'japaneast', 'westeurope'];
    // Not after the first: the next operator leaves creations that may have been sent alone for a minute.
    const accepted = new Set<string | undefined>();
    const killed = killAt(
      (request) => on('atfew', 'PUT')(request) && accepted.add(request.replica).size === regions.length,
    );
    await scenario.apply('atfew', { regions });
    await killed;
    await scenario.until('atfew', 'is Creating', regionsAre('Creating', ...regions));
    await scenario.finishProvisioning('atfew', ...regions);
    await expectReady('atfew');
    expect(scenario.writesTo('atfew')).to.have.members(regions.map((location) => `PUT ${location}`));
  });

  it('after the status shows the creation: the next one waits for it', async () => {
    scenario.addRegistry('atstatus');
    await scenario.apply('atstatus', { regions: ['japaneast'] });
    await scenario.until('atstatus', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.restartOperator();
    const ready = await scenario.finishProvisioning('atstatus', 'japaneast');
    expect(isReady(ready), readyMessage(ready)).to.equal(true);
    expect(scenario.writesTo('atstatus')).to.deep.equal(['PUT japaneast']);
  });

  it('after tags were accepted: they are still managed, even if the spec no longer has them afterwards', async () => {
    const registry = scenario.addRegistry('attags');
    scenario.arm.azure.addReplica(registry, 'japaneast', { tags: { foreign: 'kept' } });
    const accepted = scenario.arm.journal.next(on('attags', 'PATCH'));
    await scenario.apply('attags', { regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    await accepted;
    await scenario.operator.stop('SIGKILL');
    await scenario.patch('attags', { spec: { regions: [{ location: 'japaneast', tags: { tier: 'gold' } }] } });
    await scenario.restartOperator();
    await scenario.untilReady('attags');
    expect(scenario.arm.azure.replica(registry, 'japaneast')?.tags).to.deep.equal({ foreign: 'kept', tier: 'gold' });
    expect(scenario.writesTo('attags')).to.deep.equal(['PATCH japaneast', 'PATCH japaneast']);
  });

  it('after a prune was accepted: it is not repeated', async () => {
    const registry = scenario.addRegistry('atprune');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    const killed = killAt(on('atprune', 'DELETE'));
    await scenario.apply('atprune', { regions: ['japaneast'], pruneDelay: '0s' });
    await killed;
    await scenario.until('atprune', 'is Deleting', regionsAre('Deleting', 'westeurope'));
    await scenario.finishProvisioning('atprune', 'westeurope');
    await expectReady('atprune');
    expect(scenario.writesTo('atprune')).to.deep.equal(['DELETE westeurope']);
  });

  it('while an object is being deleted: the next one completes the deletion', async () => {
    const registry = scenario.addRegistry('atdelete');
    scenario.arm.azure.addReplica(registry, 'japaneast');
    await scenario.apply('atdelete', { regions: ['japaneast'] });
    await scenario.untilReady('atdelete');
    const killed = killAt(on('atdelete', 'DELETE'));
    const deleted = scenario.kubectl(`delete georep atdelete ${kubectlTimeout}`);
    await killed;
    await scenario.until('atdelete', 'is Deleting', regionsAre('Deleting', 'japaneast'));
    scenario.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(scenario.writesTo('atdelete')).to.deep.equal(['DELETE japaneast']);
  });

  it('while objects are created and edited: the next one catches up', async () => {
    const registry = scenario.addRegistry('absence');
    scenario.arm.azure.addReplica(registry, 'westeurope');
    await scenario.apply('absence', { regions: ['westeurope'] });
    await scenario.untilReady('absence');
    await scenario.operator.stop('SIGKILL');
    await scenario.patch('absence', { spec: { regions: [{ location: 'westeurope' }, { location: 'japaneast' }] } });
    scenario.addRegistry('unseen');
    await scenario.apply('unseen', { regions: ['japaneast'] });
    await scenario.restartOperator();
    await scenario.until('unseen', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.until('absence', 'is Creating', regionsAre('Creating', 'japaneast'));
    expect(scenario.writesTo('absence')).to.deep.equal(['PUT japaneast']);
  });

  it('on SIGTERM, with code 0 and a final message, after completing its pass', async () => {
    const { operator } = scenario;
    scenario.addRegistry('polite');
    const ending = scenario.arm.journal.next(on('polite', 'PUT')).then(() => operator.stop('SIGTERM'));
    await scenario.apply('polite', { regions: ['japaneast'] });
    expect(await ending).to.equal(0);
    expect(operator.log.at(-1)?.msg).to.equal('Stopped');
    // The running pass has reported what it did.
    await scenario.until('polite', 'is Creating', regionsAre('Creating', 'japaneast'));
    await scenario.untilEvent('polite', /^ReplicaCreating: /);
    await scenario.restartOperator();
    await scenario.finishProvisioning('polite', 'japaneast');
    await expectReady('polite');
    expect(scenario.writesTo('polite')).to.deep.equal(['PUT japaneast']);
  });

  it('while everything is Ready: the next one writes neither to Azure nor to Kubernetes', async () => {
    const writes = scenario.arm.journal.writes.length;
    const before = scenario.history('polite').at(-1);
    const looked = scenario.arm.journal.next(
      ({ registry, path }) => registry === 'polite' && path.endsWith('/replications'),
    );
    await scenario.restartOperator();
    await looked;
    const after = await scenario.reconcileNow('polite');
    expect(after.status).to.deep.equal({
      ...before?.status,
      lastHandledReconcileAt: after.status?.lastHandledReconcileAt,
    });
    expect(scenario.arm.journal.writes.length).to.equal(writes);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
