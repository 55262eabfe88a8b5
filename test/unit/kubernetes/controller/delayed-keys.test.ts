import { expect } from 'chai';
import fc from 'fast-check';
import { DelayedKeys } from '../../../../src/kubernetes/controller/delayed-keys.ts';
import { FakeClock } from '../../../fake-clock.ts';

describe('delayed keys', () => {
  let clock: FakeClock;
  let ended: string[];
  let timers: number;
  let delayed: DelayedKeys<string>;
  beforeEach(() => {
    clock = new FakeClock();
    ended = [];
    timers = 0;
    const counted = {
      now: () => clock.now(),
      after(ms: number, call: () => void) {
        timers++;
        return clock.after(ms, call);
      },
    };
    delayed = new DelayedKeys(counted, (key, priority) => void ended.push(`${key} ${priority}`));
  });

  it('share a timer for each second if their delay is longer than a minute', async () => {
    const ms = fc.sample(fc.integer({ min: 540_000, max: 660_000 }), 1_000);
    for (const [index, delay] of ms.entries()) delayed.set(`${index}`, delay, 'normal');
    expect(timers).to.be.at.most(121);
    await clock.advance(661_000);
    expect(ended).to.have.length(1_000);
  });

  it('never end early, nor more than a second late, and exactly on time up to a minute', async () => {
    await clock.advance(250);
    delayed.set('short', 60_000, 'normal');
    delayed.set('long', 60_001, 'low');
    await clock.advance(59_999);
    expect(ended).to.deep.equal([]);
    await clock.advance(1);
    expect(ended).to.deep.equal(['short normal']);
    await clock.advance(749);
    expect(ended).to.deep.equal(['short normal']);
    await clock.advance(1);
    expect(ended).to.deep.equal(['short normal', 'long low']);
  });

  it('leave no timer when all of them are taken, and keep the one that others share', async () => {
    delayed.set('a', 600_000, 'normal');
    delayed.set('b', 600_000, 'normal');
    delayed.delete('a');
    expect(clock.nextIn).to.equal(600_000);
    delayed.delete('b');
    expect(clock.nextIn).to.equal(undefined);
  });

  it('end when their time has passed, although the wall clock was set back meanwhile', async () => {
    delayed.set('a', 600_000, 'normal');
    clock.step(-3_600_000);
    await clock.advance(600_000);
    expect(ended).to.deep.equal(['a normal']);
  });
});
