// Decides which requests go through an HTTP proxy, from HTTPS_PROXY and NO_PROXY, by the rules of Go, hence of kubectl. Pure.
import { BlockList, isIP } from 'node:net';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ProxyServer {
  /** May contain user and password. */
  readonly url: URL;
  /** What names it, for messages: a variable, or the kubeconfig's field. */
  readonly setBy: string;
}

/** In the order of precedence of Azure's SDK (read in @typespec/ts-http-runtime 0.3). */
const proxyVariables = ['HTTPS_PROXY', 'ALL_PROXY', 'HTTP_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

const bypassVariables = ['NO_PROXY', 'no_proxy'];

/**
 * Returns the proxy for requests to `target`, undefined if they go there directly. Besides what NO_PROXY names, these go directly:
 * plain HTTP (the endpoints of managed identities), the machine and its link-local network, and the API server of the cluster in
 * which the process runs.
 */
export function proxyFor(target: URL, env: Environment = process.env): ProxyServer | undefined {
  const proxy = proxyIn(env);
  if (!proxy || target.protocol !== 'https:' || isOwnNetwork(hostOf(target), env)) return undefined;
  return bypassRules(env).some((rule) => rule(target)) ? undefined : proxy;
}

/**
 * Checks the variables, and returns the one to set so that the SDK, which fails on an address without a scheme, can parse it.
 *
 * @throws Error with one sentence that names the variable. The message omits the address, which may contain a password.
 */
export function checkProxyVariables(env: Environment): Record<string, string> {
  bypassRules(env);
  const proxy = proxyIn(env);
  return proxy ? { [proxy.setBy]: proxy.url.href } : {};
}

/** @throws Error with one sentence that names `setBy` and omits the address. */
export function parseProxy(setBy: string, value: string): ProxyServer {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash)
    throw new Error(`${setBy} must be the address of an HTTP proxy, such as http://proxy.example.com:3128`);
  if (!isDecodable(url.username) || !isDecodable(url.password))
    throw new Error(`${setBy} has a user or password that is not percent-encoded: write % as %25`);
  return { url, setBy };
}

/** Host and port, for messages: without user and password. */
export function proxyName({ url }: ProxyServer): string {
  return `${url.hostname}:${portOf(url)}`;
}

function proxyIn(env: Environment): ProxyServer | undefined {
  const name = proxyVariables.find((variable) => env[variable]?.trim());
  return name === undefined ? undefined : parseProxy(name, env[name]?.trim() ?? '');
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const ownNetworks = new BlockList();
ownNetworks.addSubnet('127.0.0.0', 8, 'ipv4');
ownNetworks.addAddress('::1', 'ipv6');
ownNetworks.addSubnet('169.254.0.0', 16, 'ipv4');
ownNetworks.addSubnet('fe80::', 10, 'ipv6');

function isOwnNetwork(host: string, { KUBERNETES_SERVICE_HOST: apiServer }: Environment): boolean {
  if (host === 'localhost' || host === apiServer?.toLowerCase() || /^kubernetes\.default\.svc(\.|$)/.test(host))
    return true;
  return contains(ownNetworks, host);
}

type Rule = (url: URL) => boolean;

function bypassRules(env: Environment): Rule[] {
  const variable = bypassVariables.find((name) => env[name]);
  if (variable === undefined) return [];
  const entries = (env[variable] ?? '').toLowerCase().split(/[\s,]+/);
  return entries.filter((entry) => entry !== '').map((entry) => ruleFor(variable, entry));
}

/** `example.com` also matches its subdomains; `.example.com` and `*.example.com` match those only. */
function ruleFor(variable: string, entry: string): Rule {
  if (entry === '*') return () => true;
  const [network = '', prefix] = entry.split('/');
  if (prefix !== undefined) return rangeRule(variable, entry, network, prefix);
  const [, named = entry, port] = /^(.+?):(\d+)$/.exec(isIP(entry) ? '' : entry) ?? [];
  const host = withoutBrackets(named);
  const suffix = `.${host.replace(/^\*?\./, '')}`;
  const matches = (target: string) => target === host || (!isIP(host) && target.endsWith(suffix));
  return (url) => (port === undefined || port === portOf(url)) && matches(hostOf(url));
}

/** Matches addresses only: names are not resolved. */
function rangeRule(variable: string, entry: string, network: string, prefix: string): Rule {
  const family = isIP(network);
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (family === 0 || !(bits <= (family === 4 ? 32 : 128)))
    throw new Error(`${variable} has ${JSON.stringify(entry.slice(0, 64))}, which is no range of addresses`);
  const range = new BlockList();
  range.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  return (url) => contains(range, hostOf(url));
}

function contains(range: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && range.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function hostOf({ hostname }: URL): string {
  return withoutBrackets(hostname).replace(/\.$/, '');
}

/** Of an IPv6 address in a URL. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

export function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}
