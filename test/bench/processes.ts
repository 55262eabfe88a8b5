// Starts the other processes of a benchmark, so that their work does not delay each other's: the ARM emulator and an API server;
// and a plain client for the latter. All end with `ended`.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { startCluster } from '../cluster.ts';
import type { ArmOptions, Command, Report } from './arm.ts';

export async function startArm(ended: AsyncDisposableStack, options: ArmOptions) {
  const child = fork(fileURLToPath(new URL('arm.ts', import.meta.url)), [JSON.stringify(options)]);
  ended.defer(() => killed(child));
  lowerPriority(child);
  const next = <K extends Report['kind']>(
    kind: K,
    fits: (report: Extract<Report, { kind: K }>) => boolean = () => true,
  ) =>
    new Promise<Extract<Report, { kind: K }>>((resolve) => {
      const listener = (report: Report) => {
        if (report.kind !== kind || !fits(report as Extract<Report, { kind: K }>)) return;
        child.off('message', listener);
        resolve(report as Extract<Report, { kind: K }>);
      };
      child.on('message', listener);
    });
  const { environment, certificate } = await next('ready');
  return {
    environment,
    certificate,
    /** When the next PUT for this registry arrives, in ns. */
    put: async (name: string) => BigInt((await next('put', ({ registry }) => registry === name)).arrival),
    /** From now on every response takes this many ms. */
    answerAfter: (latency: number) => void child.send({ latency } satisfies Command),
    async requests() {
      const answer = next('requests');
      child.send('requests' satisfies Command);
      return (await answer).requests;
    },
    /** The number of requests so far. */
    async totals() {
      const answer = next('totals');
      child.send('totals' satisfies Command);
      return (await answer).totals;
    },
  };
}

/** A real API server if KUBEBUILDER_ASSETS is set, else the emulator. Resolves to a kubeconfig file. */
export async function startKubernetes(ended: AsyncDisposableStack, directory: string): Promise<string> {
  if (process.env.KUBEBUILDER_ASSETS) {
    const real = await startCluster();
    ended.defer(() => real.close());
    return real.kubeconfig;
  }
  const kubeconfig = join(directory, 'kubeconfig');
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  const args = ['--port', '0', '--kubeconfig', kubeconfig, '--crd', path('../../crds/registryreplications.yaml')];
  const child = spawn(process.execPath, [path('../emulators/kubernetes/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ended.defer(() => killed(child));
  lowerPriority(child);
  await once(child.stdout, 'data'); // It prints when it listens.
  return kubeconfig;
}

/** Lowers the priority of a process that stands for another machine. */
function lowerPriority({ pid }: ChildProcess): void {
  if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

export interface Answered<T> {
  readonly object: T;
  /** When the first byte of the response had come: ns by process.hrtime, and ms since the epoch. */
  readonly answered: bigint;
  readonly time: number;
}

export type Send = <T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) => Promise<Answered<T>>;

/** A minimal client, so that its own work is not measured. Rejects unless the response is a success. */
export async function client(kubeconfig: string, connections = 1): Promise<Send> {
  const config = loadKubeConfig(kubeconfig);
  const server = config.getCurrentCluster()?.server ?? '';
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const options = { agent };
  await config.applyToHTTPSOptions(options);
  const authorization: object =
    'headers' in options && typeof options.headers === 'object' ? { ...options.headers } : {};
  return async (method, path, body) => {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const asking = request(server + path, {
      ...options,
      method,
      agent,
      headers: { ...authorization, ...(body && { 'Content-Type': contentType }) },
    });
    asking.end(body && JSON.stringify(body));
    const [response] = await once(asking, 'response');
    const answered = process.hrtime.bigint();
    const time = Date.now();
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    if (response.statusCode >= 300) throw new Error(`The API server answered ${response.statusCode}: ${text}`);
    return { object: JSON.parse(text), answered, time };
  };
}
