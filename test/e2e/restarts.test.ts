// The operator ends at critical moments, with and without notice, and another one takes over: nothing is lost, and no write is
// repeated.
import { expect } from 'chai';
import type { JournalEntry } from '../emulators/arm/journal.ts';
import { held } from '../emulators/arm/timings.ts';
import { are, isReady, messageOf } from './expectations.ts';
import { openScene, type Scene } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('an operator that ends', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene({ timings: held });
  });
  after(() => scene?.close());

  /** Kills the operator when Azure has handled such a request and before the operator has read the response; then starts another. */
  async function dieAt(which: (request: JournalEntry) => boolean): Promise<void> {
    await scene.arm.journal.next(which);
    await scene.restartOperator();
  }

  function on(registry: string, method: string): (request: JournalEntry) => boolean {
    return (request) => request.registry === registry && request.method === method;
  }

  async function expectReady(name: string): Promise<void> {
    const object = await scene.lookNow(name);
    expect(isReady(object), messageOf(object)).to.equal(true);
  }

  it('before its first read: the next one begins', async () => {
    scene.addRegistry('atfirst');
    const dying = dieAt(on('atfirst', 'GET'));
    await scene.apply('atfirst', { regions: ['japaneast'] });
    await dying;
    await scene.until('atfirst', 'is Creating', are('Creating', 'japaneast'));
    await scene.arrived('atfirst', 'japaneast');
    await expectReady('atfirst');
    expect(scene.writesTo('atfirst')).to.deep.equal(['PUT japaneast']);
  });

  it('after a creation was accepted and before it was reported: it is not repeated', async () => {
    scene.addRegistry('atput');
    const dying = dieAt(on('atput', 'PUT'));
    await scene.apply('atput', { regions: ['japaneast'] });
    await dying;
    await scene.until('atput', 'is Creating', are('Creating', 'japaneast'));
    await scene.arrived('atput', 'japaneast');
    await expectReady('atput');
    expect(scene.writesTo('atput')).to.deep.equal(['PUT japaneast']);
  });

  it('after several creations were accepted and before they were reported: each happens once', async () => {
    scene.addRegistry('atfew');
    const regions = ['canadacentral', 'japaneast', 'westeurope'];
    // Not after the first: the next operator leaves creations that may have been sent alone for a minute.
    const accepted = new Set<string | undefined>();
    const dying = dieAt(
      (request) => on('atfew', 'PUT')(request) && accepted.add(request.replica).size === regions.length,
    );
    await scene.apply('atfew', { regions });
    await dying;
    await scene.until('atfew', 'is Creating', are('Creating', ...regions));
    await scene.arrived('atfew', ...regions);
    await expectReady('atfew');
    expect(scene.writesTo('atfew')).to.have.members(regions.map((location) => `PUT ${location}`));
  });

  it('after the status shows the creation: the next one waits for it', async () => {
    scene.addRegistry('atstatus');
    await scene.apply('atstatus', { regions: ['japaneast'] });
    await scene.until('atstatus', 'is Creating', are('Creating', 'japaneast'));
    await scene.restartOperator();
    const ready = await scene.arrived('atstatus', 'japaneast');
    expect(isReady(ready), messageOf(ready)).to.equal(true);
    expect(scene.writesTo('atstatus')).to.deep.equal(['PUT japaneast']);
  });

  it('after tags were accepted: they are still managed, even if the spec no longer has them afterwards', async () => {
    const registry = scene.addRegistry('attags');
    scene.arm.azure.addReplica(registry, 'japaneast', { tags: { foreign: 'kept' } });
    const accepted = scene.arm.journal.next(on('attags', 'PATCH'));
    await scene.apply('attags', { regions: [{ location: 'japaneast', tags: { team: 'web' } }] });
    await accepted;
    await scene.operator.stop('SIGKILL');
    await scene.patch('attags', { spec: { regions: [{ location: 'japaneast', tags: { tier: 'gold' } }] } });
    await scene.restartOperator();
    await scene.untilReady('attags');
    expect(scene.arm.azure.replica(registry, 'japaneast')?.tags).to.deep.equal({ foreign: 'kept', tier: 'gold' });
    expect(scene.writesTo('attags')).to.deep.equal(['PATCH japaneast', 'PATCH japaneast']);
  });

  it('after a prune was accepted: it is not repeated', async () => {
    const registry = scene.addRegistry('atprune');
    scene.arm.azure.addReplica(registry, 'japaneast');
    scene.arm.azure.addReplica(registry, 'westeurope');
    const dying = dieAt(on('atprune', 'DELETE'));
    await scene.apply('atprune', { regions: ['japaneast'], pruneDelay: '0s' });
    await dying;
    await scene.until('atprune', 'is Deleting', are('Deleting', 'westeurope'));
    await scene.arrived('atprune', 'westeurope');
    await expectReady('atprune');
    expect(scene.writesTo('atprune')).to.deep.equal(['DELETE westeurope']);
  });

  it('while an object is being deleted: the next one completes the deletion', async () => {
    const registry = scene.addRegistry('atdelete');
    scene.arm.azure.addReplica(registry, 'japaneast');
    await scene.apply('atdelete', { regions: ['japaneast'] });
    await scene.untilReady('atdelete');
    const dying = dieAt(on('atdelete', 'DELETE'));
    const deleted = scene.kubectl('delete georep atdelete --timeout=20s');
    await dying;
    await scene.until('atdelete', 'is Deleting', are('Deleting', 'japaneast'));
    scene.arm.azure.finish(registry, 'japaneast');
    await deleted;
    expect(scene.writesTo('atdelete')).to.deep.equal(['DELETE japaneast']);
  });

  it('while objects are created and edited: the next one catches up', async () => {
    const registry = scene.addRegistry('absence');
    scene.arm.azure.addReplica(registry, 'westeurope');
    await scene.apply('absence', { regions: ['westeurope'] });
    await scene.untilReady('absence');
    await scene.operator.stop('SIGKILL');
    await scene.patch('absence', { spec: { regions: [{ location: 'westeurope' }, { location: 'japaneast' }] } });
    scene.addRegistry('unseen');
    await scene.apply('unseen', { regions: ['japaneast'] });
    await scene.restartOperator();
    await scene.until('unseen', 'is Creating', are('Creating', 'japaneast'));
    await scene.until('absence', 'is Creating', are('Creating', 'japaneast'));
    expect(scene.writesTo('absence')).to.deep.equal(['PUT japaneast']);
  });

  it('on SIGTERM, with code 0 and a final message, after completing its pass', async () => {
    const { operator } = scene;
    scene.addRegistry('polite');
    const ending = scene.arm.journal.next(on('polite', 'PUT')).then(() => operator.stop('SIGTERM'));
    await scene.apply('polite', { regions: ['japaneast'] });
    expect(await ending).to.equal(0);
    expect(operator.log.at(-1)?.msg).to.equal('Stopped');
    // The running pass has reported what it did.
    await scene.until('polite', 'is Creating', are('Creating', 'japaneast'));
    await scene.told('polite', /^ReplicaCreating: /);
    await scene.restartOperator();
    await scene.arrived('polite', 'japaneast');
    await expectReady('polite');
    expect(scene.writesTo('polite')).to.deep.equal(['PUT japaneast']);
  });

  it('while everything is Ready: the next one writes neither to Azure nor to Kubernetes', async () => {
    const writes = scene.arm.journal.writes.length;
    const before = scene.history('polite').at(-1);
    const looked = scene.arm.journal.next(
      ({ registry, path }) => registry === 'polite' && path.endsWith('/replications'),
    );
    await scene.restartOperator();
    await looked;
    const after = await scene.lookNow('polite');
    expect(after.status).to.deep.equal({
      ...before?.status,
      lastHandledReconcileAt: after.status?.lastHandledReconcileAt,
    });
    expect(scene.arm.journal.writes.length).to.equal(writes);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scene.operator.log).not.to.have.length(0);
    expect(scene.secretsLogged()).to.deep.equal([]);
  });
});
