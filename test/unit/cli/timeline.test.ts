import { type EventsV1Event, V1MicroTime } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { RegistryReplication } from '../../../src/api/registryreplication.ts';
import { timeline } from '../../../src/cli/timeline.ts';
import { anObject, now, type ObjectParts, secondsAgo } from '../replication/fixtures.ts';

function anEvent(ago: number, reason: string, note: string, more: Partial<EventsV1Event> = {}): EventsV1Event {
  const eventTime = new V1MicroTime(now.getTime() - ago * 1_000);
  return { metadata: {}, eventTime, reason, note, type: 'Normal', ...more };
}

/** Without a claim, whose time would be an entry too. */
function unclaimed(parts: ObjectParts = {}): RegistryReplication {
  return anObject({ claimed: false, ...parts });
}

/** A region as the status has it. */
function aRow(state: 'Ready' | 'Syncing', ago: number, location = 'japaneast') {
  return { location, desired: true, home: false, state, since: secondsAgo(ago) };
}

describe('the timeline of an object', () => {
  it('is in order of time, whatever the order of the events', () => {
    const events = [anEvent(10, 'ReplicaReady', 'japaneast: ready'), anEvent(30, 'ReplicaCreating', 'japaneast: x')];
    expect(timeline(unclaimed(), events, now).map(({ reason }) => reason)).to.deep.equal([
      'ReplicaCreating',
      'ReplicaReady',
    ]);
  });

  it('tells how long a creation and a deletion took, each region by itself', () => {
    const events = [
      anEvent(12_000, 'ReplicaCreating', 'japaneast: creating the replica'),
      anEvent(11_000, 'ReplicaCreating', 'uksouth: creating the replica'),
      anEvent(480, 'ReplicaReady', 'japaneast: the replica is ready'),
      anEvent(100, 'ReplicaDeleting', 'uksouth: delete the replica'),
      anEvent(60, 'ReplicaDeleted', 'uksouth: the replica is gone'),
    ];
    const told = timeline(unclaimed(), events, now).filter(({ took }) => took);
    expect(told.map(({ location, took, seconds }) => ({ location, took, seconds }))).to.deep.equal([
      { location: 'japaneast', took: 'until ready: 3h12m', seconds: 11_520 },
      { location: 'uksouth', took: 'deletion: 40s', seconds: 40 },
    ]);
  });

  it('splits the time until a replica is ready into its creation and its synchronisation', () => {
    const events = [
      anEvent(11_529, 'ReplicaCreating', 'japaneast: creating the replica'),
      anEvent(11_520, 'ReplicaSyncing', 'japaneast: the replica is created'),
      anEvent(0, 'ReplicaReady', 'japaneast: the replica is ready'),
    ];
    expect(timeline(unclaimed(), events, now).map(({ took }) => took)).to.deep.equal([
      undefined,
      'creation: 9s',
      'synchronisation: 3h12m',
    ]);
  });

  it('measures from the correction of drift too, and never from what has ended before', () => {
    const events = [
      anEvent(9_000, 'ReplicaCreating', 'japaneast: creating the replica'),
      anEvent(8_000, 'ReplicaReady', 'japaneast: the replica is ready'),
      anEvent(1_000, 'ReplicaReady', 'japaneast: the replica is ready'),
      anEvent(
        60,
        'DriftCorrected',
        'japaneast: others deleted the replica in Azure, correcting it: create the replica',
      ),
      anEvent(20, 'ReplicaReady', 'japaneast: the replica is ready'),
    ];
    expect(timeline(unclaimed(), events, now).map(({ took }) => took)).to.deep.equal([
      undefined,
      'until ready: 16m',
      undefined,
      undefined,
      'until ready: 40s',
    ]);
  });

  it('tells at the event of a state that lasts how long it has lasted', () => {
    const object = unclaimed({ status: { regions: [aRow('Syncing', 600)] } });
    const events = [
      anEvent(609, 'ReplicaCreating', 'japaneast: creating'),
      anEvent(600, 'ReplicaSyncing', 'japaneast: the replica is created'),
    ];
    expect(timeline(object, events, now).map(({ reason, took }) => `${reason} ${took}`)).to.deep.equal([
      'ReplicaCreating undefined',
      'ReplicaSyncing creation: 9s, 10m so far',
    ]);
  });

  it('tells from the status how long a state has lasted, and how long the creation before it took', () => {
    const object = unclaimed({ status: { regions: [aRow('Syncing', 600)] } });
    const [, syncing] = timeline(object, [anEvent(609, 'ReplicaCreating', 'japaneast: creating')], now);
    expect(syncing).to.include({
      reason: 'Syncing',
      source: 'status',
      location: 'japaneast',
      took: 'creation: 9s, 10m so far',
    });
  });

  it('does not tell from the status what an event tells', () => {
    const object = unclaimed({ status: { regions: [aRow('Ready', 600), aRow('Ready', 600, 'uksouth')] } });
    const entries = timeline(object, [anEvent(598, 'ReplicaReady', 'japaneast: the replica is ready')], now);
    expect(entries.map(({ location, source }) => `${location} ${source}`)).to.deep.equal([
      'uksouth status',
      'japaneast event',
    ]);
  });

  it('tells how long a region has been unused, also when the event is gone', () => {
    const unused = { ...aRow('Ready', 90_000), unusedSince: secondsAgo(10_800) };
    const object = unclaimed({ regions: ['uksouth'], status: { regions: [unused] }, spec: { keepUnused: '24h' } });
    const event = anEvent(
      10_800,
      'RegionUnused',
      'japaneast: no source names it any more; kept for 24h, and then pruned',
    );
    const [, fromStatus] = timeline(object, [], now);
    expect(fromStatus).to.include({
      reason: 'RegionUnused',
      source: 'status',
      took: '3h so far',
      message: 'no source names it any more; kept for 24h',
    });
    const [, fromEvent, ...others] = timeline(object, [event], now);
    expect(fromEvent).to.include({ reason: 'RegionUnused', source: 'event', took: '3h so far' });
    expect(others).to.deep.equal([]);
  });

  it('tells how long a region was unused until a source named it again, or it was pruned', () => {
    const events = [
      anEvent(90_000, 'RegionUnused', 'japaneast: no source names it any more'),
      anEvent(86_400, 'RegionNeeded', 'japaneast: needed by nodes (12)'),
      anEvent(86_000, 'RegionUnused', 'japaneast: no source names it any more'),
      anEvent(10, 'ReplicaDeleting', 'japaneast: deleting the replica'),
    ];
    expect(timeline(unclaimed(), events, now).map(({ took }) => took)).to.deep.equal([
      undefined,
      'unused: 60m',
      undefined,
      'unused: 23h',
    ]);
  });

  it('counts the repetitions of an event', () => {
    const series = { count: 5, lastObservedTime: new V1MicroTime(now.getTime() - 1_000) };
    const [entry] = timeline(unclaimed(), [anEvent(60, 'Stalled', 'no region is ready', { series })], now);
    expect(entry).to.include({ count: 5, lastTime: secondsAgo(1), message: 'no region is ready' });
    expect(entry).not.to.have.property('location');
  });

  it('leaves out an event without any time', () => {
    const timeless = { metadata: {}, reason: 'Stalled', note: 'x' } as EventsV1Event;
    expect(timeline(unclaimed(), [timeless], now)).to.deep.equal([]);
  });
});
