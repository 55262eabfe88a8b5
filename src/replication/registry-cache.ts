// Caches recent registry reads in memory, so that polling replicas in motion needs no registry GET. A cached registry serves
// observation only: before a write it is read again.
import { LRUCache } from 'lru-cache';
import type { Registry, RegistryReference } from '../azure/arm.ts';
import { registryKey } from './validation.ts';

interface Reading {
  readonly registry: Registry;
  /** ms since the epoch. */
  readonly at: number;
}

/** Only registries with replicas in motion are cached. A registry beyond this many costs one more read a poll. */
const maxRegistries = 1_000;

export class RegistryCache {
  readonly #readings = new LRUCache<string, Reading>({ max: maxRegistries });

  /** Caches a registry that ARM has just returned. */
  keep(of: RegistryReference, registry: Registry, now: Date): void {
    this.#readings.set(registryKey(of), { registry, at: now.getTime() });
  }

  /** The cached registry, if read less than `maxAgeMs` ago. */
  recall(of: RegistryReference, maxAgeMs: number, now: Date): Registry | undefined {
    const reading = this.#readings.get(registryKey(of));
    if (!reading) return undefined;
    const ageMs = now.getTime() - reading.at;
    // After the clock was set back, the age is unknown.
    return ageMs >= 0 && ageMs < maxAgeMs ? reading.registry : undefined;
  }

  /** Drops an entry that is gone, contradicted or no longer used. */
  forget(of: RegistryReference): void {
    this.#readings.delete(registryKey(of));
  }
}
