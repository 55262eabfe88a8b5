// Parses flags and environment variables into one typed, validated, frozen Config.
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import type { Cloud } from './azure/cloud.ts';
import { azureFrom } from './azure/environment.ts';
import type { BindAddress } from './flags.ts';
import type { LeaseTimings } from './kubernetes/leader-election/lease.ts';
import { formatDuration } from './lib/duration.ts';
import { errorMessage } from './lib/sanitize.ts';
import { type LogFormat, type LogLevel, options, type Permission } from './options.ts';

export const version = manifest.version;

export interface Config {
  /** Undefined: no metrics are served. */
  readonly metricsBindAddress?: BindAddress;
  /** Undefined: metrics are served over plain HTTP without authentication. */
  readonly metricsSecure?: SecureMetrics;
  /** Undefined: no probes are served. */
  readonly healthProbeBindAddress?: BindAddress;
  /** Undefined: no map is served. */
  readonly mapBindAddress?: BindAddress;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** In Kubernetes' syntax; undefined: all objects. */
  readonly watchLabelSelector?: string;
  /** The kinds that objects may follow, as `nodes` or `plural.group`; empty: none. */
  readonly regionSources: readonly string[];
  /** Objects worked on at a time. */
  readonly concurrency: number;
  /** ms between drift checks of an object that does not say. */
  readonly interval: number;
  /** Objects worked on in all; 0: no limit. */
  readonly maxObjects: number;
  /** Replicas of one registry in motion at a time. */
  readonly maxParallelActions: number;
  /** Whether the operator's own credential serves objects without spec.identity. */
  readonly defaultIdentity: Permission;
  /** Whether objects may name any registry where their namespace has no allowed-registries annotation. */
  readonly defaultRegistries: Permission;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Whether credentials may be sent to an API server on another machine over http://. */
  readonly allowHttpApiServer: boolean;
  /** Undefined: no leader election; every replica of the operator works. */
  readonly leaderElection?: LeaderElection;
  readonly cloud: Cloud;
  /** The operator's own tenant, for ServiceAccounts that name none. */
  readonly homeTenant?: string;
  readonly podName?: string;
}

/** Metrics over HTTPS, authenticated and authorized by the API server. */
export interface SecureMetrics {
  /** Directory of tls.crt and tls.key. Undefined: a certificate is made in memory. */
  readonly certDir?: string;
}

/** The Lease, and its timings. */
export interface LeaderElection extends LeaseTimings {
  /** Undefined: the pod's namespace, else that of the kubeconfig's context. */
  readonly namespace?: string;
  readonly name: string;
}

/** Invalid flags or environment: `message` is one line for stderr, `exitCode` the exit code. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly exitCode: number = 2;
}

/** Thrown for --help and --version: `message` is the text for stdout. */
export class ConfigHelp extends ConfigError {
  override readonly name = 'ConfigHelp';
  override readonly exitCode = 0;
}

/**
 * Reads flags, and from `process.env` the variable of each flag that is not given; an empty variable counts as unset.
 *
 * @param argv The arguments alone, without node and script: `process.argv.slice(2)`.
 * @throws ConfigError, or ConfigHelp.
 */
