// The command line of `kubectl georep`: its verbs, the flags that they share, and how an error ends it.
import { Command, CommanderError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { explain, isFromApiServer, isMissing, isNotFound } from '../kubernetes/client/errors.ts';
import { KubeConfigError } from '../kubernetes/client/kubeconfig.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { registerEdits } from './commands/edits.ts';
import { registerHistory } from './commands/history.ts';
import { registerImage } from './commands/image.ts';
import { registerImport } from './commands/import.ts';
import { registerMap } from './commands/map.ts';
import { registerPlan } from './commands/plan.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerReplicas } from './commands/replicas.ts';
import { complete } from './completion.ts';
import { outputFormats } from './output.ts';
import { CliError, type ExitCode, exitCode, type Session } from './session.ts';

/** Adds one verb or more. Their actions set `session.exitCode` where 0 would be wrong, and throw a CliError to end with 1. */
type RegisterVerb = (program: Command, session: Session) => void;

const verbs: readonly RegisterVerb[] = [
  registerReplicas,
  registerPlan,
  registerHistory,
  registerEdits,
  registerReconcile,
  registerMap,
  registerImport,
  registerImage,
];

/** Runs the command line without node and script; resolves to the exit code, after errors were told on stderr. */
export async function run(argv: readonly string[], session: Session): Promise<ExitCode> {
  try {
    if (argv[0] === '__complete') await complete(argv.slice(1), createProgram(session), session);
    else await createProgram(session).parseAsync([...argv], { from: 'user' });
    return session.exitCode;
  } catch (error) {
    const isUsage = error instanceof CommanderError;
    if (isUsage && error.exitCode === 0) return exitCode.ok;
    if (!isUsage && !isExpected(error)) throw error;
    // Commander has told its own.
    if (!isUsage) session.stderr.write(`error: ${words(error)}\n`);
    const verb = isUsage || isMissing(error) ? misspeltVerb(argv, session) : undefined;
    if (verb) session.stderr.write(`(${argv[0]} is no verb; ${verb})\n`);
    return exitCode.error;
  }
}

export function createProgram(session: Session): Command {
  const program = new Command('kubectl georep')
    .description('Shows and steers where Azure container registries have replicas (RegistryReplication objects).')
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addOption(new Option('-o, --output <format>', 'how to print').default('table').choices([...outputFormats]))
    .option('-n, --namespace <name>', "the namespace (default: that of the kubeconfig's context)")
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--context <name>', 'the context of the kubeconfig (default: the current one)')
    .option('--kubeconfig <file>', 'the kubeconfig file (default: KUBECONFIG, then ~/.kube/config)')
    .addOption(new Option('--allow-http-api-server').hideHelp())
    .addHelpText('after', exitCodeHelp)
    .configureOutput({
      writeOut: (text) => session.stdout.write(text),
      writeErr: (text) => session.stderr.write(text),
    })
    .configureHelp({ helpWidth: 110, showGlobalOptions: true })
    .exitOverride();
  for (const register of verbs) register(program, session);
  for (const verb of program.commands) verb.allowExcessArguments(false);
  return program;
}

const exitCodeHelp = `
Exit codes: 0 done, 1 error, 2 not yet (see docs/kubectl-georep.md).`;

/** Of all 404, those about the path say that there is no such kind of object. */
function words(error: unknown): string {
  if (!isNotFound(error) || isMissing(error)) return explain(error);
  return 'the cluster does not know RegistryReplications: the operator is not installed there, or this is another cluster (kubectl config current-context)';
}

/** The default verb takes any first word for the name of an object. */
function misspeltVerb([word = '']: readonly string[], session: Session): string | undefined {
  const verbs = createProgram(session).commands.map((verb) => verb.name());
  return verbs.includes(word) ? undefined : didYouMean(word, verbs);
}

/** Any other error is a bug, and its stack is of interest. */
function isExpected(error: unknown): boolean {
  return error instanceof CliError || error instanceof KubeConfigError || isFromApiServer(error);
}
