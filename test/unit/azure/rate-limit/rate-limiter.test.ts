import { expect } from 'chai';
import { ArmError } from '../../../../src/azure/arm.ts';
import { armRateLimits, type Operation, type Priority } from '../../../../src/azure/rate-limit/limits.ts';
import { RateLimiter } from '../../../../src/azure/rate-limit/rate-limiter.ts';

const subscription = '00000000-0000-0000-0000-000000000000';
const { reserve, margin, others, refillPerSecond } = armRateLimits.reads;

/** A rate limiter at 0 ms, on a clock that `at` moves. */
function scene() {
  let time = 0;
  const paused: string[] = [];
  const limiter = new RateLimiter({ now: () => time, onPaused: (operation, ms) => paused.push(`${operation} ${ms}`) });
  const respond = (feedback: { remaining?: number; retryAfterMs?: number }, operation: Operation = 'reads') =>
    limiter.send(subscription, operation)(feedback);
  return {
    limiter,
    paused,
    at(ms: number) {
      time = ms;
    },
    /** ARM reports the remaining count. */
    left: (remaining: number, operation?: Operation) => respond({ remaining }, operation),
    throttle: (retryAfterMs: number, operation?: Operation) => respond({ retryAfterMs }, operation),
    start: (id: string, priority: Priority = 'user', operation: Operation = 'reads') =>
      limiter.start(subscription, operation, { id, priority }),
    proceed: (id: string, priority: Priority = 'user', operation: Operation = 'reads') =>
      limiter.proceed(subscription, operation, { id, priority }),
    /** Sends a look of two reads, or returns the ms after which to try again. */
    look(id: string, priority: Priority = 'background', namespace = 'default'): 'sent' | number {
      const wait = limiter.start(subscription, 'reads', { id, namespace, priority });
      if (wait > 0) return wait;
      expect(limiter.proceed(subscription, 'reads', { id, namespace, priority }), 'half a look').to.equal(0);
      for (let n = 0; n < 2; n++) limiter.send(subscription, 'reads')({});
      return 'sent';
    },
  };
}

