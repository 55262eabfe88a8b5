// One observation of ARM. It records whether each replica comes from LIST or GET: decisions that matter need a GET by id.
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { normalise } from './location.ts';

export interface ObservedReplica {
  readonly replica: Replica;
  readonly by: 'LIST' | 'GET';
}

export interface Observation {
  /** Undefined if ARM reports that the registry does not exist. */
  readonly registry: Registry | undefined;
  /** The resource group does not exist either. */
  readonly isGroupMissing?: boolean;
  /** The registry was not read with this LIST: a plan that acts needs it read again. */
  readonly isRegistryCached?: boolean;
  /** By normalised location. */
  readonly replicas: ReadonlyMap<string, ObservedReplica>;
  /** ARM names, in lower case, for which a GET returned 404. */
  readonly missing: ReadonlySet<string>;
  /** Those that LIST shows all the same: either LIST or the GET is stale. */
  readonly contradicted: ReadonlySet<string>;
  /** ARM names, in lower case, whose GET failed: their state is unknown, and they are left alone. */
  readonly failedGets: ReadonlyMap<string, ArmError>;
  /** ARM's message for the last failed creation or change, by ARM name in lower case. */
  readonly failures?: ReadonlyMap<string, string> | undefined;
  /** All regions of the subscription, normalised; undefined if not requested or not returned. */
  readonly locations?: ReadonlySet<string> | undefined;
}

export const noRegistry: Observation = {
  registry: undefined,
  replicas: new Map(),
  missing: new Set(),
  contradicted: new Set(),
  failedGets: new Map(),
};

/** The initial observation: the registry and its LIST. */
export function listed(registry: Registry, replicas: readonly Replica[]): Observation {
  const byName = [...replicas].sort((a, b) => (a.name < b.name ? -1 : 1));
  const observed = new Map<string, ObservedReplica>();
  for (const replica of byName) {
    const location = normalise(replica.location);
    if (!observed.has(location)) observed.set(location, { replica, by: 'LIST' });
  }
  return { registry, replicas: observed, missing: new Set(), contradicted: new Set(), failedGets: new Map() };
}

/** The result of a GET of the replica called `name`. */
export type GetResult = { readonly name: string } & (
  | { readonly kind: 'found'; readonly replica: Replica }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly error: ArmError }
);

/** Adds GET results, which override LIST even if the replica is in another location. */
export function withGets(observation: Observation, results: readonly GetResult[]): Observation {
  const replicas = new Map(observation.replicas);
  const missing = new Set(observation.missing);
  const contradicted = new Set(observation.contradicted);
  const failedGets = new Map(observation.failedGets);
  for (const result of results) {
    const name = result.name.toLowerCase();
    if (result.kind === 'failed') {
      failedGets.set(name, result.error);
      continue;
    }
    for (const [location, { replica }] of replicas) {
      if (replica.name.toLowerCase() !== name) continue;
      replicas.delete(location);
      if (result.kind === 'missing') contradicted.add(name);
    }
    if (result.kind === 'missing') missing.add(name);
    else replicas.set(normalise(result.replica.location), { replica: result.replica, by: 'GET' });
  }
  return { ...observation, replicas, missing, contradicted, failedGets };
}
