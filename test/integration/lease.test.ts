// Leader election against an API server, over real sockets: two candidates, each with connections of its own, and what
// people do to their Lease meanwhile.
import { randomUUID } from 'node:crypto';
import type { V1Namespace } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  loadKubeConfig,
  mergePatch,
} from '../../src/kubernetes/client/client.ts';
import { isConflict, NotLeading } from '../../src/kubernetes/client/errors.ts';
import { LeaseElection } from '../../src/kubernetes/leader-election/leader-election.ts';
import { type LeaseLock, leaseLock } from '../../src/kubernetes/leader-election/lease-lock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startCluster, type TestCluster } from '../cluster.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import { Journal, LogJournal } from '../unit/kubernetes/journal.ts';

/** A machine that pauses for a moment must not cost a leader its Lease. */
const timings = { leaseDurationMs: 6_000, renewDeadlineMs: 5_000, retryPeriodMs: 300 };

describe('leader election against an API server', () => {
  let server: TestCluster;
  let wire: TcpProxy;
  let name: string;
  let lock: LeaseLock;
  let clusters: KubeClient[];
  let elections: LeaseElection[];

  before(async () => {
    server = await startCluster({ crds: [] });
    wire = await TcpProxy.create(server.url);
  });
  after(() => server?.close());

  beforeEach(async () => {
    await wire.listen();
    name = `operator-${randomUUID()}`;
    clusters = [];
    elections = [];
    lock = leaseLock(connected(server.url), { namespace: 'default', name });
  });
  afterEach(async () => {
    await Promise.all(elections.map((election) => election.stop()));
    await Promise.all(clusters.map((cluster) => cluster.close()));
    await wire.close();
  });

  function connected(url: string, options: KubeClientOptions = {}): KubeClient {
    const config = loadKubeConfig(server.kubeconfig);
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: url }));
    const cluster = createKubeClient(config, options);
    clusters.push(cluster);
    return cluster;
  }

  function candidate(identity: string, url = server.url) {
    const log = new LogJournal();
    const lost = new Journal<string>();
    const election = new LeaseElection({
      lock: leaseLock(connected(url, { timeoutMs: timings.renewDeadlineMs / 2 }), { namespace: 'default', name }),
      identity,
      timings,
      onStoppedLeading: lost.push,
      clock: systemClock,
      monotonic: () => performance.now(),
      random: Math.random,
      log,
    });
    elections.push(election);
    const standsBy = () => log.next(({ sentence }) => sentence.includes('standing by'));
    return { election, lost, log, standsBy };
  }

  it('creates a standard Lease, and hands it over to a standby', async () => {
    const [one, two] = [candidate('one'), candidate('two')];
    await one.election.acquire();
    const first = await lock.read();
    expect(first?.spec).to.include({ holderIdentity: 'one', leaseDurationSeconds: 6, leaseTransitions: 0 });
    expect(first?.spec?.acquireTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const led = two.election.acquire();
    await two.standsBy();
    expect(two.election.assertLeader).to.throw(NotLeading);
    await one.election.stop();
    await led;
    two.election.assertLeader();
    const second = await lock.read();
    expect(second?.spec).to.include({ holderIdentity: 'two', leaseTransitions: 1 });
    expect(second?.metadata?.uid).to.equal(first?.metadata?.uid);
  });

  it('takes over from a silent leader, which has stopped its writes by then', async () => {
    const one = candidate('one', `https://127.0.0.1:${wire.port}`);
    const two = candidate('two');
    await one.election.acquire();
    const led = two.election.acquire();
    await two.standsBy();
    await wire.close();
    await led;
    expect(one.election.assertLeader).to.throw(NotLeading);
    expect(one.lost.all).to.have.length(1);
    expect(one.lost.all[0]).to.match(/was not renewed for 5 s: the API server at .+ cannot be reached/);
    two.election.assertLeader();
  });

  it('writes only with the resourceVersion that it has read', async () => {
    const made = await lock.create({ holderIdentity: 'one', leaseDurationSeconds: 2 });
    expect(isConflict(await lock.create({ holderIdentity: 'two' }).catch((error) => error))).to.equal(true);
    await lock.replace({ ...made, spec: { ...made.spec, holderIdentity: 'two' } });
    const late = { ...made, spec: { ...made.spec, holderIdentity: 'three' } };
    expect(isConflict(await lock.replace(late).catch((error) => error))).to.equal(true);
    expect((await lock.read())?.spec?.holderIdentity).to.equal('two');
  });

  it('keeps leading when its Lease is annotated', async () => {
    const one = candidate('one');
    await one.election.acquire();
    const lease = await lock.read();
    if (!lease) throw new Error('there is no Lease');
    await lock
      .replace({ ...lease, metadata: { ...lease.metadata, annotations: { note: 'hands off' } } })
      .catch((error) => expect(isConflict(error), 'it was renewed just then').to.equal(true));
    const renewed = await changed(lock);
    expect(renewed?.spec?.holderIdentity).to.equal('one');
    expect(one.lost.all).to.deep.equal([]);
    one.election.assertLeader();
  });

  it('lets the leader write, and no standby', async () => {
    const one = candidate('one');
    const cluster = connected(server.url, { beforeWrite: one.election.assertLeader });
    const namespaces = '/api/v1/namespaces';
    const create = () => cluster.sendJson<V1Namespace>('POST', namespaces, { metadata: { name } });
    expect(await create().catch((error) => error)).to.be.instanceOf(NotLeading);
    await one.election.acquire();
    expect((await create()).metadata?.name).to.equal(name);
    await one.election.stop();
    expect(
      await cluster.sendJson('PATCH', `${namespaces}/${name}`, {}, { contentType: mergePatch }).catch((error) => error),
    ).to.be.instanceOf(NotLeading);
  });

  /** The Lease after its next renewal. */
  async function changed(lock: LeaseLock) {
    const before = (await lock.read())?.spec?.renewTime;
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const watch = lock.watch(resolve, resolve);
      await promise;
      watch.stop();
      const lease = await lock.read();
      if (lease?.spec?.renewTime !== before) return lease;
    }
  }
});
