import { expect } from 'chai';
import { TokenBucket } from '../../../../src/azure/rate-limit/token-bucket.ts';

const limit = { size: 250, refillPerSecond: 25, unknown: 40, reserve: 20, others: 4, margin: 5, need: 2 };

/** A bucket that ARM has reported as full at 0 ms. */
function full(): TokenBucket {
  const bucket = new TokenBucket(limit, 0);
  bucket.ended(bucket.send(0), { remaining: 250 }, 0);
  return bucket;
}

describe('a token bucket of ARM', () => {
  it('has few tokens until ARM reports the remaining count', () => {
    const bucket = new TokenBucket(limit, 0);
    expect(bucket.tokens(0)).to.equal(40);
    expect(bucket.tokens(3_600_000)).to.equal(40);
  });

  it('has what the first response reports', () => {
    const bucket = new TokenBucket(limit, 0);
    bucket.ended(bucket.send(0), { remaining: 249 }, 100);
    expect(bucket.tokens(100)).to.equal(249);
  });

  it('is charged for each request and refilled with time, up to its size', () => {
    const bucket = full();
    for (let n = 0; n < 50; n++) bucket.send(0);
    expect(bucket.tokens(0)).to.equal(200);
    expect(bucket.tokens(1_000)).to.equal(200);
    expect(full().tokens(20_000)).to.equal(250);
  });

  it('is refilled continuously', () => {
    const bucket = full();
    for (const request of Array.from({ length: 100 }, () => bucket.send(0))) bucket.ended(request, {}, 0);
    expect(bucket.tokens(1_000)).to.equal(175);
  });

  it('is charged once for a token that is taken before its request is sent', () => {
    const bucket = full();
    bucket.take(0);
    bucket.send(0);
    expect(bucket.tokens(0)).to.equal(249);
    bucket.send(0);
    expect(bucket.tokens(0)).to.equal(248);
  });

  it('forgets a token whose request is not sent within 30 s', () => {
    const bucket = full();
    bucket.take(0);
    expect(bucket.tokens(1_000)).to.equal(249);
    bucket.ended(bucket.send(30_000), { remaining: 100 }, 30_000);
    expect(bucket.tokens(30_000)).to.equal(100);
  });

  it('gains nothing while it is full and a request is in flight', () => {
    const bucket = full();
    bucket.send(0);
    expect(bucket.tokens(10_000)).to.equal(249);
  });

  it('assumes that ARM has counted none of the requests that overlap with the response', () => {
    const bucket = full();
    const first = bucket.send(0);
    for (let n = 0; n < 9; n++) bucket.send(0);
    bucket.ended(first, { remaining: 100 }, 0);
    expect(bucket.tokens(0)).to.equal(91);
  });

  it('follows ARM when other clients take tokens', () => {
    const bucket = full();
    bucket.ended(bucket.send(0), { remaining: 7 }, 100);
    expect(bucket.tokens(100)).to.equal(7);
  });

  it('trusts a remaining count for 30 s', () => {
    expect(full().tokens(30_000)).to.equal(250);
    expect(full().tokens(30_001)).to.equal(40);
  });

  it('counts no request whose end was never reported for more than 30 s', () => {
    const bucket = full();
    for (let n = 0; n < 50; n++) bucket.send(0);
    expect(bucket.tokens(30_001)).to.equal(40);
  });

  it('is empty after a 429 until its Retry-After has passed, and refilled from then on', () => {
    const bucket = full();
    bucket.ended(bucket.send(0), { retryAfterMs: 10_000 }, 100);
    expect(bucket.pausedUntil).to.equal(10_100);
    expect(bucket.tokens(10_100)).to.equal(0);
    expect(bucket.tokens(11_100)).to.equal(25);
  });

  it('stays paused when an older response arrives late, and when a second 429 asks for less', () => {
    const bucket = full();
    const late = bucket.send(0);
    const second = bucket.send(0);
    bucket.ended(bucket.send(0), { retryAfterMs: 10_000 }, 0);
    bucket.ended(late, { remaining: 200 }, 1);
    bucket.ended(second, { retryAfterMs: 1_000 }, 2);
    expect(bucket.pausedUntil).to.equal(10_000);
    expect(bucket.tokens(10_000)).to.equal(0);
  });

  it('computes when a pass may begin', () => {
    const bucket = full();
    bucket.ended(bucket.send(0), { remaining: 10 }, 0);
    expect(bucket.startsAt(10, 0)).to.equal(0);
    expect(bucket.startsAt(60, 0)).to.equal(2_000);
    const paused = full();
    paused.ended(paused.send(0), { retryAfterMs: 10_000 }, 0);
    expect(paused.startsAt(50, 0)).to.equal(12_000);
  });

  it('lets one pass a second begin after a pause, until a request succeeds', () => {
    const bucket = full();
    bucket.ended(bucket.send(0), { retryAfterMs: 10_000 }, 0);
    bucket.start(11_000);
    expect(bucket.tokens(11_000)).to.equal(limit.need - 1);
    expect(bucket.startsAt(1, 11_000)).to.equal(12_000);
    bucket.ended(bucket.send(11_000), { remaining: 200 }, 11_100);
    expect(bucket.startsAt(200, 11_100)).to.equal(11_100);
  });
});
