// The regions that the map shows: the project's table and, over it, what ARM lists for the subscriptions of the shown objects.
import { isDeepStrictEqual } from 'node:util';
import type { RegistryReplication } from '../api/registryreplication.ts';
import type { RegionCatalog } from '../azure/region-catalog.ts';
import { type AzureRegion, azureRegions } from '../azure/regions.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';

/** The regions of the object's subscription. Must not reject. */
export type RegionsOf = (object: RegistryReplication) => Promise<RegionCatalog>;

export class MapRegions {
  readonly #regionsOf: RegionsOf | undefined;
  readonly #onChange: () => void;
  readonly #waiting = new Map<string, RegistryReplication>();
  #isAsking = false;
  #byName: ReadonlyMap<string, AzureRegion>;
  #list: readonly AzureRegion[];

  /** @param regionsOf Undefined: only the table is shown. */
  constructor(regionsOf: RegionsOf | undefined, onChange: () => void, table: readonly AzureRegion[] = azureRegions) {
    this.#regionsOf = regionsOf;
    this.#onChange = onChange;
    this.#list = table;
    this.#byName = new Map(table.map((region) => [region.name, region]));
  }

  /** Another array after each change. */
  get list(): readonly AzureRegion[] {
    return this.#list;
  }

  /** Asks for the subscriptions of these objects, one after another. */
  need(objects: Iterable<RegistryReplication>): void {
    if (!this.#regionsOf) return;
    for (const object of objects) this.#waiting.set(namespacedName(object), object);
    if (!this.#isAsking) void this.#ask(this.#regionsOf);
  }

  /** Asks no more. */
  close(): void {
    this.#waiting.clear();
  }

  async #ask(regionsOf: RegionsOf): Promise<void> {
    this.#isAsking = true;
    const listed = new Set<string>();
    // Goes on with the objects that are added meanwhile.
    for (const [key, object] of this.#waiting) {
      this.#waiting.delete(key);
      const subscription = object.spec.registry.subscriptionId.toLowerCase();
      if (listed.has(subscription)) continue;
      const { names, regions } = await regionsOf(object);
      // Another object may have the right that this one lacks.
      if (!names) continue;
      listed.add(subscription);
      this.#merge(regions);
    }
    this.#isAsking = false;
  }

  #merge(regions: readonly AzureRegion[]): void {
    if (regions.every((region) => isDeepStrictEqual(region, this.#byName.get(region.name)))) return;
    this.#byName = new Map([...this.#byName, ...regions.map((region) => [region.name, region] as const)]);
    this.#list = [...this.#byName.values()];
    this.#onChange();
  }
}
