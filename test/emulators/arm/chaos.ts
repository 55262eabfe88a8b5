// Repeatable random trouble: draws a sequence of faults and of changes from outside the operator, and plays it on an
// emulator. The test asserts what must hold in the end.
import type { Clock } from '../../../src/lib/clock.ts';
import { type Azure, ImpossibleChange } from './azure.ts';
import { type Drift, drift } from './drift.ts';
import type { Fault, Kind } from './faults/fault.ts';
import type { Random } from './random.ts';

/** One event, `after` ms after the previous one. A plain value, so it can be printed, shrunk and replayed. */
export type Step =
  | { readonly kind: 'on'; readonly after: number; readonly name: string; readonly fault: Fault }
  | { readonly kind: 'off'; readonly after: number; readonly name: string }
  | { readonly kind: 'drift'; readonly after: number; readonly drift: Drift };

/** What the trouble may affect. */
export interface ChaosTargets {
  /** The registry's name. */
  readonly registry: string;
  /** Regions whose replicas may be affected; leave out the home region to keep it as it is. */
  readonly locations: readonly string[];
  /** Regions without a replica of the object, where another client may add one. Default: none. */
  readonly elsewhere?: readonly string[];
}

export interface ChaosOptions {
  /** Kinds of faults; default: `transientFaults`. */
  readonly kinds?: readonly Kind[];
  /** Kinds of changes; default: `revertibleDrifts`. */
  readonly drifts?: readonly DrawableDrift[];
  /** Average ms between steps; faults last up to ten times as long. */
  readonly paceMs: number;
}

/** Transport faults: they may affect any client of any service. */
export const transportFaults = [
  'stalledHandshake',
  'latency',
  'reset',
  'hang',
  'malformed',
] as const satisfies readonly Kind[];
export const errorResponses = ['throttled', 'error', 'busy', 'crowded'] as const satisfies readonly Kind[];
/** Inconsistent reads. */
export const staleReads = ['staleList', 'omission', 'lateCreation', 'lateDeletion'] as const satisfies readonly Kind[];
/** Denials that an administrator adds and removes again. */
export const denials = ['forbidden', 'lock', 'policyDeny', 'withdrawnRegion'] as const satisfies readonly Kind[];
/** Failing creations and updates; an operator recovers from all but the stuck ones by itself. */
export const provisioningFaults = [
  'failedCreation',
  'stuckCreation',
  'vanishingCreation',
  'failedRecreation',
  'failedUpdate',
  'healing',
  'lateHomeEntry',
] as const satisfies readonly Kind[];

/** Faults that leave nothing behind once they are over. */
export const transientFaults: readonly Kind[] = [...transportFaults, ...errorResponses, ...staleReads];

export type DrawableDrift = 'routing' | 'tags' | 'replicaRemoved' | 'replicaAdded';

/** Changes that an operator reverts by itself. */
export const revertibleDrifts: readonly DrawableDrift[] = ['routing', 'tags', 'replicaRemoved', 'replicaAdded'];

/** Draws `count` steps; the same seed gives the same steps. Every fault in them ends by itself. */
export function drawSteps(count: number, targets: ChaosTargets, options: ChaosOptions, random: Random): Step[] {
  const dice = new Dice(random);
  const { kinds = transientFaults, drifts = revertibleDrifts, paceMs } = options;
  const steps: Step[] = [];
  const on: string[] = [];
  for (let index = 0; index < count; index++) {
    const after = Math.round(dice.between(0, 2 * paceMs));
    const choice = random();
    if (choice < 0.2 && on.length > 0) {
      const [name = ''] = on.splice(dice.below(on.length), 1);
      steps.push({ kind: 'off', after, name });
    } else if ((choice < 0.4 && drifts.length > 0) || kinds.length === 0) {
      const drawn = drawDrift(dice.one(drifts), targets, dice);
      if (drawn) steps.push({ kind: 'drift', after, drift: drawn });
    } else {
      const name = `chaos-${index}`;
      on.push(name);
      const fault = drawFault(dice.one(kinds), targets, paceMs, dice);
      steps.push({ kind: 'on', after, name, fault });
    }
  }
  return steps;
}

/** False if a change was impossible because its replica exists already, or does not exist. */
export function applyStep(azure: Azure, step: Step): boolean {
  switch (step.kind) {
    case 'on':
      azure.faults.set(step.name, step.fault);
      return true;
    case 'off':
      return azure.faults.remove(step.name);
    case 'drift':
      try {
        drift(azure, step.drift);
        return true;
      } catch (error) {
        if (error instanceof ImpossibleChange) return false;
        throw error;
      }
    default:
      return step satisfies never;
  }
}

export interface Playback {
  /** Resolves after the last step, or when stopped. */
  readonly done: Promise<void>;
  /** Takes no further step; faults that are on stay on. */
  stop(): void;
}

