import { ApiException, type EventsV1Event } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiServerUnreachable } from '../../../../src/kubernetes/client/errors.ts';
import type { EventRecord } from '../../../../src/kubernetes/events/event.ts';
import { createRecorder, type EventRecorder } from '../../../../src/kubernetes/events/recorder.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { LogJournal } from '../journal.ts';
import { widget } from '../widget.ts';

describe('events that are recorded', () => {
  const minute = 60_000;
  const ready: EventRecord = { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' };
  const unreachable = new ApiServerUnreachable('the API server does not answer');
  const throttled = new ApiException(429, 'Too Many Requests', { message: 'slow down' }, { 'retry-after': '30' });
  const forbidden = new ApiException(403, 'Forbidden', { message: 'no' }, {});

  let clock: FakeClock;
  let log: LogJournal;
  let events: EventRecorder;
  /** Every attempted write as `name note:count`, in order. */
  let written: string[];
  /** The event of every attempted write, in order. */
  let attempted: EventsV1Event[];
  /** The API server's responses to the writes, in order. It accepts later ones. */
  let answers: (Error | Promise<void>)[];
  /** The API server's response to later writes. */
  let answer: Error | undefined;

  beforeEach(() => {
    clock = new FakeClock();
    log = new LogJournal();
    written = [];
    attempted = [];
    answers = [];
    answer = undefined;
    events = createRecorder(
      async ({ event, count }) => {
        written.push(`${event.regarding?.name} ${event.note}:${count}`);
        attempted.push(event);
        const given = answers.shift() ?? answer;
        if (given instanceof Error) throw given;
        await given;
        return count;
      },
      { controller: 'example.dev/controller', instance: 'pod-1', clock, random: () => 0, log },
    );
  });

  function record(name: string, note = 'news', namespace = 'toys', times = 1): void {
    const object = widget(name, '5', { metadata: { namespace } });
    for (let i = 0; i < times; i++) events.record(object, { ...ready, note });
  }
  const said = () => log.all.map(({ level, sentence }) => `${level}: ${sentence}`);

  it('are sent one after the other, in order', async () => {
    const first = Promise.withResolvers<void>();
    answers = [first.promise];
    record('bear', 'first');
    record('bear', 'second');
    record('doll', 'first');
    await settled();
    expect(written).to.deep.equal(['bear first:1']);
    first.resolve();
    await settled();
    expect(written).to.deep.equal(['bear first:1', 'bear second:1', 'doll first:1']);
    expect(await events.flush(1000)).to.equal(0);
    expect(log.all).to.deep.equal([]);
  });

  it('are aggregated if equal, and separate if object, type, reason, action or note differ', async () => {
    const base = widget('bear', '5');
    const news: EventRecord[] = [
      ready,
      { ...ready, type: 'Warning' },
      { ...ready, reason: 'Other' },
      { ...ready, action: 'Other' },
      { ...ready, note: 'other' },
    ];
    for (const each of news) events.record(base, each);
    events.record({ ...base, metadata: { ...base.metadata, uid: 'another of that name' } }, ready);
    await settled();
    expect(written).to.have.length(6);
    events.record({ ...base, metadata: { ...base.metadata, resourceVersion: '6' } }, ready);
    await settled();
    expect(written).to.have.length(7);
    expect(written.at(-1)).to.equal('bear japaneast is ready:2');
  });

  it('are updated at the first repetition, then once a minute, then no more', async () => {
    const counts: string[] = [];
    for (let second = 0; second < 180; second++) {
      record('bear');
      await clock.advance(1000);
      for (const line of written.splice(0)) counts.push(`${second} s, ${line}`);
    }
    expect(counts).to.deep.equal([
      '0 s, bear news:1',
      '1 s, bear news:2',
      '60 s, bear news:61',
      '120 s, bear news:121',
    ]);
    await clock.advance(10 * minute);
    expect(written).to.deep.equal(['bear news:180']);
    expect(clock.nextIn).to.equal(undefined);
    record('bear');
    await settled();
    expect(written.at(-1)).to.equal('bear news:1');
  });

  it('are patched at once when they repeat during their creation', async () => {
    const creation = Promise.withResolvers<void>();
    answers = [creation.promise];
    record('bear');
    await settled();
    record('bear', 'news', 'toys', 3);
    creation.resolve();
    await settled();
    expect(written).to.deep.equal(['bear news:1', 'bear news:4']);
  });

  it('keep the name and the time of their first occurrence', async () => {
    record('bear');
    await clock.advance(minute);
    record('bear');
    await settled();
    const [first, second] = attempted;
    expect(written).to.deep.equal(['bear news:1', 'bear news:2']);
    expect(second).to.deep.equal(first);
  });

  it('form one series while they repeat within six minutes, and a new one after that', async () => {
    for (let i = 0; i < 20; i++) {
      record('bear');
      await clock.advance(6 * minute);
    }
    expect(written.at(-1)).to.equal('bear news:20');
    await clock.advance(1);
    record('bear');
    await settled();
    expect(written.at(-1)).to.equal('bear news:1');
  });

  it('form one series while they wait for the API server', async () => {
    const creation = Promise.withResolvers<void>();
    answers = [creation.promise];
    record('bear');
    await clock.advance(60 * minute);
    record('bear');
    creation.resolve();
    await settled();
    expect(written).to.deep.equal(['bear news:1', 'bear news:2']);
  });

  it('are written again at most once a minute while the API server refuses them', async () => {
    answer = forbidden;
    for (let second = 0; second < 120; second++) {
      record('bear');
      await clock.advance(1000);
    }
    expect(written).to.deep.equal(['bear news:1', 'bear news:60', 'bear news:120']);
  });

  it('are written if they are warnings, however many others the object has', async () => {
    for (let i = 0; i < 30; i++) record('bear', `news ${i}`);
    events.record(widget('bear', '5'), { ...ready, type: 'Warning', note: 'trouble' });
    await settled();
    expect(written.at(-1)).to.equal('bear trouble:1');
  });

  it('are dropped if one object has too many, and kept for other objects', async () => {
    for (let i = 0; i < 30; i++) record('bear', `news ${i}`);
    record('doll');
    await settled();
    expect(written).to.have.length(26);
    expect(said()).to.deep.equal(
      [25, 26, 27, 28, 29].map((i) => `debug: Too many events, this one is left out: news ${i}`),
    );
    expect(log.all[0]?.fields).to.deep.equal({ object: 'toys/bear', reason: 'Ready' });
    await clock.advance(5 * minute);
    record('bear', 'after five minutes');
    record('bear', 'and another');
    await settled();
    expect(written.slice(26)).to.deep.equal(['bear after five minutes:1']);
  });

  it('are retried with growing delays without a response', async () => {
    answers = [unreachable, unreachable, unreachable, unreachable, unreachable, unreachable];
    record('bear');
    record('doll');
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 6; i++) {
      await settled();
      waits.push(clock.nextIn);
      await clock.advance(clock.nextIn ?? 0);
    }
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(written).to.deep.equal([...Array(7).fill('bear news:1'), 'doll news:1']);
    expect(log.all).to.deep.equal([]);
    answers = [unreachable];
    record('kite');
    await settled();
    expect(clock.nextIn).to.equal(1000);
  });

  it("are retried after the API server's Retry-After, with the repetitions since then", async () => {
    answers = [throttled];
    record('bear');
    await clock.advance(29_999);
    record('bear');
    expect(written).to.deep.equal(['bear news:1']);
    await clock.advance(1);
    expect(written).to.deep.equal(['bear news:1', 'bear news:2']);
    expect(log.all).to.deep.equal([]);
  });

  it('are dropped after twelve attempts, with one log line for the outage and one for its end', async () => {
    answer = unreachable;
    record('bear', 'one');
    record('bear', 'two');
    await clock.advance(60 * minute);
    expect(written).to.deep.equal([...Array(12).fill('bear one:1'), ...Array(12).fill('bear two:1')]);
    answer = undefined;
    record('doll');
    await settled();
    expect(said()).to.deep.equal([
      'warn: Events are lost: the API server does not answer',
      'info: Events are written again',
    ]);
  });

  it('are not retried after a refusal, with one log line per namespace', async () => {
    answers = [forbidden, forbidden, Promise.resolve(), forbidden];
    record('bear', 'one', 'closing');
    record('bear', 'two', 'closing');
    record('doll', 'one', 'open');
    record('bear', 'three', 'closing');
    await clock.advance(5 * minute);
    expect(written).to.deep.equal(['bear one:1', 'bear two:1', 'doll one:1', 'bear three:1']);
    record('bear', 'one', 'closing');
    await settled();
    expect(written.at(-1)).to.equal('bear one:2');
    expect(said()).to.deep.equal([
      'warn: Events in closing are lost: the API server answered 403 Forbidden: no',
      'info: Events in closing are written again',
    ]);
  });

  it('are kept if only their repetition is refused', async () => {
    answers = [Promise.resolve(), forbidden, Promise.resolve(), forbidden];
    record('bear', 'one');
    await settled();
    record('bear', 'one');
    await settled();
    record('bear', 'two');
    await settled();
    record('bear', 'two');
    await settled();
    expect(written).to.deep.equal(['bear one:1', 'bear one:2', 'bear two:1', 'bear two:2']);
    expect(said()).to.deep.equal([
      'warn: Repetitions of events in toys are lost: the API server answered 403 Forbidden: no',
    ]);
  });

  it('never fail the caller', async () => {
    answer = new TypeError('a mistake of ours');
    expect(() => record('bear')).not.to.throw();
    await settled();
    expect(said()).to.deep.equal(['warn: Events in toys are lost: a mistake of ours']);
  });

  it('are bounded in number while the API server is slow', async () => {
    answers = [new Promise<void>(() => undefined)];
    for (let i = 0; i < 4096; i++) record(`bear-${i}`);
    expect(log.all).to.deep.equal([]);
    record('doll', 'news', 'toys', 3);
    record('kite');
    expect(said()).to.deep.equal(['warn: Events are lost: 4096 of them wait for the API server']);
    const flushed = events.flush(500);
    await clock.advance(500);
    expect(await flushed).to.equal(4096 + 2);
  });

  it('are flushed with their pending counts, and leave nothing running', async () => {
    record('bear', 'news', 'toys', 100);
    await settled();
    record('bear', 'news', 'toys', 100);
    await settled();
    expect(written).to.deep.equal(['bear news:1', 'bear news:100']);
    expect(await events.flush(1000)).to.equal(0);
    expect(written.at(-1)).to.equal('bear news:200');
    expect(clock.nextIn).to.equal(undefined);
    expect(await events.flush(1000)).to.equal(0);
    record('bear');
    await settled();
    expect(written.at(-1)).to.equal('bear news:1');
  });

  it('are dropped and counted when a flush takes too long, also between two attempts', async () => {
    answer = unreachable;
    record('bear', 'news', 'toys', 3);
    record('doll');
    await settled();
    const flushed = events.flush(500);
    await clock.advance(500);
    expect(await flushed).to.equal(4);
    await clock.advance(60 * minute);
    expect(written).to.deep.equal(['bear news:1']);
    expect(clock.nextIn).to.equal(undefined);
    answer = undefined;
    record('kite');
    await settled();
    expect(written.at(-1)).to.equal('kite news:1');
  });
});
