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
import { createBudget, type Level } from './azure/budget.ts';
import type { Cloud } from './azure/cloud.ts';
import { checkCredential, defaultCredential } from './azure/credential.ts';
import { clientAnnotations } from './azure/federated-credential.ts';
import { connectArm } from './azure/gateway.ts';
import { Identities } from './azure/identities.ts';
import type { Credential } from './azure/token.ts';
import { type Config, ConfigError, parseConfig, version } from './config.ts';
import { enqueueInto } from './kubernetes/change.ts';
import { type Cluster, connect, loadKubeConfig } from './kubernetes/cluster.ts';
import { type Controller, startController } from './kubernetes/controller.ts';
import { isTerminating } from './kubernetes/crd.ts';
import { type Election, LeaseElection, unopposed } from './kubernetes/election.ts';
import { eventRecorder } from './kubernetes/events.ts';
import { hold, release } from './kubernetes/finalizer.ts';
import { startInformer } from './kubernetes/informer.ts';
import { keyOf } from './kubernetes/key.ts';
import { insecureTls } from './kubernetes/kubeconfig.ts';
import { leaseLock } from './kubernetes/lease-lock.ts';
import { namespaceReader } from './kubernetes/namespace.ts';
import { WorkQueue } from './kubernetes/queue.ts';
import { resource } from './kubernetes/resource.ts';
import { serviceAccounts } from './kubernetes/service-account.ts';
import { writeStatus } from './kubernetes/status.ts';
import { remembering, Store } from './kubernetes/store.ts';
import { systemClock as clock } from './lib/clock.ts';
import { errorMessage } from './lib/sanitize.ts';
import { onShutdownSignal } from './preflight.ts';
import { Claims } from './replication/claims.ts';
import type { Objects } from './replication/context.ts';
import { mostHappenings } from './replication/happenings.ts';
import { Memory } from './replication/memory.ts';
import { readingAge } from './replication/permission.ts';
import { reconcile } from './replication/reconcile.ts';
import { urgencyOf, writesAhead } from './replication/urgency.ts';
import { shutDown } from './shutdown.ts';
import { healthChecks } from './telemetry/health.ts';
import { toggleDebug } from './telemetry/log-level.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { metricsPage } from './telemetry/metrics-page.ts';
import { mostNamed } from './telemetry/object-metrics.ts';
import { outageLog } from './telemetry/outage.ts';
import { serveSecureMetrics } from './telemetry/secure-metrics.ts';
import { type RunningServer, serveHealth, serveMetrics } from './telemetry/server.ts';
import { announceTo } from './telemetry/transitions.ts';

const name = 'registryreplication';
const userAgent = `acr-replication-operator/${version}`;
const instance = process.env.POD_NAME || hostname();
const random = Math.random;
/** The key of the object for which whatever runs now runs. */
const inPass = new AsyncLocalStorage<string>();

