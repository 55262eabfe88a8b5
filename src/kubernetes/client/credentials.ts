// Caches credentials that change while the process runs: of a token file or a credential plugin (`exec`) in the kubeconfig. As in
// client-go, they are renewed when they expire and when the API server answers 401.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Cluster, User } from '@kubernetes/client-node';
import type { Clock } from '../../lib/clock.ts';
import { readErrorMessage, sanitize } from '../../lib/sanitize.ts';
import { KubeConfigError } from './kubeconfig.ts';

/** Certificate and key are in PEM. */
export interface Credential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface CredentialSource {
  /** Rejects with a KubeConfigError. */
  current(): Promise<Credential>;
  /** Call it when the API server answers 401 to this credential: the next request gets a new one. */
  reject(credential: Credential): void;
}

interface IssuedCredential {
  readonly credential: Credential;
  /** Since the epoch; undefined if it is valid until it is rejected. */
  readonly expiresAtMs: number | undefined;
}

/** Time after which a token file is read again; client-go's. */
const tokenFileRefreshMs = 60_000;
const pluginTimeoutMs = 30_000;
const maxPluginBytes = 1024 * 1024;

/** Undefined if the user's credentials are in the kubeconfig itself. */
export function credentialSource(user: User, cluster: Cluster, clock: Clock): CredentialSource | undefined {
  const { exec } = user;
  const tokenFile: unknown = user.authProvider?.config?.tokenFile;
  if (typeof tokenFile === 'string') return cachedSource(() => readTokenFile(tokenFile, clock), clock);
  if (isPlugin(exec)) return cachedSource(() => runPlugin(exec, cluster), clock);
  return undefined;
}

function cachedSource(issue: () => Promise<IssuedCredential>, clock: Clock): CredentialSource {
  let cached: IssuedCredential | undefined;
  let renewal: Promise<Credential> | undefined;
  const renew = async () => {
    cached = await issue();
    return cached.credential;
  };
  return {
    async current() {
      if (cached && clock.now().getTime() < (cached.expiresAtMs ?? Number.POSITIVE_INFINITY)) return cached.credential;
      // Concurrent requests share one renewal.
      renewal ??= renew().finally(() => {
        renewal = undefined;
      });
      return renewal;
    },
    reject(credential) {
      // Several requests may report a 401 for one credential: keep its successor.
      if (cached?.credential === credential) cached = undefined;
    },
  };
}

async function readTokenFile(path: string, clock: Clock): Promise<IssuedCredential> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new KubeConfigError(`The token file ${path} of the kubeconfig cannot be read: ${readErrorMessage(error)}`, {
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

/** Runs the plugin once, without a terminal, by client-go's `exec` protocol (client.authentication.k8s.io). */
async function runPlugin(plugin: Plugin, cluster: Cluster): Promise<IssuedCredential> {
  const { command, args, env } = plugin;
  const subject = `The credential plugin ${JSON.stringify(command)} of the kubeconfig`;
  const environment = {
    ...process.env,
    ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(plugin, cluster)),
  };
  const output = await new Promise<string>((resolve, reject) => {
    const limits = { timeout: pluginTimeoutMs, killSignal: 'SIGKILL', maxBuffer: maxPluginBytes } as const;
    const child = execFile(command, [...(args ?? [])], { env: environment, ...limits }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = error.killed
        ? `it gave no credential within ${pluginTimeoutMs / 1_000} s`
        : stderr.trim() || error.message;
      reject(new KubeConfigError(sanitize(`${subject} failed: ${why}`, 500), { cause: error }));
    });
    // Ends stdin, so that a plugin that waits for input fails at once. A plugin that has exited already causes an error here.
    child.stdin?.on('error', () => undefined).end();
  });
  const issued = parseExecCredential(output);
  if (!issued) throw new KubeConfigError(`${subject} printed no ExecCredential with a token or a client certificate`);
  return issued;
}

function execInfo({ apiVersion, provideClusterInfo }: Plugin, cluster: Cluster): object {
  const { server, caData, skipTLSVerify, tlsServerName, proxyUrl } = cluster;
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
          ...(proxyUrl && { 'proxy-url': proxyUrl }),
        },
      }),
    },
  };
}

/** Undefined if the output is not an ExecCredential with a token or a certificate. */
function parseExecCredential(output: string): IssuedCredential | undefined {
  let status: Record<string, unknown>;
  try {
    status = JSON.parse(output)?.status ?? {};
  } catch {
    return undefined; // not an error with the output in it: the output may contain a token
  }
  const text = (name: string) => (typeof status[name] === 'string' && status[name] !== '' ? status[name] : undefined);
  const [token, cert, key] = [text('token'), text('clientCertificateData'), text('clientKeyData')];
  if (token === undefined && (cert === undefined || key === undefined)) return undefined;
  const expiresAtMs = Date.parse(text('expirationTimestamp') ?? '');
  return {
    credential: { ...(token && { token }), ...(cert && key && { cert, key }) },
    expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
  };
}
