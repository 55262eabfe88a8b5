// Composes the parts of the operator. Each start makes all of them anew, so that an operator can be stopped and started again.
import { hostname } from 'node:os';
import { crdName, group, type RegistryReplication } from './api/registryreplication.ts';
import type { ArmClientPool } from './azure/identity/arm-client-pool.ts';
import { checkCredential, defaultCredential } from './azure/identity/credential.ts';
import type { Credential } from './azure/identity/token-cache.ts';
import { type Config, version } from './config.ts';
import { type Informer, type InformerOptions, startInformer } from './kubernetes/cache/informer.ts';
import { isWhole } from './kubernetes/cache/object-limit.ts';
import { Store } from './kubernetes/cache/store.ts';
import {
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  loadKubeConfig,
} from './kubernetes/client/client.ts';
import { insecureTls } from './kubernetes/client/kubeconfig.ts';
import { namespacedName } from './kubernetes/client/resource.ts';
import { type Controller, startController } from './kubernetes/controller/controller.ts';
import { type Priority, WorkQueue } from './kubernetes/controller/workqueue.ts';
import { type EventRecorder, eventRecorder } from './kubernetes/events/recorder.ts';
import type { LeaderElection } from './kubernetes/leader-election/leader-election.ts';
import { systemClock as clock } from './lib/clock.ts';
import { collectGarbage } from './lib/garbage.ts';
import { loopUtilization } from './lib/loop-utilization.ts';
import { proxyFor, proxyName } from './lib/proxy.ts';
import { createArmClients, lowestRateLimits } from './operator/azure.ts';
import { reportInstalledCrd } from './operator/installed-crd.ts';
import { createElection } from './operator/leader-election.ts';
import { createLimit, type Limit } from './operator/object-limit.ts';
import { createReconciler, type Reconciler } from './operator/reconciler.ts';
import { regionSources } from './operator/region-sources.ts';
import { openServers, type Ports } from './operator/servers.ts';
import { shutDown } from './operator/shutdown.ts';
import { watchedKind } from './operator/watched-kind.ts';
import { maxEventsPerPass } from './replication/events.ts';
import { ProcessState } from './replication/process-state.ts';
import { announceTo } from './telemetry/announce.ts';
import { healthChecks } from './telemetry/health.ts';
import type { Logger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';

const name = 'registryreplication';
const userAgent = `acr-replication-operator/${version}`;
const random = Math.random;

export interface Operator {
  /**
   * Resolves once metrics and probes are served. Passes begin when the objects are listed and, with leader election, this process
   * leads. Rejects when the kubeconfig cannot be used or a server cannot be opened; nothing is left running then.
   */
  start(): Promise<void>;
  /** Ends the passes, writes the last events, releases the Lease if all passes have ended in time, and closes all connections. Resolves after at most 20 s. */
  stop(): Promise<void>;
}

/** @param onLeadershipLost Called when the Lease was lost. No write is sent from then on, and the process should exit. */
export function createOperator(config: Config, log: Logger, onLeadershipLost: (why: string) => void): Operator {
  let parts: Parts | undefined;
  return {
    async start() {
      if (parts) throw new Error('the operator has been started already');
      parts = await startParts(config, log, onLeadershipLost);
      void startPasses(parts, config, log);
    },
    async stop() {
      const stopped = parts;
      if (!stopped) return;
      const { informer, events, election, resources, work } = stopped;
      work.isStopping = true;
      await shutDown({ informer, controller: work.controller, events, election, resources }, { clock, log });
      parts = undefined;
    },
  };
}

interface Parts extends Clients, Loop {
  readonly metrics: Metrics;
  /** Servers and connections. */
  readonly resources: AsyncDisposable;
}

async function startParts(config: Config, log: Logger, onLeadershipLost: (why: string) => void): Promise<Parts> {
  await using resources = new AsyncDisposableStack();
  const metrics = createMetrics();
  const connect = kubeConnector(config, { metrics, log, resources });
  const common: Common = { config, log, metrics, connect, resources };
  const clients = createClients(common, onLeadershipLost);
  const loop = createLoop(common, clients);
  const { store, informer, listeners, reconciler, queue } = loop;
  const checks = healthChecks({ longestPass: () => queue.unfinished.longest, informer: informer.health, clock });
  const { regionsOf } = reconciler;
  const servers = { connect, metrics, checks, log, store, informer, regionsOf, listeners };
  logStart(common, clients, await openServers(config, servers, resources));
  // With --default-identity=deny the operator uses no credential of its own, so none is checked.
  if (config.defaultIdentity === 'allow') resources.defer(checkCredentialSoon(config, clients.credential, log));
  return { metrics, ...clients, ...loop, resources: resources.move() };
}

/** Logs an unusable credential. A moment later than the start, because the first token loads Azure's SDK, for which probes would wait. */
function checkCredentialSoon({ cloud }: Config, credential: Credential, log: Logger): () => void {
  const check = async () => {
    const problem = await checkCredential(credential, cloud);
    if (problem) log.error({}, problem);
  };
  return clock.after(1_000, () => void check());
}

/** What all parts use. What is added to `resources` ends with the operator. */
interface Common {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly connect: (options?: KubeClientOptions) => KubeClient;
  readonly resources: AsyncDisposableStack;
}

interface Clients {
  readonly election: LeaderElection;
  readonly cluster: KubeClient;
  readonly armClients: ArmClientPool;
  readonly credential: Credential;
  readonly events: EventRecorder;
}

function createClients(common: Common, onLeadershipLost: (why: string) => void): Clients {
  const { config, log, metrics, connect, resources } = common;
  const instance = config.podName ?? hostname();
  const election = createElection(config.leaderElection, { connect, instance, metrics, log, lost: onLeadershipLost });
  const { assertLeader } = election;
  const cluster = connect({ beforeWrite: assertLeader });
  const credential = defaultCredential(config.cloud);
  const armClients = createArmClients({ credential, config, userAgent, cluster, assertLeader, metrics, log });
  resources.defer(() => armClients.close());
  const controller = `${group}/operator`;
  const events = eventRecorder({ cluster, controller, instance, clock, random, log, burst: maxEventsPerPass });
  return { election, cluster, armClients, credential, events };
}

/** From the informer to the reconciler. */
interface Loop {
  readonly store: Store<RegistryReplication>;
  readonly queue: WorkQueue;
  readonly limit: Limit;
  readonly reconciler: Reconciler;
  readonly informer: Informer;
  /** Called for each change that the informer sees. */
  readonly listeners: Reconciler['onChange'][];
  readonly work: Work;
}

interface Work {
  /** Undefined before the passes begin. */
  controller: Controller | undefined;
  isStopping: boolean;
}

function createLoop(common: Common, { cluster, armClients, events }: Clients): Loop {
  const { config, log, metrics, connect, resources } = common;
  const kind = watchedKind();
  const work: Work = { controller: undefined, isStopping: false };
  const isWorking = () => work.controller !== undefined;
  const store = new Store<RegistryReplication>();
  // A standby exports no metrics of objects, so that a sum over all processes is right.
  const objects = () => (isWorking() ? store.list() : []);
  const queue = new WorkQueue({ clock, random, workers: config.concurrency, metrics: metrics.queue(name) });
  const enqueue = (key: string, priority: Priority) => void (isWorking() && queue.add(key, priority));

  const sources = regionSources({
    cluster: connect(),
    allowed: config.regionSources,
    onChange: (keys) => keys.forEach((key) => void enqueue(key, 'normal')),
    clock,
    random,
    log,
  });
  resources.defer(() => sources.close());
  const reconciler = createReconciler({
    config,
    cluster,
    kind,
    store,
    overLimit: (object) => limit.overLimit(object),
    queue,
    armClients,
    sources,
    state: new ProcessState(clock),
    recordEvents: announceTo({ events, log, clock, metrics: metrics.objects({ objects, clock }) }),
    log,
    isWorking,
  });
  const listeners = [reconciler.onChange];
  const watching = connect();
  const limit = createLimit(config, {
    kind,
    cluster,
    watching,
    store,
    onChange: (change) => listeners.forEach((listen) => void listen(change)),
    enqueue: (key) => enqueue(key, 'low'),
  });
  const informer = watchObjects(config, { cluster: watching, log, ...limit.watching });
  resources.defer(() => informer.stop());

  metrics.arm.rateLimits(() => lowestRateLimits(objects(), armClients));
  metrics.sources(sources.watched);
  metrics.objectLimit(config.maxObjects, () => (isWorking() ? limit.refused() : 0));
  metrics.informer(name, informer.health);
  return { store, queue, limit, reconciler, informer, listeners, work };
}

function logStart({ config, log }: Common, { cluster }: Clients, ports: Ports): void {
  const { cloud, interval, concurrency } = config;
  const proxies = {
    serverProxy: cluster.proxy,
    armProxy: nameOfProxy(cloud.endpoint),
    entraProxy: nameOfProxy(cloud.authority),
  };
  log.info(
    { version, server: cluster.server, arm: cloud.endpoint, interval, concurrency, ...ports, ...proxies },
    'The operator has started',
  );
}

function nameOfProxy(url: string): string | undefined {
  const proxy = proxyFor(new URL(url));
  return proxy && proxyName(proxy);
}

/** Makes clients of the API server that end with `resources`. */
function kubeConnector(
  { allowHttpApiServer: allowHttp }: Config,
  { metrics, log, resources }: { metrics: Metrics; log: Logger; resources: AsyncDisposableStack },
) {
  const kubeConfig = loadKubeConfig(undefined, { allowHttp });
  const insecure = insecureTls(kubeConfig);
  if (insecure) log.warn({}, insecure);
  return (options: KubeClientOptions = {}) => {
    const client = createKubeClient(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest, ...options });
    resources.defer(() => client.close());
    return client;
  };
}

