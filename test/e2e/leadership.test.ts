// Two operators on one cluster: one works, the other stands by and takes over, however the first one ends.
import { readFile, writeFile } from 'node:fs/promises';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { expect } from 'chai';
import { group, plural, version } from '../../src/api/registryreplication.ts';
import type { RegistryReference } from '../../src/azure/arm.ts';
import { type Cluster, connect, loadKubeConfig } from '../../src/kubernetes/cluster.ts';
import { type LeaseLock, leaseLock } from '../../src/kubernetes/lease-lock.ts';
import { held } from '../emulators/arm/timings.ts';
import type { LogLine, Operator } from '../operator.ts';
import { type Stage, setStage } from '../stage.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { manifest, referenceTo } from './scene.ts';

/** Of operators whose leader dies in a test. */
const hasty = [
  '--leader-elect-lease-duration=3s',
  '--leader-elect-renew-deadline=2s',
  '--leader-elect-retry-period=500ms',
];

describe('of two operators', function () {
  this.timeout(30_000);
  let stage: Stage;
  let cluster: Cluster;
  let lock: LeaseLock;
  let wire: TcpProxy;
  const all: Operator[] = [];

  before(async () => {
    stage = await setStage({ arm: { timings: held } });
    cluster = connect(loadKubeConfig(stage.kubeconfig));
    lock = leaseLock(cluster, { namespace: 'default', name: 'acr-replication-operator' });
    wire = await TcpProxy.to(stage.kubernetes.url);
    await wire.mend();
  });
  after(async () => {
    for (const operator of all) operator.process.kill('SIGKILL');
    await Promise.all(all.map(({ exited }) => exited));
    await wire?.cut();
    await cluster?.close();
    await stage?.close();
  });

  function start(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Operator {
    const operator = stage.startOperator({ args: ['--leader-elect', ...args], env: { POD_NAME: name, ...env } });
    all.push(operator);
    return operator;
  }

  const leads = ({ msg }: LogLine) => msg.includes('passes begin');
  const standsBy = ({ msg }: LogLine) => msg.includes('standing by');
  const says = (reason: string, object: string) => (line: LogLine) =>
    line.reason === reason && line.object === `default/${object}`;

  async function create(name: string, ...regions: string[]): Promise<RegistryReference> {
    const registry = referenceTo(name);
    stage.arm.azure.addRegistry(registry);
    const body: object = JSON.parse(manifest(name, { regions }));
    const api = cluster.api(CustomObjectsApi);
    await api.createNamespacedCustomObject({ group, version, plural, namespace: 'default', body });
    return registry;
  }

  const put = (registry: string, location: string) =>
    stage.arm.journal.first(
      (request) => request.method === 'PUT' && request.replica === location && request.registry === registry,
    );

  const writesTo = (name: string) =>
    stage.arm.journal.writes
      .filter(({ registry }) => registry === name)
      .map(({ method, replica }) => `${method} ${replica}`);

  async function ask(operator: Operator, port: 'metricsPort' | 'healthPort', path: string): Promise<string> {
    const started = await operator.said(({ msg }) => msg === 'The operator has started');
    return (await fetch(`http://127.0.0.1:${started[port]}${path}`)).text();
  }

  const status = async (operator: Operator) =>
    /^leader_election_master_status\{name="acr-replication-operator"\} (\d)$/m.exec(
      await ask(operator, 'metricsPort', '/metrics'),
    )?.[1];

  it('one works and one stands by, ready; told to stop, the first hands over at once', async function () {
    const first = start('first', []);
    await first.said(leads);
    const second = start('second', []);
    await second.said(standsBy);
    expect([await status(first), await status(second)]).to.deep.equal(['1', '0']);
    for (const operator of [first, second]) {
      expect(await ask(operator, 'healthPort', '/readyz')).to.equal('[+]caches ok\n[+]apiServer ok\nok\n');
      expect(await ask(operator, 'healthPort', '/livez')).to.equal('[+]passes ok\n[+]informer ok\nok\n');
    }
    await create('handed', 'japaneast');
    await put('handed', 'japaneast');

    // Far sooner than 15 s, which it would take if the lease had to run out.
    this.timeout(this.timeout() - 20_000);
    expect(await first.end('SIGTERM')).to.equal(0);
    await second.said(leads);
    await create('after', 'japaneast');
    await put('after', 'japaneast');
    expect([...writesTo('handed'), ...writesTo('after')]).to.deep.equal(['PUT japaneast', 'PUT japaneast']);
    expect((await lock.read())?.spec)
      .to.include({ leaseTransitions: 1 })
      .and.have.property('holderIdentity')
      .match(/^second_/);
    expect(await status(second)).to.equal('1');
    expect(await second.end('SIGTERM')).to.equal(0);
    expect((await lock.read())?.spec?.holderIdentity).to.equal('');
  });

  let leader: Operator;

  it('the second finishes what the first had begun when it was killed, and writes nothing again', async () => {
    const first = start('third', hasty);
    await first.said(leads);
    leader = start('fourth', hasty);
    await leader.said(standsBy);
    const registry = await create('killed', 'japaneast', 'westeurope');
    await Promise.all([put('killed', 'japaneast'), put('killed', 'westeurope')]);
    await first.end('SIGKILL');
    stage.arm.azure.finish(registry, 'japaneast');
    stage.arm.azure.finish(registry, 'westeurope');
    await leader.said(leads);
    await leader.said(says('ReplicaReady', 'killed'));
    expect(writesTo('killed')).to.have.members(['PUT japaneast', 'PUT westeurope']);
  });

  it('one that was stopped in the middle of a pass writes nothing when it goes on, and ends', async () => {
    const stopped = leader;
    leader = start('fifth', hasty);
    await leader.said(standsBy);
    // The answer on which it would write next is on its way to it when it is stopped.
    const asked = stage.arm.journal.next(
      ({ method, replica, registry }) => method === 'GET' && replica === 'japaneast' && registry === 'stopped',
    );
    const frozen = asked.then(() => stopped.process.kill('SIGSTOP'));
    await create('stopped', 'japaneast');
    await frozen;
    await leader.said(leads);
    await put('stopped', 'japaneast');
    stopped.process.kill('SIGCONT');
    expect(await stopped.exited).to.equal(1);
    expect(writesTo('stopped')).to.deep.equal(['PUT japaneast']);
    const fatal = stopped.log.filter(({ level }) => level === 'fatal').map(({ msg }) => msg);
    expect(fatal).to.deep.equal([
      'The Lease default/acr-replication-operator was not renewed for 2 s; nothing more is written, and this process ends',
    ]);
  });

  it('one that cannot reach the API server ends with one clear line, and another one takes over', async () => {
    await leader.end('SIGTERM');
    const cutOff = start('sixth', hasty, { KUBECONFIG: await kubeconfigThrough(wire) });
    await cutOff.said(leads);
    leader = start('seventh', hasty);
    await leader.said(standsBy);
    await wire.cut();
    expect(await cutOff.exited).to.equal(1);
    const fatal = cutOff.log.filter(({ level }) => level === 'fatal').map(({ msg }) => msg);
    expect(fatal).to.have.length(1);
    expect(fatal[0]).to.match(
      /was not renewed for 2 s: the API server at .* cannot be reached \(ECONNREFUSED\); nothing more/,
    );
    await leader.said(leads);
  });

  it('a standby ends as well as a leader, also while the API server is away', async () => {
    await wire.mend();
    const standby = start('eighth', hasty, { KUBECONFIG: await kubeconfigThrough(wire) });
    await standby.said(standsBy);
    await wire.cut();
    await standby.said(({ level, msg }) => level === 'warn' && msg.startsWith('The Lease '));
    expect(await standby.end('SIGTERM')).to.equal(0);

    const unsynced = start('ninth', hasty, { KUBECONFIG: await kubeconfigThrough(wire) });
    await unsynced.said(({ level }) => level === 'warn');
    expect(await unsynced.end('SIGTERM')).to.equal(0);
    expect(unsynced.log.at(-1)?.msg).to.equal('Stopped');
  });

  async function kubeconfigThrough(proxy: TcpProxy): Promise<string> {
    const { port } = new URL(stage.kubernetes.url);
    const file = `${stage.kubeconfig}-through-the-wire`;
    const text = await readFile(stage.kubeconfig, 'utf8');
    await writeFile(file, text.replaceAll(`:${port}`, `:${proxy.port}`), { mode: 0o600 });
    return file;
  }
});
