// The metrics of --max-objects: the limit, and how many objects are over it.
import { Gauge, type Registry } from 'prom-client';

/** @param refused Called at each scrape; 0 on a standby. */
export function addLimitMetrics(registry: Registry, maxObjects: number, refused: () => number): void {
  const registers = [registry];
  new Gauge({
    name: 'georeplication_objects_limit',
    help: 'How many objects are worked on at most (--max-objects); 0: no limit',
    registers,
  }).set(maxObjects);
  new Gauge({
    name: 'georeplication_objects_over_limit',
    help: 'Objects that are refused with reason TooManyObjects; no other metric counts them',
    registers,
    collect() {
      this.set(refused());
    },
  });
}
