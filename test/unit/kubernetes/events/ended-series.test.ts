import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { EventRecord } from '../../../../src/kubernetes/events/event.ts';
import { createRecorder } from '../../../../src/kubernetes/events/recorder.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { LogJournal } from '../journal.ts';
import { widget } from '../widget.ts';

describe('a series of events that has ended', () => {
  const minute = 60_000;
  const ready: EventRecord = { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' };

  const reporter = { controller: 'example.dev/controller', instance: 'pod-1' };

  it('is forgotten with the next event, also if 1,000 end at once', async () => {
    const clock = new FakeClock();
    const options = { ...reporter, clock, random: () => 0, log: new LogJournal() };
    const events = createRecorder(async ({ count }) => count, options);
    for (let index = 0; index < 1_000; index++) events.record(widget(`bear-${index}`, '5'), ready);
    await settled();
    expect(events.openSeries).to.equal(1_000);
    await clock.advance(3 * minute);
    events.record(widget('bear-0', '5'), ready);
    await clock.advance(4 * minute);
    events.record(widget('doll', '5'), ready);
    await settled();
    expect(events.openSeries).to.equal(2);
  });

  it('is forgotten too if the API server refused it', async () => {
    const clock = new FakeClock();
    const refuse = async () => Promise.reject(new ApiException(403, 'Forbidden', { message: 'no' }, {}));
    const events = createRecorder(refuse, { ...reporter, clock, random: () => 0, log: new LogJournal() });
    events.record(widget('bear', '5'), ready);
    await clock.advance(7 * minute);
    events.record(widget('doll', '5'), ready);
    await settled();
    expect(events.openSeries).to.equal(1);
  });
});