const config = configOrExit();
const log = createLogger({ level: config.logLevel, format: config.logFormat });
process.on('SIGUSR2', () => toggleDebug(log, config.logLevel));
process.on('uncaughtException', (error) => die(log, error));
process.on('unhandledRejection', (error) => die(log, error));
await run(config, log).catch((error) => die(log, error));

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
  const { mayWrite } = election;
  const cluster = connect(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest, beforeWrite: mayWrite });
  // Connections of its own: out of a shared pool the watch may be given one that has fallen silent, and wait 30 s to notice.
  const watched = connect(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest });
  const own = defaultCredential(config.cloud);
  const identities = identitiesOf(own, config.cloud, { cluster, mayWrite, metrics, log });

  const store = new Store<RegistryReplication>();
  const kind = { group, version: apiVersion, plural, annotations: Object.values(annotation) };
  const replications = remembering(resource<RegistryReplication>(cluster, kind), store);
  const queue = new WorkQueue({ clock, random, workers: config.concurrency, metrics: metrics.queue(name) });
  const events = eventRecorder({
    cluster,
    controller: `${group}/operator`,
    instance,
    clock,
    random,
    log,
    burst: mostHappenings,
  });

  let controller: Controller | undefined;
  // A standby knows them as well: counted by one alone, a sum over all operators is right.
  const worked = () => (controller ? store.list() : []);
  metrics.arm.budget(() => levelsFor(worked(), identities));
  const objects: Objects = {
    hold: (object) => hold(replications, object, finalizer).finally(() => track(object)),
    release: async (object) => void (await release(replications, object, finalizer).finally(() => track(object))),
    writeStatus: (object, status) => writeStatus(replications, object, status).finally(() => track(object)),
    isCrdTerminating: () => isTerminating(cluster, crdName),
    announce: announceTo({ events, log, clock, metrics: metrics.objects({ objects: worked, clock }) }),
  };
  const { maxParallelActions, interval, concurrency, watchLabelSelector } = config;
  const memory = new Memory(clock);
  const claims = new Claims((keys, why) => {
    if (controller) for (const key of keys) queue.add(key, why === 'claim' ? 'normal' : 'low');
  });
  const current = (object: RegistryReplication) => store.read(keyOf(object));
  // As the store has it: what the informer shows may be older than a write of ours.
  const track = (object: RegistryReplication) => {
    const latest = current(object);
    if (latest) claims.put(latest);
    else claims.drop(object);
  };
  const enqueue = enqueueInto<RegistryReplication>(queue, finalizer);
  const limits = { maxParallelActions };
  const { defaultIdentity, defaultRegistries } = config;
  const rules = { defaultIdentity, defaultRegistries };
  const readNamespace = namespaceReader(cluster, clock, [allowedRegistries]);
  const namespaceOf = (object: RegistryReplication, ageMs: number) => readNamespace(object.metadata.namespace, ageMs);
  const monotonic = () => performance.now();
  const context = { objects, clock, monotonic, random, limits, rules, namespaceOf, claims, current, interval, memory };

  const informer = startInformer({
    cluster: watched,
    resource: resource<RegistryReplication>(watched, kind),
    store,
    namespaces: config.watchNamespaces,
    ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
    whenNotFound: `the CRD ${crdName} is not installed; install it with: kubectl apply -k crds`,
    clock,
    random,
    log,
    changed(change) {
      const { object } = change;
      if (change.type === 'deleted') {
        memory.forget(object);
        identities.drop(keyOf(object));
      } else {
        identities.put(keyOf(object), serviceAccountOf(object));
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
      (error) => die(log, error),
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
  onShutdownSignal((signal) => void stop(signal).catch((error) => die(log, error)));

  // In this order: whoever cannot see the objects must not keep others from working.
  await informer.synced;
  await election.campaign();
  if (stopping) return;
  log.info({ objects: store.size }, 'The objects are listed; passes begin');
  controller = startController({
    name,
    queue,
    read: (key) => store.read(key),
    reconcile: (object) => {
      const { uid, generation, deletionTimestamp } = object.metadata;
      log.debug({ object: keyOf(object), uid, generation }, 'A pass begins');
      const expects = writesAhead(object, clock.now());
      const visitor = { who: uid ?? keyOf(object), urgency: urgencyOf(object), expects };
      const leaving = deletionTimestamp !== undefined;
      const acting = { account: serviceAccountOf(object), leaving, age: readingAge(object) };
      return inPass.run(keyOf(object), () =>
        reconcile(object, { ...context, arm: identities.armFor(acting, visitor) }),
      );
    },
    concurrency,
    clock,
    log,
    metrics: metrics.controller(name, concurrency),
  });
  for (const object of store.list()) queue.add(keyOf(object), 'low');
}

interface AzureParts {
  readonly cluster: Cluster;
  readonly mayWrite: () => void;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Each identity has connections and a budget of its own: ARM counts by credential. */
function identitiesOf(own: Credential, cloud: Cloud, { cluster, mayWrite, metrics, log }: AzureParts): Identities {
  const tellOutage = outageLog(log);
  return new Identities({
    own,
    connect(credential, whose) {
      const budget = createBudget({
        now: () => performance.now(),
        onHeld: metrics.arm.held,
        onPaused: metrics.arm.paused,
      });
      const arm = connectArm({
        credential,
        whose,
        wire: budget,
        cloud,
        userAgent,
        beforeWrite: mayWrite,
        onRequest(request) {
          metrics.arm.requested(request);
          tellOutage(request);
          log.debug({ object: inPass.getStore(), ...request }, 'Azure Resource Manager was asked');
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
function levelsFor(objects: readonly RegistryReplication[], identities: Identities): Level[] {
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
  const cluster = connect(kubeConfig, { userAgent, onRequest: kubernetesRequest, timeout: 5_000 });
  return serveSecureMetrics({ address, registry, cluster, ...metricsSecure, clock, log });
}

function elect(
  { leaderElection }: Config,
  kubeConfig: KubeConfig,
  metrics: Metrics,
  log: Logger,
  lost: (why: string) => void,
): Election {
  if (!leaderElection) return unopposed;
  const { namespace, name, ...terms } = leaderElection;
  // Connections of its own, and half the deadline: a renewal that hangs shall leave time for another.
  const timeout = terms.renewDeadline / 2;
  const cluster = connect(kubeConfig, { userAgent, onRequest: metrics.kubernetesRequest, timeout });
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
function die(log: Logger, error: unknown): never {
  log.fatal({ error }, errorMessage(error));
  process.exit(1);
}
