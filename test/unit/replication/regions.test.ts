import { expect } from 'chai';
import type { RegionState } from '../../../src/api/registryreplication.ts';
import { backoffUntil } from '../../../src/replication/backoff.ts';
import { type Region, regionsOf } from '../../../src/replication/regions.ts';
import { anObject, aReplica, aStatus, home, now, observing, secondsAgo } from './fixtures.ts';

const homeEntry = aReplica(home);

function stateWith(provisioningState: string | undefined, displayStatus: string | undefined): RegionState | undefined {
  const { provisioningState: _, displayStatus: __, ...bare } = aReplica('japaneast');
  const replica = {
    ...bare,
    ...(provisioningState !== undefined && { provisioningState }),
    ...(displayStatus !== undefined && { displayStatus }),
  };
  return inJapan(regionsOf(anObject(), observing([homeEntry, replica]), now))?.state;
}

function inJapan(regions: readonly Region[]): Region | undefined {
  return regions.find(({ location }) => location === 'japaneast');
}

describe('what is so in a region', () => {
  it('is Ready only with the one word that says so: no word, and words yet to come, mean not yet, never failed (trap 7)', () => {
    expect(stateWith('Succeeded', 'Ready')).to.equal('Ready');
    for (const word of ['Syncing', undefined, '', 'online', 'Online', 'Failed', 'Degraded'])
      expect(stateWith('Succeeded', word), word).to.equal('Syncing');
  });

  it('is in motion where ARM says something that is not known (trap 7)', () => {
    for (const word of [undefined, '', 'Moving', 'InProgress']) expect(stateWith(word, 'Ready')).to.equal('Updating');
  });

  it('is that a replica is on its way out, where its region is listed again meanwhile; only a 404 makes room for another (trap 12)', () => {
    const status = aStatus([{ state: 'Deleting', since: secondsAgo(300), desired: false }]);
    const leaving = observing([homeEntry, aReplica('japaneast', { provisioningState: 'Deleting' })]);
    const gone = observing([homeEntry], { missing: ['japaneast'] });
    expect(inJapan(regionsOf(anObject({ status }), leaving, now))?.state).to.equal('Deleting');
    expect(inJapan(regionsOf(anObject({ status }), gone, now))?.state).to.equal('Absent');
  });
});

describe('how long a refused write rests', () => {
  const minutes = (count: number) => new Date(now.getTime() + count * 60_000).toISOString();
  const rests = (reason: string | undefined, retryAfter: string) =>
    backoffUntil(
      { location: 'japaneast', desired: true, home: false, state: 'Absent', retryAfter, ...(reason && { reason }) },
      now,
    ) !== undefined;

  for (const [reason, longest] of [
    ['Throttled', 24 * 60],
    ['AzureUnreachable', 60],
    ['RegionFailed', 60],
    [undefined, 60],
    ['AuthorizationFailed', 10],
    ['Conflict', 10],
  ] as const)
    it(`is ${longest} min at most for ${reason ?? 'an attempt'}: what a clock ahead wrote holds nothing back`, () => {
      expect(rests(reason, minutes(longest))).to.equal(true);
      expect(rests(reason, minutes(longest + 1))).to.equal(false);
      expect(rests(reason, minutes(-1))).to.equal(false);
    });
});
