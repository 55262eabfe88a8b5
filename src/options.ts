// The flags of the operator, with their defaults and descriptions.
import type { Option } from 'commander';
import {
  addressFlag,
  dnsLabel,
  durationFlag,
  flag,
  kinds,
  labelSelector,
  loopbackFlag,
  namespaces,
  oneOf,
  toggle,
  wholeNumber,
} from './flags.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

const permissions = ['allow', 'deny'] as const;
export type Permission = (typeof permissions)[number];

/** One for each flag. */
export const options = (): Option[] => [
  addressFlag('--metrics-bind-address', ':8080', 'where /metrics is served, as host:port or :port; 0 turns it off'),
  toggle('--metrics-secure', 'serve /metrics over HTTPS, only to clients that may get it by RBAC'),
  flag(
    '--metrics-cert-dir <directory>',
    'directory of tls.crt and tls.key for --metrics-secure, read again when they change (default: a certificate made in memory)',
  ),
  addressFlag(
    '--health-probe-bind-address',
    ':8081',
    'where /livez and /readyz are served, as host:port or :port; 0 turns them off',
  ),
  loopbackFlag('--map-bind-address', 'where the read-only map is served on loopback, as :port; 0 turns it off'),
  flag('--watch-namespaces <names>', 'namespaces to watch, separated by commas; may be repeated')
    .default([], 'all')
    .argParser(namespaces),
  flag(
    '--watch-label-selector <selector>',
    'watch only objects whose labels match, as kubectl -l takes it (default: all)',
  ).argParser(labelSelector),
  flag('--region-sources <kinds>', 'what spec.regionsFrom may follow: nodes, or plural.group; may be repeated')
    .default([], 'none')
    .argParser(kinds),
  flag('--concurrency <n>', 'objects worked on at a time').default(10).argParser(wholeNumber(1, 1_000)),
  durationFlag(
    '--interval',
    '10m',
    1_000,
    'how often Azure is checked for drift, at least 1s, for objects without spec.interval',
  ),
  flag('--max-objects <n>', 'objects worked on; later ones are refused, with reason TooManyObjects; 0: no limit')
    .default(20_000)
    .argParser(wholeNumber(0, 1_000_000)),
  flag(
    '--max-parallel-actions <n>',
    'replicas of one registry in motion at a time; fewer where Azure answers that another operation is running',
  )
    .default(10)
    .argParser(wholeNumber(1, 100)),
  flag('--default-identity <allow|deny>', "whether the operator's own credential serves objects without spec.identity")
    .default('allow')
    .argParser(oneOf(permissions)),
  flag(
    '--default-registries <allow|deny>',
    'whether objects may name any registry where their namespace has no georeplication.dev/allowed-registries',
  )
    .default('allow')
    .argParser(oneOf(permissions)),
  toggle('--allow-http-api-server', 'send credentials also to an API server on another machine whose URL is http://'),
  ...leaderElectionOptions(),
  flag('--log-format <format>', 'json for machines, pretty for people')
    .default(process.stdout.isTTY ? 'pretty' : 'json', 'pretty at a terminal, else json')
    .argParser(oneOf(logFormats)),
  flag('--log-level <level>', `one of ${logLevels.join(', ')}`)
    .default('info')
    .argParser(oneOf(logLevels)),
];

const leaderElectionOptions = (): Option[] => [
  toggle('--leader-elect', 'of several operators only one works at a time, the others stand by'),
  durationFlag(
    '--leader-elect-lease-duration',
    '15s',
    1_000,
    'how long a standby waits after the last renewal before it takes over',
  ),
  durationFlag(
    '--leader-elect-renew-deadline',
    '10s',
    100,
    'how long a leader that cannot renew its Lease goes on before it exits',
  ),
  durationFlag('--leader-elect-retry-period', '2s', 10, 'how often a leader renews its Lease, and a standby reads it'),
  flag(
    '--leader-elect-resource-namespace <name>',
    "namespace of the Lease (default: the pod's, else that of the kubeconfig's context)",
  ).argParser(dnsLabel),
  flag('--leader-elect-resource-name <name>', 'name of the Lease')
    .default('acr-replication-operator')
    .argParser(dnsLabel),
];
