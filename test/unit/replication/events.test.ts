import { expect } from 'chai';
import type { RegionStatus, Status } from '../../../src/api/registryreplication.ts';
import { ArmError } from '../../../src/azure/arm.ts';
import { createRecorder } from '../../../src/kubernetes/events/recorder.ts';
import type { EventSeries } from '../../../src/kubernetes/events/writer.ts';
import { eventsFor, eventsOnRelease, maxEventsPerPass } from '../../../src/replication/events.ts';
import type { Result } from '../../../src/replication/pass.ts';
import { publicRegions } from '../../emulators/arm/regions.ts';
import { FakeClock } from '../../fake-clock.ts';
import { LogJournal } from '../kubernetes/journal.ts';
import { ArmModel } from './arm-model.ts';
import { anObject, aReplica, aStatus, home, type ObjectParts, secondsAgo } from './fixtures.ts';
import { OperatorModel } from './operator-model.ts';

const fortyRegions = publicRegions
  .filter(({ kind, name }) => kind === 'Physical' && name !== home)
  .map(({ name }) => name)
  .slice(0, 40);

function refusedIn(location: string, reason: 'AuthorizationFailed' | 'RegionNotAvailable'): Result {
  const step = { action: 'create', location, name: location, replica: { location }, message: 'create it' } as const;
  return {
    step,
    outcome: { kind: 'notAccepted', error: new ArmError('Denied', reason, `no replica ${location} for you`) },
  };
}

function refused(location: string, reason: string): Partial<RegionStatus> {
  return { location, state: 'Absent', reason, message: `no replica ${location} for you` };
}

function stalled(reason: string): Pick<Status, 'conditions'> {
  const lastTransitionTime = secondsAgo(0);
  return { conditions: [{ type: 'Stalled', status: 'True', reason, message: 'in words', lastTransitionTime }] };
}

function describeEvents(parts: ObjectParts, after: Status, results: Result[] = []): string[] {
  return eventsFor(anObject(parts), after, results).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
}

