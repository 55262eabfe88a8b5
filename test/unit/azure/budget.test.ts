import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { createBudget, type Visit } from '../../../src/azure/budget.ts';
import { armShares, type Operation } from '../../../src/azure/shares.ts';
import type { Urgency } from '../../../src/azure/turns.ts';

const subscription = '00000000-0000-0000-0000-000000000000';

/** A budget at 0 ms, on a clock that `at` moves. */
function aBudget() {
  let time = 0;
  const held: string[] = [];
  const paused: string[] = [];
  const budget = createBudget({
    now: () => time,
    onHeld: (operation, urgency) => held.push(`${operation} ${urgency}`),
    onPaused: (operation, ms) => paused.push(`${operation} ${ms}`),
  });
  return {
    budget,
    held,
    paused,
    at(ms: number) {
      time = ms;
    },
    /** ARM says that so much is left. */
    left: (remaining: number, operation: Operation = 'reads') => budget.sent(subscription, operation)({ remaining }),
    throttle: (retryAfter: number, operation: Operation = 'reads') =>
      budget.sent(subscription, operation)({ retryAfter }),
    visit: (who: string, urgency: Urgency = 'upkeep') => budget.visit({ who, urgency }),
    /** Sends a look of two reads, or gives the ms until the turn. */
    look(who: string, urgency: Urgency = 'upkeep'): 'sent' | number {
      const visit = budget.visit({ who, urgency });
      const waits = [ask(visit), ask(visit)].map((wait) => {
        if (wait === 0) budget.sent(subscription, 'reads')({});
        return wait;
      });
      expect(waits.filter((wait) => wait === 0).length, 'half a look').to.not.equal(1);
      return waits[0] === 0 ? 'sent' : Math.max(...waits);
    },
  };
}

/** ms until the turn; 0 where the token was granted, and the request is over at once. */
function ask(visit: Visit, operation: Operation = 'reads', of = subscription): number {
  try {
    visit.ask(of, operation)();
    return 0;
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    expect(error).to.include({ kind: 'Throttled', reason: 'Throttled', unsent: true });
    return error.retryAfter ?? Number.NaN;
  }
}

const { reserve, margin } = armShares.reads;

