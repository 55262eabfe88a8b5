// Caches the regions that ARM lists for each subscription. Where ARM did not list them, the project's own table stands in.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.ts';
import { type Arm, ArmError } from './arm.ts';
import type { ServiceAccountName } from './identity/federated-credential.ts';
import { type AzureRegion, azureRegion, azureRegions } from './regions.ts';

const minute = 60_000;

/** For a list that has all wanted regions. */
const fullListTtlMs = 24 * 60 * minute;
/** For a list without a wanted region: Azure opens regions, and grants access to them. */
const missingRegionTtlMs = 10 * minute;
/** For a failed read, a missing right above all. */
const failureTtlMs = 60 * minute;

/** Users may name any number of subscriptions and identities. */
const maxSubscriptions = 256;
const maxFailures = 1_024;

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

export interface Asker {
  readonly arm: Pick<Arm, 'locations'>;
  /** Undefined: the operator's own identity. */
  readonly account: ServiceAccountName | undefined;
}

interface Reading {
  readonly catalog: RegionCatalog;
  readonly names: ReadonlySet<string>;
  /** ms since the epoch. */
  readonly at: number;
}

/** What is known without ARM. */
export const tableCatalog: RegionCatalog = { names: undefined, regions: azureRegions, has: () => undefined };

export class RegionCatalogs {
  readonly #clock: Clock;
  /** By subscription: all identities get the same answer. */
  readonly #readings = new LRUCache<string, Reading>({ max: maxSubscriptions });
  /** By subscription and identity, ms since the epoch: an identity without the right must not hide the regions from others. */
  readonly #failures = new LRUCache<string, number>({ max: maxFailures });
  readonly #pending = new Map<string, Promise<RegionCatalog>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is known without a new request; undefined if one is due. */
  current(account: Asker['account'], subscriptionId: string): RegionCatalog | undefined {
    return this.#current(account, subscriptionId.toLowerCase(), []);
  }

  /**
   * Reads the regions once a day for all callers. Never rejects with an ArmError: a failed read is remembered for an hour for its
   * identity, unless the rate limiter held it back.
   */
  async regionsOf(
    { arm, account }: Asker,
    subscriptionId: string,
    { wanted = [], maxWaitMs }: RegionQuery = {},
  ): Promise<RegionCatalog> {
    const subscription = subscriptionId.toLowerCase();
    const current = this.#current(account, subscription, wanted);
    if (current) return current;
    let read = this.#pending.get(subscription);
    if (!read) {
      read = this.#read({ arm, account }, subscription).finally(() => this.#pending.delete(subscription));
      this.#pending.set(subscription, read);
    }
    if (maxWaitMs === undefined) return read;
    const late = Promise.withResolvers<RegionCatalog>();
    const cancel = this.#clock.after(maxWaitMs, () => late.resolve(tableCatalog));
    return Promise.race([read, late.promise]).finally(cancel);
  }

  #current(account: Asker['account'], subscription: string, wanted: readonly string[]): RegionCatalog | undefined {
    const reading = this.#readings.get(subscription);
    if (reading) {
      const hasAll = wanted.every((location) => reading.names.has(location));
      if (this.#isYounger(reading.at, hasAll ? fullListTtlMs : missingRegionTtlMs)) return reading.catalog;
    }
    const failedAt = this.#failures.get(failureKey(account, subscription));
    return failedAt !== undefined && this.#isYounger(failedAt, failureTtlMs) ? tableCatalog : undefined;
  }

  async #read({ arm, account }: Asker, subscription: string): Promise<RegionCatalog> {
    try {
      const listed = await arm.locations(subscription);
      const regions = listed.map((location) => ({ ...azureRegion(location.name), ...location }));
      const names = new Set(regions.map(({ name }) => name));
      const catalog: RegionCatalog = { names, regions, has: (location) => names.has(location) };
      this.#readings.set(subscription, { catalog, names, at: this.#now });
      return catalog;
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      if (error.kind !== 'NotSent') this.#failures.set(failureKey(account, subscription), this.#now);
      return tableCatalog;
    }
  }

  #isYounger(at: number, ms: number): boolean {
    const age = this.#now - at;
    return age >= 0 && age < ms;
  }

  get #now(): number {
    return this.#clock.now().getTime();
  }
}

function failureKey(account: Asker['account'], subscription: string): string {
  return `${subscription} ${account ? `${account.namespace}/${account.name}` : ''}`;
}
