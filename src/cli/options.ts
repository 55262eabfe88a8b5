// The options that several verbs share, as commander parses them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../lib/duration.ts';
import type { ClusterOptions } from './cluster.ts';
import type { OutputFormat } from './output.ts';
import { CliError } from './session.ts';

/** The flags that every verb has; an action reads them with `command.optsWithGlobals()`. */
export interface GlobalOptions extends ClusterOptions {
  readonly output: OutputFormat;
}

const dryRuns = ['none', 'client', 'server'] as const;
export type DryRun = (typeof dryRuns)[number];

export interface EditOptions extends GlobalOptions {
  readonly dryRun: DryRun;
  readonly anyRegion?: boolean;
}

/** The options of a verb whose last argument is its own command. */
export function editOptions(command: Command): EditOptions {
  const options = command.optsWithGlobals<EditOptions>();
  if (options.allNamespaces) throw new CliError('--all-namespaces makes no sense here: the verb edits one object');
  return options;
}

export function dryRunOption(): Option {
  return new Option('--dry-run <where>', 'client: send nothing; server: store nothing')
    .default('none')
    .choices([...dryRuns]);
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
