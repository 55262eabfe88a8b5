// The operator's share of ARM's budget: which requests may be sent now, and when the turn of the others comes. It never waits,
// sends nothing, and is told of every answer; ARM's own word overrules its arithmetic.
import { type Account, Accounts } from './accounts.ts';
import { ArmError } from './arm.ts';
import type { News } from './bucket.ts';
import { armShares, type Operation, type Share } from './shares.ts';
import type { Urgency } from './turns.ts';

/** Who asks: one object, in one pass. */
export interface Visitor {
  /** The same at each visit. */
  readonly who: string;
  readonly urgency: Urgency;
  /** What the visit will ask for after its reads: without tokens for that, the reads would be in vain. */
  readonly expects?: readonly Operation[];
}

/** One visitor's requests: the first that is granted in a bucket opens it for the rest, the first that is refused ends it. */
export interface Visit {
  /**
   * Takes a token for one request. The function returned gives back what was not sent; to be called once it is over.
   * @throws ArmError `Throttled`, with the ms until this visitor's turn.
   */
  ask(subscriptionId: string, operation: Operation): () => void;
}

/** What the gateway tells of the wire. */
export interface Wire {
  /**
   * A request goes out now. The function returned is to be called once, with what the answer said, be it nothing.
   * @throws ArmError `Throttled` where ARM has forbidden meanwhile to send it.
   */
  sent(subscriptionId: string, operation: Operation): (news: News) => void;
}

export interface Budget extends Wire {
  visit(visitor: Visitor): Visit;
  /** What is left, as far as is known, of the subscriptions about which somebody has asked lately. */
  levels(): Level[];
}

export interface Level {
  readonly subscriptionId: string;
  readonly operation: Operation;
  readonly tokens: number;
  /** How many wait for their turn. */
  readonly waiting: number;
}

export interface BudgetOptions {
  /** ms of a clock that never goes back. */
  readonly now: () => number;
  readonly shares?: Readonly<Record<Operation, Share>>;
  /** A request was held back. */
  readonly onHeld?: (operation: Operation, urgency: Urgency) => void;
  /** ARM has answered 429: nothing goes out for so many ms more. */
  readonly onPaused?: (operation: Operation, ms: number) => void;
}

/** Requests under way from which on no visit begins while nobody knows what is left: no herd runs against an empty bucket. */
const probes = 4;

/** ms; nobody is sent away for less. */
const shortestWait = 50;

/** ms between attempts while the first request after a pause is on its way. */
const probeWaitMs = 1_000;

/** ms for which a visit may be kept from reading because its writes would be held back. */
const maxReadHoldMs = 60_000;

/** One for each credential. */
export function createBudget({ now, shares = armShares, onHeld, onPaused }: BudgetOptions): Budget {
  const accounts = new Accounts(shares);

  return {
    visit(visitor) {
      const visited = new Map<Account, Progress>();
      let inVain: ArmError | undefined;

      /** Why the reads of this visit would be in vain, if they would. */
      function holdFor(subscriptionId: string): ArmError | undefined {
        for (const operation of visitor.expects ?? []) {
          const account = accounts.of(subscriptionId, operation, now());
          const wait = timeToTurn(account, visitor, { asked: 1, is: 'expected' }, now());
          if (wait > 0 && wait <= maxReadHoldMs) return held(operation, wait);
        }
        return undefined;
      }

      return {
        ask(subscriptionId, operation) {
          const account = accounts.of(subscriptionId, operation, now());
          const visit = visited.get(account) ?? { asked: 0, is: 'new' };
          visited.set(account, visit);
          visit.asked += 1;
          if (operation === 'reads' && visit.asked === 1) inVain = holdFor(subscriptionId);
          if (operation === 'reads' && inVain) {
            onHeld?.(operation, visitor.urgency);
            throw inVain;
          }
          const wait = timeToTurn(account, visitor, visit, now());
          visit.is = wait > 0 ? 'over' : 'begun';
          if (wait > 0) {
            onHeld?.(operation, visitor.urgency);
            throw held(operation, wait);
          }
          return account.taken.begin(now());
        },
      };
    },

    sent(subscriptionId, operation) {
      const { bucket } = accounts.of(subscriptionId, operation, now());
      if (bucket.isPaused(now())) throw held(operation, bucket.pausedUntil - now());
      const answered = bucket.sent(now());
      return (news) => {
        const before = Math.max(bucket.pausedUntil, now());
        answered(news, now());
        if (bucket.pausedUntil > before) onPaused?.(operation, bucket.pausedUntil - before);
      };
    },

    levels: () =>
      accounts.list().map(({ subscriptionId, operation, account: { bucket, turns } }) => ({
        subscriptionId,
        operation,
        tokens: Math.max(0, Math.floor(bucket.level(now()))),
        waiting: turns.waiting(now()),
      })),
  };
}

/** How far a visit has come in one account; `expected`: it only wants to know. */
interface Progress {
  asked: number;
  is: 'new' | 'begun' | 'over' | 'expected';
}

/** ms until the visitor may send its next request; 0: it may now, and its place is given up unless it only wants to know. */
function timeToTurn(
  { bucket, turns, share, taken }: Account,
  { who, urgency }: Visitor,
  { asked, is }: Readonly<Progress>,
  now: number,
): number {
  const inFlight = taken.count(now);
  const free = bucket.level(now) - inFlight;
  // After a 429 one visit finds out whether ARM takes requests again, with no more than a visit needs.
  if (is === 'begun' && free >= 1 && (!bucket.isProbing(now) || asked <= share.need)) return 0;

  const place = turns.placeOf(who, urgency, now);
  // More than can be had while nothing is known would never be had: nobody would ask, so nothing would be known.
  const mostNeed = Math.max(1, share.unknown - share.reserve - share.margin);
  const need = Math.min(mostNeed, Math.max(share.need, place.need, asked));
  const overtaken = urgency === 'upkeep' && now < place.order;
  const wanted = (overtaken ? share.reserve : 0) + share.margin + turns.ahead(place, now) + need;
  const mayBegin =
    (is === 'new' || is === 'expected') && (bucket.isKnown(now) || inFlight < (bucket.isProbing(now) ? 1 : probes));
  if (mayBegin && free >= wanted) {
    if (is === 'new') turns.leave(who);
    return 0;
  }
  const shortest = bucket.isProbing(now) && inFlight > 0 ? probeWaitMs : shortestWait;
  const due = Math.max(bucket.reaches(wanted + inFlight, now), now + shortest);
  turns.wait(who, { ...place, need, due });
  return Math.ceil(due - now);
}

/** The words are the same each time, whatever the wait: they end in a status, which must not change for it. */
function held(operation: Operation, retryAfter: number): ArmError {
  const words = `waits for its turn: Azure allows the operator only so many ${operation} a second in this subscription`;
  return new ArmError('Throttled', 'Throttled', words, { retryAfter, unsent: true });
}
