import { expect } from 'chai';
import { PollPacing } from '../../../src/replication/poll-pacing.ts';

/** Polls each of `registries` as soon as it may be, for a minute. Returns the polls of the last 10 s. */
function pollsOf(pacing: PollPacing, registries: number): number {
  const due = Array.from({ length: registries }, () => 0);
  let counted = 0;
  for (let now = 0; now < 60_000; now += 10) {
    due.forEach((at, index) => {
      if (at > now) return;
      if (now >= 50_000) counted++;
      pacing.polled(now);
      due[index] = now + pacing.minIntervalMs(now);
    });
  }
  return counted;
}

describe('the pacing of polls', () => {
  it('keeps no registry waiting before any was polled', () => {
    expect(new PollPacing().minIntervalMs(0)).to.equal(0);
  });

  for (const registries of [1, 2, 7, 20]) {
    it(`lets ${registries} registries be polled five times a second together`, () => {
      expect(pollsOf(new PollPacing(), registries)).to.be.within(45, 55);
    });
  }

  it('lets a registry be polled soon after 1,000 others have been', () => {
    const pacing = new PollPacing();
    for (let n = 0; n < 1_000; n++) pacing.polled(0);
    expect(pacing.minIntervalMs(0)).to.equal(5_000);
    expect(pacing.minIntervalMs(5_000)).to.equal(0);
  });
});