describe('events', () => {
  it('are all written for an object that gains 40 replicas and then loses them all at once', async () => {
    const clock = new FakeClock();
    const regions = fortyRegions.map((location) => ({ location, routing: 'WhenReady' as const }));
    const arm = Object.assign(new ArmModel(clock, []), { regions: [home, ...fortyRegions] });
    const operator = new OperatorModel(anObject({ regions }), arm, clock);
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True', 1_000);
    operator.edit({ regions: [{ location: home }] });
    await operator.runUntil(() => operator.condition('Ready')?.status === 'True', 1_000);

    const written: (string | undefined)[] = [];
    const write = async ({ event, count }: EventSeries) => {
      written.push(event.note);
      return count;
    };
    const log = new LogJournal();
    const options = { controller: 'c', instance: 'i', clock, random: () => 0.5, log, burst: maxEventsPerPass };
    const recorder = createRecorder(write, options);
    for (const event of operator.events) recorder.record(operator.object, event);
    expect(await recorder.flush(1_000)).to.equal(0);
    const notes = operator.events.map(({ note }) => note);
    expect(new Set(written)).to.deep.equal(new Set(notes));
    expect(notes.filter((note) => note === `${regions[39]?.location}: the replica is gone`)).to.have.length(1);
  });

  it('do not call a refusal of a region that is Syncing a long synchronisation', () => {
    const syncing = { state: 'Syncing' } as const;
    const before = { status: aStatus([syncing]) };
    const locked = { ...syncing, reason: 'Locked', message: 'a resource lock is in the way' };
    expect(describeEvents(before, aStatus([locked]))).to.deep.equal([]);
    const long = { ...syncing, message: 'synchronising since 09:00 UTC; a large registry takes hours' };
    expect(describeEvents(before, aStatus([long]))).to.deep.equal([
      'Normal SyncingForLong: japaneast: synchronising since 09:00 UTC; a large registry takes hours',
    ]);
  });

  it('report a denial once, however many regions it affects', () => {
    const locations = fortyRegions;
    const reason = 'AuthorizationFailed';
    const after = aStatus(
      locations.map((location) => refused(location, reason)),
      stalled(reason),
    );
    const results = locations.map((location) => refusedIn(location, reason));
    expect(describeEvents({ regions: locations }, after, results)).to.deep.equal([
      `Warning AuthorizationFailed: ${locations[0]}: no replica ${locations[0]} for you; AuthorizationFailed in ${locations.slice(1, 11).join(', ')}, 29 more too`,
    ]);
    expect(describeEvents({ regions: locations, status: after }, after, results)).to.deep.equal([]);
  });

  it('report Stalled separately when its reason differs from that of a denial', () => {
    const rows = [refused('japaneast', 'AuthorizationFailed'), { location: 'uksouth', reason: 'LastRoutedRegion' }];
    const after = aStatus(rows, stalled('LastRoutedRegion'));
    const status = aStatus([{ location: 'uksouth' }]);
    expect(describeEvents({ status }, after, [refusedIn('japaneast', 'AuthorizationFailed')])).to.deep.equal([
      'Warning AuthorizationFailed: japaneast: no replica japaneast for you',
      'Warning Stalled: LastRoutedRegion: in words',
    ]);
  });

  it('report the final failure of a replica once', () => {
    const failed = { state: 'Failed', reason: 'RegionFailed', message: 'it failed 5 times' } as const;
    expect(
      describeEvents({ status: aStatus([{ state: 'Creating' }]) }, aStatus([failed], stalled('RegionFailed'))),
    ).to.deep.equal(['Warning ReplicaFailed: japaneast: it failed 5 times']);
  });

  it('report that a replica is ready even if it was being routed when it became so', () => {
    const routed = aStatus([{ readyOnce: true }]);
    const ready = 'Normal ReplicaReady: japaneast: the replica is ready';
    const updating = (readyOnce: boolean) => aStatus([{ state: 'Updating', readyOnce }]);
    expect(describeEvents({ status: updating(false) }, routed)).to.deep.equal([ready]);
    expect(describeEvents({ status: updating(true) }, routed)).to.deep.equal([]);
  });

  it('do not report the home entry that Azure creates as drift', () => {
    const change = { tags: { team: 'web' } };
    const step = { action: 'update', location: home, name: home, change, message: 'set tags' } as const;
    const results = [{ step, outcome: { kind: 'written', replica: aReplica(home, change) } as const }];
    const reasonsWith = (row: Partial<RegionStatus>) => {
      const status = aStatus([{ location: home, home: true, readyOnce: true, ...row }]);
      return eventsFor(anObject({ regions: [home], status }), status, results).map(({ reason }) => reason);
    };
    expect(reasonsWith({})).to.deep.equal(['TagsChanged']);
    expect(reasonsWith({ replica: home })).to.deep.equal(['DriftCorrected']);
  });

  describe('for a replica that was observed Deleting', () => {
    const gone = aStatus([]);
    const deletedByOperator = 'Normal ReplicaDeleted: japaneast: the replica is gone';
    const vanished = 'Warning ReplicaVanished: japaneast: the replica is gone, and the operator did not delete it';
    const cases: [string, Partial<RegionStatus>, ObjectParts, string][] = [
      ['a pruned replica', { desired: false }, {}, deletedByOperator],
      ['a failed creation that is replaced', { readyOnce: false, createdHere: true }, {}, deletedByOperator],
      ['a failed replica that the object did not create', { readyOnce: false }, {}, vanished],
      ['a listed replica that had been ready', { readyOnce: true }, {}, vanished],
      ['an unlisted replica under prune: Retain', { desired: false }, { spec: { prune: 'Retain' } }, vanished],
      ['any replica in mode Observe', { desired: false }, { spec: { mode: 'Observe' } }, vanished],
      ['a replica of an object that is being deleted', { readyOnce: true }, { deleting: true }, deletedByOperator],
    ];
    for (const [what, row, parts, expected] of cases) {
      it(`report whether the operator deleted it: ${what}`, () => {
        const status = aStatus([{ state: 'Deleting', ...row }]);
        expect(describeEvents({ ...parts, status }, gone)).to.deep.equal([expected]);
      });
    }

    it("report the operator's deletion when the response to the DELETE was lost", () => {
      const eventsWith = (row: Partial<RegionStatus>, parts: ObjectParts = {}) =>
        describeEvents({ ...parts, status: aStatus([row]) }, gone);
      expect(eventsWith({ state: 'Ready', desired: false })).to.deep.equal([deletedByOperator]);
      expect(eventsWith({ state: 'Ready', readyOnce: true }, { deleting: true })).to.deep.equal([deletedByOperator]);
      expect(eventsWith({ state: 'Ready', readyOnce: true })).to.deep.equal([vanished]);
    });

    it("report the operator's deletion also when the object is released with it", () => {
      const status = aStatus([{ state: 'Deleting', readyOnce: true }]);
      const [last] = eventsOnRelease(anObject({ status, deleting: true }));
      expect(`${last?.type} ${last?.reason}: ${last?.note}`).to.equal(deletedByOperator);
    });
  });
});
