// Connects the reconciler of RegistryReplications with the cluster, the store, the work queue and ARM.
import {
  allowedRegistries,
  crdName,
  finalizer,
  type RegistryReplication,
  serviceAccountOf,
} from '../api/registryreplication.ts';
import type { ArmClientPool } from '../azure/identity/arm-client-pool.ts';
import type { Config } from '../config.ts';
import type { Change } from '../kubernetes/cache/reflector.ts';
import { type Store, withReadYourWrites } from '../kubernetes/cache/store.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import type { ResourceKind } from '../kubernetes/client/collection.ts';
import { isTerminating } from '../kubernetes/client/crd.ts';
import { namespaceReader } from '../kubernetes/client/namespace.ts';
import { namespacedName, resource } from '../kubernetes/client/resource.ts';
import type { ControllerOptions } from '../kubernetes/controller/controller.ts';
import { addFinalizer, removeFinalizer } from '../kubernetes/controller/finalizer.ts';
import { enqueueRequests } from '../kubernetes/controller/predicates.ts';
import type { WorkQueue } from '../kubernetes/controller/workqueue.ts';
import { systemClock as clock } from '../lib/clock.ts';
import type { RegionsOf } from '../map/regions.ts';
import { readingAge } from '../replication/authorization.ts';
import { Claims } from '../replication/claims.ts';
import type { Context, Objects } from '../replication/context.ts';
import type { ProcessState } from '../replication/process-state.ts';
import { reconcile } from '../replication/reconcile.ts';
import type { Logger } from '../telemetry/logger.ts';
import { currentKey } from './azure.ts';
import { writeStatusForAnyCrd } from './older-phases.ts';
import type { RegionSources } from './region-sources.ts';
import { regionReader } from './regions.ts';
import { priorityOf, writesAhead } from './request-priority.ts';

export interface ReconcilerOptions {
  readonly config: Config;
  readonly cluster: KubeClient;
  readonly kind: ResourceKind;
  readonly store: Store<RegistryReplication>;
  readonly overLimit: Context['overLimit'];
  readonly queue: WorkQueue;
  readonly armClients: ArmClientPool;
  readonly sources: RegionSources;
  readonly state: ProcessState;
  readonly recordEvents: Objects['recordEvents'];
  readonly log: Logger;
  /** False on a standby, which only keeps its store. */
  readonly isWorking: () => boolean;
}

export interface Reconciler {
  /** Runs one pass. */
  readonly reconcile: ControllerOptions<RegistryReplication>['reconcile'];
  /** Called for each change that the informer sees. */
  readonly onChange: (change: Change<RegistryReplication>) => void;
  /** For the map: asks Azure at most once a day for each subscription. */
  readonly regionsOf: RegionsOf;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, queue, armClients, sources, state, log, isWorking } = options;
  const claims = new Claims((keys, why) => {
    if (isWorking()) for (const key of keys) queue.add(key, why === 'claim' ? 'normal' : 'low');
  });
  // Reads the store, because what the informer shows may be older than our own write.
  const updateClaims = (object: RegistryReplication) => {
    const latest = store.read(namespacedName(object));
    if (latest) claims.put(latest);
    else claims.drop(object);
  };
  const context = createContext(options, { claims, updateClaims });
  const enqueue = enqueueRequests<RegistryReplication>(queue, finalizer);

  return {
    reconcile(object) {
      const key = namespacedName(object);
      const { uid, namespace, generation, deletionTimestamp } = object.metadata;
      log.debug({ object: key, uid, generation }, 'A pass begins');
      const expects = writesAhead(object, clock.now());
      const caller = { id: uid ?? key, namespace, priority: priorityOf(object), expects };
      const leaving = deletionTimestamp !== undefined;
      const acting = { account: serviceAccountOf(object), leaving, age: readingAge(object) };
      return currentKey.run(key, () => reconcile(object, { ...context, arm: armClients.armFor(acting, caller) }));
    },
    onChange(change) {
      const { object } = change;
      if (change.type === 'deleted') {
        state.forget(object);
        sources.drop(object);
        armClients.removeObject(namespacedName(object));
      } else {
        // Deleted and created again between two watches, which shows as one update.
        if (change.type === 'updated' && change.previous.metadata.uid !== object.metadata.uid)
          state.forget(change.previous);
        armClients.setIdentity(namespacedName(object), serviceAccountOf(object));
        sources.put(object);
      }
      updateClaims(object);
      if (isWorking()) enqueue(change);
    },
    regionsOf: regionReader({ armClients, catalogs: state.regionCatalogs, context, isWorking, log }),
  };
}

interface Shared {
  readonly claims: Claims;
  /** Called after each write of the object. */
  readonly updateClaims: (object: RegistryReplication) => void;
}

/** What every pass shares; the ARM client depends on the object. */
function createContext(options: ReconcilerOptions, { claims, updateClaims }: Shared): Omit<Context, 'arm'> {
  const { config, cluster, kind, store, overLimit, sources, state, recordEvents } = options;
  const { maxParallelActions, interval, defaultIdentity, defaultRegistries } = config;
  const replications = withReadYourWrites(resource<RegistryReplication>(cluster, kind), store);
  const readNamespace = namespaceReader(cluster, clock, [allowedRegistries]);
  return {
    objects: {
      addFinalizer: (object) => addFinalizer(replications, object, finalizer).finally(() => updateClaims(object)),
      removeFinalizer: async (object) =>
        void (await removeFinalizer(replications, object, finalizer).finally(() => updateClaims(object))),
      writeStatus: (object, status) =>
        writeStatusForAnyCrd(replications, object, status).finally(() => updateClaims(object)),
      isCrdTerminating: () => isTerminating(cluster, crdName),
      recordEvents,
    },
    clock,
    monotonic: () => performance.now(),
    random: Math.random,
    limits: { maxParallelActions },
    overLimit,
    rules: { defaultIdentity, defaultRegistries },
    namespaceOf: (object, ageMs) => readNamespace(object.metadata.namespace, ageMs),
    claims,
    // A refused object was read for this pass, and is not in the store.
    current: (object) => (overLimit(object) === undefined ? store.read(namespacedName(object)) : object),
    sourcesOf: sources.readingsOf,
    defaultIntervalMs: interval,
    state,
  };
}
