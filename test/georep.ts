// Runs `kubectl georep …` as a user does: the real kubectl finds the bundled plugin on PATH.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { bundlePlugin } from '../scripts/build.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { type KubectlOptions, type KubectlOutcome, kubectlPlugin, startKubectlPlugin } from './emulators/kubectl.ts';

export interface Plugin {
  /** PATH, with the plugin on it. */
  readonly path: string;
  /** `kubectl georep args…` with this kubeconfig; words are separated by blanks, unless they are given one by one. */
  run(kubeconfig: string, args: string | readonly string[], options?: KubectlOptions): Promise<KubectlOutcome>;
  /** Leaves it running, for `--watch`; the caller ends it. */
  start(
    kubeconfig: string,
    args: string | readonly string[],
    options?: KubectlOptions,
  ): ReturnType<typeof startKubectlPlugin>;
  /** The same at a pseudo-terminal, which util-linux's `script` makes: what it shows arrives at stdout. */
  startAtTerminal(
    kubeconfig: string,
    args: string,
    size: { readonly columns: number; readonly rows: number },
    options?: KubectlOptions,
  ): ReturnType<typeof startKubectlPlugin>;
  /** What kubectl itself asks the plugin to complete the last of these words. */
  complete(kubeconfig: string, words: readonly string[]): Promise<KubectlOutcome>;
  remove(): Promise<void>;
}

/** What `tty.WriteStream.getColorDepth` asks before TERM, and what the machine that runs the tests may have set. */
const coloursByTerm = { CI: undefined, FORCE_COLOR: undefined, NODE_DISABLE_COLORS: undefined, NO_COLOR: undefined };

/** Bundles the plugin into a folder of its own. */
export async function installPlugin(): Promise<Plugin> {
  const directory = await mkdtemp(join(tmpdir(), 'georep-'));
  await bundlePlugin(join(directory, 'kubectl-georep'));
  // The plugin's shebang finds the Node that runs the tests.
  const path = [directory, dirname(process.execPath), process.env.PATH].join(delimiter);
  const words = (args: string | readonly string[]) => (typeof args === 'string' ? args.split(' ') : args);
  const withPath = (options: KubectlOptions = {}) => ({ ...options, env: { PATH: path, ...options.env } });
  return {
    path,
    run: (kubeconfig, args, options) => kubectlPlugin(kubeconfig, ['georep', ...words(args)], withPath(options)),
    start: (kubeconfig, args, options) => startKubectlPlugin(kubeconfig, ['georep', ...words(args)], withPath(options)),
    startAtTerminal: (kubeconfig, args, { columns, rows }, options) => {
      const command = `stty columns ${columns} rows ${rows}; exec kubectl georep ${args}`;
      const env = { ...coloursByTerm, TERM: 'xterm-256color', ...options?.env };
      return startKubectlPlugin(kubeconfig, ['-qec', command, '/dev/null'], {
        ...withPath({ env }),
        program: 'script',
      });
    },
    complete: (kubeconfig, words) => kubectlPlugin(kubeconfig, ['__complete', 'georep', ...words], withPath()),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The plugin, and a cluster to use it on. */
export interface GeorepEnvironment {
  readonly plugin: Plugin;
  readonly cluster: TestCluster;
  /** With every right. */
  readonly client: KubeClient;
  close(): Promise<void>;
}

export async function startGeorep(): Promise<GeorepEnvironment> {
  const plugin = await installPlugin();
  const cluster = await startCluster();
  const client = createKubeClient(loadKubeConfig(cluster.kubeconfig));
  return {
    plugin,
    cluster,
    client,
    async close() {
      await client.close();
      await cluster.close();
      await plugin.remove();
    },
  };
}
