// Flags and environment into one typed, validated, frozen Config. Pure: it reads what it is given, prints nothing and exits nowhere.
import { Command, CommanderError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { type Cloud, cloudFrom } from './azure/cloud.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { Terms } from './kubernetes/lease.ts';
import { messageOf } from './words.ts';

export const version = manifest.version;

export interface BindAddress {
  /** Left out: every address of this machine. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

const permissions = ['allow', 'deny'] as const;
export type Permission = (typeof permissions)[number];

export interface Config {
  /** Left out: no metrics are served. */
  readonly metricsBindAddress?: BindAddress;
  /** Left out: they are served over plain HTTP, to whoever asks. */
  readonly metricsSecure?: SecureMetrics;
  /** Left out: no probes are served. */
  readonly healthProbeBindAddress?: BindAddress;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** In Kubernetes' syntax; left out: all objects. */
  readonly watchLabelSelector?: string;
  /** Objects worked on at a time. */
  readonly concurrency: number;
  /** ms between drift checks of an object that does not say. */
  readonly interval: number;
  /** Replicas of one registry in motion at a time. */
  readonly maxParallelActions: number;
  /** Whether the operator acts as itself for objects without an identity of their own. */
  readonly defaultIdentity: Permission;
  /** Whether the objects of a namespace that says nothing about it may name any registry. */
  readonly defaultRegistries: Permission;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Left out: this operator is alone, or all of them work side by side. */
  readonly leaderElection?: LeaderElection;
  readonly cloud: Cloud;
}

/** Metrics over HTTPS, for those whom the API server gives the right. */
export interface SecureMetrics {
  /** Holds tls.crt and tls.key; left out: a certificate is made in memory. */
  readonly certDir?: string;
}

/** The Lease that operators contend for, and how. */
export interface LeaderElection extends Terms {
  /** Left out: the one of the kubeconfig's context, in a pod the pod's own. */
  readonly namespace?: string;
  readonly name: string;
}

/** Why there is no Config: one line to print to stderr before leaving with `exitCode`. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly exitCode: number = 2;
}

/** --help or --version was asked for: `message` is the answer, for stdout. */
export class ConfigHelp extends ConfigError {
  override readonly name = 'ConfigHelp';
  override readonly exitCode = 0;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param argv The arguments alone, without node and script: `process.argv.slice(2)`.
 * @param env Each flag's twin is its name in upper snake case; a flag beats it, and an empty one counts as not set.
 * @throws ConfigError, or ConfigHelp.
 */
export function configFrom(argv: readonly string[], env: Environment): Config {
  const given = parse(argv);

  function setting<T>(flag: Flag, read: (text: string) => T): T {
    const twin = twinOf(flag.name);
    const fromFlag = given[flag.name];
    const text = fromFlag ?? (env[twin] || flag.fallback);
    try {
      return read(text.trim());
    } catch (error) {
      const source = fromFlag === undefined ? twin : `--${flag.name}`;
      throw new ConfigError(`${source}: ${messageOf(error)}, not ${JSON.stringify(text.slice(0, 200))}`);
    }
  }

  const metrics = setting(flags.metrics, bindAddress);
  const isSecure = setting(flags.metricsSecure, yesOrNo);
  const certDir = setting(flags.metricsCertDir, optional(String));
  if (certDir !== undefined && !isSecure)
    throw new ConfigError(`--${flags.metricsCertDir.name} is for --${flags.metricsSecure.name}, which is not set`);
  const health = setting(flags.health, bindAddress);
  const selector = setting(flags.selector, labelSelector);
  const isElected = setting(flags.leaderElect, yesOrNo);
  const election = leaderElection(setting);
  return Object.freeze({
    ...(metrics ? { metricsBindAddress: metrics } : {}),
    ...(isSecure ? { metricsSecure: Object.freeze({ ...(certDir ? { certDir } : {}) }) } : {}),
    ...(health ? { healthProbeBindAddress: health } : {}),
    watchNamespaces: setting(flags.namespaces, namespaces),
    ...(selector ? { watchLabelSelector: selector } : {}),
    concurrency: setting(flags.concurrency, wholeNumber(1, 1_000)),
    interval: setting(flags.interval, duration(1_000)),
    maxParallelActions: setting(flags.parallel, wholeNumber(1, 100)),
    defaultIdentity: setting(flags.defaultIdentity, oneOf(permissions)),
    defaultRegistries: setting(flags.defaultRegistries, oneOf(permissions)),
    logLevel: setting(flags.logLevel, oneOf(logLevels)),
    logFormat: setting(flags.logFormat, oneOf(logFormats)),
    ...(isElected ? { leaderElection: election } : {}),
    cloud: cloud(env),
  });
}

type Setting = <T>(flag: Flag, read: (text: string) => T) => T;

/** The rules are client-go's, which also spreads the retry period by up to a fifth; they hold also while there is no election. */
function leaderElection(setting: Setting): LeaderElection {
  const namespace = setting(flags.leaseNamespace, optional(dnsName));
  const leaseDuration = setting(flags.leaseDuration, duration(1_000));
  const renewDeadline = setting(flags.renewDeadline, duration(100));
  const retryPeriod = setting(flags.retryPeriod, duration(10));
  const said = (flag: Flag, ms: number) => `--${flag.name} (${formatDuration(ms)})`;
  if (leaseDuration <= renewDeadline) {
    const deadline = said(flags.renewDeadline, renewDeadline);
    throw new ConfigError(`${said(flags.leaseDuration, leaseDuration)} must be longer than ${deadline}`);
  }
  if (renewDeadline <= 1.2 * retryPeriod) {
    const period = said(flags.retryPeriod, retryPeriod);
    throw new ConfigError(`${said(flags.renewDeadline, renewDeadline)} must be longer than 1.2 times ${period}`);
  }
  return Object.freeze({
    ...(namespace ? { namespace } : {}),
    name: setting(flags.leaseName, dnsName),
    leaseDuration,
    renewDeadline,
    retryPeriod,
  });
}

interface Flag {
  readonly name: string;
  /** In brackets: may be left out, and then means "true". */
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
}

const flags = {
  metrics: {
    name: 'metrics-bind-address',
    value: '<address>',
    fallback: ':8080',
    help: 'where /metrics is served, as host:port or :port; 0 turns it off',
  },
  metricsSecure: {
    name: 'metrics-secure',
    value: '[true|false]',
    fallback: 'false',
    help: 'serve /metrics over HTTPS, to those only whom the API server gives the right to get it',
  },
  metricsCertDir: {
    name: 'metrics-cert-dir',
    value: '<directory>',
    fallback: '',
    help: 'where tls.crt and tls.key are for that, read anew when they change (default: a certificate made in memory)',
  },
  health: {
    name: 'health-probe-bind-address',
    value: '<address>',
    fallback: ':8081',
    help: 'where /livez and /readyz are served, as host:port or :port; 0 turns them off',
  },
  namespaces: {
    name: 'watch-namespaces',
    value: '<names>',
    fallback: '',
    help: 'namespaces to watch, separated by commas; may be repeated (default: all)',
  },
  selector: {
    name: 'watch-label-selector',
    value: '<selector>',
    fallback: '',
    help: 'watch only objects whose labels match, as kubectl -l takes it (default: all)',
  },
  concurrency: { name: 'concurrency', value: '<n>', fallback: '10', help: 'objects worked on at a time' },
  interval: {
    name: 'interval',
    value: '<duration>',
    fallback: '10m',
    help: 'how often Azure is checked for changes made by others, at least 1s, for objects without spec.interval',
  },
  parallel: {
    name: 'max-parallel-actions',
    value: '<n>',
    fallback: '4',
    help: 'replicas of one registry in motion at a time',
  },
  defaultIdentity: {
    name: 'default-identity',
    value: '<allow|deny>',
    fallback: 'allow',
    help: 'whether objects without spec.identity are acted upon, with the credential of the operator',
  },
  defaultRegistries: {
    name: 'default-registries',
    value: '<allow|deny>',
    fallback: 'allow',
    help: 'whether objects may name any registry where their namespace has no georeplication.dev/allowed-registries',
  },
  leaderElect: {
    name: 'leader-elect',
    value: '[true|false]',
    fallback: 'false',
    help: 'of several operators only one works at a time, the others stand by',
  },
  leaseDuration: {
    name: 'leader-elect-lease-duration',
    value: '<duration>',
    fallback: '15s',
    help: 'how long others wait after the last sign of a leader before one takes over',
  },
  renewDeadline: {
    name: 'leader-elect-renew-deadline',
    value: '<duration>',
    fallback: '10s',
    help: 'how long a leader that cannot renew its lease goes on; then it ends, to be started again',
  },
  retryPeriod: {
    name: 'leader-elect-retry-period',
    value: '<duration>',
    fallback: '2s',
    help: 'how often a leader renews its lease, and a standby looks at it',
  },
  leaseNamespace: {
    name: 'leader-elect-resource-namespace',
    value: '<name>',
    fallback: '',
    help: "namespace of the Lease (default: the pod's, else that of the kubeconfig's context)",
  },
  leaseName: {
    name: 'leader-elect-resource-name',
    value: '<name>',
    fallback: 'acr-replication-operator',
    help: 'name of the Lease',
  },
  logFormat: {
    name: 'log-format',
    value: '<format>',
    fallback: 'json',
    help: 'json for machines, pretty for people',
  },
  logLevel: { name: 'log-level', value: '<level>', fallback: 'info', help: `one of ${logLevels.join(', ')}` },
} as const satisfies Record<string, Flag>;

const environmentHelp = `
Each flag can also be set by the environment variable in brackets; the flag wins.

Azure:
  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and others   the credential, as @azure/identity reads it
  AZURE_AUTHORITY_HOST                 where tokens come from (default: https://login.microsoftonline.com)
  AZURE_RESOURCE_MANAGER_ENDPOINT      Azure Resource Manager (default: that of the authority's cloud)
  AZURE_RESOURCE_MANAGER_AUDIENCE      what tokens are for (default: the endpoint)

Kubernetes: KUBECONFIG, ~/.kube/config, or the pod's service account.`;

/** The flags as they were given, by name; the values still text. */
function parse(argv: readonly string[]): Readonly<Record<string, string | undefined>> {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const program = new Command('acr-replication-operator')
    .description('Keeps Azure container registries replicated to the regions that RegistryReplication objects list.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .addHelpText('after', environmentHelp)
    .allowExcessArguments(false)
    .configureOutput({ writeOut: print, writeErr: print })
    .configureHelp({ helpWidth: 110 })
    .exitOverride();
  const found: Record<string, string> = {};
  for (const { name, value, fallback, help } of Object.values<Flag>(flags)) {
    const described = `${help}${fallback ? ` (default: ${fallback})` : ''} [${twinOf(name)}]`;
    const option = new Option(`--${name} ${value}`, described);
    // Repeating adds up where a list is asked for, and the last one wins elsewhere, as with most programs.
    option.argParser<string>((text, before) => (name === 'watch-namespaces' && before ? `${before},${text}` : text));
    program.addOption(option).on(`option:${name}`, () => {
      found[name] = String(program.getOptionValue(option.attributeName()));
    });
  }
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new ConfigHelp(printed.trimEnd());
    const line = error.message.replace(/^error: /, '').replace(/\s+/g, ' ');
    throw new ConfigError(`${line} (see --help)`);
  }
  return found;
}

function twinOf(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}

function bindAddress(text: string): BindAddress | undefined {
  if (text === '0') return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new Error('must be host:port, :port or 0');
  const host = match[1] ?? match[2];
  return Object.freeze({ ...(host ? { host } : {}), port });
}

function yesOrNo(text: string): boolean {
  return oneOf(['true', 'false'])(text) === 'true';
}

function optional<T>(read: (text: string) => T): (text: string) => T | undefined {
  return (text) => (text === '' ? undefined : read(text));
}

/** A DNS label: what a namespace may be called, and a Lease in any case. */
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function dnsName(text: string): string {
  if (!label.test(text)) throw new Error('must be a name of lower-case letters, digits and -');
  return text;
}

function namespaces(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wanted = [...new Set(names)].filter(Boolean);
  const bad = wanted.find((name) => !label.test(name));
  if (bad !== undefined) throw new Error('must be names of namespaces, separated by commas');
  return Object.freeze(wanted);
}

/** Kubernetes' grammar of set-based requirements; whether they make sense the API server says. */
function labelSelector(text: string): string | undefined {
  if (text === '') return undefined;
  const key = '[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?';
  const value = '([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?';
  const set = String.raw`\(\s*${value}(\s*,\s*${value})*\s*\)`;
  const requirement = String.raw`\s*(!\s*${key}|${key}(\s*(==?|!=)\s*${value}|\s*[<>]\s*\d+|\s+(in|notin)\s*${set})?)\s*`;
  if (!new RegExp(`^${requirement}(,${requirement})*$`).test(text)) {
    throw new Error('must be a label selector such as team=web,env in (prod,stage)');
  }
  return text;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`);
    }
    return number;
  };
}

function duration(least: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < least) {
      throw new Error(`must be a duration such as 10m or 1h30m, at least ${formatDuration(least)}`);
    }
    return ms;
  };
}

function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    if (word === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return word;
  };
}

function cloud(env: Environment): Cloud {
  try {
    return Object.freeze(cloudFrom(env));
  } catch (error) {
    throw new ConfigError(messageOf(error));
  }
}
