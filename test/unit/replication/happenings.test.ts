import { expect } from 'chai';
import type { RegionStatus, Status } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
import { happeningsOf, happeningsOnRelease } from '../../../src/replication/happenings.ts';
import type { Result } from '../../../src/replication/report.ts';
import { anObject, aStatus, type ObjectParts, secondsAgo } from './world.ts';

function refusedIn(location: string, reason: 'AuthorizationFailed' | 'RegionNotAvailable'): Result {
  const step = { action: 'create', location, name: location, replica: { location }, message: 'create it' } as const;
  return { step, answer: { error: new ArmError('Denied', reason, `no replica ${location} for you`) } };
}

function refused(location: string, reason: string): Partial<RegionStatus> {
  return { location, state: 'Absent', reason, message: `no replica ${location} for you` };
}

function stalled(reason: string): Pick<Status, 'conditions'> {
  const lastTransitionTime = secondsAgo(0);
  return { conditions: [{ type: 'Stalled', status: 'True', reason, message: 'in words', lastTransitionTime }] };
}

function told(parts: ObjectParts, after: Status, results: Result[] = []): string[] {
  return happeningsOf(anObject(parts), after, results).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
}

describe('events', () => {
  it('tell a refusal once, however many regions it is about', () => {
    const locations = Array.from({ length: 40 }, (_, n) => `region${n}`);
    const reason = 'AuthorizationFailed';
    const after = aStatus(
      locations.map((location) => refused(location, reason)),
      stalled(reason),
    );
    const results = locations.map((location) => refusedIn(location, reason));
    expect(told({ regions: locations }, after, results)).to.deep.equal([
      `Warning AuthorizationFailed: no replica region0 for you; AuthorizationFailed in ${locations.slice(1, 11).join(', ')}, 29 more too`,
    ]);
    expect(told({ regions: locations, status: after }, after, results)).to.deep.equal([]);
  });

  it('tell of a standstill that is about something else than the refusal beside it', () => {
    const rows = [refused('japaneast', 'AuthorizationFailed'), { location: 'uksouth', reason: 'LastRoutedRegion' }];
    const after = aStatus(rows, stalled('LastRoutedRegion'));
    const status = aStatus([{ location: 'uksouth' }]);
    expect(told({ status }, after, [refusedIn('japaneast', 'AuthorizationFailed')])).to.deep.equal([
      'Warning AuthorizationFailed: no replica japaneast for you',
      'Warning Stalled: LastRoutedRegion: in words',
    ]);
  });

  it('tell that a replica failed for the last time once', () => {
    const failed = { state: 'Failed', reason: 'RegionFailed', message: 'it failed 5 times' } as const;
    expect(
      told({ status: aStatus([{ state: 'Creating' }]) }, aStatus([failed], stalled('RegionFailed'))),
    ).to.deep.equal(['Warning ReplicaFailed: it failed 5 times']);
  });

  describe('of a deletion that was seen under way', () => {
    const gone = aStatus([]);
    const ours = 'Normal ReplicaDeleted: replica japaneast in japaneast is gone';
    const others =
      'Warning ReplicaVanished: replica japaneast in japaneast is gone, and the operator did not delete it';
    const cases: [string, Partial<RegionStatus>, ObjectParts, string][] = [
      ['a pruned replica', { desired: false }, {}, ours],
      ['a failed creation that is replaced', { readyOnce: false }, {}, ours],
      ['a listed replica that had been ready', { readyOnce: true }, {}, others],
      ['a replica that nobody prunes', { desired: false }, { spec: { prune: 'Retain' } }, others],
      ['any replica in mode Observe', { desired: false }, { spec: { mode: 'Observe' } }, others],
      ['a replica that goes with its object', { readyOnce: true }, { deleting: true }, ours],
    ];
    for (const [what, row, parts, words] of cases) {
      it(`say the truth about who deleted it: ${what}`, () => {
        const status = aStatus([{ state: 'Deleting', ...row }]);
        expect(told({ ...parts, status }, gone)).to.deep.equal([words]);
      });
    }

    it('say so also when the object goes with it', () => {
      const status = aStatus([{ state: 'Deleting', readyOnce: true }]);
      const [last] = happeningsOnRelease(anObject({ status, deleting: true }));
      expect(`${last?.type} ${last?.reason}: ${last?.note}`).to.equal(ours);
    });
  });
});
