// Wires the parts, handles signals, and ends the process with one clear line when it must end. It decides nothing else.
import { hostname } from 'node:os';
import {
  version as apiVersion,
  crdName,
  finalizer,
  group,
  plural,
  type RegistryReplication,
} from './api/registryreplication.ts';
import { checkCredential, defaultCredential } from './azure/credential.ts';
import { connectArm } from './azure/gateway.ts';
import { systemClock as clock } from './clock.ts';
import { type Config, ConfigError, configFrom, version } from './config.ts';
import { enqueueInto } from './kubernetes/change.ts';
import { connect, loadKubeConfig } from './kubernetes/cluster.ts';
import { startController } from './kubernetes/controller.ts';
import { isTerminating } from './kubernetes/crd.ts';
import { eventRecorder } from './kubernetes/events.ts';
import { hold, release } from './kubernetes/finalizer.ts';
import { startInformer } from './kubernetes/informer.ts';
import { keyOf } from './kubernetes/key.ts';
import { WorkQueue } from './kubernetes/queue.ts';
import { resource } from './kubernetes/resource.ts';
import { writeStatus } from './kubernetes/status.ts';
import { remembering, Store } from './kubernetes/store.ts';
import { type Objects, reconcile } from './replication/reconcile.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { serveHealth, serveMetrics } from './telemetry/server.ts';

const name = 'registryreplication';
const userAgent = `acr-replication-operator/${version}`;
const random = Math.random;

/** ms in which running passes may end after a signal; Kubernetes kills after 30 s. */
const patience = 20_000;

const config = configOrExit();
const log = createLogger(config.logLevel);
process.on('uncaughtException', (error) => die(log, error));
process.on('unhandledRejection', (error) => die(log, error));
await run(config, log).catch((error) => die(log, error));

async function run(config: Config, log: Logger): Promise<void> {
  const metrics = createMetrics();
  const cluster = connect(loadKubeConfig(), { userAgent, onRequest: metrics.kubernetesRequest });
  const credential = defaultCredential(config.cloud);
  const arm = connectArm({
    credential,
    cloud: config.cloud,
    userAgent,
    onRequest(request) {
      metrics.armRequest(request);
      log.debug(request, 'Azure Resource Manager was asked');
    },
  });

  const store = new Store<RegistryReplication>();
  const kind = { group, version: apiVersion, plural };
  const replications = remembering(resource<RegistryReplication>(cluster, kind), store);
  const queue = new WorkQueue({ clock, random, metrics: metrics.queue(name) });
  const enqueue = enqueueInto(queue);
  const events = eventRecorder({
    cluster,
    controller: `${group}/operator`,
    instance: process.env.POD_NAME ?? hostname(),
    clock,
    random,
    log,
  });

  const objects: Objects = {
    hold: (object) => hold(replications, object, finalizer),
    release: async (object) => void (await release(replications, object, finalizer)),
    writeStatus: (object, status) => writeStatus(replications, object, status),
    isCrdTerminating: () => isTerminating(cluster, crdName),
    announce(object, happenings) {
      for (const happening of happenings) {
        events.record(object, happening);
        log[happening.type === 'Warning' ? 'warn' : 'info'](
          { object: keyOf(object), registry: object.spec.registry.name, reason: happening.reason },
          happening.note,
        );
      }
    },
  };
  const { maxParallelActions, interval, concurrency, watchLabelSelector } = config;
  const silentSince = new Map<string, number>();
  const context = { arm, objects, clock, random, limits: { maxParallelActions }, interval, silentSince };

  const informer = startInformer({
    cluster,
    resource: replications,
    store,
    namespaces: config.watchNamespaces,
    ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
    whenNotFound: `the CRD ${crdName} is not installed; install it with: kubectl apply -k crds`,
    clock,
    random,
    log,
    changed(change) {
      if (change.type === 'deleted') silentSince.delete(change.object.metadata.uid ?? '');
      enqueue(change);
    },
  });

  const servers = await Promise.all([
    config.metricsBindAddress && serveMetrics(config.metricsBindAddress, metrics.registry),
    config.healthProbeBindAddress &&
      serveHealth(config.healthProbeBindAddress, {
        live: {},
        ready: { caches: () => (informer.health().synced ? undefined : 'the objects have not been listed yet') },
      }),
  ]);
  log.info(
    { version, server: cluster.server, arm: config.cloud.endpoint, interval, concurrency },
    'The operator has started',
  );
  checkCredential(credential, config.cloud).then(
    (problem) => problem && log.error({}, problem),
    (error) => die(log, error),
  );

  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    log.info({ signal }, 'Stopping; a second signal ends at once');
    clock.after(patience, () => {
      log.warn({}, 'A pass has not ended in time; it is cut off, and repeated by the next start');
      process.exit(0);
    });
    informer.stop();
    await controller?.stop();
    const lost = await events.flush(2_000);
    if (lost > 0) log.warn({ lost }, 'Some events were not written');
    await Promise.all(servers.map((server) => server?.close()));
    await cluster.close();
    log.info({}, 'Stopped');
    process.exit(0);
  };
  let controller: ReturnType<typeof startController> | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void stop(signal).catch((error) => die(log, error)));

  await informer.synced;
  if (stopping) return;
  log.info({ objects: store.size }, 'The objects are listed; passes begin');
  controller = startController({
    name,
    queue,
    read: (key) => store.read(key),
    reconcile: (object) => {
      const { uid, generation } = object.metadata;
      log.debug({ object: keyOf(object), uid, generation }, 'A pass begins');
      return reconcile(object, context);
    },
    concurrency,
    clock,
    log,
    metrics: metrics.controller(name, concurrency),
  });
}

function configOrExit(): Config {
  try {
    return configFrom(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    (error.exitCode === 0 ? process.stdout : process.stderr).write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

/** One line, and the end: what state is left, Kubernetes and ARM hold, and the next start reads it. */
function die(log: Logger, error: unknown): never {
  log.fatal({ error }, error instanceof Error ? error.message : String(error));
  process.exit(1);
}