export function parseConfig(argv: readonly string[]): Config {
  const {
    metricsBindAddress,
    healthProbeBindAddress,
    mapBindAddress,
    metricsSecure,
    metricsCertDir: certDir,
    leaderElect,
    leaderElectResourceNamespace: namespace,
    leaderElectResourceName: name,
    leaderElectLeaseDuration: leaseDurationMs,
    leaderElectRenewDeadline: renewDeadlineMs,
    leaderElectRetryPeriod: retryPeriodMs,
    ...flags
  } = parseFlags(argv);
  const { env } = process;
  if (certDir !== undefined && !metricsSecure)
    throw new ConfigError('--metrics-cert-dir needs --metrics-secure, which is not set');
  // Node's switch: it lets any server pose as Azure or as the API server, and read the operator's credentials.
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    throw new ConfigError(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of every server; unset it, and name a private CA with NODE_EXTRA_CA_CERTS',
    );
  // Checked without --leader-elect too, so that turning it on later brings no surprise.
  checkTimings({ leaseDurationMs, renewDeadlineMs, retryPeriodMs });
  const leaderElection = {
    ...(namespace !== undefined && { namespace }),
    name,
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs,
  };
  return Object.freeze({
    ...flags,
    watchNamespaces: Object.freeze(flags.watchNamespaces),
    regionSources: Object.freeze(flags.regionSources),
    ...(metricsBindAddress && { metricsBindAddress }),
    ...(metricsSecure && { metricsSecure: Object.freeze({ ...(certDir !== undefined && { certDir }) }) }),
    ...(healthProbeBindAddress && { healthProbeBindAddress }),
    ...(mapBindAddress && { mapBindAddress }),
    ...(leaderElect && { leaderElection: Object.freeze(leaderElection) }),
    ...(env.AZURE_TENANT_ID && { homeTenant: env.AZURE_TENANT_ID }),
    ...(env.POD_NAME && { podName: env.POD_NAME }),
    cloud: parseCloud(env),
  });
}

/** Checks client-go's rules for Lease timings. */
function checkTimings({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: LeaseTimings): void {
  const deadline = `--leader-elect-renew-deadline (${formatDuration(renewDeadlineMs)})`;
  if (leaseDurationMs <= renewDeadlineMs)
    throw new ConfigError(
      `--leader-elect-lease-duration (${formatDuration(leaseDurationMs)}) must be longer than ${deadline}`,
    );
  // client-go spreads the retry period by up to a fifth.
  if (renewDeadlineMs <= 1.2 * retryPeriodMs)
    throw new ConfigError(
      `${deadline} must be longer than 1.2 times --leader-elect-retry-period (${formatDuration(retryPeriodMs)})`,
    );
}

/** Parsed values under commander's names: --watch-namespaces is `watchNamespaces`. Durations are in ms. */
interface Flags extends Omit<Config, 'metricsSecure' | 'leaderElection' | 'cloud' | 'homeTenant' | 'podName'> {
  readonly metricsSecure: boolean;
  readonly metricsCertDir?: string;
  readonly leaderElect: boolean;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceNamespace?: string;
  readonly leaderElectResourceName: string;
}

const environmentHelp = `
Each flag can also be set by its environment variable; the flag wins.

Azure:
  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and others   the credential, as @azure/identity reads it
  AZURE_AUTHORITY_HOST                 where tokens come from (default: https://login.microsoftonline.com)
  AZURE_RESOURCE_MANAGER_ENDPOINT      Azure Resource Manager (default: that of the authority's cloud)
  AZURE_RESOURCE_MANAGER_AUDIENCE      what tokens are for (default: the endpoint)
  AZURE_CONTAINER_REGISTRY_API_VERSION the version of Azure's interface to registries, for clouds that lack the newest

Kubernetes: KUBECONFIG, ~/.kube/config, or the pod's service account.

Network: HTTPS_PROXY, NO_PROXY, and NODE_EXTRA_CA_CERTS, a file with the certificate of a private CA.`;

function parseFlags(argv: readonly string[]): Flags {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const program = new Command('acr-replication-operator')
    .description('Keeps Azure container registries replicated to the regions that RegistryReplication objects list.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', environmentHelp)
    .allowExcessArguments(false)
    .configureOutput({ writeOut: print, writeErr: print })
    .configureHelp({ helpWidth: 110 })
    .exitOverride();
  for (const option of options()) {
    program.addOption(option);
    // A manifest sets a variable to the empty string to unset it.
    if (option.envVar !== undefined && process.env[option.envVar] === '') delete process.env[option.envVar];
  }
  try {
    return program.parse([...argv], { from: 'user' }).opts<Flags>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new ConfigHelp(printed.trimEnd());
    throw new ConfigError(`${error.message.replace(/^error: /, '').replace(/\s+/g, ' ')} (see --help)`);
  }
}

function parseCloud(env: NodeJS.ProcessEnv): Cloud {
  try {
    return Object.freeze(azureFrom(env));
  } catch (error) {
    throw new ConfigError(errorMessage(error));
  }
}
