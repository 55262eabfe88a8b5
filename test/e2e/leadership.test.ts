// Two operators on one cluster: one works, the other stands by and takes over, however the first one ends.
import { readFile, writeFile } from 'node:fs/promises';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { group, plural, version } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { type LeaseLock, leaseLock } from '../../src/kubernetes/leader-election/lease-lock.ts';
import { operatorAccount } from '../deployment.ts';
import { held } from '../emulators/arm/timings.ts';
import { kubeApi } from '../kube-api.ts';
import type { LogLine, Operator } from '../operator.ts';
import { eventually } from '../real-api-server.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { startTestEnvironment, type TestEnvironment } from '../test-environment.ts';
import { manifest, referenceTo } from './scenario.ts';

/** Flags of operators whose leader dies in a test; a machine that pauses for a moment must not cost it the Lease. */
const shortLease = [
  '--leader-elect-lease-duration=6s',
  '--leader-elect-renew-deadline=5s',
  '--leader-elect-retry-period=500ms',
];

/** Flags of operators whose Lease never expires in a test. */
const longLease = ['--leader-elect-lease-duration=10m', '--leader-elect-renew-deadline=9m'];

describe('of two operators', () => {
  let environment: TestEnvironment;
  let cluster: KubeClient;
  let lock: LeaseLock;
  let proxy: TcpProxy;
  const all: Operator[] = [];

  before(async () => {
    environment = await startTestEnvironment({ arm: { timings: held } });
    cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
    lock = leaseLock(cluster, { namespace: operatorAccount.namespace, name: 'acr-replication-operator' });
    proxy = await TcpProxy.create(environment.kubernetes.url);
    await proxy.listen();
  });
  after(async () => {
    for (const operator of all) operator.process.kill('SIGKILL');
    await Promise.all(all.map(({ exited }) => exited));
    await proxy?.close();
    await cluster?.close();
    await environment?.close();
  });

  function start(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Operator {
    const operator = environment.startOperator({ args: ['--leader-elect', ...args], env: { POD_NAME: name, ...env } });
    all.push(operator);
    return operator;
  }

  const leads = ({ msg }: LogLine) => msg.includes('passes begin');
  const standsBy = ({ msg }: LogLine) => msg.includes('standing by');
  const says = (reason: string, object: string) => (line: LogLine) =>
    line.reason === reason && line.object === `default/${object}`;

  async function create(name: string, ...regions: string[]): Promise<RegistryReference> {
    const registry = referenceTo(name);
    environment.arm.azure.addRegistry(registry);
    const body: object = JSON.parse(manifest(name, { regions }, environment.identity));
    const api = kubeApi(cluster, CustomObjectsApi);
    await api.createNamespacedCustomObject({ group, version, plural, namespace: 'default', body });
    return registry;
  }

  const put = (registry: string, location: string) =>
    environment.arm.journal.first(
      (request) => request.method === 'PUT' && request.replica === location && request.registry === registry,
    );

  const writesTo = (name: string) =>
    environment.arm.journal.writes
      .filter(({ registry }) => registry === name)
      .map(({ method, replica }) => `${method} ${replica}`);

  async function ask(operator: Operator, port: 'metricsPort' | 'healthPort', path: string): Promise<string> {
    const started = await operator.logged(({ msg }) => msg === 'The operator has started');
    return (await fetch(`http://127.0.0.1:${started[port]}${path}`)).text();
  }

  const status = async (operator: Operator) =>
    /^leader_election_master_status\{name="acr-replication-operator"\} (\d)$/m.exec(
      await ask(operator, 'metricsPort', '/metrics'),
    )?.[1];

  /** The first candidate to lead, and the others, standing by. */
  async function elected(candidates: readonly Operator[]): Promise<{ leader: Operator; standbys: Operator[] }> {
    const leader = await Promise.race(candidates.map((candidate) => candidate.logged(leads).then(() => candidate)));
    const standbys = candidates.filter((candidate) => candidate !== leader);
    await Promise.all(standbys.map((standby) => standby.logged(standsBy)));
    return { leader, standbys };
  }

  function fatalLines({ log }: Operator): string[] {
    return log.filter(({ level }) => level === 'fatal').map(({ msg }) => msg);
  }

  it('one works and one stands by, both ready; on SIGTERM the first hands over at once', async () => {
    const { leader, standbys } = await elected([start('one', longLease), start('two', longLease)]);
    const [standby] = standbys as [Operator];
    expect([await status(leader), await status(standby)]).to.deep.equal(['1', '0']);
    for (const operator of [leader, standby]) {
      expect(await ask(operator, 'healthPort', '/readyz')).to.equal('[+]caches ok\n[+]apiServer ok\nok\n');
      expect(await ask(operator, 'healthPort', '/livez')).to.equal('[+]passes ok\n[+]informer ok\nok\n');
    }
    await create('handed', 'japaneast');
    await put('handed', 'japaneast');

    // A handover that waits for the Lease to expire would exceed the test's timeout.
    expect(await leader.stop('SIGTERM')).to.equal(0);
    await standby.logged(leads);
    await create('after', 'japaneast');
    await put('after', 'japaneast');
    expect([...writesTo('handed'), ...writesTo('after')]).to.deep.equal(['PUT japaneast', 'PUT japaneast']);
    expect((await lock.read())?.spec?.leaseTransitions).to.equal(1);
    // Metrics are cached for up to a second.
    await eventually(async () => (await status(standby)) === '1');
    expect(await standby.stop('SIGTERM')).to.equal(0);
    expect((await lock.read())?.spec?.holderIdentity).to.equal('');
  });

  let leader: Operator;
  let standby: Operator;

  it('the second finishes what a killed leader had begun, and repeats no write', async () => {
    const { leader: first, standbys } = await elected(['three', 'four', 'five'].map((name) => start(name, shortLease)));
    const registry = await create('killed', 'japaneast', 'westeurope');
    await Promise.all([put('killed', 'japaneast'), put('killed', 'westeurope')]);
    await first.stop('SIGKILL');
    environment.arm.azure.finish(registry, 'japaneast');
    environment.arm.azure.finish(registry, 'westeurope');
    const next = await elected(standbys);
    leader = next.leader;
    [standby] = next.standbys as [Operator];
    await leader.logged(says('ReplicaReady', 'killed'));
    expect(writesTo('killed')).to.have.members(['PUT japaneast', 'PUT westeurope']);
  });

  it('one that was frozen in the middle of a pass writes nothing when it wakes, and exits (trap 31)', async () => {
    // It is frozen while the response after which it would write is on its way.
    const frozen = environment.arm.journal
      .next((request) => request.method === 'GET' && request.replica === 'japaneast' && request.registry === 'stopped')
      .then(() => leader.process.kill('SIGSTOP'));
    await create('stopped', 'japaneast');
    await frozen;
    await standby.logged(leads);
    await put('stopped', 'japaneast');
    leader.process.kill('SIGCONT');
    expect(await leader.exited).to.equal(1);
    expect(writesTo('stopped')).to.deep.equal(['PUT japaneast']);
    // Which one it notices first, its expired term or the other leader, is a matter of chance.
    expect(fatalLines(leader)).to.have.length(1);
    expect(fatalLines(leader)[0]).to.match(
      /^The Lease acr-replication-system\/acr-replication-operator .*this process ends$/,
    );
  });

  it('one that loses the API server exits with one clear message; a standby keeps waiting and stops on SIGTERM', async () => {
    const KUBECONFIG = await kubeconfigThrough(proxy);
    const cutOff = start('six', shortLease, { KUBECONFIG });
    await cutOff.logged(standsBy);
    await standby.stop('SIGTERM');
    await cutOff.logged(leads);
    const waiting = start('seven', shortLease, { KUBECONFIG });
    await waiting.logged(standsBy);
    await proxy.close();
    const late = start('eight', shortLease, { KUBECONFIG });

    expect(await cutOff.exited).to.equal(1);
    expect(fatalLines(cutOff)).to.have.length(1);
    expect(fatalLines(cutOff)[0]).to.match(
      /not renewed for 5 s: the API server at \S+ cannot be reached \(ECONNREFUSED\);/,
    );
    for (const operator of [waiting, late]) {
      await operator.logged(({ level, msg }) => level === 'warn' && msg.includes('ECONNREFUSED'));
      expect(await operator.stop('SIGTERM')).to.equal(0);
      expect(operator.log.at(-1)?.msg).to.equal('Stopped');
    }
  });

  async function kubeconfigThrough(proxy: TcpProxy): Promise<string> {
    const { port } = new URL(environment.kubernetes.url);
    const file = `${environment.operatorKubeconfig}-through-the-proxy`;
    const text = await readFile(environment.operatorKubeconfig, 'utf8');
    await writeFile(file, text.replaceAll(`:${port}`, `:${proxy.port}`), { mode: 0o600 });
    return file;
  }
});
