// Checks the rate limiter against a model of ARM's bucket, with random callers, latencies and other clients.
import { expect } from 'chai';
import fc from 'fast-check';
import { armRateLimits, type Priority } from '../../../../src/azure/rate-limit/limits.ts';
import { RateLimiter } from '../../../../src/azure/rate-limit/rate-limiter.ts';
import { propertyRuns } from '../../../property-runs.ts';

const subscription = '00000000-0000-0000-0000-000000000000';
const small = { size: 30, refillPerSecond: 10, unknown: 14, reserve: 5, others: 4, margin: 2, need: 2 };
const retryAfterMs = 3_000;

interface Requester {
  readonly namespace: string;
  readonly priority: Priority;
  /** ms at which its first pass begins. */
  readonly start: number;
  /** Requests in each of its passes, sent side by side. */
  readonly passes: readonly number[];
  /** ms by which it returns after its retry time. */
  readonly late: number;
  /** ms to ARM, and back. */
  readonly there: number;
  readonly back: number;
  /** True if ARM's responses have the remaining count. */
  readonly told: boolean;
}

/** Tokens that another client takes at a time (ms). */
interface Bite {
  readonly at: number;
  readonly tokens: number;
}

function simulate(requesters: readonly Requester[], bites: readonly Bite[]) {
  let now = 0;
  let tickets = 0;
  const events: { at: number; ticket: number; call: () => void }[] = [];
  const later = (ms: number, call: () => void) => {
    events.push({ at: now + ms, ticket: ++tickets, call });
  };
  const truth = { tokens: small.size, at: 0 };
  const refill = () => {
    truth.tokens = Math.min(small.size, truth.tokens + ((now - truth.at) / 1_000) * small.refillPerSecond);
    truth.at = now;
  };
  const limiter = new RateLimiter({ now: () => now, limits: { ...armRateLimits, reads: small } });
  const seen = { refusals: 0, tooEarly: 0, halfLooks: 0, done: 0, end: 0, tries: 0 };
  /** By namespace, ms from the first try of a pass until it began: the longest. */
  const waits = new Map<string, number>();
  let forbiddenUntil = Number.NEGATIVE_INFINITY;

  const send = ({ there, back, told }: Requester, over: () => void) => {
    if (now < forbiddenUntil) seen.tooEarly++;
    const ended = limiter.send(subscription, 'reads');
    later(there, () => {
      refill();
      const refused = truth.tokens < 1;
      if (refused) seen.refusals++;
      else truth.tokens -= 1;
      const remaining = Math.floor(truth.tokens);
      later(back, () => {
        if (refused) forbiddenUntil = Math.max(forbiddenUntil, now + retryAfterMs);
        ended(refused ? { retryAfterMs } : told ? { remaining } : {});
        over();
      });
    });
  };

  const pass = (requester: Requester, who: string, nth: number, triedAt = now) => {
    seen.tries++;
    const asked = requester.passes[nth];
    if (asked === undefined) {
      seen.done++;
      seen.end = now;
      return;
    }
    const caller = { id: who, namespace: requester.namespace, priority: requester.priority };
    let underway = 0;
    let wait = 0;
    const over = () => {
      underway -= 1;
      if (underway === 0)
        later(wait > 0 ? wait + requester.late : 100, () => pass(requester, who, wait > 0 ? nth : nth + 1));
    };
    for (let n = 0; n < asked && wait === 0; n++) {
      wait = n === 0 ? limiter.start(subscription, 'reads', caller) : limiter.proceed(subscription, 'reads', caller);
      if (wait > 0) break;
      underway += 1;
      send(requester, over);
    }
    if (wait > 0 && underway > 0 && underway < 2 && asked === 2) seen.halfLooks++;
    if (underway === 0) later(wait + requester.late, () => pass(requester, who, nth, triedAt));
    else waits.set(requester.namespace, Math.max(waits.get(requester.namespace) ?? 0, now - triedAt));
  };

  for (const [n, requester] of requesters.entries()) later(requester.start, () => pass(requester, `object ${n}`, 0));
  for (const { at, tokens } of bites)
    later(at, () => {
      refill();
      truth.tokens = Math.max(0, truth.tokens - tokens);
    });
  for (let steps = 0; steps < 100_000; steps++) {
    const next = events.reduce((one, other) => (isBefore(other, one) ? other : one), {
      at: Number.POSITIVE_INFINITY,
      ticket: 0,
      call: () => undefined,
    });
    if (next.at === Number.POSITIVE_INFINITY) break;
    events.splice(events.indexOf(next), 1);
    now = next.at;
    next.call();
  }
  return { ...seen, waits };
}

