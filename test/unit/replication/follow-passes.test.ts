import { expect } from 'chai';
import { home } from './fixtures.ts';
import { anOperator, nodesIn } from './following-operator.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('a pass of an object that follows nodes', () => {
  it('creates the regions of the nodes and says why they are there', async () => {
    const { arm, operator, settle, row } = anOperator();
    operator.sources = [nodesIn('japaneast', home)];
    await settle();
    expect([...arm.actualReplicas.keys()].sort()).to.deep.equal([home, 'japaneast']);
    expect(row('japaneast')?.neededBy).to.deep.equal([{ source: 'nodes', count: 3 }]);
    expect(operator.status).to.deep.include({
      phase: 'Ready',
      readyRegions: '2/2',
      sources: [{ source: 'nodes', state: 'Synced', regions: 2 }],
    });
    const needed = operator.events.filter(({ reason }) => reason === 'RegionNeeded');
    expect(needed.map(({ note }) => note)).to.include('japaneast: needed by nodes (3)');
  });

  it('keeps a region without nodes, writes nothing to it, and prunes it after keepUnused', async () => {
    const { clock, arm, operator, settle, row } = anOperator({
      regionsFrom: [{ nodes: {}, routing: 'WhenReady', tags: { owner: 'fleet' } }],
    });
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    const writes = arm.writes.length;

    operator.sources = [nodesIn('japaneast')];
    await settle();
    expect(row('westeurope')).to.deep.include({ desired: true, state: 'Ready' });
    expect(row('westeurope')?.unusedSince).to.match(/Z$/);
    expect(operator.reasons).to.include('RegionUnused');
    expect(operator.status.phase).to.equal('Ready');
    expect(operator.status.message).to.match(
      /japaneast, westeurope are ready; regions named by sources: nodes 1; unused: westeurope, kept until \S+/,
    );

    await clock.advance(23 * hour);
    operator.restart();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    expect(row('westeurope')?.unusedSince).to.equal(undefined);
    expect(arm.writes.length).to.equal(writes);

    operator.sources = [nodesIn('japaneast')];
    await settle();
    await clock.advance(24 * hour + minute);
    await operator.runUntil(() => !arm.actualReplicas.has('westeurope'));
    expect(arm.writes.slice(writes)).to.deep.equal(['delete westeurope']);
  });

  it('prunes a region that one entry named, while another entry of the same kind never names any', async () => {
    const { clock, arm, operator, settle } = anOperator({
      regionsFrom: ['web', 'misspelt'].map((pool) => ({ nodes: { selector: { matchLabels: { pool } } } })),
    });
    operator.sources = [nodesIn('japaneast', 'westeurope'), nodesIn()];
    await settle();
    operator.restart();
    operator.sources = [nodesIn('japaneast'), nodesIn()];
    await settle();
    await clock.advance(24 * hour + minute);
    await operator.runUntil(() => !arm.actualReplicas.has('westeurope'));
    expect(arm.writes).to.include('delete westeurope');
  });

  it('creates a region again each time that nodes return to it, however often they leave within a day', async () => {
    const { clock, arm, operator, settle } = anOperator({ keepUnused: '0s' });
    const began = clock.now().getTime();
    for (let time = 0; time < 5; time++) {
      operator.sources = [nodesIn('japaneast', 'westeurope')];
      await settle();
      expect(arm.actualReplicas.has('westeurope')).to.equal(true);
      operator.sources = [nodesIn('japaneast')];
      await operator.runUntil(() => !arm.actualReplicas.has('westeurope'));
    }
    expect(clock.now().getTime() - began).to.be.below(hour);
  });

  it('runs the next pass when the time of an unused region is over', async () => {
    const { operator, settle } = anOperator({ keepUnused: '5m' });
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    expect((await operator.pass()) ?? 0).to.be.within(4 * minute, 5 * minute + 2_000);
  });

  it('creates a new region before it prunes the one that the nodes left', async () => {
    const { arm, operator, settle } = anOperator({ keepUnused: '0s' });
    operator.sources = [nodesIn('japaneast')];
    await settle();
    operator.sources = [nodesIn('westeurope')];
    await settle();
    const writes = arm.writes.filter((write) => !write.startsWith('update'));
    expect(writes).to.deep.equal(['create japaneast', 'create westeurope', 'delete japaneast']);
  });

  it('is not ready while a source cannot be read, says why, and removes nothing (trap 37)', async () => {
    const { clock, arm, operator, settle } = anOperator({ keepUnused: '0s' }, ['japaneast']);
    operator.sources = [nodesIn('westeurope')];
    await settle();
    operator.sources = [{ state: 'NotAllowed', message: 'the operator may not follow nodes' }];
    await operator.pass();
    expect(operator.status.phase).to.equal('Degraded');
    expect(operator.condition('Ready')).to.deep.include({
      status: 'False',
      reason: 'SourceUnreadable',
      message: 'source nodes is NotAllowed: the operator may not follow nodes',
    });
    await clock.advance(48 * hour);
    await operator.pass();
    expect([...arm.actualReplicas.keys()].sort()).to.deep.equal([home, 'japaneast', 'westeurope']);
  });

  it('waits for nodes, where it lists no region and no source names one', async () => {
    const { arm, operator } = anOperator();
    operator.sources = [nodesIn()];
    await operator.pass();
    expect(operator.condition('Ready')).to.deep.include({ status: 'False', reason: 'NoRegions' });
    expect(operator.status).to.deep.include({ phase: 'Pending', readyRegions: '0/0' });
    expect(arm.writes).to.deep.equal([]);
  });

  it('creates nothing for a label that names no region of the subscription, and is ready all the same', async () => {
    const { arm, operator, settle } = anOperator();
    operator.sources = [nodesIn('japaneast', 'germanynorth', 'us-east-1')];
    await settle();
    expect(arm.writes).to.deep.equal(['create japaneast']);
    expect(operator.status.sources).to.deep.equal([
      { source: 'nodes', state: 'Synced', regions: 1, unknown: { count: 2, examples: ['germanynorth', 'us-east-1'] } },
    ]);
  });

  it('does not delete what it no longer knows the source of, when the status was lost', async () => {
    const { clock, arm, operator, settle } = anOperator({ keepUnused: '0s' }, ['japaneast']);
    operator.sources = [nodesIn('westeurope')];
    await settle();
    const { claim, conditions } = operator.status;
    operator.object = { ...operator.object, status: { ...(claim && { claim }), ...(conditions && { conditions }) } };
    for (const broken of [{ state: 'Forbidden', message: 'no' } as const, nodesIn()]) {
      operator.sources = [broken];
      for (let n = 0; n < 5; n++) await clock.advance((await operator.pass()) ?? 0);
      expect(arm.actualReplicas.has('westeurope')).to.equal(true);
    }
  });

  it('withholds a deletion when a source names the region again before it is sent', async () => {
    const { clock, arm, operator, settle } = anOperator({ keepUnused: '0s' });
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [nodesIn('japaneast')];
    arm.beforeRequest = (request) => {
      if (request === 'GET westeurope') operator.sources = [nodesIn('japaneast', 'westeurope')];
    };
    await operator.pass();
    arm.beforeRequest = () => undefined;
    await clock.advance(minute);
    await settle();
    expect(arm.writes.filter((write) => write.startsWith('delete'))).to.deep.equal([]);
    expect(arm.actualReplicas.has('westeurope')).to.equal(true);
  });

  it('says of a replica that nothing ever asked for that neither the spec nor a source does', async () => {
    const { arm, operator, passes } = anOperator();
    await arm.create(operator.object.spec.registry, 'northeurope', { location: 'northeurope' });
    operator.sources = [nodesIn('japaneast')];
    await passes(hour);
    const why = 'neither in spec.regions nor named by a source';
    expect(operator.status.plan?.map(({ message }) => message)).to.match(
      new RegExp(`^delete the replica: ${why}; waits`),
    );
    expect(operator.status.message).to.match(new RegExp(`^pruning northeurope from .+: ${why}$`));
    const scheduled = operator.events.filter(({ reason }) => reason === 'PruneScheduled');
    expect(scheduled.map(({ note }) => note)).to.match(new RegExp(`^northeurope: ${why}, pruned from`));

    operator.sources = [{ state: 'Forbidden', message: 'no' }];
    await operator.pass();
    expect(operator.status.plan?.[0]?.message).to.match(
      /^delete the replica: not in spec\.regions; waits until the source/,
    );
  });

  it('shows in mode Observe what following would do, and does nothing', async () => {
    const { arm, operator } = anOperator({ mode: 'Observe' });
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    expect(operator.status.plan?.map(({ action, location }) => `${action} ${location}`)).to.deep.equal([
      'create japaneast',
    ]);
    expect(arm.writes).to.deep.equal([]);
  });

  it('deletes the followed regions with the object, without asking the sources', async () => {
    const { arm, operator, settle } = anOperator();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [{ state: 'Forbidden', message: 'no' }];
    operator.delete();
    await operator.runUntil(() => operator.isGone);
    expect([...arm.actualReplicas.keys()]).to.deep.equal([home]);
  });

  it('goes on listing followed regions while it is suspended', async () => {
    const { operator, settle, row } = anOperator();
    operator.sources = [nodesIn('japaneast')];
    await settle();
    operator.edit({ suspend: true });
    await operator.pass();
    expect(row('japaneast')?.neededBy).to.deep.equal([{ source: 'nodes', count: 3 }]);
  });
});
