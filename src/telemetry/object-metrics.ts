// The domain's metrics. Gauges are computed at each scrape from the informer's objects, so that they cannot drift, and deleted
// objects disappear; counters are incremented on transitions. Labels take no foreign text but names, and a bounded number of
// those, so that users who write objects cannot flood the metrics' storage.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { findCondition } from '../api/conditions.ts';
import type { Phase, RegionState, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import { namespacedName } from '../kubernetes/client/resource.ts';
import type { Clock } from '../lib/clock.ts';
import { needsIntervention, reasons } from '../replication/reasons.ts';

export interface ObjectSources {
  /** Called at each scrape; empty on a standby, so that a sum over all operators is right. */
  readonly objects: () => readonly RegistryReplication[];
  readonly clock: Clock;
}

/** Counts transitions of objects. */
export interface ObjectMetrics {
  /** An object has become Ready after this many seconds. */
  becameReady(seconds: number): void;
  /** A change that others made in Azure is being corrected. */
  driftCorrected(action: 'create' | 'update'): void;
  /** An object has found its registry claimed by another one. */
  claimLost(): void;
}

/** Maximum number of series of a metric that names objects; those with the longest trouble are kept. */
export const maxNamedSeries = 500;

const phases: readonly Phase[] = [
  'Pending',
  'Syncing',
  'Pruning',
  'Ready',
  'Degraded',
  'Failed',
  'Suspended',
  'Observing',
  'Deleting',
];
const states: readonly RegionState[] = ['Absent', 'Creating', 'Syncing', 'Ready', 'Updating', 'Deleting', 'Failed'];
/** Stands for a value that another version of the operator has written. */
const other = 'Other';
const everyReason = [...Object.keys(reasons), other];

/** In seconds, from an adopted replica to a registry of terabytes. */
const readyBuckets = [1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400, 259_200];

export function objectMetricsFor(registry: Registry, sources: ObjectSources): ObjectMetrics {
  addObjectGauges([registry], sources);
  addRegionGauges([registry], sources);
  return transitionMetrics([registry]);
}

function addObjectGauges(registers: Registry[], { objects, clock }: ObjectSources): void {
  new Gauge({
    name: 'georeplication_objects',
    help: 'RegistryReplication objects by status.phase',
    labelNames: ['phase'],
    registers,
    collect() {
      const each = objects().map(({ status }) => status?.phase ?? 'Pending');
      for (const [phase, count] of counted(phases, each)) this.set({ phase }, count);
    },
  });
  new Gauge({
    name: 'georeplication_objects_not_ready',
    help: 'Objects whose condition Ready is not True, by its reason',
    labelNames: ['reason'],
    registers,
    collect() {
      const each = objects().flatMap(({ status }) => {
        const ready = findCondition(status?.conditions, 'Ready');
        return ready && ready.status !== 'True' ? [ready.reason] : [];
      });
      for (const [reason, count] of counted(everyReason, each)) this.set({ reason }, count);
    },
  });
  new Gauge({
    name: 'georeplication_objects_stalled',
    help: 'Objects that need a user, by the reason of the condition Stalled',
    labelNames: ['reason'],
    registers,
    collect() {
      const each = objects().flatMap((object) => stalledOf(object)?.reason ?? []);
      for (const [reason, count] of counted(everyReason.filter(needsIntervention), each)) this.set({ reason }, count);
    },
  });
  new Gauge({
    name: 'georeplication_object_stalled_seconds',
    help: 'Time since an object became Stalled; absent while it is not',
    labelNames: ['object', 'registry', 'reason'],
    registers,
    collect() {
      this.reset();
      const each = objects().flatMap((object) => {
        const stalled = stalledOf(object);
        return stalled ? [{ object, since: stalled.lastTransitionTime, word: known(everyReason, stalled.reason) }] : [];
      });
      for (const { object, since, word: reason } of longest(each))
        this.set({ ...namesOf(object), reason }, secondsSince(since, clock));
    },
  });
}

function addRegionGauges(registers: Registry[], { objects, clock }: ObjectSources): void {
  new Gauge({
    name: 'georeplication_replicas',
    help: 'Replicas, and listed regions without one, by state; home regions included',
    labelNames: ['state'],
    registers,
    collect() {
      const each = objects()
        .flatMap(({ status }) => status?.regions ?? [])
        .map(({ state }) => state);
      for (const [state, count] of counted(states, each)) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'georeplication_region_state_seconds',
    help: 'Time since a region entered its state; absent for Ready regions, and for Absent ones that are not listed',
    labelNames: ['object', 'registry', 'region', 'state'],
    registers,
    collect() {
      this.reset();
      const each: { object: RegistryReplication; row: RegionStatus; since: string }[] = [];
      for (const object of objects())
        for (const row of object.status?.regions ?? []) {
          const { state, desired, since } = row;
          if (since && state !== 'Ready' && (state !== 'Absent' || desired)) each.push({ object, row, since });
        }
      for (const { object, row, since } of longest(each))
        this.set({ ...namesOf(object), region: row.location, state: row.state }, secondsSince(since, clock));
    },
  });
}

function transitionMetrics(registers: Registry[]): ObjectMetrics {
  const timeToReady = new Histogram({
    name: 'georeplication_time_to_ready_seconds',
    help: 'Time that an object was not Ready, observed when it becomes Ready',
    buckets: readyBuckets,
    registers,
  });
  const corrections = new Counter({
    name: 'georeplication_drift_corrections_total',
    help: 'Replicas created again or changed back after others deleted or changed them in Azure',
    labelNames: ['action'],
    registers,
  });
  const claimsLost = new Counter({
    name: 'georeplication_claims_lost_total',
    help: 'Objects whose registry was found to be managed by another object',
    registers,
  });
  // Initialized for the first scrape: a rate over a series that appears late misses its first increment.
  for (const action of ['create', 'update']) corrections.inc({ action }, 0);
  return {
    becameReady: (seconds) => timeToReady.observe(seconds),
    driftCorrected: (action) => corrections.inc({ action }),
    claimLost: () => claimsLost.inc(),
  };
}

function secondsSince(time: string, clock: Clock): number {
  return Math.max(0, (clock.now().getTime() - Date.parse(time)) / 1_000);
}

function stalledOf({ status }: RegistryReplication) {
  const stalled = findCondition(status?.conditions, 'Stalled');
  return stalled?.status === 'True' ? stalled : undefined;
}

/** How often each of these values occurs, zero included. */
function counted(words: readonly string[], found: readonly string[]): Map<string, number> {
  const counts = new Map(words.map((word) => [word, 0]));
  for (const one of found) {
    const word = known(words, one);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function known(words: readonly string[], word: string): string {
  return words.includes(word) ? word : other;
}

function namesOf({ metadata, spec }: RegistryReplication): { object: string; registry: string } {
  return { object: namespacedName({ metadata }), registry: spec.registry.name };
}

/** ISO times of one format sort as strings. */
function longest<T extends { readonly since: string }>(each: T[]): T[] {
  return each.sort((a, b) => (a.since < b.since ? -1 : 1)).slice(0, maxNamedSeries);
}
