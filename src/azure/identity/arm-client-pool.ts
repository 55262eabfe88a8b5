// Keeps an ARM client with its token and rate limiter for each identity: the operator's own, and those of the ServiceAccounts that
// objects name. A client is dropped when no object names its identity, and when it is idle.
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

/** ARM for one identity. */
export interface Access {
  readonly arm: Arm;
  readonly rateLimiter: RateLimiter;
  /** Ends its connections, each after its request. */
  readonly release?: () => void;
  /** Ends its connections. */
  readonly close?: () => void;
}

export interface ArmClientPoolOptions {
  /** The operator's own. */
  readonly own: Credential;
  /** `identityLabel`: the identity as part of a sentence. */
  readonly connect: (credential: Credential, identityLabel: string) => Access;
  readonly serviceAccounts: ServiceAccounts;
  readonly cloud: Cloud;
  /** For ServiceAccounts that name no tenant. */
  readonly homeTenant: string | undefined;
  readonly clock: Clock;
}

/** The identity that an object's pass needs. */
export interface Acting {
  /** Undefined: the operator's own identity. */
  readonly account: ServiceAccountName | undefined;
  /** The object is being deleted. */
  readonly leaving: boolean;
  /** Maximum age in ms of the ServiceAccount's annotations. */
  readonly age: number;
}

interface CachedClient extends Access {
  readonly client: EntraClient;
  /** ms since the epoch. */
  readonly usedAt: number;
}

/** A client costs some 115 kB. The least recently used ones above this number are dropped, and created again when needed. */
export const maxIdentities = 500;
/** The lifetime of Entra's tokens. */
const maxIdleMs = 60 * 60_000;

export class ArmClientPool {
  readonly #options: ArmClientPoolOptions;
  readonly #own: Access;
  /** In the order of their last use. */
  readonly #clients = new Map<string, CachedClient>();
  /** By ServiceAccount, the keys of the objects that name it. */
  readonly #users = new GroupIndex();

  constructor(options: ArmClientPoolOptions) {
    this.#options = options;
    this.#own = options.connect(options.own, "the operator's identity");
  }

  /** Records an object and its ServiceAccount. Drops a client that no object needs any more, with its token. */
  setIdentity(object: string, account: ServiceAccountName | undefined): void {
    const unused = this.#users.assign(object, account && keyOf(account));
    if (unused !== undefined) this.#drop(unused);
  }

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
    const all = [this.#own, ...this.#clients.values()].flatMap(({ rateLimiter }) => rateLimiter.levels());
    const groups = Map.groupBy(all, ({ subscriptionId, operation }) => `${subscriptionId} ${operation}`);
    return [...groups.values()].flatMap(([first, ...others]) =>
      first ? [others.reduce((sum, level) => leastOf(sum, level), first)] : [],
    );
  }

  /** Ends the connections of all identities. */
  close(): void {
    for (const { close } of [this.#own, ...this.#clients.values()]) close?.();
  }

  /** @throws ArmError why the object cannot act as this ServiceAccount. */
  async #accessOf(account: ServiceAccountName, { leaving, age }: Acting): Promise<Access> {
    const { serviceAccounts, homeTenant } = this.#options;
    const key = keyOf(account);
    let client: EntraClient;
    try {
      client = await resolveClient(account, { serviceAccounts, age, homeTenant });
    } catch (error) {
      // A terminating namespace loses its ServiceAccounts first: the last client can finish the cleanup.
      const last = this.#clients.get(key);
      if (leaving && last && error instanceof ArmError && error.kind === 'Denied') return last;
      throw error;
    }
    const cached = this.#clients.get(key);
    const access = cached && isSame(cached.client, client) ? cached : this.#connect(account, client);
    // The object may have been deleted meanwhile.
    if (this.#users.has(key)) this.#keep(key, { ...access, client });
    else access.release?.();
    return access;
  }

  #connect(account: ServiceAccountName, client: EntraClient): Access {
    const { connect, serviceAccounts, cloud } = this.#options;
    const credential = federatedCredential(account, client, { serviceAccounts, cloud });
    return connect(credential, `the identity of ServiceAccount ${keyOf(account)}`);
  }

  /** Makes it the most recently used. Passes that still use a client that is dropped here can finish. */
  #keep(key: string, access: Access & { readonly client: EntraClient }): void {
    const now = this.#options.clock.now().getTime();
    const last = this.#clients.get(key);
    if (last && last.arm !== access.arm) last.release?.();
    this.#clients.delete(key);
    this.#clients.set(key, { ...access, usedAt: now });
    for (const [oldest, { usedAt }] of this.#clients) {
      if (this.#clients.size <= maxIdentities && now - usedAt < maxIdleMs) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#clients.get(key)?.release?.();
    this.#clients.delete(key);
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

/** Resolves the client at the first request. */
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
