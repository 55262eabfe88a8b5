// Normalizes the proxy variables for Azure's SDK, which needs a scheme in the address and does not know ranges or subdomains in
// NO_PROXY. Pure.
import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** In the SDK's order of precedence (read in @typespec/ts-http-runtime 0.3). */
const proxyVariables = ['HTTPS_PROXY', 'ALL_PROXY', 'HTTP_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

/** The token endpoint of managed identities. */
const metadataEndpoint = 'http://169.254.169.254';

/**
 * Returns the variables to set. `urls`: all endpoints that the SDK will use.
 *
 * @throws Error with one sentence that names the variable. The message omits the address, which may contain a password.
 */
export function proxyVariablesFor(env: Environment, urls: readonly string[]): Record<string, string> {
  const name = proxyVariables.find((variable) => env[variable]);
  if (name === undefined) return {};
  const proxy = proxyAddress(name, env[name]?.trim() ?? '');
  const bypass = ['NO_PROXY', 'no_proxy'].find((variable) => env[variable]);
  if (bypass === undefined) return { [name]: proxy };
  const entries = (env[bypass] ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const rules = entries.map((entry) => ruleFor(bypass, entry.toLowerCase()));
  const hosts = [...urls, metadataEndpoint].map((url) => new URL(url)).filter((url) => rules.some((rule) => rule(url)));
  const names = new Set([...entries, ...hosts.map(({ hostname }) => hostname)]);
  return { [name]: proxy, [bypass]: [...names].join(',') };
}

function proxyAddress(name: string, value: string): string {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return address;
  throw new Error(`${name} must be the address of an HTTP proxy, such as http://proxy.example.com:3128`);
}

type Rule = (url: URL) => boolean;

/** Follows Go and most of Kubernetes: a name also matches its subdomains. */
function ruleFor(variable: string, entry: string): Rule {
  if (entry === '*') return () => true;
  const [network = '', prefix] = entry.split('/');
  if (prefix !== undefined) return rangeRule(variable, entry, network, prefix);
  const [, host = entry, port] = /^(.+?):(\d+)$/.exec(isIP(entry) ? '' : entry) ?? [];
  const suffix = `.${host.replace(/^\*?\./, '')}`;
  return (url) => {
    const isPort = port === undefined || port === portOf(url);
    return isPort && (url.hostname === host || (!isIP(host) && `.${url.hostname}`.endsWith(suffix)));
  };
}

/** Matches addresses only: names are not resolved. */
function rangeRule(variable: string, entry: string, network: string, prefix: string): Rule {
  const family = isIP(network);
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (family === 0 || !(bits <= (family === 4 ? 32 : 128)))
    throw new Error(`${variable} has ${JSON.stringify(entry.slice(0, 64))}, which is no range of addresses`);
  const range = new BlockList();
  range.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  return ({ hostname }) => {
    const address = hostname.replace(/^\[|\]$/g, '');
    const is = isIP(address);
    return is !== 0 && range.check(address, is === 4 ? 'ipv4' : 'ipv6');
  };
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}
