// The credentials of the kubeconfig's user that change while the process runs: a token file, or a credential plugin (`exec`).
// One read at a time, shared by all requests; renewed when it ends, and when the API server answers 401, as in client-go.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Cluster, User } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import { errorMessage, sanitize } from '../../lib/sanitize.ts';
import { KubeConfigError } from './kubeconfig.ts';

/** In PEM, but for the token. */
export interface Credential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface CredentialSource {
  /** Rejects with a KubeConfigError. */
  current(): Promise<Credential>;
  /** The API server answered 401 to this credential: the next request gets a new one. */
  reject(credential: Credential): void;
}

interface IssuedCredential {
  readonly credential: Credential;
  /** ms since the epoch; undefined: until it is rejected. */
  readonly expiresAtMs: number | undefined;
}

/** client-go's: how long the content of a token file is used before it is read again. */
const tokenFileRefreshMs = 60_000;
const pluginTimeoutMs = 30_000;
const maxPluginBytes = 1024 * 1024;

/** Undefined where the user's credentials are in the kubeconfig itself. */
export function credentialSource(user: User, cluster: Cluster, clock: Clock): CredentialSource | undefined {
  const { exec } = user;
  const tokenFile: unknown = user.authProvider?.config?.tokenFile;
  if (typeof tokenFile === 'string') return cachedSource(() => readTokenFile(tokenFile, clock), clock);
  if (isPlugin(exec)) return cachedSource(() => runPlugin(exec, cluster), clock);
  return undefined;
}

function cachedSource(issue: () => Promise<IssuedCredential>, clock: Clock): CredentialSource {
  let kept: IssuedCredential | undefined;
  let underway: Promise<Credential> | undefined;
  const renew = async () => {
    kept = await issue();
    return kept.credential;
  };
  return {
    async current() {
      if (kept && clock.now().getTime() < (kept.expiresAtMs ?? Number.POSITIVE_INFINITY)) return kept.credential;
      underway ??= renew().finally(() => {
        underway = undefined;
      });
      return underway;
    },
    reject(credential) {
      // Several requests may bring the answer to one credential; its successor is not to blame.
      if (kept?.credential === credential) kept = undefined;
    },
  };
}

async function readTokenFile(path: string, clock: Clock): Promise<IssuedCredential> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new KubeConfigError(`The token file of the kubeconfig cannot be read: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  const token = text.trim();
  if (token === '') throw new KubeConfigError(`The token file ${path} of the kubeconfig is empty`);
  return { credential: { token }, expiresAtMs: clock.now().getTime() + tokenFileRefreshMs };
}

interface Plugin {
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly apiVersion?: string;
  readonly provideClusterInfo?: boolean;
}

function isPlugin(exec: unknown): exec is Plugin {
  return typeof exec === 'object' && exec !== null && 'command' in exec && typeof exec.command === 'string';
}

/** Runs it once, without a terminal, as client-go's `exec` protocol has it (client.authentication.k8s.io). */
async function runPlugin(plugin: Plugin, cluster: Cluster): Promise<IssuedCredential> {
  const { command, args, env } = plugin;
  const subject = `The credential plugin ${JSON.stringify(command)} of the kubeconfig`;
  const environment = {
    ...process.env,
    ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(plugin, cluster)),
  };
  const output = await new Promise<string>((done, failed) => {
    const limits = { timeout: pluginTimeoutMs, killSignal: 'SIGKILL', maxBuffer: maxPluginBytes } as const;
    const child = execFile(command, [...(args ?? [])], { env: environment, ...limits }, (error, stdout, stderr) => {
      if (!error) return done(stdout);
      const why = error.killed
        ? `it gave no credential within ${pluginTimeoutMs / 1_000} s`
        : stderr.trim() || error.message;
      failed(new KubeConfigError(sanitize(`${subject} failed: ${why}`, 500), { cause: error }));
    });
    // A plugin that waits for input fails at once. One that is gone already cannot be written to, which its exit tells.
    child.stdin?.on('error', () => undefined).end();
  });
  const issued = parseExecCredential(output);
  if (!issued) throw new KubeConfigError(`${subject} printed no ExecCredential with a token or a client certificate`);
  return issued;
}

function execInfo({ apiVersion, provideClusterInfo }: Plugin, cluster: Cluster): object {
  const { server, caData, skipTLSVerify, tlsServerName } = cluster;
  return {
    apiVersion: apiVersion ?? 'client.authentication.k8s.io/v1beta1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(provideClusterInfo && {
        cluster: {
          server,
          ...(caData && { 'certificate-authority-data': caData }),
          ...(skipTLSVerify && { 'insecure-skip-tls-verify': true }),
          ...(tlsServerName && { 'tls-server-name': tlsServerName }),
        },
      }),
    },
  };
}

/** Of the ExecCredential that a plugin printed. */
function parseExecCredential(output: string): IssuedCredential | undefined {
  let status: Record<string, unknown>;
  try {
    status = JSON.parse(output)?.status ?? {};
  } catch {
    return undefined; // the caller says so, without the output: it may hold a token
  }
  const text = (name: string) => (typeof status[name] === 'string' && status[name] !== '' ? status[name] : undefined);
  const [token, cert, key] = [text('token'), text('clientCertificateData'), text('clientKeyData')];
  if (token === undefined && (cert === undefined || key === undefined)) return undefined;
  const ends = Date.parse(text('expirationTimestamp') ?? '');
  return {
    credential: { ...(token && { token }), ...(cert && key && { cert, key }) },
    expiresAtMs: Number.isNaN(ends) ? undefined : ends,
  };
}
