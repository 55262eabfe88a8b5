// Runs the operator as a child process, as `npm start` does, for end-to-end tests, the demo and benchmarks.
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);

/** Halves the time of later starts. */
const compileCache = fileURLToPath(new URL('node_modules/.cache/node', root));

/** One line of the operator's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface OperatorOptions {
  /** Flags of the operator. */
  readonly args?: readonly string[];
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The file that node runs; default: OPERATOR_ENTRY, or the source. */
  readonly entry?: string;
  /** Default: those of `npm start`. */
  readonly nodeFlags?: readonly string[];
  /** Starts the process with all flags and `env`; default: a child of this node. */
  readonly launch?: (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => ChildProcessByStdio<null, Readable, Readable>;
}

export interface Operator {
  readonly process: ChildProcess;
  /** Every log line so far. */
  readonly log: readonly LogLine[];
  /** Its other output: stderr, and lines that are not JSON. */
  readonly otherOutput: readonly string[];
  /** The first matching log line, past or future; rejects if the operator ends before. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends the signal and resolves to the exit code; null if a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
  isRunning(): boolean;
}

export function startOperator({
  args = [],
  env,
  entry = process.env.OPERATOR_ENTRY ?? 'src/main.ts',
  nodeFlags = ['--disable-sigusr1'],
  launch = (args, env) =>
    spawn(process.execPath, [...nodeFlags, entry, ...args], {
      cwd: root,
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
}: OperatorOptions): Operator {
  const addresses = ['--metrics-bind-address', '127.0.0.1:0', '--health-probe-bind-address', '127.0.0.1:0'];
  const child = launch([...addresses, ...args], env);
  const log: LogLine[] = [];
  const noise: string[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  createInterface(child.stdout).on('line', (text) => {
    const line = parse(text);
    if (!line) noise.push(text);
    else {
      log.push(line);
      for (const listener of listeners) listener(line);
    }
  });
  createInterface(child.stderr).on('line', (text) => noise.push(text));
  const exited = once(child, 'close').then(([code]) => code as number | null);

  return {
    process: child,
    log,
    otherOutput: noise,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    logged(fits) {
      const past = log.find(fits);
      if (past) return Promise.resolve(past);
      const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
      const listener = (line: LogLine) => {
        if (fits(line)) resolve(line);
      };
      listeners.add(listener);
      void exited.then((code) =>
        reject(new Error(`the operator ended with ${code}: ${[...noise, log.at(-1)?.msg].join('\n')}`)),
      );
      return promise.finally(() => listeners.delete(listener));
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

function parse(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}
