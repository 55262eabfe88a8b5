import { expect } from 'chai';
import type { Condition, RegistryReplication, Status } from '../../../src/api/registryreplication.ts';
import type { ObjectEvent } from '../../../src/replication/events.ts';
import { type Announce, announceTo } from '../../../src/telemetry/announce.ts';
import type { ObjectMetrics } from '../../../src/telemetry/object-metrics.ts';
import { FakeClock } from '../../fake-clock.ts';
import { LogJournal } from '../kubernetes/journal.ts';
import { anObject, aStatus, now, secondsAgo } from '../replication/fixtures.ts';

describe('a transition', () => {
  let log: LogJournal;
  let recorded: [string, string][];
  let counted: string[];
  let announce: Announce;

  beforeEach(() => {
    log = new LogJournal();
    recorded = [];
    counted = [];
    const metrics: ObjectMetrics = {
      becameReady: (seconds) => counted.push(`ready after ${seconds} s`),
      driftCorrected: (action) => counted.push(`drift corrected by ${action}`),
      claimLost: () => counted.push('claim lost'),
    };
    const events = {
      record: ({ metadata }: RegistryReplication, { note }: ObjectEvent) => void recorded.push([metadata.name, note]),
    };
    announce = announceTo({ events, log, metrics, clock: new FakeClock(now.toISOString()) });
  });

  /** The logged lines, each as a single string. */
  const lines = () => log.all.map(({ level, sentence, fields }) => ({ level, ...fields, sentence }));

  const subject = { object: 'registries/myacr0007', registry: 'myACR0007' };
  const created: ObjectEvent = {
    type: 'Normal',
    reason: 'ReplicaCreating',
    action: 'Create',
    note: 'japaneast: creating the replica',
    locations: ['japaneast'],
    request: { durationMs: 812.4, correlationId: 'c0441b2e' },
  };

  function readyIs(status: Condition['status'], seconds: number): Pick<Status, 'conditions'> {
    const lastTransitionTime = secondsAgo(seconds);
    return { conditions: [{ type: 'Ready', status, reason: 'Because', message: 'in words', lastTransitionTime }] };
  }

  it('is logged in one line with object, registry, region, action, duration and correlation id', () => {
    announce(anObject(), [created]);
    expect(lines()).to.deep.equal([
      {
        level: 'info',
        ...subject,
        region: 'japaneast',
        reason: 'ReplicaCreating',
        action: 'Create',
        durationMs: 812,
        correlationId: 'c0441b2e',
        sentence: 'japaneast: creating the replica',
      },
    ]);
    expect(recorded).to.deep.equal([['myacr0007', 'japaneast: creating the replica']]);
  });

  it('names the previous state, and how long it lasted', () => {
    const before = anObject({ status: aStatus([{ state: 'Syncing', since: secondsAgo(30) }]) });
    const ready: ObjectEvent = {
      type: 'Normal',
      reason: 'ReplicaReady',
      action: 'Look',
      note: 'it is ready',
      locations: ['japaneast'],
    };
    announce(before, [ready], aStatus([{ state: 'Ready' }]));
    expect(lines()).to.have.length(1);
    expect(lines()[0]).to.include({ region: 'japaneast', from: 'Syncing', to: 'Ready', durationMs: 30_000 });
  });

  it('is logged even if it makes no event', () => {
    const before = anObject({ status: aStatus([{ state: 'Creating', since: secondsAgo(12) }]) });
    announce(before, [], aStatus([{ state: 'Syncing' }]));
    expect(lines()).to.deep.equal([
      {
        level: 'info',
        ...subject,
        region: 'japaneast',
        from: 'Creating',
        to: 'Syncing',
        durationMs: 12_000,
        sentence: 'japaneast: Creating → Syncing',
      },
    ]);
    expect(recorded).to.deep.equal([]);
  });

  it('of several regions is logged in one line that names them all', () => {
    const refused = { type: 'Warning', reason: 'Locked', action: 'Create', note: 'no', locations: ['a', 'b'] } as const;
    const before = anObject({ status: aStatus([{ location: 'a', state: 'Ready' }]) });
    announce(before, [refused], aStatus([{ location: 'a', state: 'Absent' }]));
    expect(lines()).to.deep.equal([
      { level: 'warn', ...subject, region: 'a,b', reason: 'Locked', action: 'Create', sentence: 'no' },
    ]);
  });

  it('to Ready is logged, and measured in the histogram', () => {
    announce(anObject({ status: aStatus([], readyIs('False', 74)) }), [], aStatus([], readyIs('True', 0)));
    expect(lines()).to.deep.equal([
      { level: 'info', ...subject, reason: 'Because', durationMs: 74_000, sentence: 'Ready is True: in words' },
    ]);
    expect(counted).to.deep.equal(['ready after 74 s']);
  });

  it('that an event tells is not told again as the message of Ready', () => {
    const locked: ObjectEvent = { ...created, type: 'Warning', reason: 'Because', note: 'japaneast: locked' };
    const stalled: ObjectEvent = { ...created, type: 'Warning', reason: 'Stalled', note: 'Because: in words' };
    for (const event of [locked, stalled]) {
      log.all.length = 0;
      announce(anObject({ status: aStatus([], readyIs('True', 74)) }), [event], aStatus([], readyIs('False', 0)));
      expect(lines().map(({ sentence }) => sentence)).to.deep.equal([event.note]);
    }
  });

  it('to Ready is not measured if its duration is unknown', () => {
    announce(anObject(), [], aStatus([], readyIs('True', 0)));
    announce(anObject({ status: aStatus([], readyIs('Unknown', 9)) }), [], aStatus([], readyIs('True', 0)));
    expect(lines()).to.have.length(2);
    expect(counted).to.deep.equal([]);
  });

  it('without a change is not logged', () => {
    const status = aStatus([{ state: 'Ready' }], readyIs('True', 9));
    announce(anObject({ status }), [], status);
    expect(lines()).to.deep.equal([]);
  });

  it('is counted if it corrects drift or loses a claim', () => {
    announce(anObject(), [
      { ...created, reason: 'DriftCorrected' },
      { ...created, reason: 'DriftCorrected', action: 'Update' },
      { ...created, reason: 'RegistryClaimed', action: 'Look' },
    ]);
    expect(counted).to.deep.equal(['drift corrected by create', 'drift corrected by update', 'claim lost']);
  });
});
