// Caches recent registry reads in memory, so that polling replicas in motion needs no registry GET. A cached registry serves
// observation only; writes need a fresh read (see `glance` in reconcile.ts).
import type { Registry, RegistryReference } from '../azure/arm.ts';
import { registryId } from './validation.ts';

interface Reading {
  readonly registry: Registry;
  /** ms since the epoch. */
  readonly at: number;
}

export class RecentRegistries {
  readonly #readings = new Map<string, Reading>();

  /** Caches a registry that ARM has just returned. */
  keep(of: RegistryReference, registry: Registry, now: Date): void {
    this.#readings.set(keyOf(of), { registry, at: now.getTime() });
  }

  /** The cached registry, if read less than `age` ms ago. */
  recall(of: RegistryReference, age: number, now: Date): Registry | undefined {
    const reading = this.#readings.get(keyOf(of));
    if (!reading) return undefined;
    const passed = now.getTime() - reading.at;
    // After the clock was set back, the age is unknown.
    return passed >= 0 && passed < age ? reading.registry : undefined;
  }

  /** Drops an entry that is gone, contradicted or no longer used. */
  forget(of: RegistryReference): void {
    this.#readings.delete(keyOf(of));
  }
}

function keyOf(of: RegistryReference): string {
  return registryId(of).toLowerCase();
}
