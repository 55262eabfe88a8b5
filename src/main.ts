// Wires the parts, handles signals, and ends the process with one clear line when it must end. It decides nothing else.
import './preflight.ts'; // before all others, dependencies too
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import {
  allowedRegistries,
  annotation,
  version as apiVersion,
  crdName,
  finalizer,
  group,
  plural,
  type RegistryReplication,
  serviceAccountOf,
} from './api/registryreplication.ts';
import { createArmClient } from './azure/arm-client.ts';
import { createBudget, type Level } from './azure/budget.ts';
import type { Cloud } from './azure/cloud.ts';
import { ArmClientPool } from './azure/identity/arm-client-pool.ts';
import { checkCredential, defaultCredential } from './azure/identity/credential.ts';
import { clientAnnotations } from './azure/identity/federated-credential.ts';
import type { Credential } from './azure/identity/token-cache.ts';
import { type Config, ConfigError, parseConfig, version } from './config.ts';
import { startInformer } from './kubernetes/cache/informer.ts';
import { namespacedName } from './kubernetes/cache/key.ts';
import { Store, withReadYourWrites } from './kubernetes/cache/store.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from './kubernetes/client/client.ts';
import { isTerminating } from './kubernetes/client/crd.ts';
import { insecureTls } from './kubernetes/client/kubeconfig.ts';
import { namespaceReader } from './kubernetes/client/namespace.ts';
import { resource } from './kubernetes/client/resource.ts';
import { serviceAccounts } from './kubernetes/client/service-account.ts';
import { type Controller, startController } from './kubernetes/controller/controller.ts';
import { addFinalizer, removeFinalizer } from './kubernetes/controller/finalizer.ts';
import { enqueueRequests } from './kubernetes/controller/predicates.ts';
import { writeStatus } from './kubernetes/controller/status.ts';
import { WorkQueue } from './kubernetes/controller/workqueue.ts';
import { eventRecorder } from './kubernetes/events/recorder.ts';
import { alwaysLeader, type LeaderElection, LeaseElection } from './kubernetes/leader-election/leader-election.ts';
import { leaseLock } from './kubernetes/leader-election/lease-lock.ts';
import { systemClock as clock } from './lib/clock.ts';
import { errorMessage } from './lib/sanitize.ts';
import { onShutdownSignal } from './preflight.ts';
import { readingAge } from './replication/authorization.ts';
import { Claims } from './replication/claims.ts';
import type { Objects } from './replication/context.ts';
import { maxEventsPerPass } from './replication/events.ts';
import { ProcessState } from './replication/process-state.ts';
import { reconcile } from './replication/reconcile.ts';
import { urgencyOf, writesAhead } from './replication/urgency.ts';
import { shutDown } from './shutdown.ts';
import { announceTo } from './telemetry/announce.ts';
import { outageLog } from './telemetry/arm-outage-log.ts';
import { healthChecks } from './telemetry/health.ts';
import { toggleDebug } from './telemetry/log-level.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { metricsPage } from './telemetry/metrics-page.ts';
import { mostNamed } from './telemetry/object-metrics.ts';
import { serveSecureMetrics } from './telemetry/secure-metrics.ts';
import { type RunningServer, serveHealth, serveMetrics } from './telemetry/server.ts';

const name = 'registryreplication';
const userAgent = `acr-replication-operator/${version}`;
const instance = process.env.POD_NAME || hostname();
const random = Math.random;
/** The key of the object for which whatever runs now runs. */
const currentKey = new AsyncLocalStorage<string>();

const config = configOrExit();
const log = createLogger({ level: config.logLevel, format: config.logFormat });
process.on('SIGUSR2', () => toggleDebug(log, config.logLevel));
process.on('uncaughtException', (error) => exitFatal(log, error));
process.on('unhandledRejection', (error) => exitFatal(log, error));
await run(config, log).catch((error) => exitFatal(log, error));

