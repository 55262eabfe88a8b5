// That a budget forgets what it kept of a subscription shows nowhere but in what it tells of itself: whatever was asked and
// answered before, a budget that has forgotten and one that has not give the same answers.
import { expect } from 'chai';
import fc from 'fast-check';
import { ArmError } from '../../../src/azure/arm.ts';
import type { News } from '../../../src/azure/bucket.ts';
import { createBudget } from '../../../src/azure/budget.ts';
import { type Operation, operations } from '../../../src/azure/shares.ts';
import type { Urgency } from '../../../src/azure/turns.ts';

const subscription = '00000000-0000-0000-0000-000000000000';
const another = '11111111-1111-1111-1111-111111111111';
const minute = 60_000;
const hour = 60 * minute;

/** A pass that asks side by side, and what becomes of its requests. */
interface Pass {
  /** ms after the one before it. */
  readonly after: number;
  readonly who: string;
  readonly urgency: Urgency;
  readonly operation: Operation;
  readonly asks: number;
  /** ms until its requests are answered, all with these words. */
  readonly took: number;
  readonly news: News;
}

/** A budget at 0 ms, on a clock that only its passes move. */
function aBudget() {
  let time = 0;
  const budget = createBudget({ now: () => time });
  const underWay: { at: number; over: () => void }[] = [];

  function moveTo(end: number): void {
    underWay.sort((one, other) => one.at - other.at);
    for (let next = underWay[0]; next && next.at <= end; next = underWay[0]) {
      underWay.shift();
      time = next.at;
      next.over();
    }
    time = end;
  }

  /** ms until its turn; 0: it is sent. */
  function ask({ took, news, operation }: Pass, visit: ReturnType<typeof budget.visit>): number {
    try {
      const release = visit.ask(subscription, operation);
      const answered = budget.sent(subscription, operation);
      const over = () => {
        answered(news);
        release();
      };
      underWay.push({ at: time + took, over });
      return 0;
    } catch (error) {
      if (!(error instanceof ArmError) || error.retryAfter === undefined) throw error;
      return error.retryAfter;
    }
  }

  return {
    wait: (ms: number) => moveTo(time + ms),
    /** What is granted now is over after so many ms, and was never sent. */
    askAboutAnother: () => budget.visit({ who: 'another', urgency: 'upkeep' }).ask(another, 'reads')(),
    isKept: () => budget.levels().some(({ subscriptionId }) => subscriptionId === subscription),
    /** What each of its requests was told, and what is left then. */
    pass(pass: Pass) {
      moveTo(time + pass.after);
      const visit = budget.visit(pass);
      const waits = Array.from({ length: pass.asks }, () => ask(pass, visit));
      return { waits, levels: budget.levels().filter(({ subscriptionId }) => subscriptionId === subscription) };
    },
  };
}

const pass: fc.Arbitrary<Pass> = fc.record({
  after: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 40_000 })),
  who: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  urgency: fc.constantFrom('edit', 'upkeep'),
  operation: fc.constantFrom(...operations),
  asks: fc.integer({ min: 1, max: 12 }),
  took: fc.integer({ min: 0, max: 30_000 }),
  news: fc.oneof(
    { weight: 4, arbitrary: fc.record({ remaining: fc.integer({ min: 0, max: 250 }) }) },
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ retryAfter: fc.integer({ min: 1_000, max: 20 * minute }) }) },
  ),
});
const passes = fc.array(pass, { minLength: 1, maxLength: 30 });

const look: Pass = { after: 0, who: 'a', urgency: 'upkeep', operation: 'reads', asks: 1, took: 0, news: {} };

describe('what the budget keeps of a subscription', () => {
  it('is forgotten once nobody has asked about it for an hour, and nobody notices', () => {
    fc.assert(
      fc.property(passes, fc.integer({ min: 0, max: hour }), passes, (before, longer, after) => {
        const keeping = aBudget();
        const forgetting = aBudget();
        for (const each of before) expect(keeping.pass(each)).to.deep.equal(forgetting.pass(each));
        for (const budget of [keeping, forgetting]) budget.wait(hour + minute + longer);
        // It forgets when it is asked about another, and only then: it has no timer.
        forgetting.askAboutAnother();
        expect([keeping.isKept(), forgetting.isKept()]).to.deep.equal([true, false]);
        for (const each of after) expect(forgetting.pass(each)).to.deep.equal(keeping.pass(each));
      }),
      { numRuns: 1_000 },
    );
  });

  const lasting: Record<string, (budget: ReturnType<typeof aBudget>) => void> = {
    'ARM has forbidden to ask': (budget) => budget.pass({ ...look, news: { retryAfter: 2 * hour } }),
    'somebody has a place in its queue': (budget) => {
      budget.pass({ ...look, news: { retryAfter: 1.4 * hour } });
      budget.pass(look);
    },
  };
  for (const [why, begin] of Object.entries(lasting)) {
    it(`is kept for as long as ${why}`, () => {
      const budget = aBudget();
      begin(budget);
      budget.wait(1.5 * hour);
      budget.askAboutAnother();
      expect(budget.isKept()).to.equal(true);
      budget.wait(1.5 * hour);
      budget.askAboutAnother();
      expect(budget.isKept()).to.equal(false);
    });
  }

  it('counts no request whose end is never reported', () => {
    const budget = aBudget();
    for (let n = 0; n < 50; n++) budget.pass({ ...look, who: `lost ${n}`, took: Number.MAX_SAFE_INTEGER });
    budget.wait(11 * minute);
    for (let n = 0; n < 7; n++) expect(budget.pass({ ...look, who: `later ${n}` }).waits).to.deep.equal([0]);
  });

  it('stays while somebody asks about it, however rarely within the hour', () => {
    const budget = aBudget();
    for (let n = 0; n < 5; n++) {
      budget.pass({ ...look, after: 59 * minute });
      budget.wait(minute / 2);
      budget.askAboutAnother();
      expect(budget.isKept()).to.equal(true);
    }
  });
});
