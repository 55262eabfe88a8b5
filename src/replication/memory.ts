// What passes leave for later ones and no status holds. It ends with the process, which costs patience and a few reads, and
// never safety.
import type { RegistryReplication } from '../api/registryreplication.ts';
import { SubscriptionLocations } from '../azure/subscription-locations.ts';
import type { Clock } from '../clock.ts';
import { Contention } from './contention.ts';
import { DelayTimers } from './prune-delay.ts';
import { RecentRegistries } from './recent-registries.ts';

export class Memory {
  readonly contention = new Contention();
  readonly delays = new DelayTimers();
  /** By uid, since when (ms) ARM has not shown the object's registry. */
  readonly silentSince = new Map<string, number>();
  readonly registries = new RecentRegistries();
  readonly locations: SubscriptionLocations;
  /** ms; what ARM last said of how long a creation takes. */
  creationTime = 0;

  constructor(clock: Clock) {
    this.locations = new SubscriptionLocations(clock);
  }

  /** The object is gone. */
  forget({ metadata: { uid = '' }, spec }: RegistryReplication): void {
    this.silentSince.delete(uid);
    this.contention.forget(uid);
    this.delays.forget(uid);
    this.registries.forget(spec.registry);
  }
}
