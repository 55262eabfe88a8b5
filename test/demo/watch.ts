// Shows every change of the objects, and waits for states of the demo's own one.
import { findCondition } from '../../src/api/conditions.ts';
import type { RegistryReplication } from '../../src/api/registryreplication.ts';
import { type Informer, startInformer } from '../../src/kubernetes/cache/informer.ts';
import { Store } from '../../src/kubernetes/cache/store.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import type { DemoCluster } from './cluster.ts';
import type { Screen } from './screen.ts';
import { printable, type View, viewOf } from './view.ts';

export interface Watching {
  readonly informer: Informer;
  /** Resolves when the object is so, now or later. */
  until(fits: (view: View) => boolean): Promise<void>;
  /** Why the object is not Ready, from its status. */
  why(): string;
}

export interface WatchOptions {
  /** The object to wait for. */
  readonly key: string;
  /** Called when the last object is gone. */
  onEmpty(): void;
}

export function watch(
  { cluster, replications, scope }: DemoCluster,
  { key, onEmpty }: WatchOptions,
  { screen, clock }: { readonly screen: Screen; readonly clock: Clock },
): Watching {
  const store = new Store<RegistryReplication>();
  const checks = new Set<() => void>();
  const read = () => store.read(key);
  let count = 0;
  const informer = startInformer({
    cluster,
    resource: replications,
    store,
    ...(scope && { namespaces: [scope.namespace], labelSelector: scope.labelSelector }),
    onChange() {
      const views = store.list().map(viewOf);
      screen.show(views.sort((one, other) => one.name.localeCompare(other.name)));
      for (const check of checks) check();
      if (views.length === 0 && count > 0) onEmpty();
      count = views.length;
    },
    clock,
    random: Math.random,
    log: logTo(screen),
  });
  return {
    informer,
    until(fits) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const check = () => {
        const object = read();
        if (object && fits(viewOf(object))) resolve();
      };
      checks.add(check);
      check();
      return promise.finally(() => checks.delete(check));
    },
    why: () => findCondition(read()?.status?.conditions, 'Ready')?.message ?? 'it has no status yet',
  };
}

export function logTo({ say }: Screen): Log {
  const print = (_fields: object, sentence: string) => say(printable(sentence));
  const skip = () => undefined;
  return { debug: skip, info: skip, warn: print, error: print };
}