async function run(config: Config, log: Logger): Promise<void> {
  const metrics = createMetrics();
  const kubeConfig = loadKubeConfig(undefined, { allowHttp: config.allowHttpApiServer });
  const insecure = insecureTls(kubeConfig);
  if (insecure) log.warn({}, insecure);
  let stopping = false;
  const election = elect(config, kubeConfig, metrics, log, (why) => {
    log[stopping ? 'warn' : 'fatal']({}, `${why}; nothing more is written, and this process ends`);
    process.exit(stopping ? 0 : 1);
  });
  const { assertLeader } = election;
  const cluster = createKubeClient(kubeConfig, {
    userAgent,
    onRequest: metrics.kubernetesRequest,
    beforeWrite: assertLeader,
  });
  // Connections of its own: out of a shared pool the watch may be given one that has fallen silent, and wait 30 s to notice.
  const watched = createKubeClient(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest });
  const own = defaultCredential(config.cloud);
  const identities = identitiesOf(own, config.cloud, { cluster, mayWrite: assertLeader, metrics, log });

  const store = new Store<RegistryReplication>();
  const kind = { group, version: apiVersion, plural, annotations: Object.values(annotation) };
  const replications = withReadYourWrites(resource<RegistryReplication>(cluster, kind), store);
  const queue = new WorkQueue({ clock, random, workers: config.concurrency, metrics: metrics.queue(name) });
  const events = eventRecorder({
    cluster,
    controller: `${group}/operator`,
    instance,
    clock,
    random,
    log,
    burst: maxEventsPerPass,
  });

  let controller: Controller | undefined;
  // A standby knows them as well: counted by one alone, a sum over all operators is right.
  const worked = () => (controller ? store.list() : []);
  metrics.arm.budget(() => levelsFor(worked(), identities));
  const objects: Objects = {
    addFinalizer: (object) => addFinalizer(replications, object, finalizer).finally(() => track(object)),
    removeFinalizer: async (object) =>
      void (await removeFinalizer(replications, object, finalizer).finally(() => track(object))),
    writeStatus: (object, status) => writeStatus(replications, object, status).finally(() => track(object)),
    isCrdTerminating: () => isTerminating(cluster, crdName),
    recordEvents: announceTo({ events, log, clock, metrics: metrics.objects({ objects: worked, clock }) }),
  };
  const { maxParallelActions, interval, concurrency, watchLabelSelector } = config;
  const state = new ProcessState(clock);
  const claims = new Claims((keys, why) => {
    if (controller) for (const key of keys) queue.add(key, why === 'claim' ? 'normal' : 'low');
  });
  const current = (object: RegistryReplication) => store.read(namespacedName(object));
  // As the store has it: what the informer shows may be older than a write of ours.
  const track = (object: RegistryReplication) => {
    const latest = current(object);
    if (latest) claims.put(latest);
    else claims.drop(object);
  };
  const enqueue = enqueueRequests<RegistryReplication>(queue, finalizer);
  const limits = { maxParallelActions };
  const { defaultIdentity, defaultRegistries } = config;
  const rules = { defaultIdentity, defaultRegistries };
  const readNamespace = namespaceReader(cluster, clock, [allowedRegistries]);
  const namespaceOf = (object: RegistryReplication, ageMs: number) => readNamespace(object.metadata.namespace, ageMs);
  const monotonic = () => performance.now();
  const context = {
    objects,
    clock,
    monotonic,
    random,
    limits,
    rules,
    namespaceOf,
    claims,
    current,
    defaultIntervalMs: interval,
    state,
  };

  const informer = startInformer({
    cluster: watched,
    resource: resource<RegistryReplication>(watched, kind),
    store,
    namespaces: config.watchNamespaces,
    ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
    onMissing: `the CRD ${crdName} is not installed; install it with: kubectl apply -k crds`,
    clock,
    random,
    log,
    changed(change) {
      const { object } = change;
      if (change.type === 'deleted') {
        state.forget(object);
        identities.removeObject(namespacedName(object));
      } else {
        identities.setIdentity(namespacedName(object), serviceAccountOf(object));
      }
      track(object);
      // A standby only keeps its store; what waits in it becomes work when it leads.
      if (controller) enqueue(change);
    },
  });
  metrics.informer(name, informer.health);

  const { healthProbeBindAddress } = config;
  const checks = healthChecks({ longestPass: () => queue.unfinished.longest, informer: informer.health, clock });
  const [metricsServer, healthServer] = await Promise.all([
    openMetrics(config, kubeConfig, metrics, log),
    healthProbeBindAddress && serveHealth(healthProbeBindAddress, checks),
  ]);
  const ports = { metricsPort: metricsServer?.port, healthPort: healthServer?.port };
  log.info(
    { version, server: cluster.server, arm: config.cloud.endpoint, interval, concurrency, ...ports },
    'The operator has started',
  );
  // Where nobody may use it, it need not be there.
  if (defaultIdentity === 'allow')
    checkCredential(own, config.cloud).then(
      (problem) => problem && log.error({}, problem),
      (error) => exitFatal(log, error),
    );

  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    log.info({ signal }, 'Stopping; a second signal ends at once');
    const rest = [metricsServer, healthServer, cluster, watched].filter((part) => part !== undefined);
    await shutDown({ informer, controller, events, election, rest }, { clock, log });
    log.info({}, 'Stopped');
    process.exit(0);
  };
  onShutdownSignal((signal) => void stop(signal).catch((error) => exitFatal(log, error)));

  // In this order: whoever cannot see the objects must not keep others from working.
  await informer.synced;
  await election.acquire();
  if (stopping) return;
  log.info({ objects: store.size }, 'The objects are listed; passes begin');
  controller = startController({
    name,
    queue,
    read: (key) => store.read(key),
    reconcile: (object) => {
      const { uid, generation, deletionTimestamp } = object.metadata;
      log.debug({ object: namespacedName(object), uid, generation }, 'A pass begins');
      const expects = writesAhead(object, clock.now());
      const visitor = { who: uid ?? namespacedName(object), urgency: urgencyOf(object), expects };
      const leaving = deletionTimestamp !== undefined;
      const acting = { account: serviceAccountOf(object), leaving, age: readingAge(object) };
      return currentKey.run(namespacedName(object), () =>
        reconcile(object, { ...context, arm: identities.armFor(acting, visitor) }),
      );
    },
    concurrency,
    clock,
    log,
    metrics: metrics.controller(name, concurrency),
  });
  for (const object of store.list()) queue.add(namespacedName(object), 'low');
}

