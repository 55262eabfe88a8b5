// An edit of a spec that a person asks for: as the operations of a JSON patch, as the fields after it, and in words. Pure.
import { listedRegions, type RegionSpec, type Spec } from '../api/registryreplication.ts';
import type { PatchOperation } from '../lib/json-patch.ts';
import { indexOfLocation, normalise } from './location.ts';

export type Edit =
  | { readonly kind: 'add' | 'remove'; readonly locations: readonly string[] }
  | { readonly kind: 'route'; readonly location: string; readonly routing: NonNullable<RegionSpec['routing']> }
  | { readonly kind: 'suspend'; readonly suspend: boolean };

/** What an edit needs to know of the spec. */
export type EditedSpec = Pick<Spec, 'regions' | 'regionsFrom' | 'suspend'>;

export interface SpecChange {
  readonly operations: readonly PatchOperation[];
  /** The fields that change, as they will be. `regions` is undefined if no region is listed any more. */
  readonly fields: { readonly regions?: RegionSpec[] | undefined; readonly suspend?: boolean };
  /** What changes, such as `+ westeurope`. Empty: the spec is as asked already. */
  readonly summary: readonly string[];
}

/** The edit names a region that the spec does not list. */
export class RegionNotListed extends Error {
  readonly location: string;
  constructor(location: string) {
    super(`${location} is not in spec.regions`);
    this.location = location;
  }
}

/** The edit would leave an object without regions that follows nothing, which the API server refuses. */
export class LastRegion extends Error {
  constructor() {
    super('spec.regions must list a region: list the home region alone if no other replicas are wanted');
  }
}

/** @throws RegionNotListed, LastRegion */
export function specChange(spec: EditedSpec, edit: Edit): SpecChange {
  switch (edit.kind) {
    case 'add':
      return added(listedRegions(spec), edit.locations);
    case 'remove':
      return removed(spec, edit.locations);
    case 'route':
      return routed(listedRegions(spec), edit.location, edit.routing);
    case 'suspend':
      return suspended(spec.suspend ?? false, edit.suspend);
    default:
      return edit satisfies never;
  }
}

/** The spec with the change. */
export function changedSpec(spec: Spec, { fields }: SpecChange): Spec {
  const { regions, ...others } = { ...spec, ...fields };
  return { ...others, ...(regions && { regions }) };
}

const nothing: SpecChange = { operations: [], fields: {}, summary: [] };

function added(regions: readonly RegionSpec[], locations: readonly string[]): SpecChange {
  const missing = [...new Set(locations.map(normalise))].filter((location) => indexOfLocation(regions, location) < 0);
  if (missing.length === 0) return nothing;
  const more = missing.map((location) => ({ location }));
  return {
    fields: { regions: [...regions, ...more] },
    summary: missing.map((location) => `+ ${location}`),
    operations:
      regions.length === 0
        ? [{ op: 'add', path: '/spec/regions', value: more }]
        : more.map((value) => ({ op: 'add', path: '/spec/regions/-', value })),
  };
}

function removed(spec: EditedSpec, locations: readonly string[]): SpecChange {
  const regions = listedRegions(spec);
  const indexes = [...new Set(locations.map((location) => listedIndex(regions, location)))];
  const left = regions.filter((_, index) => !indexes.includes(index));
  const summary = indexes.map((index) => `- ${normalise(regions[index]?.location ?? '')}`);
  if (left.length === 0) {
    if (!spec.regionsFrom?.length) throw new LastRegion();
    return { fields: { regions: undefined }, summary, operations: [{ op: 'remove', path: '/spec/regions' }] };
  }
  return {
    fields: { regions: left },
    summary,
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
): SpecChange {
  const index = listedIndex(regions, location);
  if (regions[index]?.routing === routing) return nothing;
  return {
    fields: { regions: regions.map((region, n) => (n === index ? { ...region, routing } : region)) },
    summary: [`~ ${normalise(location)} routing ${routing}`],
    operations: [{ op: 'add', path: `/spec/regions/${index}/routing`, value: routing }],
  };
}

function suspended(before: boolean, suspend: boolean): SpecChange {
  if (before === suspend) return nothing;
  return {
    fields: { suspend },
    summary: [suspend ? 'suspended' : 'resumed'],
    operations: [{ op: 'add', path: '/spec/suspend', value: suspend }],
  };
}

function listedIndex(regions: readonly RegionSpec[], location: string): number {
  const index = indexOfLocation(regions, location);
  if (index < 0) throw new RegionNotListed(normalise(location));
  return index;
}
