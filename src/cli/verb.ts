// What every verb is made of: its registration at the command line, the flags that all have, and a cluster to work on.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { RegistryReplication } from '../api/registryreplication.ts';
import { parseDuration } from '../lib/duration.ts';
import { type Cluster, type ClusterOptions, connectCluster } from './cluster.ts';
import type { OutputFormat } from './output.ts';
import { CliError, type Session } from './session.ts';

/** The flags that every verb has; an action reads them with `command.optsWithGlobals()`. */
export interface GlobalOptions extends ClusterOptions {
  readonly output: OutputFormat;
}

/** Adds one verb. Its action sets `session.exitCode` where 0 would be wrong, and throws a CliError to end with 1. */
export type RegisterVerb = (program: Command, session: Session) => void;

/** Runs `use` on the cluster that the flags name, and closes its connections. */
export async function withCluster<T>(options: ClusterOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = connectCluster(options);
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

/**
 * The named object, or all of the namespace.
 * @throws CliError for a name and --all-namespaces, which kubectl refuses too.
 */
export async function objectsOf(cluster: Cluster, name: string | undefined): Promise<RegistryReplication[]> {
  if (name === undefined) return cluster.list();
  return [await objectOf(cluster, name)];
}

/** @throws CliError with --all-namespaces. */
export async function objectOf(cluster: Cluster, name: string): Promise<RegistryReplication> {
  if (cluster.scope === undefined) throw new CliError('--all-namespaces makes no sense with the name of one object');
  return cluster.get(name);
}

/** ` in namespace registries`, to append to what was not found; empty with --all-namespaces. */
export function inScope({ scope }: Cluster): string {
  return scope === undefined ? '' : ` in namespace ${scope}`;
}

/** `--timeout` of `--wait`; its value is in ms. */
export function timeoutOption(defaultText: string): Option {
  return new Option('--timeout <duration>', 'of --wait, such as 90s or 1h30m')
    .default(parseDuration(defaultText), defaultText)
    .argParser((text) => {
      const ms = parseDuration(text);
      if (ms === undefined) throw new InvalidArgumentError('must be a duration such as 90s or 1h30m');
      return ms;
    });
}
