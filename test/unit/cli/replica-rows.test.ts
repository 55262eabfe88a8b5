import { expect } from 'chai';
import type { RegionStatus } from '../../../src/api/registryreplication.ts';
import { type ReplicaRow, replicaColumns, replicaRows } from '../../../src/cli/replica-rows.ts';
import { anObject, now, secondsAgo } from '../replication/fixtures.ts';

const spec = { regionsFrom: [{ nodes: {} }], keepUnused: '24h' };

function rowsOf(regions: Partial<RegionStatus>[], listed: string[] = []): ReplicaRow[] {
  const rows = regions.map((row) => ({
    location: 'japaneast',
    desired: true,
    home: false,
    state: 'Ready' as const,
    ...row,
  }));
  return replicaRows(anObject({ regions: listed, spec, status: { regions: rows } }));
}

/** What the column NEEDED BY says. */
function neededBy(row: Partial<RegionStatus>, listed: string[] = []): string | undefined {
  const [column] = replicaColumns({ namespaces: false, objects: false, now: () => now }).filter(
    ({ heading }) => heading === 'NEEDED BY',
  );
  const [found] = rowsOf([row], listed);
  return found && column?.cell(found);
}

describe('the row of a region', () => {
  it('says what needs it: the spec, that the registry lives there, and sources', () => {
    expect(neededBy({}, ['Japan East'])).to.equal('spec');
    expect(neededBy({ home: true, neededBy: [{ source: 'nodes', count: 12 }] })).to.equal('home, nodes (12)');
    const members = { source: 'MemberCluster', count: 4, names: ['prod-eu', 'prod-us', 'test', 'x'] };
    expect(neededBy({ neededBy: [members] }, ['japaneast'])).to.equal('spec, MemberCluster prod-eu and 3 more');
    expect(neededBy({ desired: false })).to.equal('');
  });

  it('says since when no source needs it any more, and how long it is kept', () => {
    const unusedSince = secondsAgo(3 * 3_600);
    expect(neededBy({ unusedSince })).to.equal('unused 3h (kept 24h)');
    expect(neededBy({ unusedSince, desired: false })).to.equal('unused 3h');
    expect(neededBy({ unusedSince }, ['Japan East'])).to.equal('spec');
  });

  it('stays narrow, however long names are', () => {
    const names = ['x'.repeat(253)];
    const sources = Array.from({ length: 8 }, (_, n) => ({ source: `Kind${n}`, count: 1, names }));
    expect(neededBy({ neededBy: sources })).to.have.length(100);
  });

  it('is desired if it is listed or followed, and tells in JSON what the status tells', () => {
    const needs = [{ source: 'nodes', count: 12 }];
    const rows = rowsOf(
      [
        { neededBy: needs },
        { location: 'uksouth', unusedSince: secondsAgo(60) },
        { location: 'eastus2', unusedSince: secondsAgo(90_000), desired: false },
        // Listed when the operator looked last.
        { location: 'northeurope' },
        { location: 'westeurope', desired: false },
      ],
      ['westeurope', 'norwayeast'],
    );
    expect(rows.map(({ location, listed, desired }) => ({ location, listed, desired }))).to.deep.equal([
      { location: 'japaneast', listed: false, desired: true },
      { location: 'uksouth', listed: false, desired: true },
      { location: 'eastus2', listed: false, desired: false },
      { location: 'northeurope', listed: false, desired: false },
      { location: 'westeurope', listed: true, desired: true },
      { location: 'norwayeast', listed: true, desired: true },
    ]);
    expect(rows[0]?.neededBy).to.deep.equal(needs);
    expect(rows[1]).to.include({ unusedSince: secondsAgo(60), keptFor: '24h' });
    expect(rows[2]).not.to.have.property('keptFor');
    expect(rows[3]).not.to.have.any.keys('neededBy', 'unusedSince');
  });
});
