// Random trouble that can be repeated: draws a sequence of knobs turned on and off and of changes made behind the operator's
// back, and plays it on an emulator. Judges nothing: what must be true in the end is the test's to say.
import type { Clock } from '../../../src/lib/clock.ts';
import { type Azure, Impossible } from './azure.ts';
import { type Drift, drift } from './drift.ts';
import type { Fault, Kind } from './faults/fault.ts';
import type { Random } from './random.ts';

/** One thing that happens, so many ms after the one before. A plain value: it can be printed, shrunk and played again. */
export type Step =
  | { readonly kind: 'on'; readonly after: number; readonly name: string; readonly fault: Fault }
  | { readonly kind: 'off'; readonly after: number; readonly name: string }
  | { readonly kind: 'drift'; readonly after: number; readonly drift: Drift };

/** Where trouble may strike. */
export interface Scene {
  /** The registry's name. */
  readonly registry: string;
  /** Regions whose replicas may be struck and changed; leave the home region out to keep it as it is. */
  readonly locations: readonly string[];
  /** Regions without a replica of the object's, where someone else may add one; none where left out. */
  readonly elsewhere?: readonly string[];
}

export interface Mood {
  /** Which knobs; `passing` where left out. */
  readonly kinds?: readonly Kind[];
  /** Which changes; `undoable` where left out. */
  readonly drifts?: readonly DrawnDrift[];
  /** ms between steps on average; faults last up to ten times as long. */
  readonly pace: number;
}

/** The wire: what happens to any client of anything. */
export const onTheWire = [
  'stalledHandshake',
  'latency',
  'reset',
  'hang',
  'malformed',
] as const satisfies readonly Kind[];
export const atTheDoor = ['throttled', 'error', 'busy'] as const satisfies readonly Kind[];
/** What ARM's reads do not say. */
export const inSight = ['staleList', 'omission', 'lateCreation', 'lateDeletion'] as const satisfies readonly Kind[];
/** What a person has forbidden, and permits again. */
export const forbidding = ['forbidden', 'lock', 'policyDeny', 'withdrawnRegion'] as const satisfies readonly Kind[];
/** Creations and changes that come to nothing; from all but the stuck ones an operator can recover by itself. */
export const inFate = [
  'failedCreation',
  'stuckCreation',
  'vanishingCreation',
  'failedRecreation',
  'failedUpdate',
  'healing',
  'lateHomeEntry',
] as const satisfies readonly Kind[];

/** Trouble that leaves nothing behind once it is over. */
export const passing: readonly Kind[] = [...onTheWire, ...atTheDoor, ...inSight];

export type DrawnDrift = 'routing' | 'tags' | 'replicaRemoved' | 'replicaAdded';

/** Changes that an operator undoes by itself. */
export const undoable: readonly DrawnDrift[] = ['routing', 'tags', 'replicaRemoved', 'replicaAdded'];

/** So many steps; the same from the same seed. Every fault in them is over by itself in time. */
export function drawSteps(count: number, scene: Scene, mood: Mood, random: Random): Step[] {
  const dice = new Dice(random);
  const { kinds = passing, drifts = undoable, pace } = mood;
  const steps: Step[] = [];
  const on: string[] = [];
  for (let index = 0; index < count; index++) {
    const after = Math.round(dice.between(0, 2 * pace));
    const choice = random();
    if (choice < 0.2 && on.length > 0) {
      const [name = ''] = on.splice(dice.below(on.length), 1);
      steps.push({ kind: 'off', after, name });
    } else if ((choice < 0.4 && drifts.length > 0) || kinds.length === 0) {
      const drawn = drawDrift(dice.one(drifts), scene, dice);
      if (drawn) steps.push({ kind: 'drift', after, drift: drawn });
    } else {
      const name = `chaos-${index}`;
      on.push(name);
      const fault = drawFault(dice.one(kinds), scene, pace, dice);
      steps.push({ kind: 'on', after, name, fault });
    }
  }
  return steps;
}

/** False where a change could not be made, its replica being there already, or not there. */
export function take(azure: Azure, step: Step): boolean {
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
        if (error instanceof Impossible) return false;
        throw error;
      }
    default:
      return step satisfies never;
  }
}

export interface Play {
  /** Resolves after the last step, or once it was stopped. */
  readonly done: Promise<void>;
  /** No further step is taken; what is on stays on. */
  stop(): void;
}

/** Takes the steps one after the other, each in its time by `clock`; `told` hears of each that was taken. */
export function play(
  azure: Azure,
  steps: readonly Step[],
  clock: Clock,
  told: (step: Step) => void = () => undefined,
): Play {
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
        if (take(azure, step)) told(step);
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

/** All faults are off, and creations that are stuck are taken away, as a person would do it. */
export function calm(azure: Azure): void {
  azure.faults.clear();
  azure.removeStuck();
}

/** Draws in words. */
class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** Of at least one. */
  one<T>(all: readonly T[]): T {
    const chosen = all[this.below(all.length)];
    if (chosen === undefined) throw new Error('There is nothing to draw from');
    return chosen;
  }

  between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  /** Whole, both ends included. */
  whole(least: number, most: number): number {
    return least + this.below(most - least + 1);
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

/** Undefined where the scene has no place for it. */
function drawDrift(kind: DrawnDrift, { registry, locations, elsewhere = [] }: Scene, dice: Dice): Drift | undefined {
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

function drawFault(kind: Kind, { registry, locations }: Scene, pace: number, dice: Dice): Fault {
  const brief = { for: Math.round(dice.between(pace, 10 * pace)) };
  const aim = { registry, ...brief };
  const chance = dice.one([0.3, 0.7, 1]);
  const some = { ...aim, chance };
  const anywhere = { ...brief, chance };
  const few = { ...aim, times: dice.whole(1, 3) };
  const here = () => ({ ...aim, times: dice.whole(1, 2), location: dice.one(locations) });
  const when = () => dice.one(['before', 'after'] as const);
  const ms = () => Math.round(dice.between(0, 5 * pace));
  switch (kind) {
    case 'stalledHandshake':
      return { kind, ...brief, times: dice.whole(1, 3) };
    case 'latency':
      return { kind, ...some, ms: 0, most: pace };
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
