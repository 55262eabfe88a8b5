// The metrics of the kinds that spec.regionsFrom follows: how many watches and objects each has, and how often a watch was lost.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { WatchedKind } from '../kubernetes/cache/value-watcher.ts';

/** Call the returned function once; `read` is called at each scrape. */
export function sourceMetricsFor(registry: Registry): (read: () => readonly WatchedKind[]) => void {
  let watched: () => readonly WatchedKind[] = () => [];
  const settings = (name: string, help: string, countOf: (kind: WatchedKind) => number) => ({
    name: `georeplication_source_${name}`,
    help,
    labelNames: ['resource'],
    registers: [registry],
    collect(this: Gauge | Counter) {
      this.reset();
      for (const kind of watched()) this.inc({ resource: kind.resource }, countOf(kind));
    },
  });
  new Gauge(settings('watches', 'Watches of a kind that spec.regionsFrom follows', ({ watches }) => watches));
  new Gauge(settings('objects', 'Objects of the kind that were read', ({ objects }) => objects));
  new Counter(settings('losses_total', 'Watches that a 403, a 404 or silence has ended', ({ losses }) => losses));
  return (read) => {
    watched = read;
  };
}