type Watching = Pick<InformerOptions<RegistryReplication>, 'cluster' | 'resource' | 'store' | 'log' | 'onChange'>;

function watchObjects({ watchNamespaces: namespaces, watchLabelSelector }: Config, watching: Watching): Informer {
  return startInformer({
    ...watching,
    namespaces,
    ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
    onMissing: `the CRD ${crdName} is not installed; install it with: kubectl apply -k crds`,
    clock,
    random,
  });
}

/** Waits until the objects are listed before it acquires the Lease: a process that cannot list them must not hold it. */
async function startPasses(parts: Parts, { concurrency }: Config, log: Logger): Promise<void> {
  const { metrics, store, limit, queue, informer, election, cluster, reconciler, work } = parts;
  await informer.synced;
  void reportInstalledCrd(cluster, log);
  await election.acquire();
  if (work.isStopping) return;
  log.info({ objects: store.size }, 'The objects are listed; passes begin');
  work.controller = startController({
    name,
    queue,
    read: limit.read,
    reconcile: async (cached) => {
      const object = isWhole(cached) ? cached : await limit.load(cached);
      return object ? reconciler.reconcile(object) : {};
    },
    concurrency,
    loopUtilization: loopUtilization(),
    onCalm: collectGarbage,
    clock,
    log,
    metrics: metrics.controller(name, concurrency),
  });
  // Changes seen before the passes began were not queued.
  for (const object of store.list()) queue.add(namespacedName(object), 'low');
  for (const key of limit.due()) queue.add(key, 'low');
}
