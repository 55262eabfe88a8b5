// As whom the operator asks ARM for each object: as itself, or as the client that the object's own ServiceAccount stands for. One
// access for each identity, with its token and its share of ARM's budget; dropped when no object names the identity any more, and
// when it is idle.
import type { Clock } from '../../lib/clock.ts';
import { GroupIndex } from '../../lib/group-index.ts';
import { type Arm, ArmError } from '../arm.ts';
import type { Cloud } from '../cloud.ts';
import type { Caller, RateLimiter, RateLimitLevel } from '../rate-limit/rate-limiter.ts';
import { withRateLimit } from '../rate-limit/with-rate-limit.ts';
import {
  type EntraClient,
  federatedCredential,
  resolveClient,
  type ServiceAccountName,
  type ServiceAccounts,
} from './federated-credential.ts';
import type { Credential } from './token-cache.ts';

/** ARM as one identity may use it. */
export interface Access {
  readonly arm: Arm;
  readonly rateLimiter: RateLimiter;
  /** Ends its connections. */
  readonly close?: () => void;
}

export interface ArmClientPoolOptions {
  /** The operator's own. */
  readonly own: Credential;
  /** `whose`: as part of a sentence, "the operator's identity". */
  readonly connect: (credential: Credential, whose: string) => Access;
  readonly serviceAccounts: ServiceAccounts;
  readonly cloud: Cloud;
  /** For ServiceAccounts that name no tenant. */
  readonly homeTenant: string | undefined;
  readonly clock: Clock;
}

/** One object, as far as it matters who acts for it. */
export interface Acting {
  /** Undefined: the operator. */
  readonly account: ServiceAccountName | undefined;
  /** The object is being deleted. */
  readonly leaving: boolean;
  /** ms that what is known of the ServiceAccount may be old. */
  readonly age: number;
}

interface Kept extends Access {
  readonly client: EntraClient;
  /** ms since the epoch. */
  readonly usedAt: number;
}

/** An access costs some 115 kB. Above this number, the one that was not used for longest is made anew when it is needed again. */
export const maxIdentities = 500;
/** As long as a token of Entra is good for. */
const maxIdleMs = 60 * 60_000;

export class ArmClientPool {
  readonly #options: ArmClientPoolOptions;
  readonly #own: Access;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  /** By ServiceAccount, the keys of the objects that name it. */
  readonly #users = new GroupIndex();

  constructor(options: ArmClientPoolOptions) {
    this.#options = options;
    this.#own = options.connect(options.own, "the operator's identity");
  }

  /** The object is there, and this is its ServiceAccount. An identity's token goes with the last object that names it. */
  setIdentity(object: string, account: ServiceAccountName | undefined): void {
    const unused = this.#users.assign(object, account && keyOf(account));
    if (unused !== undefined) this.#kept.delete(unused);
  }

  /** The object is gone. */
  removeObject(object: string): void {
    this.setIdentity(object, undefined);
  }

  /** ARM for one pass of an object, within the rate limit of its identity. The identity is resolved at the first request. */
  armFor(acting: Acting, caller: Caller): Arm {
    const { account } = acting;
    if (!account) return withRateLimit(this.#own.arm, this.#own.rateLimiter, caller);
    let arm: Promise<Arm> | undefined;
    return deferred(() => {
      arm ??= this.#accessOf(account, acting).then((access) => withRateLimit(access.arm, access.rateLimiter, caller));
      return arm;
    });
  }

  /** The levels of all rate limiters: of identities that use one subscription, the lowest counts. */
  levels(): RateLimitLevel[] {
    const all = [this.#own, ...this.#kept.values()].flatMap(({ rateLimiter }) => rateLimiter.levels());
    const groups = Map.groupBy(all, ({ subscriptionId, operation }) => `${subscriptionId} ${operation}`);
    return [...groups.values()].flatMap(([first, ...others]) =>
      first ? [others.reduce((sum, level) => leastOf(sum, level), first)] : [],
    );
  }

  /** Ends the connections of all identities. */
  close(): void {
    for (const { close } of [this.#own, ...this.#kept.values()]) close?.();
  }

  /** @throws ArmError why the object cannot act as this ServiceAccount. */
  async #accessOf(account: ServiceAccountName, { leaving, age }: Acting): Promise<Access> {
    const { serviceAccounts, homeTenant } = this.#options;
    const key = keyOf(account);
    let client: EntraClient;
    try {
      client = await resolveClient(account, { serviceAccounts, age, homeTenant });
    } catch (error) {
      // A namespace that is deleted loses its ServiceAccounts first: the token that is left is good for the rest.
      const last = this.#kept.get(key);
      if (leaving && last && error instanceof ArmError && error.kind === 'Denied') return last;
      throw error;
    }
    const kept = this.#kept.get(key);
    const access = kept && isSame(kept.client, client) ? kept : this.#connect(account, client);
    // The object may have gone while we asked.
    if (this.#users.has(key)) this.#keep(key, { ...access, client });
    return access;
  }

  #connect(account: ServiceAccountName, client: EntraClient): Access {
    const { connect, serviceAccounts, cloud } = this.#options;
    const credential = federatedCredential(account, client, { serviceAccounts, cloud });
    return connect(credential, `the identity of ServiceAccount ${keyOf(account)}`);
  }

  /** As the one that was used last. Passes that still use an access that is dropped here are not disturbed. */
  #keep(key: string, access: Access & { readonly client: EntraClient }): void {
    const now = this.#options.clock.now().getTime();
    this.#kept.delete(key);
    this.#kept.set(key, { ...access, usedAt: now });
    for (const [oldest, { usedAt }] of this.#kept) {
      if (this.#kept.size <= maxIdentities && now - usedAt < maxIdleMs) break;
      this.#kept.delete(oldest);
    }
  }
}

function keyOf({ namespace, name }: ServiceAccountName): string {
  return `${namespace}/${name}`;
}

function isSame(one: EntraClient, other: EntraClient): boolean {
  return one.clientId === other.clientId && one.tenantId === other.tenantId && one.uid === other.uid;
}

function leastOf(one: RateLimitLevel, other: RateLimitLevel): RateLimitLevel {
  return { ...one, tokens: Math.min(one.tokens, other.tokens), waiting: one.waiting + other.waiting };
}

/** The same requests, once it is known who sends them. */
function deferred(known: () => Promise<Arm>): Arm {
  return {
    registry: async (of) => (await known()).registry(of),
    replicas: async (of) => (await known()).replicas(of),
    replica: async (of, name) => (await known()).replica(of, name),
    create: async (of, name, replica) => (await known()).create(of, name, replica),
    update: async (of, name, change) => (await known()).update(of, name, change),
    failure: async (of, name) => (await known()).failure(of, name),
    locations: async (subscriptionId) => (await known()).locations(subscriptionId),
    remove: async (of, name) => (await known()).remove(of, name),
  };
}
