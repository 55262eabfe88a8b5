// Loads the kubeconfig as kubectl does, and rejects one that would send credentials over an unencrypted connection.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { load as parseYaml } from 'js-yaml';
import { parseProxy } from '../../lib/proxy.ts';
import { errorMessage } from '../../lib/sanitize.ts';

/** The kubeconfig is missing or invalid; the message is one sentence that says what to do. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}

export interface KubeConfigOptions {
  /** Allows http:// to an API server on another machine. Default: false. */
  readonly allowHttp?: boolean;
  /** Another context than the current one, as kubectl's --context. */
  readonly context?: string;
}

/**
 * Loads `file` or, without one, kubectl's defaults: `KUBECONFIG` (a list of files), `~/.kube/config`, the pod's service account.
 * client-node would then try http://localhost:8080.
 * @throws KubeConfigError if there is none, or if it is invalid.
 */
export function loadKubeConfig(file?: string, { allowHttp = false, context }: KubeConfigOptions = {}): KubeConfig {
  const config = new KubeConfig();
  const source = file ?? process.env.KUBECONFIG;
  try {
    if (file) config.loadFromFile(file);
    else config.loadFromDefault(undefined, true); // true: the first file's context wins, as in kubectl
    if (context !== undefined) config.setCurrentContext(context);
    completeUser(config, file ? [file] : defaultFiles());
  } catch (error) {
    const where = source ? `The kubeconfig ${source}` : 'The kubeconfig';
    throw new KubeConfigError(`${where} cannot be read: ${firstLine(error)}`, { cause: error });
  }
  checkServer(config, source, allowHttp);
  return config;
}

function checkServer(config: KubeConfig, source: string | undefined, allowHttp: boolean): void {
  const where = `The kubeconfig ${source ?? '~/.kube/config'}`;
  const cluster = config.getCurrentCluster();
  if (!cluster?.server) {
    const context = config.getCurrentContext();
    throw new KubeConfigError(
      `${where} ${context ? `has no usable cluster for its context "${context}"` : 'names no current-context'}; choose one with: kubectl config use-context NAME`,
    );
  }
  if (!source && cluster.name === 'cluster' && cluster.server === 'http://localhost:8080') {
    throw new KubeConfigError(
      'No Kubernetes cluster is configured: KUBECONFIG is not set, ~/.kube/config does not exist, and this is no pod with a service account. Set KUBECONFIG to a kubeconfig file.',
    );
  }
  const isInCluster = cluster.name === 'inCluster';
  if (!URL.canParse(cluster.server) || new URL(cluster.server).hostname === 'undefined') {
    throw new KubeConfigError(
      isInCluster
        ? 'There is a service account, but KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not say where the API server is.'
        : `${where} has no valid server URL: ${cluster.server}`,
    );
  }
  checkProxy(cluster, where);
  const { protocol, hostname } = new URL(cluster.server);
  if (protocol !== 'https:' && !isLoopback(hostname) && !allowHttp) {
    throw new KubeConfigError(
      `${isInCluster ? 'KUBERNETES_SERVICE_PORT' : where} leads to ${cluster.server}, where credentials would be sent unencrypted. Use an https:// URL, or allow this with --allow-http-api-server.`,
    );
  }
}

/** SOCKS proxies are client-node's. */
function checkProxy({ proxyUrl }: Cluster, where: string): void {
  if (!proxyUrl || proxyUrl.startsWith('socks')) return;
  try {
    parseProxy('proxy-url', proxyUrl);
  } catch (error) {
    throw new KubeConfigError(`${where} cannot be used: ${firstLine(error)}`);
  }
}

/** The warning for a kubeconfig that turns off the check of the API server's certificate; undefined for any other. */
export function insecureTls(config: KubeConfig): string | undefined {
  const cluster = config.getCurrentCluster();
  if (!cluster?.skipTLSVerify || !cluster.server.startsWith('https:')) return undefined;
  return `The kubeconfig has insecure-skip-tls-verify: true for cluster "${cluster.name}", so any server can pose as its API server and read the operator's credentials. Set certificate-authority-data instead.`;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function defaultFiles(): string[] {
  const { KUBECONFIG } = process.env;
  const files = KUBECONFIG ? KUBECONFIG.split(delimiter) : [join(homedir(), '.kube', 'config')];
  return files.filter((file) => file !== '' && existsSync(file));
}

/**
 * Completes the current user as client-go does: client-node 2.0.1 reads only `token-file`, once, and looks for a relative plugin in the
 * working directory.
 */
function completeUser(config: KubeConfig, files: readonly string[]): void {
  const current = config.getCurrentUser();
  for (const file of current ? files : []) {
    const raw = usersIn(file).find(({ name }) => name === current?.name);
    if (!raw) continue;
    const folder = dirname(file);
    config.users = config.users.map((user) =>
      user.name === current?.name ? withTokenFile(withPlugin(user, folder), raw, folder) : user,
    );
    return;
  }
}

/** A command with a slash is relative to the kubeconfig's folder; any other is searched in PATH. */
function withPlugin(user: User, folder: string): User {
  const command: unknown = user.exec?.command;
  if (typeof command !== 'string' || !command.includes('/')) return user;
  return { ...user, exec: { ...user.exec, command: resolve(folder, command) } };
}

/** Sets the file as client-node does for a pod's service account. As in client-go, it takes precedence over `token`. */
function withTokenFile(user: User, { user: raw }: RawUser, folder: string): User {
  if (typeof raw?.tokenFile !== 'string' || raw.tokenFile === '') return user;
  const { token: _, ...others } = user;
  const authProvider = { name: 'tokenFile', config: { tokenFile: resolve(folder, raw.tokenFile) } };
  return { ...others, authProvider };
}

interface RawUser {
  readonly name?: unknown;
  readonly user?: { readonly tokenFile?: unknown } | null;
}

/** client-node has parsed the file already. A pipe can be read only once, so its `tokenFile` is not supported. */
function usersIn(file: string): readonly RawUser[] {
  if (!statSync(file).isFile()) return [];
  const parsed = parseYaml(readFileSync(file, 'utf8')) as { readonly users?: unknown } | undefined;
  return Array.isArray(parsed?.users) ? parsed.users.filter((user) => typeof user === 'object' && user !== null) : [];
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n', 1)[0] ?? '';
}
