// Problems at the start: each gives one clear message, and then either a retry or an exit code.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { kubectlTimeout } from '../hang-limit.ts';
import type { Operator } from '../operator.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { manifest, referenceTo } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describe('an operator that cannot start, or cannot connect', () => {
  let environment: TestEnvironment;

  before(async () => {
    environment = await startTestEnvironment({ identity: 'client-secret' });
  });
  after(() => environment?.close());

  /** All its output; a fatal message is a log line if the log exists already, else plain text. */
  async function outputOf(operator: Operator): Promise<{ code: number | null; lines: readonly string[] }> {
    const code = await operator.exited;
    return { code, lines: [...operator.log.map(({ level, msg }) => `${level}: ${msg}`), ...operator.otherOutput] };
  }

  it('reports an unknown flag, and exits with 2', async () => {
    expect(await outputOf(environment.startOperator({ args: ['--frequency=10m'] }))).to.deep.equal({
      code: 2,
      lines: ["unknown option '--frequency=10m' (see --help)"],
    });
  });

  it('reports an invalid value, and exits with 2', async () => {
    expect(await outputOf(environment.startOperator({ args: ['--interval=soon'] }))).to.deep.equal({
      code: 2,
      lines: [
        "option '--interval <duration>' argument 'soon' is invalid. must be a duration such as 10m or 1h30m, at least 1s (see --help)",
      ],
    });
  });

  it('exits with 1 and one line on stderr when its log cannot be written', async () => {
    const operator = environment.startOperator();
    operator.process.stdout?.destroy();
    expect(await outputOf(operator)).to.deep.equal({
      code: 1,
      lines: ['The log cannot be written to stdout, so the operator ends: EPIPE: broken pipe, write'],
    });
  });

  it('reports an invalid value of an environment variable, and exits with 2', async () => {
    expect(await outputOf(environment.startOperator({ env: { CONCURRENCY: 'many' } }))).to.deep.equal({
      code: 2,
      lines: [
        "option '--concurrency <n>' value 'many' from env 'CONCURRENCY' is invalid. must be a whole number from 1 to 1000 (see --help)",
      ],
    });
  });

  it('reports an unreadable kubeconfig, and exits with 1', async () => {
    const { code, lines } = await outputOf(environment.startOperator({ env: { KUBECONFIG: '/nowhere/kubeconfig' } }));
    expect(code).to.equal(1);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^fatal: The kubeconfig \/nowhere\/kubeconfig cannot be read: ENOENT/);
  });

  it('reports an address in use, and exits with 1', async () => {
    const { host: taken } = new URL(environment.arm.url);
    const operator = environment.startOperator({ args: ['--metrics-bind-address', taken] });
    expect(await outputOf(operator)).to.deep.equal({
      code: 1,
      lines: [
        `fatal: cannot serve metrics on ${taken}: the address is in use; choose another with --metrics-bind-address`,
      ],
    });
  });

  describeWithKubectl('to Azure, because of its credential', () => {
    const noCredential = { AZURE_TENANT_ID: '', AZURE_CLIENT_ID: '', AZURE_CLIENT_SECRET: '' };

    for (const [what, name, env, words] of [
      [
        'it has no credential',
        'unknown',
        // The only credential of the chain that makes no request of its own.
        { ...noCredential, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' },
        /no valid Azure credential/,
      ],
      [
        'its secret is not accepted',
        'denied',
        { AZURE_CLIENT_SECRET: 'not-the-secret', AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' },
        /no valid Azure credential.*AADSTS7000215/,
      ],
    ] as const)
      it(`reports at once that ${what}, reports it on every object, and keeps running`, async () => {
        const operator = environment.startOperator({ env });
        const error = await operator.logged(({ level }) => level === 'error');
        expect(error.msg).to.match(words);
        await environment.kubectl('apply -f -', {
          input: manifest(name, { regions: ['japaneast'] }, environment.identity),
        });
        const reason = '{.status.conditions[?(@.type=="Ready")].reason}';
        await environment.kubectl([
          'wait',
          `georep/${name}`,
          `--for=jsonpath=${reason}=AuthenticationFailed`,
          kubectlTimeout,
        ]);
        expect(await environment.kubectl(['get', 'georep', name, '-o', 'wide'])).to.match(words);
        expect(operator.isRunning()).to.equal(true);
        expect(operator.log.filter(({ level }) => level === 'error')).to.have.length(1);
        expect(operator.otherOutput).to.deep.equal([]);
        expect(JSON.stringify(operator.log)).not.to.contain('not-the-secret');
        expect(await operator.stop()).to.equal(0);
      });
  });
});

describeWithKubectl('an operator that starts before its dependencies', () => {
  let environment: TestEnvironment;

  before(async () => {
    environment = await startTestEnvironment({ arm: { timings: instant }, crds: [] });
    environment.arm.azure.addRegistry(referenceTo('early'));
  });
  after(() => environment?.close());

  function isRetry({ level, msg }: { level: string; msg: string }): boolean {
    return level === 'warn' && /; trying again in [\d.]+ s$/.test(msg);
  }

  it('retries until the API server and the CRD are there', async () => {
    const proxy = await TcpProxy.create(environment.kubernetes.url);
    const kubeconfig = join(environment.operatorKubeconfig, '..', 'through-proxy');
    const text = await readFile(environment.operatorKubeconfig, 'utf8');
    await writeFile(kubeconfig, text.replace(environment.kubernetes.url, `https://127.0.0.1:${proxy.port}`), {
      mode: 0o600,
    });
    const operator = environment.startOperator({ env: { KUBECONFIG: kubeconfig } });

    const unreachable = await operator.logged(isRetry);
    expect(unreachable.msg).to.match(new RegExp(`127\\.0\\.0\\.1:${proxy.port}.*ECONNREFUSED`));
    await proxy.listen();
    const missing = await operator.logged((line) => isRetry(line) && /not installed/.test(line.msg));
    expect(missing.msg).to.contain(
      'the CRD registryreplications.georeplication.dev is not installed; install it with: kubectl apply -k crds',
    );

    await environment.kubectl('apply -k crds --validate=false');
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    await environment.kubectl('apply -f -', {
      input: manifest('early', { regions: ['eastus'] }, environment.identity),
    });
    await environment.kubectl(`wait georep/early --for=condition=Ready ${kubectlTimeout}`);
    expect(operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).to.deep.equal([]);
    expect(operator.otherOutput).to.deep.equal([]);
    expect(await operator.stop()).to.equal(0);
    await proxy.close();
  });

  it('exits with 0 when it is error to stop while it waits', async () => {
    const proxy = await TcpProxy.create(environment.kubernetes.url);
    const kubeconfig = join(environment.operatorKubeconfig, '..', 'to-nowhere');
    const text = await readFile(environment.operatorKubeconfig, 'utf8');
    await writeFile(kubeconfig, text.replace(environment.kubernetes.url, `https://127.0.0.1:${proxy.port}`), {
      mode: 0o600,
    });
    const operator = environment.startOperator({ env: { KUBECONFIG: kubeconfig } });
    await operator.logged(isRetry);
    expect(await operator.stop('SIGINT')).to.equal(0);
  });
});
