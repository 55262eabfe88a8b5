// `kubectl georep reconcile NAME`: requests a pass at once and, with --wait, follows it until the object is Ready.
import type { Command } from 'commander';
import { annotation, type RegistryReplication } from '../../api/registryreplication.ts';
import type { Change } from '../../kubernetes/cache/reflector.ts';
import { formatDuration } from '../../lib/duration.ts';
import { type Cluster, withCluster } from '../cluster.ts';
import { printEdit } from '../edit.ts';
import { dryRunOption, type EditOptions, editOptions, timeoutOption } from '../options.ts';
import { progressLines, waitStateOf } from '../reconcile-progress.ts';
import { resumeCommand } from '../resource-name.ts';
import { oneLine } from '../safe-text.ts';
import { CliError, exitCode, type Session } from '../session.ts';
import { startWait } from '../wait.ts';
import { watchObjects } from '../watch.ts';

interface Options extends EditOptions {
  readonly wait?: boolean;
  /** In ms. */
  readonly timeout: number;
}

export function registerReconcile(program: Command, session: Session): void {
  program
    .command('reconcile')
    .description('let the operator look at an object at once and forget its pauses')
    .argument('<name>', 'the RegistryReplication')
    .option('--wait', 'until the operator has handled the request and the object is Ready')
    .addOption(timeoutOption('5m'))
    .addOption(dryRunOption())
    .action((name: string, _: object, command: Command) => {
      const options = editOptions(command) as Options;
      return withCluster(options, (cluster) => reconcile(cluster, session, name, options));
    });
}

async function reconcile(cluster: Cluster, session: Session, name: string, options: Options): Promise<void> {
  const { dryRun, wait, output } = options;
  const before = await cluster.get(name);
  const request = session.clock.now().toISOString();
  const metadata = { annotations: { [annotation.reconcileRequestedAt]: request } };
  if (wait && before.spec.suspend)
    throw new CliError(
      `${name} is suspended, so the operator does nothing; end that with: ${resumeCommand(name, cluster.namespace)}`,
    );
  if (dryRun === 'client') {
    const annotations = { ...before.metadata.annotations, ...metadata.annotations };
    const object = { ...before, metadata: { ...before.metadata, annotations } };
    return printEdit(session, output, object, 'reconcile requested (client dry run)');
  }
  const requested = await cluster.mergePatch(name, { metadata }, { dryRun: dryRun === 'server' });
  if (dryRun === 'server') return printEdit(session, output, requested, 'reconcile requested (server dry run)');
  if (!wait) return printEdit(session, output, requested, 'reconcile requested');
  const outcome = await follow(cluster, session, requested, { request, timeoutMs: options.timeout });
  if (!outcome.ready) session.exitCode = exitCode.notYet;
  printEdit(session, output, await cluster.get(name), outcome.message);
}

interface Outcome {
  readonly ready: boolean;
  readonly message: string;
}

/** Tells the progress on stderr, each line with the time since the request. */
function follow(
  cluster: Cluster,
  session: Session,
  requested: RegistryReplication,
  { request, timeoutMs }: { readonly request: string; readonly timeoutMs: number },
): Promise<Outcome> {
  const { elapsed, tell } = startWait(session);
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  let last: RegistryReplication | undefined;
  const onChange = ({ object, type }: Change<RegistryReplication>) => {
    if (object.metadata.uid !== requested.metadata.uid) return;
    if (type === 'deleted') return reject(new CliError(`${object.metadata.name} was deleted`));
    for (const line of progressLines(last, object, request)) tell(line);
    last = object;
    const state = waitStateOf(object, request);
    if (state.kind === 'ready') resolve({ ready: true, message: `Ready after ${elapsed()}` });
    if (state.kind === 'stalled') resolve({ ready: false, message: oneLine(`Stalled, ${state.message}`) });
  };
  const objects = watchObjects(cluster, session, {
    namespace: requested.metadata.namespace,
    onChange,
    onWarning: tell,
  });
  const cancel = session.clock.after(timeoutMs, () =>
    resolve({ ready: false, message: `not Ready within ${formatDuration(timeoutMs)}` }),
  );
  return promise.finally(() => {
    cancel();
    objects.stop();
  });
}
