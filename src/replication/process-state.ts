// In-memory state shared between passes. Losing it on restart is safe; it only costs extra waiting and a few reads.
import type { RegistryReplication } from '../api/registryreplication.ts';
import { RegionCatalogs } from '../azure/region-catalog.ts';
import type { Clock } from '../lib/clock.ts';
import { Contention } from './contention.ts';
import { ParallelismLimits } from './parallelism.ts';
import { PollPacing } from './poll-pacing.ts';
import { DelayTimers } from './prune-delay.ts';
import { RegistryCache } from './registry-cache.ts';

export class ProcessState {
  readonly contention = new Contention();
  readonly pruneTimers = new DelayTimers();
  /** By uid, the time (ms since the epoch) since which ARM has not returned the object's registry. */
  readonly unreachableSince = new Map<string, number>();
  readonly registries = new RegistryCache();
  readonly pollPacing = new PollPacing();
  readonly parallelism: ParallelismLimits;
  readonly regionCatalogs: RegionCatalogs;
  /** ARM's last hint for the first poll of a creation; 0 if unknown. */
  firstPollHintMs = 0;

  constructor(clock: Clock) {
    this.regionCatalogs = new RegionCatalogs(clock);
    this.parallelism = new ParallelismLimits(clock);
  }

  /** Drops the state of an object that is gone. */
  forget({ metadata: { uid = '' }, spec }: RegistryReplication): void {
    this.unreachableSince.delete(uid);
    this.contention.forget(uid);
    this.pruneTimers.forget(uid);
    this.registries.forget(spec.registry);
    this.parallelism.forget(spec.registry);
  }
}
