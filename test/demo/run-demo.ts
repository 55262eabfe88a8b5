// Runs the demo: starts everything, applies the sample, and shows the objects as the API server reports them.
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { listedRegions, type RegistryReplication } from '../../src/api/registryreplication.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { namespacedName } from '../../src/kubernetes/client/resource.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { startClusterMap } from '../../src/map/map.ts';
import { missingKubectl } from '../emulators/kubectl.ts';
import { type Operator, startOperator } from '../operator.ts';
import { type DemoAzure, startAzure, summaryOf } from './azure.ts';
import { type DemoCluster, emulatedCluster, userCluster } from './cluster.ts';
import { lockDirectory } from './directory.ts';
import type { Flags } from './flags.ts';
import { type Showing, showFollowing } from './follow.ts';
import { followGuideText, guideText, nothingLeftText } from './guide.ts';
import { followingSample, homeRegion, readSample, sampleFile } from './sample.ts';
import type { Screen } from './screen.ts';
import { writeShellFile } from './shell.ts';
import { printable } from './view.ts';
import { logTo, watch } from './watch.ts';

/** ms in which everything must become Ready with --once. */
const onceTimeoutMs = 300_000;

/** The operator's drift interval in the demo; the default of ten minutes is too long to watch. */
const interval = '10s';

const faultsPage = fileURLToPath(new URL('../../docs/troubleshooting.md', import.meta.url));

export interface DemoContext {
  readonly screen: Screen;
  readonly clock: Clock;
  /** Receives the cleanup of everything that is started. */
  readonly started: AsyncDisposableStack;
  readonly stopped: AbortSignal;
}

/** Resolves when --once has seen everything. Rejects on any failure, and with the signal's reason when stopped. */
export async function runDemo(
  { once, follow, kubeconfig, speed, directory }: Flags,
  context: DemoContext,
): Promise<void> {
  const { screen, clock, started, stopped } = context;
  const sample = follow ? await followingSample() : await readSample();
  const { registry } = sample.spec;
  const logFile = join(directory, 'operator.log');
  started.defer(await lockDirectory(directory));

  const azure = await startAzure(registry, { home: homeRegion, speed, directory });
  started.defer(() => azure.close());
  stopped.throwIfAborted();
  const cluster = kubeconfig ? await userCluster(kubeconfig, sample, screen.say) : await emulatedCluster(directory);
  started.defer(() => cluster.close());
  stopped.throwIfAborted();

  if (!once) await serveMap(cluster, context);
  started.defer(() => cluster.cleanUp());
  const operator = startDemoOperator(azure, cluster, { logFile, follow });
  started.defer(async () => void (await operator.stop()));
  const interrupted = Promise.race([aborted(stopped), operatorExit(operator, logFile)]);
  interrupted.catch(() => undefined); // It may reject while something else is awaited; every long wait is raced with it.

  const objectFile = join(directory, 'myacr0007.yaml');
  await writeFile(objectFile, stringify(cluster.labelled(sample)));
  const onEmpty = () => screen.say(nothingLeftText(objectFile));
  const watching = watch(cluster, { key: namespacedName(sample), onEmpty }, context);
  started.defer(() => watching.informer.stop());
  await Promise.race([watching.informer.synced, interrupted]);
  const show = follow ? showFollowing : showCreation;
  const shown = show(sample, { cluster, watching, context });
  await Promise.race([shown, interrupted, ...(once ? [timeout(clock, watching.why)] : [])]);
  const outcome = follow ? 'The registry has followed the nodes.' : 'Everything is there.';
  screen.say(`${outcome} ${summaryOf(azure.arm.journal.writes, homeRegion)}`);
  if (once) return;
  const shellFile = await writeShellFile(directory, {
    kubeconfig: cluster.kubeconfig,
    curlConfig: azure.curlConfig,
    registryUrl: azure.registryUrl,
    emulatorUrl: `${azure.arm.url}/emulator`,
    pushUrl: azure.registries.pushUrl,
    pluginEnv: pluginEnvironment(azure, cluster),
  });
  const { namespace, name } = sample.metadata;
  const hasKubectl = missingKubectl() === undefined;
  const guide = follow ? followGuideText : guideText;
  screen.say(guide({ shellFile, objectFile, namespace, name, log: logFile, faultsPage, hasKubectl }));
  await interrupted;
}

/** Resolves when the object is Ready. */
async function showCreation(sample: RegistryReplication, { cluster, watching, context }: Showing): Promise<void> {
  const { registry } = sample.spec;
  const wanted = listedRegions(sample.spec)
    .map(({ location }) => location)
    .join(' and ');
  context.screen.say(
    `Applying ${sampleFile}: ${registry.name}, at home in ${homeRegion}, shall have replicas in ${wanted}.`,
  );
  await cluster.apply(sample);
  await watching.until(({ isReady }) => isReady);
}

/** With all rights on the demo's objects, so that a click changes them. */
async function serveMap(
  { cluster, scope, kubeconfig }: DemoCluster,
  { screen, clock, started }: DemoContext,
): Promise<void> {
  const map = await startClusterMap({
    address: { port: 0 },
    cluster,
    ...(scope && { namespaces: [scope.namespace], labelSelector: scope.labelSelector }),
    kubectlArgs: ['--kubeconfig', kubeconfig],
    clock,
    log: logTo(screen),
  });
  started.defer(() => map.close());
  screen.say(`See it on the map, and click regions there: ${map.url}`);
}

function startDemoOperator(
  { arm, certificateFile }: DemoAzure,
  { kubeconfig, scope }: DemoCluster,
  { logFile, follow }: { readonly logFile: string; readonly follow: boolean },
): Operator {
  const sources = follow ? ['--region-sources', 'nodes'] : [];
  const limited = scope ? ['--watch-namespaces', scope.namespace, '--watch-label-selector', scope.labelSelector] : [];
  const operator = startOperator({
    args: ['--interval', interval, '--log-format', 'pretty', ...sources, ...limited],
    env: { ...arm.environment, KUBECONFIG: kubeconfig, NODE_EXTRA_CA_CERTS: certificateFile },
  });
  const log = createWriteStream(logFile);
  operator.process.stdout?.pipe(log);
  operator.process.stderr?.pipe(log);
  // The operator must not outlive this process, however that ends.
  process.once('exit', () => operator.process.kill('SIGKILL'));
  return operator;
}

/** The proxy leads to registries only: the cluster is asked without it. */
function pluginEnvironment({ arm, registries, certificateFile }: DemoAzure, { kubeconfig }: DemoCluster) {
  const server = loadKubeConfig(kubeconfig).getCurrentCluster()?.server ?? '';
  return {
    ...arm.environment,
    HTTPS_PROXY: registries.proxyUrl,
    NO_PROXY: URL.canParse(server) ? new URL(server).hostname : '',
    NODE_EXTRA_CA_CERTS: certificateFile,
  };
}

/** Rejects when the operator ends. */
async function operatorExit({ process, exited, otherOutput }: Operator, logFile: string): Promise<never> {
  const code = await exited;
  const how = code === null ? process.signalCode : `exit code ${code}`;
  const words = printable(otherOutput.at(-1) ?? 'nothing');
  throw new Error(`The operator has ended by itself (${how}). Its last words: ${words}. Its log: ${logFile}`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function timeout(clock: Clock, why: () => string): Promise<never> {
  return new Promise((_, reject) => {
    clock.after(onceTimeoutMs, () => reject(new Error(`Not Ready after ${onceTimeoutMs / 1000} s: ${why()}`)));
  });
}
