// Which regions a subscription has, asked once a day for all objects together, and only ever as a help: where ARM does not tell,
// nobody knows, nothing fails, and it is not asked again soon. In memory only.
import { LRUCache } from 'lru-cache';
import { type Arm, ArmError } from '../azure/arm.ts';
import type { Clock } from '../lib/clock.ts';

const minute = 60_000;

/** ms for which a list is good enough for the regions that it has. */
const lasting = 24 * 60 * minute;
/** ms for which it is good enough to say that there is no such region: new ones are opened, and rights to them granted. */
const doubtful = 10 * minute;
/** ms for which ARM is left in peace after it did not tell. */
const resting = 60 * minute;
/** ms that somebody waits for what is only a help. */
const patience = 2_000;

/** Whoever may write objects may name any number of subscriptions. */
const mostReadings = 256;

interface Reading {
  /** In the short form; undefined: ARM did not tell. */
  readonly locations: ReadonlySet<string> | undefined;
  /** ms since the epoch. */
  readonly at: number;
}

export class RegionCatalog {
  readonly #clock: Clock;
  readonly #readings = new LRUCache<string, Reading>({ max: mostReadings });
  readonly #asked = new Map<string, Promise<ReadonlySet<string> | undefined>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Every region of the subscription, in ARM's short form; undefined where that is not known, or not soon. Never rejects with
   * an ArmError. `wanted`: the regions that somebody wants to use; whether they are in the list is up to the caller.
   */
  async known(
    arm: Pick<Arm, 'locations'>,
    subscriptionId: string,
    wanted: readonly string[],
  ): Promise<ReadonlySet<string> | undefined> {
    const subscription = subscriptionId.toLowerCase();
    const reading = this.#readings.get(subscription);
    if (reading && isGoodEnough(reading, wanted, this.#now)) return reading.locations;
    let asked = this.#asked.get(subscription);
    if (!asked) {
      asked = this.#ask(arm, subscription).finally(() => this.#asked.delete(subscription));
      this.#asked.set(subscription, asked);
    }
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#clock.after(patience, () => late.resolve(undefined));
    return Promise.race([asked, late.promise]).finally(cancel);
  }

  async #ask(arm: Pick<Arm, 'locations'>, subscription: string): Promise<ReadonlySet<string> | undefined> {
    try {
      const locations = new Set(await arm.locations(subscription));
      this.#readings.set(subscription, { locations, at: this.#now });
      return locations;
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      if (error.kind !== 'NotSent') this.#readings.set(subscription, { locations: undefined, at: this.#now });
      return undefined;
    }
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}

function isGoodEnough({ locations, at }: Reading, wanted: readonly string[], now: number): boolean {
  const hasAll = wanted.every((location) => locations?.has(location));
  const age = now - at;
  return age >= 0 && age < (locations ? (hasAll ? lasting : doubtful) : resting);
}