function isBefore(one: { at: number; ticket: number }, other: { at: number; ticket: number }): boolean {
  return one.at < other.at || (one.at === other.at && one.ticket < other.ticket);
}

const requester: fc.Arbitrary<Requester> = fc.record({
  namespace: fc.constantFrom('a', 'b', 'c'),
  priority: fc.constantFrom('user', 'background'),
  start: fc.integer({ min: 0, max: 20_000 }),
  passes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
  late: fc.integer({ min: 0, max: 2_000 }),
  there: fc.integer({ min: 0, max: 2_000 }),
  back: fc.integer({ min: 0, max: 2_000 }),
  told: fc.boolean(),
});
const lag = fc.record({ there: fc.integer({ min: 0, max: 100 }), back: fc.integer({ min: 0, max: 100 }) });

/** Returns at its retry times. */
function punctual(
  namespace: string,
  start: number,
  passes: readonly number[],
  lag: { readonly there: number; readonly back: number },
): Requester {
  return { namespace, priority: 'user', start, passes, late: 0, told: true, ...lag };
}

const requesters = fc.array(requester, { minLength: 1, maxLength: 30 });
const bites = fc.array(
  fc.record({ at: fc.integer({ min: 0, max: 60_000 }), tokens: fc.integer({ min: 1, max: 30 }) }),
  {
    maxLength: 40,
  },
);

describe('the rate limiter, with any callers and latencies', () => {
  it('never sends more than the bucket allows while no other client uses it', () => {
    fc.assert(
      fc.property(requesters, (all) => simulate(all, []).refusals === 0),
      propertyRuns(1_000),
    );
  });

  it('never sends before a Retry-After, whatever other clients take', () => {
    fc.assert(
      fc.property(requesters, bites, (all, others) => simulate(all, others).tooEarly === 0),
      propertyRuns(1_000),
    );
  });

  it('serves every caller in the end, and no pass of two reads gets only one', () => {
    fc.assert(
      fc.property(requesters, bites, (all, others) => {
        const { done, halfLooks } = simulate(all, others);
        expect({ done, halfLooks }).to.deep.equal({ done: all.length, halfLooks: 0 });
      }),
      propertyRuns(1_000),
    );
  });

  it('uses the bucket: callers that return at their retry times are done nearly as soon as the bucket allows', () => {
    const punctual = fc.array(
      requester.map(
        (one): Requester => ({
          ...one,
          priority: 'user',
          start: 0,
          passes: [2],
          late: 0,
          there: 20,
          back: 20,
          told: true,
        }),
      ),
      { minLength: 60, maxLength: 100 },
    );
    fc.assert(
      fc.property(punctual, (all) => {
        const best = ((all.length * 2 - small.size) / small.refillPerSecond) * 1_000;
        expect(simulate(all, []).end).to.be.lessThan(best * 1.15 + 1_000);
      }),
      propertyRuns(20),
    );
  });

  it('keeps a bystander of another namespace waiting for a few turns, not for everyone', () => {
    const crowd = fc
      .record({ namespaces: fc.integer({ min: 1, max: 4 }), callers: fc.integer({ min: 20, max: 60 }), lag })
      .map(({ namespaces, callers, lag }) =>
        Array.from({ length: namespaces * callers }, (_, n) => punctual(`crowd ${n % namespaces}`, 0, [2], lag)),
      );
    const looks = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(crowd, looks, lag, (all, starts, lag) => {
        const bystanders = starts.map((start) => punctual('bystander', start, [2], lag));
        const { done, refusals, tries, waits } = simulate([...all, ...bystanders], []);
        expect({ done, refusals }).to.deep.equal({ done: all.length + starts.length, refusals: 0 });
        const roundMs =
          (new Set(all.map(({ namespace }) => namespace)).size + 1) * ((small.need / small.refillPerSecond) * 1_000);
        expect(waits.get('bystander')).to.be.lessThan(1_000 + (starts.length - 1) * roundMs);
        // First try, retry and end of each; a few come back once more because others had their turn.
        expect(tries / done).to.be.lessThan(3.3);
      }),
      propertyRuns(200, 20),
    );
  });
});
