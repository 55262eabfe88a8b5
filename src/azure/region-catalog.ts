// Caches the regions that ARM lists for each subscription. Where ARM did not list them, the project's own table stands in.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.ts';
import { type Arm, ArmError } from './arm.ts';
import { type AzureRegion, azureRegion, azureRegions } from './regions.ts';

const minute = 60_000;

/** For a list that has all wanted regions. */
const fullListTtlMs = 24 * 60 * minute;
/** For a list without a wanted region: Azure opens regions, and grants access to them. */
const missingRegionTtlMs = 10 * minute;
/** For a failed read, a missing right above all. */
const failureTtlMs = 60 * minute;

/** Users may name any number of subscriptions. */
const maxSubscriptions = 256;

/** The regions of one subscription. */
export interface RegionCatalog {
  /** Every region of the subscription, in ARM's short form; undefined if ARM did not list them. */
  readonly names: ReadonlySet<string> | undefined;
  /** ARM's list, completed from the table; or the table. */
  readonly regions: readonly AzureRegion[];
  /**
   * Whether the subscription has the region; undefined if ARM did not list them, since Azure may have more regions than the table.
   * @param location In ARM's short form.
   */
  has(location: string): boolean | undefined;
}

export interface RegionQuery {
  /** A list without all of these regions is read again sooner. In ARM's short form. */
  readonly wanted?: readonly string[];
  /** Returns the table if ARM takes longer; its answer is kept for the next caller. Default: the request's own deadline. */
  readonly maxWaitMs?: number;
}

interface Reading {
  readonly catalog: RegionCatalog;
  /** ms since the epoch. */
  readonly at: number;
}

/** What is known without ARM. */
export const tableCatalog: RegionCatalog = { names: undefined, regions: azureRegions, has: () => undefined };

export class RegionCatalogs {
  readonly #clock: Clock;
  readonly #readings = new LRUCache<string, Reading>({ max: maxSubscriptions });
  readonly #pending = new Map<string, Promise<RegionCatalog>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is known without a new request; undefined if one is due. */
  current(subscriptionId: string): RegionCatalog | undefined {
    return this.#current(subscriptionId.toLowerCase(), []);
  }

  /**
   * Reads the regions once a day for all callers, whose identities may differ. Never rejects with an ArmError: a failed read is
   * remembered for an hour, unless the rate limiter held it back.
   */
  async regionsOf(
    arm: Pick<Arm, 'locations'>,
    subscriptionId: string,
    { wanted = [], maxWaitMs }: RegionQuery = {},
  ): Promise<RegionCatalog> {
    const subscription = subscriptionId.toLowerCase();
    const current = this.#current(subscription, wanted);
    if (current) return current;
    let read = this.#pending.get(subscription);
    if (!read) {
      read = this.#read(arm, subscription).finally(() => this.#pending.delete(subscription));
      this.#pending.set(subscription, read);
    }
    if (maxWaitMs === undefined) return read;
    const late = Promise.withResolvers<RegionCatalog>();
    const cancel = this.#clock.after(maxWaitMs, () => late.resolve(tableCatalog));
    return Promise.race([read, late.promise]).finally(cancel);
  }

  #current(subscription: string, wanted: readonly string[]): RegionCatalog | undefined {
    const reading = this.#readings.get(subscription);
    return reading && isGoodEnough(reading, wanted, this.#now) ? reading.catalog : undefined;
  }

  async #read(arm: Pick<Arm, 'locations'>, subscription: string): Promise<RegionCatalog> {
    try {
      const regions = (await arm.locations(subscription)).map((location) => ({
        ...azureRegion(location.name),
        ...location,
      }));
      const names = new Set(regions.map(({ name }) => name));
      const catalog: RegionCatalog = { names, regions, has: (location) => names.has(location) };
      this.#readings.set(subscription, { catalog, at: this.#now });
      return catalog;
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      if (error.kind !== 'NotSent') this.#readings.set(subscription, { catalog: tableCatalog, at: this.#now });
      return tableCatalog;
    }
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}

function isGoodEnough({ catalog: { names }, at }: Reading, wanted: readonly string[], now: number): boolean {
  const hasAll = wanted.every((location) => names?.has(location));
  const age = now - at;
  return age >= 0 && age < (names ? (hasAll ? fullListTtlMs : missingRegionTtlMs) : failureTtlMs);
}
