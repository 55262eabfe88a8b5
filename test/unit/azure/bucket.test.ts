import { expect } from 'chai';
import { Bucket } from '../../../src/azure/bucket.ts';

const size = { size: 250, refill: 25, unknown: 40 };

/** A bucket that ARM has just called full, at 0 ms. */
function full(): Bucket {
  const bucket = new Bucket(size, 0);
  bucket.sent(0)({ remaining: 250 }, 0);
  return bucket;
}

describe('what is known of a bucket of ARM', () => {
  it('is little at the start, however long ARM says nothing', () => {
    const bucket = new Bucket(size, 0);
    expect(bucket.level(0)).to.equal(40);
    expect(bucket.level(3_600_000)).to.equal(40);
  });

  it('is what the first answer says', () => {
    const bucket = new Bucket(size, 0);
    bucket.sent(0)({ remaining: 249 }, 100);
    expect(bucket.level(100)).to.equal(249);
  });

  it('goes down with each request that is sent, and up with time, but not beyond the size', () => {
    const bucket = full();
    for (let n = 0; n < 50; n++) bucket.sent(0);
    expect(bucket.level(0)).to.equal(200);
    expect(bucket.level(1_000)).to.equal(200);
    expect(full().level(20_000)).to.equal(250);
  });

  it('fills up by the refill', () => {
    const bucket = full();
    for (const answered of Array.from({ length: 100 }, () => bucket.sent(0))) answered({}, 0);
    expect(bucket.level(1_000)).to.equal(175);
  });

  it('keeps the place of what is under way, for a full bucket gains nothing meanwhile', () => {
    const bucket = full();
    bucket.sent(0);
    expect(bucket.level(10_000)).to.equal(249);
  });

  it('takes ARM to have counted nothing of what was under way with the answer', () => {
    const bucket = full();
    const first = bucket.sent(0);
    for (let n = 0; n < 9; n++) bucket.sent(0);
    first({ remaining: 100 }, 0);
    expect(bucket.level(0)).to.equal(91);
  });

  it('learns from ARM what others have taken', () => {
    const bucket = full();
    bucket.sent(0)({ remaining: 7 }, 100);
    expect(bucket.level(100)).to.equal(7);
  });

  it('is forgotten when ARM has long said nothing: others may have emptied the bucket', () => {
    expect(full().level(30_000)).to.equal(250);
    expect(full().level(30_001)).to.equal(40);
  });

  it('is as of a new one once ARM has long said nothing, nothing is under way, and a pause is long over', () => {
    const bucket = full();
    expect(bucket.isAsNew(30_000)).to.equal(false);
    expect(bucket.isAsNew(30_001)).to.equal(true);
    const answered = bucket.sent(40_000);
    expect(bucket.isAsNew(100_000)).to.equal(false);
    answered({ retryAfter: 10_000 }, 100_000);
    expect(bucket.isAsNew(140_000)).to.equal(false);
    expect(bucket.isAsNew(140_001)).to.equal(true);
  });

  it('is nothing after a 429, until its Retry-After has passed, and grows from nothing then', () => {
    const bucket = full();
    bucket.sent(0)({ retryAfter: 10_000 }, 100);
    expect(bucket.isPaused(10_099)).to.equal(true);
    expect(bucket.level(10_100)).to.equal(0);
    expect(bucket.isPaused(10_100)).to.equal(false);
    expect(bucket.level(11_100)).to.equal(25);
  });

  it('stays so when an older answer comes late, and when a second 429 asks for less', () => {
    const bucket = full();
    const late = bucket.sent(0);
    const second = bucket.sent(0);
    bucket.sent(0)({ retryAfter: 10_000 }, 0);
    late({ remaining: 200 }, 1);
    second({ retryAfter: 1_000 }, 2);
    expect(bucket.pausedUntil).to.equal(10_000);
    expect(bucket.level(10_000)).to.equal(0);
  });

  it('tells when there will be so many tokens', () => {
    const bucket = full();
    bucket.sent(0)({ remaining: 10 }, 0);
    expect(bucket.reaches(10, 0)).to.equal(0);
    const drained = full();
    drained.sent(0)({ retryAfter: 10_000 }, 0);
    expect(drained.reaches(50, 0)).to.equal(12_000);
  });

  it('tells a later time when others eat half of the refill', () => {
    const bucket = full();
    for (let second = 0; second <= 60; second++) {
      const answers = Array.from({ length: 13 }, () => bucket.sent(second * 1_000));
      for (const answered of answers) answered({}, second * 1_000);
      bucket.sent(second * 1_000)({ remaining: 100 }, second * 1_000);
    }
    // Of 25 a second we have sent 14, and the level stays: others take 11.
    expect(bucket.reaches(240, 60_000) - 60_000).to.be.closeTo(10_000, 500);
  });

  it('tells nothing of what others eat when ARM has long said nothing, but remembers it over a pause', () => {
    const eaten = () => {
      const bucket = full();
      bucket.sent(0)({ remaining: 5 }, 0);
      return bucket;
    };
    const silent = eaten();
    expect(silent.reaches(105, 0)).to.equal(40_000);
    expect(silent.reaches(140, 30_001) - 30_001).to.equal(4_000);
    const paused = eaten();
    paused.sent(0)({ retryAfter: 60_000 }, 0);
    expect(paused.reaches(100, 60_000) - 60_000).to.equal(40_000);
  });
});