describe('the rate limiter', () => {
  it('lets through what ARM accepts', () => {
    const { look, left } = scene();
    left(250);
    for (let n = 0; n < 100; n++) expect(look(`object ${n}`)).to.equal('sent');
  });

  it('starts no look without tokens for its second read', () => {
    const { look, left } = scene();
    left(250);
    // look() itself checks it.
    const answers = Array.from({ length: 200 }, (_, n) => look(`object ${n}`));
    expect(answers).to.include('sent');
    expect(answers.some((answer) => typeof answer === 'number')).to.equal(true);
  });

  it('keeps a reserve for users: background passes wait, user passes do not', () => {
    const { look, left } = scene();
    left(reserve + margin + 1);
    expect(look('drift')).to.be.a('number');
    expect(look('edited', 'user')).to.equal('sent');
  });

  it('does not delay a user behind 300 held drift checks', () => {
    const { look, left, at } = scene();
    left(reserve);
    for (let n = 0; n < 300; n++) expect(look(`drift ${n}`)).to.be.a('number');
    expect(look('edited', 'user')).to.equal('sent');
    at(100);
    left(0);
    expect(look('edited again', 'user')).to.be.within(200, 300);
  });

  it('keeps a few tokens for passes that have begun', () => {
    const { start, proceed, left, look } = scene();
    left(margin + 2);
    expect(start('begun')).to.equal(0);
    expect(proceed('begun')).to.equal(0);
    expect(look('another', 'user')).to.be.a('number');
    for (let n = 0; n < margin; n++) expect(proceed('begun')).to.equal(0);
    expect(proceed('begun')).to.be.greaterThan(0);
  });

  it('gives each of 300 held callers another retry time, in the order of their requests, at the pace of the refill', () => {
    const { look, left } = scene();
    left(margin);
    const times = Array.from({ length: 300 }, (_, n) => look(`object ${n}`, 'user') as number);
    expect(times).to.deep.equal(times.toSorted((one, other) => one - other));
    expect(new Set(times).size).to.equal(300);
    expect(Math.max(...times)).to.be.within(23_000, 25_000);
  });

  it('serves 300 callers that return at their retry times in that order', () => {
    const { look, left, at } = scene();
    left(margin);
    const due = Array.from({ length: 300 }, (_, n) => ({ id: `object ${n}`, time: look(`object ${n}`, 'user') }));
    for (const { id, time } of due) {
      at(Number(time));
      expect(look(id, 'user'), id).to.equal('sent');
    }
  });

  it('gives a caller that returns early the same retry time', () => {
    const { look, left, at } = scene();
    left(margin);
    for (let n = 0; n < 10; n++) look(`object ${n}`, 'user');
    const time = look('impatient', 'user') as number;
    at(100);
    left(margin);
    for (let n = 0; n < 10; n++) expect(look('impatient', 'user')).to.equal(time - 100);
  });

  it('lets a user of another namespace in at once while 1,500 of one wait', () => {
    const { look, left } = scene();
    left(250);
    for (let n = 0; n < 1_500; n++) look(`crowd ${n}`, 'user', 'crowd');
    expect(look('crowd 1500', 'user', 'crowd')).to.be.greaterThan(100_000);
    expect(look('edited', 'user', 'bystander')).to.equal('sent');
  });

  it('gives namespaces their retry times in turn', () => {
    const { look, left } = scene();
    left(margin);
    const times = (namespace: string, count: number) =>
      Array.from({ length: count }, (_, n) => look(`${namespace} ${n}`, 'user', namespace) as number);
    const crowd = times('crowd', 300);
    const small = times('small', 10);
    expect(small).to.deep.equal(small.toSorted((one, other) => one - other));
    // The first comes next; of the others each comes after one of the crowd.
    expect(small[0]).to.be.at.most((crowd[0] ?? 0) + 80);
    expect(small.at(-1)).to.be.at.most((crowd[24] ?? 0) + 80);
    expect(times('third', 1)[0]).to.equal((small[0] ?? 0) + 80);
  });

  it('shares the tokens between a namespace that waits and one that has a look at a time', () => {
    const { look, left, at } = scene();
    left(margin);
    const due = new Map(Array.from({ length: 100 }, (_, n) => [`crowd ${n}`, look(`crowd ${n}`, 'user', 'crowd')]));
    const sent = { crowd: 0, busy: 0 };
    let busyAt = 0;
    for (let time = 10; time <= 4_000; time += 10) {
      at(time);
      if (time >= busyAt) {
        const answer = look('busy', 'user', 'busy');
        busyAt = time + (answer === 'sent' ? 10 : answer);
        if (answer === 'sent') sent.busy++;
      }
      for (const [id, retryAt] of due) {
        if (time < Number(retryAt)) continue;
        const answer = look(id, 'user', 'crowd');
        if (answer === 'sent') sent.crowd++;
        if (answer === 'sent') due.delete(id);
        else due.set(id, time + answer);
      }
    }
    expect(sent.busy + sent.crowd).to.be.at.least(42);
    expect(Math.min(sent.busy, sent.crowd)).to.be.at.least(15);
  });

  it('reserves nothing for a caller that does not return', () => {
    const { look, left, at } = scene();
    left(margin);
    const time = look('gone', 'user') as number;
    at(time + (others / refillPerSecond) * 1_000);
    expect(look('another', 'user')).to.equal('sent');
  });

  it('starves no background pass: one held for 5 s is served like a user', () => {
    const { look, left, at } = scene();
    left(margin + 2);
    expect(look('drift')).to.be.a('number');
    at(4_999);
    left(margin + 2);
    expect(look('drift')).to.be.a('number');
    at(5_000);
    left(margin + 2);
    expect(look('drift')).to.equal('sent');
    left(margin + 2);
    expect(look('another drift')).to.be.a('number');
  });

  it('after a 429 starts nothing until its Retry-After, whatever the priority', () => {
    const { look, throttle, at, paused } = scene();
    throttle(10_000);
    expect(look('drift')).to.be.greaterThan(10_000);
    expect(look('edited', 'user')).to.be.greaterThan(10_000);
    at(9_999);
    expect(look('another', 'user')).to.be.a('number');
    expect(paused).to.deep.equal(['reads 10000']);
  });

  it('resumes after a 429 with one write, and with the others once that has succeeded', () => {
    const { limiter, at, throttle, start, proceed } = scene();
    throttle(10_000, 'writes');
    at(11_000);
    expect(start('first', 'user', 'writes')).to.equal(0);
    const ended = limiter.send(subscription, 'writes');
    const others = ['second', 'third', 'fourth'];
    for (const id of others) expect(start(id, 'user', 'writes')).to.be.greaterThan(0);
    expect(proceed('first', 'user', 'writes'), 'of the same pass').to.be.greaterThan(0);
    ended({ remaining: 150 });
    at(12_000);
    for (const id of others) expect(start(id, 'user', 'writes')).to.equal(0);
  });

  it('pauses one kind of requests in one subscription', () => {
    const { limiter, start, throttle, look } = scene();
    throttle(10_000, 'writes');
    expect(look('object')).to.equal('sent');
    expect(start('object', 'background', 'deletes')).to.equal(0);
    const caller = { id: 'object', priority: 'background' } as const;
    expect(limiter.start('11111111-1111-1111-1111-111111111111', 'writes', caller)).to.equal(0);
    expect(limiter.start(subscription.toUpperCase(), 'writes', caller)).to.be.greaterThan(10_000);
  });

  it('stops a request whose token was taken before the 429, such as a later page of a LIST', () => {
    const { limiter, start, throttle } = scene();
    start('object');
    throttle(10_000);
    expect(() => limiter.send(subscription, 'reads'))
      .to.throw(ArmError)
      .that.includes({ kind: 'NotSent', retryAfter: 10_000 });
  });

  it('remembers the 1,000 subscriptions that were used last', () => {
    const { limiter, throttle, start } = scene();
    throttle(10_000);
    const others = Array.from({ length: 999 }, (_, n) => `subscription ${n}`);
    for (const other of others) limiter.mayStart(other, 'reads', { id: 'object', priority: 'user' });
    expect(start('object')).to.be.greaterThan(10_000);
    limiter.mayStart('another', 'reads', { id: 'object', priority: 'user' });
    const known = limiter.levels().map(({ subscriptionId }) => subscriptionId);
    expect(known).to.have.length(3_000).and.to.include.members([subscription, 'another']);
    expect(known).to.not.include('subscription 0');
  });

  it('reports its levels', () => {
    const { limiter, left, throttle, look } = scene();
    left(200, 'writes');
    throttle(1_000, 'deletes');
    left(0);
    look('object');
    const told = limiter.levels().map(({ operation, tokens, waiting }) => `${operation} ${tokens} ${waiting}`);
    expect(told).to.deep.equal(['reads 0 1', 'writes 200 0', 'deletes 0 0']);
  });
});
