// `kubectl georep map`: serves the map on loopback with the rights of the kubeconfig, and opens the browser.
import { resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import open from 'open';
import { silentLog } from '../../lib/log.ts';
import { startClusterMap } from '../../map/map.ts';
import { MapServerError } from '../../map/server.ts';
import { type ClusterOptions, withCluster } from '../cluster.ts';
import type { GlobalOptions } from '../options.ts';
import { type OutputFormat, printData, printLines } from '../output.ts';
import { CliError, type Session } from '../session.ts';

interface MapFlags extends GlobalOptions {
  readonly open: boolean;
  readonly port: number;
}

export function registerMap(program: Command, session: Session): void {
  program
    .command('map')
    .description('show a live map of all replicas in the browser, and change regions there')
    .option('--no-open', 'print the address, and open no browser')
    .addOption(new Option('--port <port>', 'the port on 127.0.0.1').default(0, 'a free one').argParser(parsePort))
    .action((_: object, command: Command) => {
      const flags = command.optsWithGlobals<MapFlags>();
      return withCluster(flags, async ({ client: cluster, scope }) => {
        const map = await startClusterMap({
          address: { port: flags.port },
          cluster,
          ...(scope !== undefined && { namespaces: [scope] }),
          kubectlArgs: kubectlArgs(flags, cluster.config),
          clock: session.clock,
          // The page says what is wrong.
          log: silentLog,
        }).catch((error: unknown) => {
          throw error instanceof MapServerError ? new CliError(error.message) : error;
        });
        printAddress(session, flags.output, map.url, scope);
        if (flags.open) await openBrowser(map.onceUrl, session);
        await untilEnd();
      });
    });
}

function printAddress(session: Session, output: OutputFormat, url: string, namespace: string | undefined): void {
  const where = namespace === undefined ? 'all namespaces' : `the namespace ${namespace}`;
  if (output === 'json' || output === 'yaml') printData(session, output, { url, ...(namespace && { namespace }) });
  else if (output === 'name') printLines(session, [url]);
  else printLines(session, [`The map of ${where} is at ${url}`, 'Only you can open it. Ctrl-C ends it.']);
}

/** For the commands that the page shows: they go to the same cluster, also after the kubeconfig's current context has changed. */
function kubectlArgs({ context, kubeconfig }: ClusterOptions, config: KubeConfig): string[] {
  const isInPod = config.getCurrentCluster()?.name === 'inCluster';
  const name = context ?? (isInPod ? undefined : config.getCurrentContext());
  return [...(name ? ['--context', name] : []), ...(kubeconfig ? ['--kubeconfig', resolve(kubeconfig)] : [])];
}

async function openBrowser(url: string, { stderr }: Session): Promise<void> {
  const onFailure = () => stderr.write('No browser could be opened. Open the address yourself.\n');
  try {
    (await open(url)).once('error', onFailure);
  } catch {
    onFailure();
  }
}

/** The process ends by a signal. */
function untilEnd(): Promise<never> {
  return new Promise(() => undefined);
}

function parsePort(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('It must be a number up to 65535.');
  return number;
}
