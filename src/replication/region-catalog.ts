// Caches the regions of each subscription for hints about misspelt ones. A failed read is remembered for an hour and never fails a
// pass.
import { LRUCache } from 'lru-cache';
import { type Arm, ArmError } from '../azure/arm.ts';
import type { Clock } from '../lib/clock.ts';

const minute = 60_000;

/** For a list that has all wanted regions. */
const fullListTtlMs = 24 * 60 * minute;
/** For a list without a wanted region: Azure opens regions, and grants access to them. */
const missingRegionTtlMs = 10 * minute;
/** For a failed read. */
const failureTtlMs = 60 * minute;
/** A pass waits no longer for a hint. */
const maxWaitMs = 2_000;

/** Users may name any number of subscriptions. */
const maxSubscriptions = 256;

interface Reading {
  /** In the short form; undefined if the read failed. */
  readonly locations: ReadonlySet<string> | undefined;
  /** ms since the epoch. */
  readonly at: number;
}

export class RegionCatalog {
  readonly #clock: Clock;
  readonly #readings = new LRUCache<string, Reading>({ max: maxSubscriptions });
  readonly #pending = new Map<string, Promise<ReadonlySet<string> | undefined>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns every region of the subscription in ARM's short form, or undefined if they are not known within 2 s. Never rejects with
   * an ArmError. A list without all `wanted` regions is read again sooner.
   */
  async known(
    arm: Pick<Arm, 'locations'>,
    subscriptionId: string,
    wanted: readonly string[],
  ): Promise<ReadonlySet<string> | undefined> {
    const subscription = subscriptionId.toLowerCase();
    const reading = this.#readings.get(subscription);
    if (reading && isGoodEnough(reading, wanted, this.#now)) return reading.locations;
    let read = this.#pending.get(subscription);
    if (!read) {
      read = this.#read(arm, subscription).finally(() => this.#pending.delete(subscription));
      this.#pending.set(subscription, read);
    }
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#clock.after(maxWaitMs, () => late.resolve(undefined));
    return Promise.race([read, late.promise]).finally(cancel);
  }

  async #read(arm: Pick<Arm, 'locations'>, subscription: string): Promise<ReadonlySet<string> | undefined> {
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
  return age >= 0 && age < (locations ? (hasAll ? fullListTtlMs : missingRegionTtlMs) : failureTtlMs);
}