/** Takes the steps one after the other by `clock`, and calls `onStep` for each. */
export function playSteps(
  azure: Azure,
  steps: readonly Step[],
  clock: Clock,
  onStep: (step: Step) => void = () => undefined,
): Playback {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let cancel: () => void = () => undefined;
  let stopped = false;
  const next = (index: number): void => {
    const step = steps[index];
    if (!step || stopped) {
      resolve();
      return;
    }
    cancel = clock.after(step.after, () => {
      try {
        if (applyStep(azure, step)) onStep(step);
        next(index + 1);
      } catch (error) {
        reject(error);
      }
    });
  };
  next(0);
  return {
    done,
    stop() {
      stopped = true;
      cancel();
      resolve();
    },
  };
}

/** Turns all faults off and removes stuck creations, as a user would. */
export function endTrouble(azure: Azure): void {
  azure.faults.clear();
  azure.removeStuck();
}

/** Draws from a seeded generator. */
class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** `all` must not be empty. */
  one<T>(all: readonly T[]): T {
    const chosen = all[this.below(all.length)];
    if (chosen === undefined) throw new Error('There is nothing to draw from');
    return chosen;
  }

  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  /** A whole number, both ends included. */
  whole(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }
}

const malformations = [
  'half',
  'cut',
  'stall',
  'gzipHalf',
  'gzipCut',
  'large',
  'bomb',
  'empty',
  'html',
  'strange',
] as const;

/** Undefined if no location is eligible. */
function drawDrift(
  kind: DrawableDrift,
  { registry, locations, elsewhere = [] }: ChaosTargets,
  dice: Dice,
): Drift | undefined {
  const places = kind === 'replicaAdded' ? elsewhere : locations;
  if (places.length === 0) return undefined;
  const at = { registry, location: dice.one(places) };
  switch (kind) {
    case 'routing':
      return { kind, ...at, routing: dice.one([true, false]) };
    case 'tags':
      return { kind, ...at, tags: dice.one([{}, { by: 'someone else' }]) };
    case 'replicaRemoved':
      return { kind, ...at };
    case 'replicaAdded':
      return { kind, ...at, name: `someoneelses${dice.below(1_000)}` };
    default:
      return kind satisfies never;
  }
}

function drawFault(kind: Kind, { registry, locations }: ChaosTargets, paceMs: number, dice: Dice): Fault {
  const brief = { for: Math.round(dice.between(paceMs, 10 * paceMs)) };
  const aim = { registry, ...brief };
  const chance = dice.one([0.3, 0.7, 1]);
  const some = { ...aim, chance };
  const anywhere = { ...brief, chance };
  const few = { ...aim, times: dice.whole(1, 3) };
  const here = () => ({ ...aim, times: dice.whole(1, 2), location: dice.one(locations) });
  const when = () => dice.one(['before', 'after'] as const);
  const ms = () => Math.round(dice.between(0, 5 * paceMs));
  switch (kind) {
    case 'stalledHandshake':
      return { kind, ...brief, times: dice.whole(1, 3) };
    case 'latency':
      return { kind, ...some, ms: 0, most: paceMs };
    case 'reset':
    case 'hang':
      return { kind, ...few, when: when() };
    case 'malformed':
      return { kind, ...few, how: dice.one(malformations) };
    case 'throttled':
      return { kind, ...few, retryAfter: 1 };
    case 'error':
      return { kind, ...few, when: when(), status: dice.one([500, 502, 503, 504]) };
    case 'busy':
      return { kind, ...few };
    case 'crowded':
      return { kind, ...aim, most: dice.whole(0, 3) };
    case 'forbidden': {
      const verb = dice.one(['read', 'write', 'delete']);
      return { kind, ...anywhere, actions: [`Microsoft.ContainerRegistry/registries/replications/${verb}`] };
    }
    case 'lock':
      return { kind, ...anywhere, level: dice.one(['CanNotDelete', 'ReadOnly'] as const) };
    case 'policyDeny':
      return { kind, ...anywhere, locations: [dice.one(locations)] };
    case 'policyTags':
      return { kind, ...anywhere, tags: { costCenter: '4711' } };
    case 'withdrawnRegion':
      return { kind, ...anywhere, location: dice.one(locations) };
    case 'failedCreation':
    case 'stuckCreation':
    case 'vanishingCreation':
    case 'failedUpdate':
      return { kind, ...here() };
    case 'failedRecreation':
      return { kind, ...here(), ms: ms() };
    case 'healing':
      return { kind, ...aim };
    case 'lateHomeEntry':
    case 'staleList':
      return { kind, ...aim, ms: ms() };
    case 'foreignNextLink':
      return { kind, ...few, origin: 'https://127.0.0.1:1' };
    case 'omission':
      return { kind, ...some, location: dice.one(locations) };
    case 'lateCreation':
    case 'lateDeletion':
      return { kind, ...aim, ms: ms() };
    default:
      return kind satisfies never;
  }
}
