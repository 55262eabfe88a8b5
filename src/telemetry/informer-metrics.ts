// The informers' metrics: whether each has listed all objects, when it last heard from the API server, and how often it had to
// list again. The names are our own, since client-go dropped its reflector metrics.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { InformerHealth } from '../kubernetes/cache/informer.ts';

/** The state of an informer. */
export type InformerState = Pick<InformerHealth, 'synced' | 'lastContact' | 'relists'>;

/** Call the returned function once per informer; `read` is called at each scrape. */
export function informerMetricsFor(registry: Registry): (name: string, read: () => InformerState) => void {
  const informers = new Map<string, () => InformerState>();
  const labelNames = ['name'] as const;
  const registers = [registry];
  new Gauge({
    name: 'georeplication_informer_synced',
    help: 'Whether all objects have been listed once: 1 or 0',
    labelNames,
    registers,
    collect() {
      for (const [name, read] of informers) this.set({ name }, read().synced ? 1 : 0);
    },
  });
  new Gauge({
    name: 'georeplication_informer_last_contact_timestamp_seconds',
    help: 'When the API server last answered or sent something',
    labelNames,
    registers,
    collect() {
      for (const [name, read] of informers) {
        const { lastContact } = read();
        if (lastContact) this.set({ name }, lastContact.getTime() / 1000);
      }
    },
  });
  new Counter({
    name: 'georeplication_informer_relists_total',
    help: 'LISTs after the first one',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [name, read] of informers) this.inc({ name }, read().relists);
    },
  });
  return (name, read) => void informers.set(name, read);
}
