// One observation of ARM. It records whether each replica comes from LIST or GET: decisions that matter need a GET by id.
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { normalise } from './location.ts';

export interface ObservedReplica {
  readonly replica: Replica;
  readonly by: 'LIST' | 'GET';
}

export interface Observation {
  /** Undefined if ARM reports that the registry or its resource group does not exist. */
  readonly registry: Registry | undefined;
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
  const sightings = new Map<string, ObservedReplica>();
  for (const replica of byName) {
    const location = normalise(replica.location);
    if (!sightings.has(location)) sightings.set(location, { replica, by: 'LIST' });
  }
  return { registry, replicas: sightings, missing: new Set(), contradicted: new Set(), failedGets: new Map() };
}

/** The result of a GET of the replica called `name`. */
export type Answer = { name: string } & ({ replica: Replica } | { missing: true } | { error: ArmError });

/** Adds GET results, which override LIST even if the replica is in another location. */
export function withAnswers(observed: Observation, answers: readonly Answer[]): Observation {
  const sightings = new Map(observed.replicas);
  const missing = new Set(observed.missing);
  const contradicted = new Set(observed.contradicted);
  const unseen = new Map(observed.failedGets);
  for (const answer of answers) {
    const name = answer.name.toLowerCase();
    if ('error' in answer) {
      unseen.set(name, answer.error);
      continue;
    }
    for (const [location, { replica }] of sightings) {
      if (replica.name.toLowerCase() !== name) continue;
      sightings.delete(location);
      if ('missing' in answer) contradicted.add(name);
    }
    if ('missing' in answer) missing.add(name);
    else sightings.set(normalise(answer.replica.location), { replica: answer.replica, by: 'GET' });
  }
  return { ...observed, replicas: sightings, missing, contradicted, failedGets: unseen };
}
