// What one look at ARM showed, and who said it: LIST is trusted for nothing that matters, a GET by id is.
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { normalise } from './location.ts';

export interface Sighting {
  readonly replica: Replica;
  readonly by: 'LIST' | 'GET';
}

export interface Observed {
  /** Undefined: ARM says that the registry, or its resource group, is not there. */
  readonly registry: Registry | undefined;
  /** By normalised location. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** ARM names, in lower case, that a GET answered with 404. */
  readonly missing: ReadonlySet<string>;
  /** Those of them that LIST shows all the same: LIST is late, or the GET is. */
  readonly contradicted: ReadonlySet<string>;
  /** ARM names, in lower case, whose GET failed: nothing is known of them, and nothing is done about them. */
  readonly unseen: ReadonlyMap<string, ArmError>;
  /** By ARM name, in lower case: why the last creation or change of the replica failed, in ARM's words. */
  readonly failures?: ReadonlyMap<string, string> | undefined;
  /** Every region of the subscription, normalised, where it was asked for and ARM told. */
  readonly locations?: ReadonlySet<string> | undefined;
}

export const registryGone: Observed = {
  registry: undefined,
  sightings: new Map(),
  missing: new Set(),
  contradicted: new Set(),
  unseen: new Map(),
};

/** A first look: the registry and its LIST. */
export function listed(registry: Registry, replicas: readonly Replica[]): Observed {
  const byName = [...replicas].sort((a, b) => (a.name < b.name ? -1 : 1));
  const sightings = new Map<string, Sighting>();
  for (const replica of byName) {
    const location = normalise(replica.location);
    if (!sightings.has(location)) sightings.set(location, { replica, by: 'LIST' });
  }
  return { registry, sightings, missing: new Set(), contradicted: new Set(), unseen: new Map() };
}

/** The answer to a GET of the replica called `name`. */
export type Answer = { name: string } & ({ replica: Replica } | { missing: true } | { error: ArmError });

/** What is known after GETs: an answer by id overrules LIST, wherever the replica turns out to be. */
export function withAnswers(observed: Observed, answers: readonly Answer[]): Observed {
  const sightings = new Map(observed.sightings);
  const missing = new Set(observed.missing);
  const contradicted = new Set(observed.contradicted);
  const unseen = new Map(observed.unseen);
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
  return { ...observed, sightings, missing, contradicted, unseen };
}
