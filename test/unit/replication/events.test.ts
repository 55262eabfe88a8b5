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
    outcome: { kind: 'refused', error: new ArmError('Denied', reason, `no replica ${location} for you`) },
  };
}

function refused(location: string, reason: string): Partial<RegionStatus> {
  return { location, state: 'Absent', reason, message: `no replica ${location} for you` };
}

function stalled(reason: string): Pick<Status, 'conditions'> {
  const lastTransitionTime = secondsAgo(0);
  return { conditions: [{ type: 'Stalled', status: 'True', reason, message: 'in words', lastTransitionTime }] };
}

function told(parts: ObjectParts, after: Status, results: Result[] = []): string[] {
  return eventsFor(anObject(parts), after, results).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
}

describe('events', () => {
  it('are all written, though an object has 40 regions, gets them all and loses them at once', async () => {
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
    for (const happening of operator.happenings) recorder.record(operator.object, happening);
    expect(await recorder.flush(1_000)).to.equal(0);
    const notes = operator.happenings.map(({ note }) => note);
    expect(new Set(written)).to.deep.equal(new Set(notes));
    expect(
      notes.filter((note) => note === `replica ${regions[39]?.location} in ${regions[39]?.location} is gone`),
    ).to.have.length(1);
  });

  it('tell a refusal once, however many regions it is about', () => {
    const locations = fortyRegions;
    const reason = 'AuthorizationFailed';
    const after = aStatus(
      locations.map((location) => refused(location, reason)),
      stalled(reason),
    );
    const results = locations.map((location) => refusedIn(location, reason));
    expect(told({ regions: locations }, after, results)).to.deep.equal([
      `Warning AuthorizationFailed: no replica ${locations[0]} for you; AuthorizationFailed in ${locations.slice(1, 11).join(', ')}, 29 more too`,
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

  it('tell that a replica is ready also where it was routed before that was seen', () => {
    const routed = aStatus([{ readyOnce: true }]);
    const ready = 'Normal ReplicaReady: replica japaneast in japaneast is ready';
    const updating = (readyOnce: boolean) => aStatus([{ state: 'Updating', readyOnce }]);
    expect(told({ status: updating(false) }, routed)).to.deep.equal([ready]);
    expect(told({ status: updating(true) }, routed)).to.deep.equal([]);
  });

  it('do not report the home entry that Azure creates as drift', () => {
    const change = { tags: { team: 'web' } };
    const step = { action: 'update', location: home, name: home, change, message: 'set tags' } as const;
    const results = [{ step, outcome: { kind: 'written', replica: aReplica(home, change) } as const }];
    const reasonBeside = (row: Partial<RegionStatus>) => {
      const status = aStatus([{ location: home, home: true, readyOnce: true, ...row }]);
      return eventsFor(anObject({ regions: [home], status }), status, results).map(({ reason }) => reason);
    };
    expect(reasonBeside({})).to.deep.equal(['TagsChanged']);
    expect(reasonBeside({ replica: home })).to.deep.equal(['DriftCorrected']);
  });

  describe('of a deletion that was seen under way', () => {
    const gone = aStatus([]);
    const ours = 'Normal ReplicaDeleted: replica japaneast in japaneast is gone';
    const others =
      'Warning ReplicaVanished: replica japaneast in japaneast is gone, and the operator did not delete it';
    const cases: [string, Partial<RegionStatus>, ObjectParts, string][] = [
      ['a pruned replica', { desired: false }, {}, ours],
      ['a failed creation that is replaced', { readyOnce: false, createdHere: true }, {}, ours],
      ['a failed replica that the object did not create', { readyOnce: false }, {}, others],
      ['a listed replica that had been ready', { readyOnce: true }, {}, others],
      ['an unlisted replica under prune: Retain', { desired: false }, { spec: { prune: 'Retain' } }, others],
      ['any replica in mode Observe', { desired: false }, { spec: { mode: 'Observe' } }, others],
      ['a replica that goes with its object', { readyOnce: true }, { deleting: true }, ours],
    ];
    for (const [what, row, parts, words] of cases) {
      it(`say the truth about who deleted it: ${what}`, () => {
        const status = aStatus([{ state: 'Deleting', ...row }]);
        expect(told({ ...parts, status }, gone)).to.deep.equal([words]);
      });
    }

    it('report a deletion as ours when the answer to the DELETE was lost', () => {
      const wordsOn = (row: Partial<RegionStatus>, parts: ObjectParts = {}) =>
        told({ ...parts, status: aStatus([row]) }, gone);
      expect(wordsOn({ state: 'Ready', desired: false })).to.deep.equal([ours]);
      expect(wordsOn({ state: 'Ready', readyOnce: true }, { deleting: true })).to.deep.equal([ours]);
      expect(wordsOn({ state: 'Ready', readyOnce: true })).to.deep.equal([others]);
    });

    it('say so also when the object goes with it', () => {
      const status = aStatus([{ state: 'Deleting', readyOnce: true }]);
      const [last] = eventsOnRelease(anObject({ status, deleting: true }));
      expect(`${last?.type} ${last?.reason}: ${last?.note}`).to.equal(ours);
    });
  });
});
