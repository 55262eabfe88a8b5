// Watches the objects that a verb works on, through the operator's own informer, which survives restarts of the API server.
import { group, plural, type RegistryReplication, version } from '../api/registryreplication.ts';
import { startInformer } from '../kubernetes/cache/informer.ts';
import type { Change } from '../kubernetes/cache/reflector.ts';
import { Store } from '../kubernetes/cache/store.ts';
import { namespacedName, resource } from '../kubernetes/client/resource.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { Cluster } from './cluster.ts';
import { oneLine } from './safe-text.ts';
import type { Session } from './session.ts';

export interface ObjectWatch {
  /** Resolves when all objects have been listed. */
  readonly synced: Promise<void>;
  /** The objects now, by namespace and name. */
  list(): RegistryReplication[];
  stop(): void;
}

export interface WatchOptions {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** Called after each change. */
  readonly onChange: (change: Change<RegistryReplication>) => void;
  /** Called when the API server does not answer, and is asked again. */
  readonly onWarning: (sentence: string) => void;
  /** Called when it answers again. */
  readonly onRecovery?: () => void;
}

export function watchObjects(
  { client }: Cluster,
  { clock }: Session,
  { namespace, onChange, onWarning, onRecovery = () => undefined }: WatchOptions,
): ObjectWatch {
  const store = new Store<RegistryReplication>();
  const tell = (_: object, sentence: string) => onWarning(oneLine(sentence));
  const log: Log = { ...silentLog, info: onRecovery, warn: tell, error: tell };
  const informer = startInformer<RegistryReplication>({
    cluster: client,
    resource: resource<RegistryReplication>(client, { group, version, plural }),
    store,
    onChange,
    clock,
    random: Math.random,
    log,
    ...(namespace !== undefined && { namespaces: [namespace] }),
  });
  return {
    synced: informer.synced,
    list: () => store.list().sort((one, other) => (namespacedName(one) < namespacedName(other) ? -1 : 1)),
    stop: () => informer.stop(),
  };
}
