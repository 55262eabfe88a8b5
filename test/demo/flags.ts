// Parses the demo's command line. On --help or a mistake it prints a message and exits.
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

export interface Flags {
  /** Exit as soon as everything is Ready, or was followed. */
  readonly once: boolean;
  /** Show an object that follows nodes, which the demo adds and removes. */
  readonly follow: boolean;
  /** Absolute; undefined: the cluster is emulated. */
  readonly kubeconfig: string | undefined;
  /** How many times faster than usual the emulated Azure is. */
  readonly speed: number;
  /** Absolute; the directory of the demo's files. */
  readonly directory: string;
}

/** @param from the base of relative paths */
export function readFlags(argv: readonly string[], from: string): Flags {
  const path = (text: string) => resolve(from, text);
  const program = new Command('npm run demo --')
    .description('The operator at work on an emulated Azure: a registry in eastus gets replicas in two more regions.')
    .option('--once', 'end with exit code 0 as soon as everything is Ready, with 1 if that takes five minutes', false)
    .option('--follow', 'let the regions follow nodes, which the demo adds and removes', false)
    .option('--kubeconfig <file>', 'use this cluster instead of an emulated one; Azure stays emulated', path)
    .option(
      '--speed <factor>',
      'let Azure be so many times faster; above 2, the operator, which looks every 2 s, misses states',
      factor,
      1,
    )
    .option('--directory <path>', 'where to write kubeconfig, certificate and log', path, path('.demo'))
    .allowExcessArguments(false);
  const { once, follow, kubeconfig, speed, directory } = program.parse([...argv], { from: 'user' }).opts<Flags>();
  if (follow && kubeconfig !== undefined) program.error(onlyEmulated);
  return { once, follow, kubeconfig, speed, directory };
}

const onlyEmulated =
  'error: --follow adds and removes nodes, and does so in its emulated cluster only: leave out --kubeconfig. docs/follow-the-fleet.md is for a cluster of yours.';

function factor(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a number above 0, as "2".');
}
