// An edit of an object's spec: as a JSON patch that fails if the spec was edited meanwhile, as the object after it, and in words. Pure.
import type { RegionSpec, RegistryReplication } from '../api/registryreplication.ts';
import { type PatchOperation, unlessEdited } from '../kubernetes/client/json-patch.ts';
import { indexOfLocation, normalise } from '../replication/location.ts';

export type Edit =
  | { readonly kind: 'add' | 'remove'; readonly locations: readonly string[] }
  | { readonly kind: 'route'; readonly location: string; readonly routing: NonNullable<RegionSpec['routing']> }
  | { readonly kind: 'suspend'; readonly suspend: boolean };

export interface SpecChange {
  readonly operations: readonly PatchOperation[];
  /** The object as it will be, but for what the server adds. */
  readonly after: RegistryReplication;
  /** What changes, such as `+ westeurope`. Empty: the spec is as asked already. */
  readonly words: readonly string[];
}

/** A region that the edit names and the object does not list. */
export class NotListed extends Error {
  readonly location: string;
  constructor(location: string) {
    super(`${location} is not in spec.regions`);
    this.location = location;
  }
}

/** @throws NotListed */
export function specChange(object: RegistryReplication, edit: Edit): SpecChange {
  const { spec, metadata } = object;
  const { words, operations, ...change } = editOf(spec, edit);
  return {
    words,
    after: { ...object, spec: { ...spec, ...change } },
    operations: [...unlessEdited(metadata.uid, metadata.generation), ...operations],
  };
}

interface Changed extends Partial<RegistryReplication['spec']> {
  readonly words: readonly string[];
  readonly operations: readonly PatchOperation[];
}

function editOf(spec: RegistryReplication['spec'], edit: Edit): Changed {
  switch (edit.kind) {
    case 'add':
      return added(spec.regions, edit.locations);
    case 'remove':
      return removed(spec.regions, edit.locations);
    case 'route':
      return routed(spec.regions, edit.location, edit.routing);
    case 'suspend':
      return suspended(spec.suspend ?? false, edit.suspend);
    default:
      return edit satisfies never;
  }
}

function added(regions: readonly RegionSpec[], locations: readonly string[]): Changed {
  const missing = [...new Set(locations.map(normalise))].filter((location) => indexOfLocation(regions, location) < 0);
  const more = missing.map((location) => ({ location }));
  return {
    regions: [...regions, ...more],
    words: missing.map((location) => `+ ${location}`),
    operations: more.map((value) => ({ op: 'add', path: '/spec/regions/-', value })),
  };
}

function removed(regions: readonly RegionSpec[], locations: readonly string[]): Changed {
  const indexes = [...new Set(locations.map((location) => listedIndex(regions, location)))];
  return {
    regions: regions.filter((_, index) => !indexes.includes(index)),
    words: indexes.map((index) => `- ${normalise(regions[index]?.location ?? '')}`),
    // From the end, so that the indexes before stay what they are.
    operations: indexes
      .toSorted((one, other) => other - one)
      .map((n) => ({ op: 'remove', path: `/spec/regions/${n}` })),
  };
}

function routed(
  regions: readonly RegionSpec[],
  location: string,
  routing: NonNullable<RegionSpec['routing']>,
): Changed {
  const index = listedIndex(regions, location);
  if (regions[index]?.routing === routing) return { words: [], operations: [] };
  return {
    regions: regions.map((region, n) => (n === index ? { ...region, routing } : region)),
    words: [`~ ${normalise(location)} routing ${routing}`],
    operations: [{ op: 'add', path: `/spec/regions/${index}/routing`, value: routing }],
  };
}

function suspended(before: boolean, suspend: boolean): Changed {
  if (before === suspend) return { words: [], operations: [] };
  return {
    suspend,
    words: [suspend ? 'suspended' : 'resumed'],
    operations: [{ op: 'add', path: '/spec/suspend', value: suspend }],
  };
}

function listedIndex(regions: readonly RegionSpec[], location: string): number {
  const index = indexOfLocation(regions, location);
  if (index < 0) throw new NotListed(normalise(location));
  return index;
}
