// What following must not delete or change, however the sources, the spec, the status and ARM's list of regions come and go.
import { expect } from 'chai';
import type { Spec } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
import type { SourceReading } from '../../../src/replication/sources.ts';
import { home } from './fixtures.ts';
import { anOperator, nodesIn } from './following-operator.ts';
import type { OperatorModel } from './operator-model.ts';

const minute = 60_000;
const hour = 60 * minute;
const listing: SourceReading = { state: 'Listing' };
const forbidden: SourceReading = { state: 'Forbidden', message: 'nodes is forbidden' };

const refused = new ArmError('Denied', 'AuthorizationFailed', 'no right to list the regions');

describe('following deletes nothing that is needed', () => {
  it('where ARM no longer lists the regions, and the LIST of replicas omits one that only ARM knows as a region', async () => {
    const { clock, arm, operator, settle, passes, deletions } = anOperator({ keepUnused: '0s' });
    arm.regions = [...arm.regions, 'marsnorth'];
    operator.sources = [nodesIn('japaneast', 'marsnorth')];
    await settle();
    operator.restart();
    arm.beforeRequest = (request) => {
      if (request === 'GET locations') throw refused;
    };
    arm.listVisibility = () => 'omit';
    for (let n = 0; n < 3; n++) await passes(10 * minute);
    await clock.advance(hour);
    await passes(minute);
    expect(deletions()).to.deep.equal([]);
    expect([...arm.actualReplicas.keys()]).to.include('marsnorth');
  });

  it('before a region that only ARM knows is there, while ARM no longer lists the regions', async () => {
    const { arm, operator, settle, passes, row, deletions } = anOperator({ keepUnused: '0s' });
    arm.regions = [...arm.regions, 'marsnorth'];
    operator.sources = [nodesIn('japaneast')];
    await settle();
    operator.sources = [nodesIn('marsnorth')];
    arm.beforeRequest = (request) => {
      if (request === 'PUT marsnorth') throw new ArmError('Transient', 'AzureUnreachable', 'try again');
    };
    await operator.pass();
    expect(row('marsnorth')?.state).to.equal('Absent');
    operator.restart();
    arm.beforeRequest = (request) => {
      if (request === 'GET locations' || request === 'PUT marsnorth') throw refused;
    };
    await passes(hour);
    expect(row('marsnorth')?.neededBy).to.deep.equal([{ source: 'nodes', count: 3 }]);
    expect(deletions()).to.deep.equal([]);
  });

  it('where a person takes a region out of the spec moments after the last node left it', async () => {
    const { clock, operator, settle, passes, row, deletions } = anOperator({}, ['japaneast', 'westeurope']);
    operator.sources = [nodesIn('westeurope', 'uksouth')];
    await settle();
    operator.sources = [nodesIn('uksouth')];
    await operator.pass();
    expect(row('westeurope')?.unusedSince).to.match(/Z$/);
    expect(operator.reasons).not.to.include('RegionUnused');
    await clock.advance(minute);
    operator.edit({ regions: [{ location: 'japaneast' }] });
    await passes(23 * hour);
    expect(deletions()).to.deep.equal([]);
    expect(row('westeurope')?.desired).to.equal(true);
    await passes(2 * hour);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('where nodes were there again while the object was suspended', async () => {
    const { clock, operator, settle, passes, row, deletions } = anOperator();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    operator.edit({ suspend: true });
    await operator.pass();
    await clock.advance(23 * hour);
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await operator.pass();
    expect(row('westeurope')).to.deep.include({ neededBy: [{ source: 'nodes', count: 3 }] });
    expect(row('westeurope')?.unusedSince).to.equal(undefined);
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    await clock.advance(2 * hour);
    operator.edit({ suspend: false });
    await passes(hour);
    expect(deletions()).to.deep.equal([]);
  });

  it('where nodes were there again while Azure did not answer', async () => {
    const { clock, arm, operator, settle, passes, deletions } = anOperator();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    await clock.advance(23 * hour);
    arm.beforeRequest = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await operator.pass();
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    await clock.advance(2 * hour);
    arm.beforeRequest = () => undefined;
    await passes(hour);
    expect(deletions()).to.deep.equal([]);
  });

  it('where nodes came to a listed region while Azure did not answer, and left it when people took it out', async () => {
    const { arm, operator, settle, passes, row, deletions } = anOperator({}, ['japaneast', 'westeurope']);
    operator.sources = [nodesIn('japaneast')];
    await settle();
    arm.beforeRequest = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'no answer');
    };
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await operator.pass();
    expect(row('westeurope')?.neededBy).to.deep.equal([{ source: 'nodes', count: 3 }]);
    arm.beforeRequest = () => undefined;
    operator.sources = [nodesIn('japaneast')];
    operator.edit({ regions: [{ location: 'japaneast' }] });
    await passes(23 * hour);
    expect(deletions()).to.deep.equal([]);
    await passes(2 * hour);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('where nodes came to the region of a replica made by hand while the object was suspended', async () => {
    const { clock, arm, operator, passes, row, deletions } = anOperator();
    await arm.create(undefined, 'westeurope', { location: 'westeurope' });
    operator.sources = [nodesIn('japaneast')];
    await passes(hour);
    operator.edit({ suspend: true });
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await operator.pass();
    expect(row('westeurope')?.neededBy).to.deep.equal([{ source: 'nodes', count: 3 }]);
    await clock.advance(25 * hour);
    operator.sources = [nodesIn('japaneast')];
    operator.edit({ suspend: false });
    await passes(23 * hour);
    expect(deletions()).to.deep.equal([]);
    await passes(2 * hour);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('where a creation shows its replica only after the nodes have left', async () => {
    const { clock, arm, operator, settle, passes, deletions } = anOperator();
    operator.sources = [nodesIn('japaneast')];
    await settle();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    arm.afterWrite = () => {
      throw new ArmError('Transient', 'AzureUnreachable', 'the answer is lost');
    };
    await operator.pass();
    arm.afterWrite = () => undefined;
    operator.sources = [nodesIn('japaneast')];
    await clock.advance(5 * minute);
    await passes(23 * hour);
    expect(deletions()).to.deep.equal([]);
    await passes(2 * hour);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  for (const [what, lose] of [
    ['the status is lost', (operator: OperatorModel) => (operator.object = { ...operator.object, status: {} })],
    [
      'the claim is lost, and acquired again',
      (operator: OperatorModel) => {
        const { claim: _, regions: _rows, ...status } = operator.status;
        operator.object = { ...operator.object, status };
      },
    ],
  ] as const)
    it(`within keepUnused after ${what}`, async () => {
      const { operator, settle, passes, deletions } = anOperator();
      operator.sources = [nodesIn('japaneast', 'westeurope')];
      await settle();
      operator.sources = [nodesIn('japaneast')];
      await operator.pass();
      lose(operator);
      await passes(23 * hour);
      expect(operator.status.plan?.[0]?.message).to.match(/spec\.keepUnused leaves time to list the region/);
      expect(deletions()).to.deep.equal([]);
      await passes(2 * hour);
      expect(deletions()).to.deep.equal(['delete westeurope']);
    });

  it('where a person replaces spec.regions by a source that names nothing', async () => {
    const { operator, settle, passes, deletions } = anOperator({ regionsFrom: [] }, ['japaneast', 'westeurope']);
    await settle();
    operator.edit({ regions: [], regionsFrom: [{ nodes: { selector: { matchLabels: { pool: 'misspelt' } } } }] });
    operator.sources = [nodesIn()];
    await passes(48 * hour);
    expect(operator.status.message).to.equal(
      'pruning japaneast, westeurope: waits until the source nodes names a region: a source that names none removes nothing',
    );
    expect(deletions()).to.deep.equal([]);
    operator.sources = [nodesIn('japaneast')];
    await passes(hour);
    expect(deletions()).to.deep.equal(['delete westeurope']);
  });

  it('where a person replaces a source by one of another group and the same kind that names nothing', async () => {
    const ofGroup = (group: string) => ({
      resources: { apiVersion: `${group}/v1`, kind: 'Cluster', location: '.spec.location' },
    });
    const { operator, settle, passes, deletions } = anOperator({ regionsFrom: [ofGroup('one.example')] });
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.edit({ regionsFrom: [ofGroup('other.example')] });
    operator.sources = [nodesIn()];
    await passes(48 * hour);
    operator.edit({ regionsFrom: [{ nodes: {} }] });
    await passes(48 * hour);
    expect(deletions()).to.deep.equal([]);
  });

  it('where the wall clock is set forward while a source cannot be read', async () => {
    const { clock, operator, settle, passes, deletions } = anOperator();
    operator.sources = [nodesIn('japaneast', 'westeurope')];
    await settle();
    operator.sources = [nodesIn('japaneast')];
    await operator.pass();
    operator.sources = [forbidden];
    operator.restart();
    await operator.pass();
    clock.step(48 * hour);
    operator.sources = [nodesIn('japaneast')];
    await passes(hour);
    expect(deletions()).to.deep.equal([]);
  });
});

describe('following changes nothing', () => {
  const regionsFrom: Spec['regionsFrom'] = [
    { nodes: { selector: { matchLabels: { pool: 'web' } } }, routing: 'Enabled', tags: { pool: 'web' } },
    { nodes: { selector: { matchLabels: { pool: 'batch' } } }, routing: 'Disabled', tags: { pool: 'batch' } },
  ];

  it('in a region while the source that may make it is not known: after a restart above all', async () => {
    const { arm, operator, settle, passes } = anOperator({ regionsFrom });
    operator.sources = [nodesIn('japaneast'), nodesIn('westeurope')];
    await settle();
    const writes = arm.writes.length;
    for (const sources of [
      [listing, listing],
      [nodesIn('japaneast'), listing],
      [listing, nodesIn('westeurope')],
      [forbidden, nodesIn('japaneast', 'westeurope')],
      [nodesIn('japaneast'), nodesIn()],
    ]) {
      operator.restart();
      operator.sources = sources;
      await passes(minute);
    }
    expect(arm.writes.slice(writes)).to.deep.equal([]);
  });

  it('but creates what a source names while another one cannot be read', async () => {
    const { arm, operator, settle, passes } = anOperator({ regionsFrom });
    operator.sources = [nodesIn('japaneast'), nodesIn()];
    await settle();
    operator.sources = [forbidden, nodesIn('uksouth')];
    await passes(10 * minute);
    expect(arm.actualReplicas.get('uksouth')).to.deep.include({ routing: false, tags: { pool: 'batch' } });
  });
});

describe('the status of an object that follows', () => {
  it('is not written for counts that change while replicas move, but has them afterwards', async () => {
    const writesWith = async (countIn: (pass: number) => number) => {
      const { clock, operator, row } = anOperator();
      for (let pass = 0; pass < 60; pass++) {
        operator.sources = [{ state: 'Synced', values: new Map([['japaneast', { count: countIn(pass) }]]) }];
        await operator.pass();
        if (row('japaneast')?.state === 'Ready') break;
        await clock.advance(1_000);
      }
      const writes = operator.statusWrites;
      await operator.pass();
      return { writes, count: row('japaneast')?.neededBy?.[0]?.count };
    };
    const steady = await writesWith(() => 3);
    const churning = await writesWith((pass) => 3 + pass);
    expect(churning.writes).to.equal(steady.writes);
    expect(churning.count).to.be.greaterThan(3);
  });

  it('has no empty examples, which an API server 1.20 rejects', async () => {
    const { operator, settle } = anOperator();
    operator.sources = [nodesIn(home, '', '\u0000\u202e')];
    await settle();
    expect(operator.status.sources?.[0]?.unknown).to.deep.equal({ count: 2 });
  });
});
