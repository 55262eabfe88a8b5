// Draws the steps of the follow storm: what people and autoscalers do to source objects, and what breaks meanwhile.
import type { Random } from '../emulators/arm/random.ts';
import { home, type Kind, kinds, locations, type SourceObject } from './source-objects.ts';

export type Trouble =
  /** The operator's connections are reset; new ones are accepted. */
  | { readonly kind: 'drop' }
  /** They are reset and refused for `ms`; `compact`: and the history of changes is dropped, so that watches cannot resume. */
  | { readonly kind: 'cut'; readonly ms: number; readonly compact: boolean }
  /** The API server is killed and started again after `ms`. The emulator only refuses connections meanwhile. */
  | { readonly kind: 'restart'; readonly ms: number }
  /** The operator may not list and watch these objects for `ms`. */
  | { readonly kind: 'forbid'; readonly what: Kind; readonly ms: number }
  /** The definition of MemberCluster is gone for `ms`, and so are its objects for good. */
  | { readonly kind: 'uninstall'; readonly ms: number }
  /** All objects of this kind are deleted, one by one, and none comes for `ms`. */
  | { readonly kind: 'clear'; readonly what: Kind; readonly ms: number }
  /** The operator is killed, and started again after `ms`. */
  | { readonly kind: 'kill'; readonly ms: number };

export type Step = { readonly pauseMs: number } & (
  | { readonly kind: 'apply'; readonly object: SourceObject }
  | { readonly kind: 'remove'; readonly object: SourceObject }
  | { readonly kind: 'trouble'; readonly trouble: Trouble }
);

const troubles = { drop: 4, cut: 4, restart: 2, forbid: 5, uninstall: 3, clear: 6, kill: 5 } as const;
/** As people spell them, the home region, and values that name no region. */
const values = [...locations, ...locations, 'Japan East', 'West Europe', home, 'us-east-1', 'none'];
const namesOfKind = 3;

export function drawSteps(count: number, random: Random): Step[] {
  return Array.from({ length: count }, () => ({ pauseMs: between(50, 900, random), ...drawStep(random) }));
}

function drawStep(random: Random) {
  const choice = random();
  if (choice < 0.12) return { kind: 'trouble', trouble: drawTrouble(random) } as const;
  const what = pick(kinds, random);
  const object: SourceObject = {
    kind: what,
    name: `${what}-${between(1, namesOfKind + 1, random)}`,
    location: pick(values, random),
    pool: random() < 0.7 ? 'web' : 'db',
  };
  return { kind: choice < 0.7 ? 'apply' : 'remove', object } as const;
}

function drawTrouble(random: Random): Trouble {
  const all = Object.entries(troubles).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
  const kind = pick(all, random) as Trouble['kind'];
  switch (kind) {
    case 'drop':
      return { kind };
    case 'cut':
      return { kind, ms: between(100, 2_500, random), compact: random() < 0.6 };
    case 'restart':
      return { kind, ms: between(0, 1_500, random) };
    case 'forbid':
      return { kind, what: pick(kinds, random), ms: between(2_000, 25_000, random) };
    case 'uninstall':
      return { kind, ms: between(500, 20_000, random) };
    case 'clear':
      return { kind, what: pick(kinds, random), ms: between(1_000, 20_000, random) };
    case 'kill':
      return { kind, ms: between(0, 6_000, random) };
    default:
      return kind satisfies never;
  }
}

function between(least: number, most: number, random: Random): number {
  return Math.floor(least + random() * (most - least));
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}
