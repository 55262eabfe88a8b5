import { expect } from 'chai';
import { type Config, ConfigError, ConfigHelp, type LeaderElection, version } from '../../src/config.ts';
import { configFrom } from '../config-from.ts';

function refusal(argv: string[], env: Record<string, string> = {}): ConfigError {
  try {
    configFrom(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseConfig', () => {
  it('names the proxy variable with an unusable value', () => {
    const { message, exitCode } = refusal([], { HTTPS_PROXY: 'socks5://proxy:1080' });
    expect(message).to.match(/^HTTPS_PROXY must be the address of an HTTP proxy/);
    expect(exitCode).to.equal(2);
    expect(refusal([], { HTTPS_PROXY: 'proxy:3128', NO_PROXY: '10.0.0.0/99' }).message).to.match(/^NO_PROXY has /);
  });

  it('names the file of a private CA that cannot be used, with which Node would go on', () => {
    expect(refusal([], { NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }).message).to.equal(
      'NODE_EXTRA_CA_CERTS names /nowhere/ca.pem, which cannot be read: ENOENT: no such file or directory',
    );
    const { pathname } = new URL('../../package.json', import.meta.url);
    expect(refusal([], { NODE_EXTRA_CA_CERTS: pathname }).message).to.equal(
      `NODE_EXTRA_CA_CERTS names ${pathname}, which has no certificate in PEM`,
    );
    expect(configFrom([], { NODE_EXTRA_CA_CERTS: '' })).to.have.property('logLevel', 'info');
  });

  it('has a default for every option', () => {
    expect(configFrom([], {})).to.deep.equal({
      metricsBindAddress: { port: 8080 },
      healthProbeBindAddress: { port: 8081 },
      watchNamespaces: [],
      regionSources: [],
      concurrency: 10,
      interval: 600_000,
      maxObjects: 20_000,
      maxParallelActions: 10,
      defaultIdentity: 'allow',
      defaultRegistries: 'allow',
      allowHttpApiServer: false,
      logLevel: 'info',
      logFormat: 'json',
      cloud: {
        endpoint: 'https://management.azure.com',
        audience: 'https://management.azure.com',
        authority: 'https://login.microsoftonline.com',
        knownAuthority: true,
      },
    } satisfies Config);
  });

  it('serves the map on loopback only, and only if asked to', () => {
    expect(configFrom(['--map-bind-address=0'], {})).not.to.have.any.keys('mapBindAddress');
    expect(configFrom(['--map-bind-address=[::1]:8082'], {}).mapBindAddress).to.deep.equal({ host: '::1', port: 8082 });
    expect(refusal(['--map-bind-address=0.0.0.0:8082'], {}).message).to.contain('must be an address of loopback');
  });

  const everything: [flag: string, twin: string, text: string, setting: keyof Config, value: unknown][] = [
    [
      '--metrics-bind-address',
      'METRICS_BIND_ADDRESS',
      '127.0.0.1:9090',
      'metricsBindAddress',
      { host: '127.0.0.1', port: 9090 },
    ],
    ['--map-bind-address', 'MAP_BIND_ADDRESS', ':8082', 'mapBindAddress', { host: '127.0.0.1', port: 8082 }],
    [
      '--health-probe-bind-address',
      'HEALTH_PROBE_BIND_ADDRESS',
      '[::1]:0',
      'healthProbeBindAddress',
      { host: '::1', port: 0 },
    ],
    ['--watch-namespaces', 'WATCH_NAMESPACES', 'a, b,a', 'watchNamespaces', ['a', 'b']],
    [
      '--watch-label-selector',
      'WATCH_LABEL_SELECTOR',
      'team=web,env in (a, b),!x',
      'watchLabelSelector',
      'team=web,env in (a, b),!x',
    ],
    [
      '--region-sources',
      'REGION_SOURCES',
      'nodes, memberclusters.cluster.kubernetes-fleet.io,nodes',
      'regionSources',
      ['nodes', 'memberclusters.cluster.kubernetes-fleet.io'],
    ],
    ['--concurrency', 'CONCURRENCY', '3', 'concurrency', 3],
    ['--interval', 'INTERVAL', '1h30m', 'interval', 5_400_000],
    ['--max-parallel-actions', 'MAX_PARALLEL_ACTIONS', '1', 'maxParallelActions', 1],
    ['--metrics-secure', 'METRICS_SECURE', 'true', 'metricsSecure', {}],
    ['--default-identity', 'DEFAULT_IDENTITY', 'deny', 'defaultIdentity', 'deny'],
    ['--default-registries', 'DEFAULT_REGISTRIES', 'Deny', 'defaultRegistries', 'deny'],
    ['--allow-http-api-server', 'ALLOW_HTTP_API_SERVER', 'true', 'allowHttpApiServer', true],
    ['--log-format', 'LOG_FORMAT', 'Pretty', 'logFormat', 'pretty'],
    ['--log-level', 'LOG_LEVEL', 'DEBUG', 'logLevel', 'debug'],
  ];
  const ofLeases: [flag: string, twin: string, text: string, setting: keyof LeaderElection, value: unknown][] = [
    ['--leader-elect-lease-duration', 'LEADER_ELECT_LEASE_DURATION', '30s', 'leaseDurationMs', 30_000],
    ['--leader-elect-renew-deadline', 'LEADER_ELECT_RENEW_DEADLINE', '12s', 'renewDeadlineMs', 12_000],
    ['--leader-elect-retry-period', 'LEADER_ELECT_RETRY_PERIOD', '500ms', 'retryPeriodMs', 500],
    ['--leader-elect-resource-namespace', 'LEADER_ELECT_RESOURCE_NAMESPACE', 'operators', 'namespace', 'operators'],
    ['--leader-elect-resource-name', 'LEADER_ELECT_RESOURCE_NAME', 'one-of-two', 'name', 'one-of-two'],
  ];
  for (const [flag, twin, text, setting, value] of ofLeases) {
    it(`reads ${flag} or ${twin} for leader election`, () => {
      for (const [argv, env] of [
        [['--leader-elect', flag, text], {}],
        [['--leader-elect'], { [twin]: text }],
      ] as const) {
        expect(configFrom(argv, env).leaderElection).to.deep.include({ [setting]: value }).and.to.be.frozen;
      }
      expect(configFrom([flag, text], {})).to.deep.equal(configFrom([], {}));
    });
  }

  it("elects a leader only with --leader-elect, with client-go's timings by default", () => {
    const expected = {
      name: 'acr-replication-operator',
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
    };
    for (const argv of [['--leader-elect'], ['--leader-elect=true'], ['--leader-elect', '--interval', '5m']]) {
      expect(configFrom(argv, { LEADER_ELECT: 'false' }).leaderElection).to.deep.equal(expected);
    }
    expect(configFrom([], { LEADER_ELECT: 'true' }).leaderElection).to.deep.equal(expected);
    expect(configFrom(['--leader-elect=false'], { LEADER_ELECT: 'true' })).not.to.have.property('leaderElection');
  });

  for (const [flag, twin, text, setting, value] of everything) {
    it(`reads ${flag}`, () => {
      expect(configFrom([flag, text], {})[setting]).to.deep.equal(value);
      expect(configFrom([`${flag}=${text}`], {})[setting]).to.deep.equal(value);
    });
    it(`reads ${twin} if the flag is not given`, () => {
      expect(configFrom([], { [twin]: text })[setting]).to.deep.equal(value);
    });
    it(`prefers ${flag} to ${twin}`, () => {
      expect(configFrom([flag, text], { [twin]: 'nonsense !' })[setting]).to.deep.equal(value);
    });
    it(`treats an empty ${twin} as unset`, () => {
      expect(configFrom([], { [twin]: '' })).to.deep.equal(configFrom([], {}));
    });
  }

  it('refuses to start if Node does not verify servers', () => {
    expect(refusal([], { NODE_TLS_REJECT_UNAUTHORIZED: '0' }).message).to.equal(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of every server; unset it, and name a private CA with NODE_EXTRA_CA_CERTS',
    );
    expect(configFrom([], { NODE_TLS_REJECT_UNAUTHORIZED: '1' })).to.deep.equal(configFrom([], {}));
  });

  it('turns a server off with the address 0', () => {
    const config = configFrom(['--metrics-bind-address=0', '--health-probe-bind-address', '0'], {});
    expect(config).not.to.have.any.keys('metricsBindAddress', 'healthProbeBindAddress');
  });

  it('accepts a directory of certificates for secure metrics only', () => {
    const config = configFrom(['--metrics-secure', '--metrics-cert-dir=/tls'], {});
    expect(config.metricsSecure).to.deep.equal({ certDir: '/tls' });
    expect(configFrom(['--metrics-secure=false'], {})).not.to.have.property('metricsSecure');
    expect(refusal([], { METRICS_CERT_DIR: '/tls' }).message).to.equal(
      '--metrics-cert-dir needs --metrics-secure, which is not set',
    );
  });

  it('combines repeated --watch-namespaces', () => {
    const { watchNamespaces } = configFrom(['--watch-namespaces', 'a,b', '--watch-namespaces=c'], {});
    expect(watchNamespaces).to.deep.equal(['a', 'b', 'c']);
  });

  it('returns an immutable config', () => {
    const config = configFrom([], {});
    expect(config).to.be.frozen;
    expect(config.watchNamespaces).to.be.frozen;
    expect(config.cloud).to.be.frozen;
  });

  const bad: [argv: string[], env: Record<string, string>, says: string][] = [
    [
      ['--interval', '500ms'],
      {},
      "option '--interval <duration>' argument '500ms' is invalid. must be a duration such as 10m or 1h30m, at least 1s",
    ],
    [['--interval', '10'], {}, "argument '10' is invalid. must be a duration"],
    [[], { INTERVAL: '10' }, "value '10' from env 'INTERVAL' is invalid. must be a duration"],
    [['--concurrency', '0'], {}, "argument '0' is invalid. must be a whole number from 1 to 1000"],
    [['--concurrency', '1e2'], {}, 'must be a whole number'],
    [['--max-parallel-actions', '-1'], {}, 'must be a whole number'],
    [
      ['--log-level', 'loud'],
      {},
      "argument 'loud' is invalid. must be one of trace, debug, info, warn, error, fatal, silent",
    ],
    [
      ['--metrics-bind-address', '8080'],
      {},
      "option '--metrics-bind-address <address>' argument '8080' is invalid. must be host:port, :port or 0",
    ],
    [['--metrics-bind-address', ':70000'], {}, 'must be host:port'],
    [['--watch-namespaces', 'Upper'], {}, 'must be names of namespaces'],
    [['--region-sources', 'Nodes'], {}, 'must be kinds such as nodes'],
    [['--region-sources', 'nodes,secrets'], {}, 'must not be secrets'],
    [['--watch-label-selector', 'a=b c'], {}, 'must be a label selector'],
    [['--elect'], {}, "unknown option '--elect'"],
    [['--leader-elect=maybe'], {}, "argument 'maybe' is invalid. must be one of true, false"],
    [['--leader-elect-resource-name', 'A_B'], {}, 'must be a name of lower-case letters'],
    [
      ['--leader-elect-lease-duration', '10s'],
      {},
      '--leader-elect-lease-duration (10s) must be longer than --leader-elect-renew-deadline (10s)',
    ],
    [
      [],
      { LEADER_ELECT_RETRY_PERIOD: '9s' },
      '--leader-elect-renew-deadline (10s) must be longer than 1.2 times --leader-elect-retry-period (9s)',
    ],
    [['--intervall', '1m'], {}, 'Did you mean --interval?'],
    [['--interval'], {}, 'argument missing (see --help)'],
    [['extra'], {}, 'too many arguments'],
    [[], { AZURE_AUTHORITY_HOST: 'http://x' }, 'AZURE_AUTHORITY_HOST must be an https URL'],
  ];
  for (const [argv, env, says] of bad) {
    it(`refuses ${[...argv, ...Object.entries(env).map((e) => e.join('='))].join(' ')} in one line`, () => {
      const error = refusal(argv, env);
      expect(error.exitCode).to.equal(2);
      expect(error.message).to.contain(says);
      expect(error.message).not.to.contain('\n');
    });
  }

  it('takes -h for --help', () => {
    expect(refusal(['-h']))
      .to.be.instanceOf(ConfigHelp)
      .and.to.have.property('message', refusal(['--help']).message);
  });

  it('logs for people at a terminal, unless told otherwise', () => {
    const formatOf = (...argv: string[]) => configFrom(argv, {}, { isTerminal: true }).logFormat;
    expect(formatOf()).to.equal('pretty');
    expect(formatOf('--log-format=json')).to.equal('json');
    expect(configFrom([], {}).logFormat).to.equal('json');
  });

  it('prints every flag and its environment variable on --help', () => {
    const help = refusal(['--help']);
    expect(help).to.be.instanceOf(ConfigHelp).and.to.have.property('exitCode', 0);
    for (const [flag, twin] of [...everything, ...ofLeases])
      expect(help.message)
        .to.contain(flag)
        .and.to.match(new RegExp(`env:\\s+${twin}\\)`));
  });

  it('prints the version on --version, whatever the other flags', () => {
    expect(refusal(['--version', '--interval', 'x']))
      .to.be.instanceOf(ConfigHelp)
      .and.to.have.property('message', version);
  });
});