describe('the budget', () => {
  it('lets through what ARM surely takes', () => {
    const { look, left } = aBudget();
    left(250);
    for (let n = 0; n < 100; n++) expect(look(`object ${n}`)).to.equal('sent');
  });

  it('sends nobody away with half a look: the second read of those that begin is always there', () => {
    const { look, left } = aBudget();
    left(250);
    // look() itself checks it.
    const answers = Array.from({ length: 200 }, (_, n) => look(`object ${n}`));
    expect(answers)
      .to.include('sent')
      .and.to.satisfy((all: unknown[]) => all.some((one) => typeof one === 'number'));
  });

  it('resumes after a 429 with one write, and with the others once that has gone well', () => {
    const { budget, at, throttle, visit } = aBudget();
    throttle(10_000, 'writes');
    at(11_000);
    const first = visit('first', 'edit');
    const end = first.ask(subscription, 'writes');
    const answered = budget.sent(subscription, 'writes');
    const others = ['second', 'third', 'fourth'];
    for (const who of others) expect(ask(visit(who, 'edit'), 'writes')).to.be.greaterThan(0);
    expect(ask(first, 'writes'), 'of the same pass').to.be.greaterThan(0);
    answered({ remaining: 150 });
    end();
    at(12_000);
    for (const who of others) expect(ask(visit(who, 'edit'), 'writes')).to.equal(0);
  });

  it('spends no reads on a pass whose writes would be held back', () => {
    const { budget, at, throttle } = aBudget();
    throttle(10_000, 'writes');
    const visitor = { who: 'object', urgency: 'edit', expects: ['writes'] } as const;
    expect(ask(budget.visit(visitor))).to.be.at.least(10_000);
    expect(ask(budget.visit({ ...visitor, expects: [] }))).to.equal(0);
    at(11_000);
    expect(ask(budget.visit(visitor))).to.equal(0);
  });

  it('keeps a reserve for people: upkeep has to wait, an edit has not', () => {
    const { look, left, held } = aBudget();
    left(reserve + margin + 1);
    expect(look('drift')).to.be.a('number');
    expect(look('edited', 'edit')).to.equal('sent');
    expect(held).to.deep.equal(['reads upkeep', 'reads upkeep']);
  });

  it('keeps a few tokens back for those that have begun', () => {
    const { visit, left, look } = aBudget();
    left(margin + 2);
    const begun = visit('begun', 'edit');
    for (let n = 0; n < 2; n++) expect(ask(begun)).to.equal(0);
    left(margin);
    expect(look('another', 'edit')).to.be.a('number');
    for (let n = 0; n < margin; n++) expect(ask(begun)).to.equal(0);
  });

  it('brings 300 that were refused back one after the other, in the order of their asking, as fast as the bucket fills', () => {
    const { look, left, at } = aBudget();
    left(margin);
    const due = Array.from({ length: 300 }, (_, n) => ({
      who: `object ${n}`,
      time: look(`object ${n}`, 'edit') as number,
    }));
    const served: string[] = [];
    let last = 0;
    while (due.length > 0) {
      due.sort((a, b) => a.time - b.time);
      const next = due.shift();
      if (!next) break;
      last = next.time;
      at(next.time);
      left(1_000_000); // ARM has as much as we think; more is not believed
      const answer = look(next.who, 'edit');
      if (answer === 'sent') served.push(next.who);
      else due.push({ who: next.who, time: next.time + answer });
    }
    expect(served).to.deep.equal(Array.from({ length: 300 }, (_, n) => `object ${n}`));
    expect(last).to.be.lessThan(60_000);
  });

  it('tells each of them another time: no herd', () => {
    const { look, left } = aBudget();
    left(margin);
    const times = Array.from({ length: 300 }, (_, n) => look(`object ${n}`, 'edit') as number);
    expect(new Set(times).size).to.be.greaterThan(290);
    expect(Math.max(...times)).to.be.within(23_000, 25_000);
  });

  it('keeps the tokens of those that come before, but not for long', () => {
    const { look, left, at } = aBudget();
    left(margin);
    look('never comes back', 'edit');
    at(80);
    left(margin + 2);
    expect(look('another', 'edit')).to.be.a('number');
    at(15_000);
    left(margin + 2);
    expect(look('another', 'edit')).to.equal('sent');
  });

  it('lets an edit overtake upkeep', () => {
    const { look, left } = aBudget();
    left(margin);
    const upkeep = look('drift') as number;
    expect(look('edited', 'edit')).to.be.lessThan(upkeep);
  });

  it('lets nobody starve: upkeep that has waited for minutes goes before later edits, and into the reserve', () => {
    const { look, left, at } = aBudget();
    left(margin);
    for (let time = 0; time < 301_000; time += 1_000) {
      at(time);
      left(margin);
      look('drift');
    }
    left(margin + 2);
    expect(look('a later edit', 'edit')).to.be.a('number');
    expect(look('drift')).to.equal('sent');
  });

  it('keeps an object its place when it comes late', () => {
    const { look, left, at } = aBudget();
    left(margin);
    look('early', 'edit');
    at(1);
    look('later', 'edit');
    at(20_000);
    left(margin);
    const early = look('early', 'edit') as number;
    const later = look('later', 'edit') as number;
    expect(early).to.be.lessThan(later);
  });

  it('keeps nobody a place for ever: who comes ten minutes late begins to wait anew', () => {
    const { look, left, at } = aBudget();
    left(margin);
    look('late', 'edit');
    at(599_000);
    left(margin);
    look('other', 'edit');
    at(602_000);
    left(margin);
    const late = look('late', 'edit') as number;
    expect(late).to.be.greaterThan(look('other', 'edit') as number);
  });

  it('after a 429 refuses until its Retry-After, whoever asks and however urgently', () => {
    const { look, throttle, at, paused } = aBudget();
    throttle(10_000);
    expect(look('drift')).to.be.greaterThan(10_000);
    expect(look('edited', 'edit')).to.be.greaterThan(10_000);
    at(9_999);
    expect(look('another', 'edit')).to.be.a('number');
    expect(paused).to.deep.equal(['reads 10000']);
  });

  it('pauses that bucket only', () => {
    const { visit, throttle, look } = aBudget();
    throttle(10_000, 'writes');
    expect(look('object')).to.equal('sent');
    expect(ask(visit('object'), 'deletes')).to.equal(0);
    expect(ask(visit('object'), 'writes', '11111111-1111-1111-1111-111111111111')).to.equal(0);
    expect(ask(visit('object'), 'writes', subscription.toUpperCase())).to.be.greaterThan(10_000);
  });

  it('stops at the door what was granted before the 429 and not sent yet, as a later page of a list', () => {
    const { budget, throttle } = aBudget();
    budget.visit({ who: 'object', urgency: 'edit' }).ask(subscription, 'reads');
    throttle(10_000);
    expect(() => budget.sent(subscription, 'reads'))
      .to.throw(ArmError)
      .with.property('retryAfter', 10_000);
  });

  it('sends out only a few while nobody knows what ARM has left', () => {
    const { visit } = aBudget();
    const { budget } = aBudget();
    const under = Array.from({ length: 10 }, (_, n) => budget.visit({ who: `object ${n}`, urgency: 'edit' }));
    const granted = under.filter((one) => {
      try {
        one.ask(subscription, 'reads');
        return true;
      } catch {
        return false;
      }
    });
    expect(granted.length).to.equal(4);
    expect(ask(visit('alone'))).to.equal(0);
  });

  it('refuses the rest of a visit once it has refused one of it: what came of it would be in vain', () => {
    const { visit, left, at } = aBudget();
    left(0);
    const one = visit('object', 'edit');
    expect(ask(one)).to.be.greaterThan(0);
    at(10_000);
    left(200);
    expect(ask(one)).to.be.greaterThan(0);
    expect(ask(visit('object', 'edit'))).to.equal(0);
  });

  it('gives a pass that turned out to need more all of it at its next turn', () => {
    const { visit, left, at } = aBudget();
    left(armShares.writes.margin, 'writes');
    const first = visit('object', 'edit');
    for (let n = 0; n < 4; n++) ask(first, 'writes');
    const again = visit('object', 'edit');
    left(2 + 3, 'writes');
    expect(ask(again, 'writes'), 'one too few').to.be.greaterThan(0);
    at(1);
    left(2 + 4, 'writes');
    const last = visit('object', 'edit');
    for (let n = 0; n < 4; n++) expect(ask(last, 'writes')).to.equal(0);
  });

  it('says the same words each time, for they end in a status', () => {
    const { budget, left, at } = aBudget();
    const words = () => {
      try {
        budget.visit({ who: 'object', urgency: 'edit' }).ask(subscription, 'writes');
        return '';
      } catch (error) {
        return (error as ArmError).message;
      }
    };
    left(0, 'writes');
    const first = words();
    at(50);
    expect(words())
      .to.equal(first)
      .and.to.match(/waits for its turn: .*writes/);
  });

  it('tells what is left', () => {
    const { budget, left, throttle, look } = aBudget();
    left(200, 'writes');
    throttle(1_000, 'deletes');
    left(0);
    look('object');
    const told = budget.levels().map(({ operation, tokens, waiting }) => `${operation} ${tokens} ${waiting}`);
    expect(told).to.deep.equal(['reads 0 1', 'writes 200 0', 'deletes 0 0']);
  });
});
