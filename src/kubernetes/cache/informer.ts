// Keeps a store equal to the objects of one kind on the API server: one Reflector for each namespace fills the store and reports
// each change to a handler, which puts the object's key into the work queue.
import type { KubernetesObject } from '@kubernetes/client-node';
import { Reflector, type ReflectorOptions, type WatchState } from './reflector.ts';

export interface InformerHealth {
  /** Every namespace has been listed once. */
  readonly synced: boolean;
  /** When the API server last sent something, for the namespace that has waited longest. A working watch is at most 30 s old. */
  readonly lastContact: Date | undefined;
  /** Number of LISTs after the first one of each namespace. */
  readonly relists: number;
  readonly watches: readonly { readonly namespace: string | undefined; readonly state: WatchState }[];
}

export interface Informer {
  /** Resolves when every namespace has been listed and its objects were passed on; stays pending if stopped before. */
  readonly synced: Promise<void>;
  health(): InformerHealth;
  /** Ends the watches. No change is passed on afterwards. */
  stop(): void;
}

export interface InformerOptions<T extends KubernetesObject> extends ReflectorOptions<T> {
  /** If empty, one watch covers all namespaces. */
  readonly namespaces?: readonly string[];
}

export function startInformer<T extends KubernetesObject>(options: InformerOptions<T>): Informer {
  const namespaces = options.namespaces?.length ? [...new Set(options.namespaces)] : [undefined];
  const watches = namespaces.map((namespace) => new Reflector(options, namespace));
  for (const watch of watches) watch.start();
  return {
    synced: Promise.all(watches.map((watch) => watch.synced)).then(() => undefined),
    health: () => {
      const contacts = watches.map((watch) => watch.lastContact?.getTime() ?? Number.NEGATIVE_INFINITY);
      const oldest = Math.min(...contacts);
      return {
        synced: watches.every((watch) => watch.isSynced),
        lastContact: Number.isFinite(oldest) ? new Date(oldest) : undefined,
        relists: watches.reduce((sum, watch) => sum + watch.relists, 0),
        watches: watches.map(({ namespace, state }) => ({ namespace, state })),
      };
    },
    stop: () => {
      for (const watch of watches) watch.stop();
    },
  };
}