interface AzureParts {
  readonly cluster: KubeClient;
  readonly mayWrite: () => void;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Each identity has connections and a budget of its own: ARM counts by credential. */
function identitiesOf(own: Credential, cloud: Cloud, { cluster, mayWrite, metrics, log }: AzureParts): ArmClientPool {
  const tellOutage = outageLog(log);
  return new ArmClientPool({
    own,
    connect(credential, whose) {
      const budget = createBudget({
        now: () => performance.now(),
        onHeld: metrics.arm.held,
        onPaused: metrics.arm.paused,
      });
      const arm = createArmClient({
        credential,
        identityLabel: whose,
        wire: budget,
        cloud,
        userAgent,
        beforeWrite: mayWrite,
        onRequest(request) {
          metrics.arm.requested(request);
          tellOutage(request);
          log.debug({ object: currentKey.getStore(), ...request }, 'Azure Resource Manager was asked');
        },
      });
      return { arm, budget };
    },
    serviceAccounts: serviceAccounts(cluster, clock, clientAnnotations),
    cloud,
    homeTenant: process.env.AZURE_TENANT_ID,
    clock,
  });
}

/** What is left in the subscriptions that objects name now, where least is left: of objects anybody may make many. */
function levelsFor(objects: readonly RegistryReplication[], identities: ArmClientPool): Level[] {
  const named = new Set(objects.map(({ spec }) => spec.registry.subscriptionId.toLowerCase()));
  const levels = identities.levels().filter(({ subscriptionId }) => named.has(subscriptionId));
  return levels.sort((one, other) => one.tokens - other.tokens).slice(0, mostNamed);
}

async function openMetrics(
  { metricsBindAddress: address, metricsSecure }: Config,
  kubeConfig: KubeConfig,
  { registry, kubernetesRequest }: Metrics,
  log: Logger,
): Promise<RunningServer | undefined> {
  if (!address) return undefined;
  if (!metricsSecure) return serveMetrics(address, metricsPage(registry, clock));
  // Prometheus gives up after 10 s.
  const cluster = createKubeClient(kubeConfig, { userAgent, onRequest: kubernetesRequest, timeout: 5_000 });
  return serveSecureMetrics({ address, registry, cluster, ...metricsSecure, clock, log });
}

function elect(
  { leaderElection }: Config,
  kubeConfig: KubeConfig,
  metrics: Metrics,
  log: Logger,
  lost: (why: string) => void,
): LeaderElection {
  if (!leaderElection) return alwaysLeader;
  const { namespace, name, ...terms } = leaderElection;
  // Connections of its own, and half the deadline: a renewal that hangs shall leave time for another.
  const timeout = terms.renewDeadline / 2;
  const cluster = createKubeClient(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest, timeout });
  return new LeaseElection({
    lock: leaseLock(cluster, { namespace: namespace ?? cluster.namespace, name }),
    // A pod that is started again has the same name, and is another process.
    identity: `${instance}_${randomUUID()}`,
    terms,
    lost,
    clock,
    monotonic: () => performance.now(),
    random,
    log,
    metrics: metrics.election(name),
  });
}

function configOrExit(): Config {
  try {
    return parseConfig(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    (error.exitCode === 0 ? process.stdout : process.stderr).write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

/** One line, and the end: what state is left, Kubernetes and ARM hold, and the next start reads it. */
function exitFatal(log: Logger, error: unknown): never {
  log.fatal({ error }, errorMessage(error));
  process.exit(1);
}
