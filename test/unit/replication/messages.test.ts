import { expect } from 'chai';
import type { RegionStatus } from '../../../src/api/registryreplication.ts';
import { inStates, summarizeRegions } from '../../../src/replication/messages.ts';

function row(location: string, parts: Partial<RegionStatus> = {}): RegionStatus {
  return { location, desired: true, home: false, state: 'Absent', ...parts };
}

const forty = Array.from({ length: 40 }, (_, n) => `region${n}`);

describe('the summary of several regions', () => {
  it('prefixes a message with its region only if the message does not name it', () => {
    expect(summarizeRegions([row('japaneast', { message: 'replica japaneast has failed' })])).to.equal(
      'replica japaneast has failed',
    );
    expect(summarizeRegions([row('japaneast', { message: 'replica japaneast2 has failed' })])).to.equal(
      'japaneast: replica japaneast2 has failed',
    );
  });

  it('states a shared reason once and lists the other regions that have it', () => {
    const refused = (location: string) =>
      row(location, { reason: 'AuthorizationFailed', message: `no right to create replica ${location}` });
    expect(
      summarizeRegions([refused('japaneast'), refused('westeurope'), row('uksouth', { state: 'Creating' })]),
    ).to.equal('no right to create replica japaneast; AuthorizationFailed in westeurope too; uksouth is Creating');
  });

  it('groups regions by state', () => {
    const rows = [row('a', { state: 'Creating' }), row('b'), row('c', { state: 'Creating' })];
    expect(inStates(rows)).to.equal('a, c are Creating; b is Absent');
    expect(summarizeRegions(rows)).to.equal('a, c are Creating; b is Absent');
  });

  it("stays within an event's kilobyte for any number and length of messages, and counts those left out", () => {
    const own = forty.map((location) => row(location, { message: `${location} ${'x'.repeat(5_000)}` }));
    const same = forty.map((location) => row(location, { reason: 'Locked', message: `${location} is locked` }));
    expect(summarizeRegions(own).length).to.be.at.most(950);
    expect(summarizeRegions(own)).to.match(/^region0 x+…; region1 x+…$/);
    expect(summarizeRegions(same)).to.match(/^region0 is locked; Locked in region1, .*, region10, 29 more too$/);
    expect(summarizeRegions(forty.map((location) => row(location, { message: `${location} waits` })))).to.match(
      /; and 30 more$/,
    );
  });
});
