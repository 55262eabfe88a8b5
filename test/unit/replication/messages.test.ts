import { expect } from 'chai';
import type { RegionStatus } from '../../../src/api/registryreplication.ts';
import { inStates, summarizeRegions } from '../../../src/replication/messages.ts';

function row(location: string, parts: Partial<RegionStatus> = {}): RegionStatus {
  return { location, desired: true, home: false, state: 'Absent', ...parts };
}

const forty = Array.from({ length: 40 }, (_, n) => `region${n}`);

describe('the summary of several regions', () => {
  it('begins each message with its region', () => {
    expect(summarizeRegions([row('japaneast', { message: 'the replica has failed' })])).to.equal(
      'japaneast: the replica has failed',
    );
  });

  it('states a shared reason once and lists the other regions that have it', () => {
    const refused = (location: string) =>
      row(location, { reason: 'AuthorizationFailed', message: 'no right to create the replica' });
    expect(
      summarizeRegions([refused('japaneast'), refused('westeurope'), row('uksouth', { state: 'Creating' })]),
    ).to.equal('japaneast: no right to create the replica; AuthorizationFailed in westeurope too; creating uksouth');
  });

  it('groups regions by state', () => {
    const rows = [row('a', { state: 'Creating' }), row('b'), row('c', { state: 'Creating' })];
    expect(inStates(rows)).to.equal('creating a, c; b is Absent');
    expect(summarizeRegions(rows)).to.equal('creating a, c; b is Absent');
  });

  it('says of an Absent region that it is being created if the operator will create it', () => {
    const rows = [
      row('a', { state: 'Creating' }),
      row('b'),
      row('c', { reason: 'Locked' }),
      row('d', { state: 'Failed' }),
    ];
    expect(inStates(rows, ({ reason }) => reason !== 'Locked')).to.equal('creating a, b; c is Absent; d is Failed');
  });

  it("stays within an event's kilobyte for any number and length of messages, and counts those left out", () => {
    const own = forty.map((location) => row(location, { message: 'x'.repeat(5_000) + location }));
    const same = forty.map((location) => row(location, { reason: 'Locked', message: 'a lock is in the way' }));
    expect(summarizeRegions(own).length).to.be.at.most(950);
    expect(summarizeRegions(own)).to.match(/^region0: x+…; region1: x+…$/);
    expect(summarizeRegions(same)).to.match(
      /^region0: a lock is in the way; Locked in region1, .*, region10, 29 more too$/,
    );
    expect(summarizeRegions(forty.map((location) => row(location, { message: `waits for ${location}` })))).to.match(
      /; and 30 more$/,
    );
  });
});
