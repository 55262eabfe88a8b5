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
  return japanEast(regionsOf(anObject(), observing([homeEntry, replica]), now))?.state;
}

function japanEast(regions: readonly Region[]): Region | undefined {
  return regions.find(({ location }) => location === 'japaneast');
}

describe('the state of a region', () => {
  it('is Ready only with displayStatus Ready: an absent or unknown one means Syncing, never Failed (trap 7)', () => {
    expect(stateWith('Succeeded', 'Ready')).to.equal('Ready');
    for (const word of ['Syncing', undefined, '', 'online', 'Online', 'Failed', 'Degraded'])
      expect(stateWith('Succeeded', word), word).to.equal('Syncing');
  });

  it('is Updating with a provisioningState that the operator does not know (trap 7)', () => {
    for (const word of [undefined, '', 'Moving', 'InProgress']) expect(stateWith(word, 'Ready')).to.equal('Updating');
  });

  it('stays Deleting when the region is listed again meanwhile, and becomes Absent only after a 404 (trap 12)', () => {
    const status = aStatus([{ state: 'Deleting', since: secondsAgo(300), desired: false }]);
    const deleting = observing([homeEntry, aReplica('japaneast', { provisioningState: 'Deleting' })]);
    const missing = observing([homeEntry], { missing: ['japaneast'] });
    expect(japanEast(regionsOf(anObject({ status }), deleting, now))?.state).to.equal('Deleting');
    expect(japanEast(regionsOf(anObject({ status }), missing, now))?.state).to.equal('Absent');
  });
});

describe('the backoff of a refused write', () => {
  const minutes = (count: number) => new Date(now.getTime() + count * 60_000).toISOString();
  const backsOff = (reason: string | undefined, retryAfter: string) =>
    backoffUntil(
      { location: 'japaneast', desired: true, home: false, state: 'Absent', retryAfter, ...(reason && { reason }) },
      now,
    ) !== undefined;

  for (const [reason, maxMinutes] of [
    ['Throttled', 24 * 60],
    ['AzureUnreachable', 60],
    ['RegionFailed', 60],
    [undefined, 60],
    ['AuthorizationFailed', 10],
    ['Conflict', 10],
  ] as const)
    it(`lasts at most ${maxMinutes} min for ${reason ?? 'an attempt'}, and a retryAfter beyond that is ignored`, () => {
      expect(backsOff(reason, minutes(maxMinutes))).to.equal(true);
      expect(backsOff(reason, minutes(maxMinutes + 1))).to.equal(false);
      expect(backsOff(reason, minutes(-1))).to.equal(false);
    });
});
