// Writes `env`, a file of shell commands to source: the cluster's kubeconfig, the registry's URL, and functions that talk to the
// emulated Azure.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ShellParameters {
  /** Absolute. */
  readonly kubeconfig: string;
  /** A curl config file with certificate and token; absolute. */
  readonly curlConfig: string;
  /** The registry in ARM, without a query. */
  readonly registryUrl: string;
  /** The emulator's own API. */
  readonly emulatorUrl: string;
  /** Where images are pushed to. */
  readonly pushUrl: string;
  /** The environment of the plugin, with the credential for the emulated Azure. */
  readonly pluginEnv: Readonly<Record<string, string>>;
}

const plugin = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The api-version that the operator uses. */
const apiVersion = '2025-11-01';

/** Resolves to the file's absolute path, for the directory is absolute. */
export async function writeShellFile(directory: string, parameters: ShellParameters): Promise<string> {
  const file = join(directory, 'env');
  await writeFile(file, shellText(parameters));
  return file;
}

/** For sh, bash and zsh. The functions run in subshells, so that they leave no variables behind. */
export function shellText(parameters: ShellParameters): string {
  const { kubeconfig, curlConfig, registryUrl, emulatorUrl, pushUrl, pluginEnv } = parameters;
  const callOf = (url: string) => `( what=\${1-}; [ $# -eq 0 ] || shift; curl -K ${quoted(curlConfig)} "${url}" "$@" )`;
  const variables = Object.entries(pluginEnv).map(([name, value]) => `${name}=${quoted(value)}`);
  return [
    '# Source this file while the demo runs: it sets KUBECONFIG and ARM, and defines the functions arm, emulator, push and georep.',
    `export KUBECONFIG=${quoted(kubeconfig)}`,
    '# The registry in the emulated Azure Resource Manager.',
    `export ARM=${quoted(registryUrl)}`,
    "# arm PATH [curl's options]: a request about the registry, such as: arm /replications",
    `arm() ${callOf(`$ARM$what?api-version=${apiVersion}`)}`,
    "# emulator PATH [curl's options]: faults, changes by others, and the journal of requests; without a PATH it explains them.",
    `emulator() ${callOf(`${emulatorUrl}$what`)}`,
    '# push REPOSITORY:TAG: an image into the home region; it reaches the others one after the other.',
    `push() ( curl -K ${quoted(curlConfig)} -X POST "${pushUrl}/$1" )`,
    '# georep VERB: as kubectl georep, with a credential for the emulated Azure.',
    `georep() ( ${variables.join(' ')} exec ${quoted(process.execPath)} ${quoted(plugin)} "$@" )`,
    '',
  ].join('\n');
}

/** Quotes for a POSIX shell, only if necessary. */
export function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
