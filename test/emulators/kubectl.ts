// Runs the real kubectl as a child process without reading or writing the user's own kubeconfig or cache.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface KubectlOutcome {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  /** Standard input (for `-f -`). */
  readonly input?: string;
  /** Added to the environment, such as KUBE_EDITOR; a variable that is undefined here is taken from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another kubectl than the one on PATH. */
  readonly program?: string;
}

type Kubectl = ChildProcessByStdio<Writable, Readable, Readable>;

/** Runs `kubectl args…`; resolves when it has ended, whatever its exit code. Rejects if there is no kubectl. */
export function kubectl(
  kubeconfigFile: string,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<KubectlOutcome> {
  return outcomeOf(startKubectl(kubeconfigFile, args, options));
}

/** Runs `kubectl plugin args…`: kubectl takes no flags before the plugin's name, so the kubeconfig goes by the environment. */
export function kubectlPlugin(
  kubeconfigFile: string,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<KubectlOutcome> {
  return outcomeOf(startKubectlPlugin(kubeconfigFile, args, options));
}

function outcomeOf(child: Kubectl): Promise<KubectlOutcome> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Starts `kubectl args…` and leaves it running, for `get -w`; the caller ends it. */
export function startKubectl(kubeconfigFile: string, args: readonly string[], options: KubectlOptions = {}): Kubectl {
  const flags = ['--kubeconfig', kubeconfigFile, '--cache-dir', `${kubeconfigFile}.cache`];
  return startKubectlPlugin(kubeconfigFile, [...flags, ...args], options);
}

/** Starts `kubectl plugin args…` and leaves it running; the caller ends it. */
export function startKubectlPlugin(
  kubeconfigFile: string,
  args: readonly string[],
  { input, env, program = 'kubectl' }: KubectlOptions = {},
): Kubectl {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, KUBECONFIG: kubeconfigFile, ...env },
  });
  // kubectl may exit before it has read its input; its exit code tells.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  return child;
}

/** Why kubectl cannot run here; undefined if it can. */
export function missingKubectl(): string | undefined {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'this machine has no kubectl';
  }
}
