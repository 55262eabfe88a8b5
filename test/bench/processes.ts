// Starts the other processes of a benchmark, so that their work does not delay each other's: the ARM emulator and an API server;
// and a plain client for the latter. All end with `ended`.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { startCluster } from '../cluster.ts';
import type { ArmOptions, Command, ReplicaAt, Report } from './arm.ts';

export async function startArm(ended: AsyncDisposableStack, options: ArmOptions) {
  const child = fork(fileURLToPath(new URL('arm.ts', import.meta.url)), [JSON.stringify(options)]);
  ended.defer(() => killed(child));
  // Without a listener Node keeps messages for the next one, which would take an old PUT for its own.
  child.on('message', () => undefined);
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
  const answerTo = <K extends 'requests' | 'totals' | 'replicas'>(command: K) => {
    const answer = next(command);
    child.send(command satisfies Command);
    return answer;
  };
  return {
    environment,
    certificate,
    /** When the next PUT for this registry arrives, in ns. */
    put: async (name: string) => BigInt((await next('put', ({ registry }) => registry === name)).arrival),
    requests: async () => (await answerTo('requests')).requests,
    /** The number of requests so far. */
    totals: async () => (await answerTo('totals')).totals,
    replicas: async () => (await answerTo('replicas')).replicas,
    failCreation: (at: ReplicaAt) => void child.send({ failCreation: at } satisfies Command),
    remove: (at: ReplicaAt) => void child.send({ remove: at } satisfies Command),
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
  await once(child.stdout, 'data'); // It prints when it listens.
  return kubeconfig;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

export function inMs(ns: bigint): number {
  return Number(ns) / 1e6;
}

export interface Answered<T> {
  readonly object: T;
  /** When the first byte of the response had come, in ns by process.hrtime. */
  readonly answered: bigint;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Send = <T>(method: Method, path: string, body?: object) => Promise<Answered<T>>;

/** A minimal client, so that its own work is not measured. Rejects unless the response is a success. */
export async function client(kubeconfig: string, connections = 1): Promise<Send> {
  const { server, options } = await connectionTo(kubeconfig);
  return sender(server, { ...options, agent: new Agent({ keepAlive: true, maxSockets: connections }) });
}

/** Calls `onObject` for each object that the server adds or changes, those that exist first, until `ended`. */
export async function watch<T>(
  ended: AsyncDisposableStack,
  { kubeconfig, path }: { readonly kubeconfig: string; readonly path: string },
  onObject: (object: T) => void,
): Promise<void> {
  const { server, options } = await connectionTo(kubeconfig);
  const asking = request(`${server}${path}${path.includes('?') ? '&' : '?'}watch=true&timeoutSeconds=3600`, options);
  ended.defer(() => void asking.destroy());
  asking.end();
  const [response] = await once(asking, 'response');
  if (response.statusCode !== 200) throw new Error(`The API server answered ${response.statusCode} to a watch`);
  const lines = createInterface(response);
  lines.on('line', (line) => onObject(JSON.parse(line).object));
  lines.on('error', () => undefined); // It closes then.
  lines.on('close', () => {
    if (!ended.disposed) throw new Error('The API server ended a watch');
  });
}

async function connectionTo(kubeconfig: string) {
  const config = loadKubeConfig(kubeconfig);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return { server: config.getCurrentCluster()?.server ?? '', options };
}

/** `options`: with an agent, and the headers of every request. */
export function sender(server: string, options: RequestOptions): Send {
  return async (method, path, body) => {
    const contentType =
      method === 'PATCH' ? `application/${Array.isArray(body) ? 'json' : 'merge'}-patch+json` : 'application/json';
    const headers = { ...options.headers, ...(body && { 'Content-Type': contentType }) };
    const asking = request(server + path, { ...options, method, headers });
    asking.end(body && JSON.stringify(body));
    const [response] = await once(asking, 'response');
    const answered = process.hrtime.bigint();
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode}: ${text}`);
    return { object: JSON.parse(text), answered };
  };
}
