// Registries as ARM showed them a short while ago, so that a look at replicas in motion need not ask for the registry too.
// In memory only. What is recalled is good enough to see by and never to write by: see `glance` in reconcile.ts.
import type { Registry, RegistryReference } from '../azure/arm.ts';
import { registryId } from './validation.ts';

interface Reading {
  readonly registry: Registry;
  /** ms since the epoch. */
  readonly at: number;
}

export class RecentRegistries {
  readonly #readings = new Map<string, Reading>();

  /** ARM has just shown it. */
  keep(of: RegistryReference, registry: Registry, now: Date): void {
    this.#readings.set(keyOf(of), { registry, at: now.getTime() });
  }

  /** As ARM showed it less than `age` ms ago. */
  recall(of: RegistryReference, age: number, now: Date): Registry | undefined {
    const reading = this.#readings.get(keyOf(of));
    if (!reading) return undefined;
    const passed = now.getTime() - reading.at;
    // A clock that was set back says nothing about how long ago it was.
    return passed >= 0 && passed < age ? reading.registry : undefined;
  }

  /** It is gone, something contradicts it, or nobody asks for it any more. */
  forget(of: RegistryReference): void {
    this.#readings.delete(keyOf(of));
  }
}

function keyOf(of: RegistryReference): string {
  return registryId(of).toLowerCase();
}
