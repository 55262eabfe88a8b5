// The operator's accounts with ARM, one for each operation of each subscription: opened when somebody asks, and closed when nobody
// has asked for so long that a new one would be the same. Whoever may write objects may name any number of subscriptions.
import { Bucket } from './bucket.ts';
import { InFlight } from './in-flight.ts';
import { type Operation, operations, type Share } from './shares.ts';
import { Turns } from './turns.ts';

export interface Account {
  readonly bucket: Bucket;
  readonly turns: Turns;
  readonly share: Share;
  /** Tokens taken for requests that are not over: counted again by the bucket once they are sent, to be on the safe side. */
  readonly taken: InFlight;
}

interface Subscription {
  readonly accounts: Readonly<Record<Operation, Account>>;
  askedAt: number;
}

/** ms. Far longer than a pass lasts; and what is told of a subscription shall not come and go between the looks of a usual interval. */
const idle = 60 * 60_000;

/** ms. A LIST of many pages may last for several times the deadline of one request. */
const maxTakenMs = 10 * 60_000;

export class Accounts {
  readonly #shares: Readonly<Record<Operation, Share>>;
  /** In the order in which they were last asked about. */
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(shares: Readonly<Record<Operation, Share>>) {
    this.#shares = shares;
  }

  /** To be used now, or within the visit that asks: later it may have been closed. */
  of(subscriptionId: string, operation: Operation, now: number): Account {
    const id = subscriptionId.toLowerCase();
    const subscription = this.#subscriptions.get(id) ?? this.#open(now);
    subscription.askedAt = now;
    this.#subscriptions.delete(id);
    this.#subscriptions.set(id, subscription);
    this.#closeIdle(now);
    return subscription.accounts[operation];
  }

  /** All that are open. */
  list(): { subscriptionId: string; operation: Operation; account: Account }[] {
    return [...this.#subscriptions].flatMap(([subscriptionId, { accounts }]) =>
      operations.map((operation) => ({ subscriptionId, operation, account: accounts[operation] })),
    );
  }

  #open(now: number): Subscription {
    const account = (operation: Operation): Account => {
      const share = this.#shares[operation];
      return { bucket: new Bucket(share, now), turns: new Turns(), share, taken: new InFlight(maxTakenMs) };
    };
    return {
      accounts: { reads: account('reads'), writes: account('writes'), deletes: account('deletes') },
      askedAt: now,
    };
  }

  #closeIdle(now: number): void {
    for (const [id, { accounts, askedAt }] of this.#subscriptions) {
      if (now - askedAt < idle) break;
      if (operations.every((operation) => isAsNew(accounts[operation], now))) this.#subscriptions.delete(id);
    }
  }
}

function isAsNew({ bucket, turns, taken }: Account, now: number): boolean {
  return taken.count(now) === 0 && turns.waiting(now) === 0 && bucket.isAsNew(now);
}
