// The desired regions of one registry in the chaos suites, and random changes to them. It counts how many writes to ARM each
// change justifies.
import type { RegistryReference } from '../../src/azure/arm.ts';
import type { Random } from '../emulators/arm/random.ts';

/** A region of a spec with all its settings. */
export interface DesiredRegion {
  readonly location: string;
  readonly routing: 'Enabled' | 'Disabled';
  readonly tags: Readonly<Record<string, string>>;
}

/** All but the home region, which is eastus. */
const locations = ['japaneast', 'westeurope', 'uksouth', 'australiaeast', 'brazilsouth', 'centralindia'] as const;

export class DesiredState {
  /** The name of both the object and the registry. */
  readonly name: string;
  readonly registry: RegistryReference;
  readonly #listings = new Map<string, number>();
  readonly #edits = new Map<string, number>();
  #regions: readonly DesiredRegion[] = [];

  constructor(registry: RegistryReference) {
    this.name = registry.name;
    this.registry = registry;
  }

  /** Empty: neither an object nor a replica should exist. */
  get regions(): readonly DesiredRegion[] {
    return this.#regions;
  }

  setRegions(regions: readonly DesiredRegion[]): void {
    for (const region of regions) {
      const before = this.#regions.find(({ location }) => location === region.location);
      if (!before) countOne(this.#listings, region.location);
      else if (before.routing !== region.routing || before.tags.revision !== region.tags.revision) {
        countOne(this.#edits, region.location);
      }
    }
    this.#regions = regions;
  }

  /** How often this location was added to the spec: more creations than that are needless. */
  listings(location: string): number {
    return this.#listings.get(location) ?? 0;
  }

  /** The number of justified updates. A location listed again may find its replica still there, with old tags. */
  edits(location: string): number {
    return (this.#edits.get(location) ?? 0) + this.listings(location);
  }
}

/** `count` registries that are to have nothing yet. Each subscription has a rate limit of its own at ARM. */
export function emptyStates(count: number, { prefix, subscriptions }: { prefix: string; subscriptions: number }) {
  return Array.from({ length: count }, (_, index) => {
    const subscription = String(index % subscriptions).padStart(12, '0');
    const name = `${prefix}${String(index).padStart(String(count - 1).length, '0')}`;
    return new DesiredState({
      subscriptionId: `00000000-0000-0000-0000-${subscription}`,
      resourceGroup: 'chaos',
      name,
    });
  });
}

/** From one to `most` regions. */
export function firstRegions(random: Random, most = 3): DesiredRegion[] {
  const count = 1 + Math.floor(random() * most);
  return shuffled(locations, random)
    .slice(0, count)
    .map((location) => desiredRegion(location, random));
}

/** Adds a region, removes one, or changes one. */
export function changedRegions(regions: readonly DesiredRegion[], random: Random): DesiredRegion[] {
  const choice = random();
  const absent = locations.filter((location) => regions.every((region) => region.location !== location));
  const [newcomer] = shuffled(absent, random);
  if (choice < 0.35 && newcomer) return [...regions, desiredRegion(newcomer, random)];
  const [chosen] = shuffled(regions, random);
  if (choice < 0.65 && regions.length > 1) return regions.filter((region) => region !== chosen);
  return regions.map((region) => (region === chosen ? desiredRegion(region.location, random) : region));
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

function desiredRegion(location: string, random: Random): DesiredRegion {
  return {
    location,
    routing: random() < 0.5 ? 'Enabled' : 'Disabled',
    tags: { revision: String(Math.floor(random() * 1e9)) },
  };
}

function countOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
