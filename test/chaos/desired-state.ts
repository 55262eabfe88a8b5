// What the people of the chaos suite ask for, one registry each, and how they change their minds. Pure; it also keeps count
// of what each change may cost at ARM.
import type { RegistryReference } from '../../src/azure/arm.ts';
import type { Random } from '../emulators/arm/random.ts';

/** A region of a spec, with everything said that can be said of it. */
export interface Wanted {
  readonly location: string;
  readonly routing: 'Enabled' | 'Disabled';
  readonly tags: Readonly<Record<string, string>>;
}

/** Not the home region, which is eastus. */
const locations = ['japaneast', 'westeurope', 'uksouth', 'australiaeast', 'brazilsouth', 'centralindia'] as const;

export class Intent {
  /** The object's, and the registry's. */
  readonly name: string;
  readonly registry: RegistryReference;
  readonly #listings = new Map<string, number>();
  readonly #edits = new Map<string, number>();
  #regions: readonly Wanted[] = [];

  constructor(registry: RegistryReference) {
    this.name = registry.name;
    this.registry = registry;
  }

  /** Empty: there shall be no object, and no replica. */
  get regions(): readonly Wanted[] {
    return this.#regions;
  }

  ask(regions: readonly Wanted[]): void {
    for (const region of regions) {
      const before = this.#regions.find(({ location }) => location === region.location);
      if (!before) countOne(this.#listings, region.location);
      else if (before.routing !== region.routing || before.tags.revision !== region.tags.revision) {
        countOne(this.#edits, region.location);
      }
    }
    this.#regions = regions;
  }

  /** How often this location came to be listed: creations beyond that were for nothing. */
  listings(location: string): number {
    return this.#listings.get(location) ?? 0;
  }

  /** Updates beyond that were for nothing. A location listed again may find its replica there, with the tags it had. */
  edits(location: string): number {
    return (this.#edits.get(location) ?? 0) + this.listings(location);
  }
}

export function firstRegions(random: Random): Wanted[] {
  const count = 1 + Math.floor(random() * 3);
  return shuffled(locations, random)
    .slice(0, count)
    .map((location) => wanted(location, random));
}

/** One region more, one less, or other words about one of them. */
export function otherRegions(regions: readonly Wanted[], random: Random): Wanted[] {
  const choice = random();
  const absent = locations.filter((location) => regions.every((region) => region.location !== location));
  const [newcomer] = shuffled(absent, random);
  if (choice < 0.35 && newcomer) return [...regions, wanted(newcomer, random)];
  const [chosen] = shuffled(regions, random);
  if (choice < 0.65 && regions.length > 1) return regions.filter((region) => region !== chosen);
  return regions.map((region) => (region === chosen ? wanted(region.location, random) : region));
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

function wanted(location: string, random: Random): Wanted {
  return {
    location,
    routing: random() < 0.5 ? 'Enabled' : 'Disabled',
    tags: { revision: String(Math.floor(random() * 1e9)) },
  };
}

function countOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
