import { expect } from 'chai';
import type { RateLimitLevel } from '../../../src/azure/rate-limit/rate-limiter.ts';
import { WorkQueue } from '../../../src/kubernetes/controller/workqueue.ts';
import type { InformerState } from '../../../src/telemetry/informer-metrics.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.ts';
import { FakeClock } from '../../fake-clock.ts';

describe('metrics', () => {
  let metrics: Metrics;

  beforeEach(() => {
    metrics = createMetrics({ processMetrics: false });
  });

  async function value(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const text = await metrics.registry.metrics();
    const wanted = Object.entries(labels).map(([label, is]) => `${label}="${is}"`);
    const line = text.split('\n').find((line) => {
      const [series = ''] = line.split(' ');
      return (series === name || series.startsWith(`${name}{`)) && wanted.every((label) => series.includes(label));
    });
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  it('have every name that existing dashboards use', async () => {
    createMetrics({ processMetrics: false });
    metrics.queue('registryreplication');
    metrics.controller('registryreplication', 10);
    const names = [...(await metrics.registry.metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names).to.have.members([
      'controller_runtime_reconcile_total',
      'controller_runtime_reconcile_errors_total',
      'controller_runtime_reconcile_time_seconds',
      'controller_runtime_active_workers',
      'controller_runtime_max_concurrent_reconciles',
      'rest_client_requests_total',
      'leader_election_master_status',
      'leader_election_slowpath_total',
      'georeplication_informer_synced',
      'georeplication_informer_last_contact_timestamp_seconds',
      'georeplication_informer_relists_total',
      'georeplication_source_watches',
      'georeplication_source_objects',
      'georeplication_source_losses_total',
      'georeplication_arm_requests_total',
      'georeplication_arm_request_duration_seconds',
      'georeplication_arm_requests_held_total',
      'georeplication_arm_throttled_seconds_total',
      'workqueue_depth',
      'workqueue_adds_total',
      'workqueue_retries_total',
      'workqueue_queue_duration_seconds',
      'workqueue_work_duration_seconds',
      'workqueue_unfinished_work_seconds',
      'workqueue_longest_running_processor_seconds',
    ]);
  });

  it("count passes by controller-runtime's results, starting at zero", async () => {
    const passes = metrics.controller('rr', 3);
    const of = (result: string) => value('controller_runtime_reconcile_total', { controller: 'rr', result });
    expect(await of('error')).to.equal(0);
    passes.active(2);
    passes.passed('error', 0.2);
    passes.passed('requeue_after', 0.1);
    expect([await of('error'), await of('requeue_after'), await of('success')]).to.deep.equal([1, 1, 0]);
    expect(await value('controller_runtime_reconcile_errors_total')).to.equal(1);
    expect(await value('controller_runtime_reconcile_time_seconds_count')).to.equal(2);
    expect(await value('controller_runtime_active_workers')).to.equal(2);
    expect(await value('controller_runtime_max_concurrent_reconciles')).to.equal(3);
  });

  it("show ARM's rate limit: tokens left, waiting callers, held requests and pauses after a 429", async () => {
    expect(
      await value('georeplication_arm_requests_held_total', { operation: 'writes', priority: 'background' }),
    ).to.equal(0);
    metrics.arm.rateLimits(() => [{ subscriptionId: 's', operation: 'reads', tokens: 249, waiting: 3 }]);
    metrics.arm.held('writes', 'background');
    metrics.arm.paused('reads', 10_000);
    const reads = { subscription: 's', operation: 'reads' };
    expect(await value('georeplication_arm_budget_tokens', reads)).to.equal(249);
    expect(await value('georeplication_arm_budget_waiting', reads)).to.equal(3);
    expect(
      await value('georeplication_arm_requests_held_total', { operation: 'writes', priority: 'background' }),
    ).to.equal(1);
    expect(await value('georeplication_arm_throttled_seconds_total', { operation: 'reads' })).to.equal(10);
  });

  it("read the levels of ARM's rate limit once per scrape, and drop buckets that are gone", async () => {
    const readings: RateLimitLevel[][] = [[{ subscriptionId: 's', operation: 'reads', tokens: 249, waiting: 3 }], []];
    metrics.arm.rateLimits(() => readings.shift() as RateLimitLevel[]);
    const series = async () =>
      (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('georeplication_arm_budget_'));
    expect(await series()).to.have.length(2);
    expect(await series()).to.deep.equal([]);
    expect(readings).to.deep.equal([]);
  });

  it('follow a work queue as client-go does', async () => {
    const clock = new FakeClock();
    const telling = metrics.queue('rr');
    const queue = new WorkQueue({ clock, random: () => 0.5, metrics: telling });
    telling.inFlight(() => queue.unfinished);
    queue.add('ns/a');
    queue.add('ns/b');
    queue.add('ns/a');
    expect(await value('workqueue_adds_total', { name: 'rr', controller: 'rr' })).to.equal(2);
    expect(await value('workqueue_depth')).to.equal(2);
    await clock.advance(3_000);
    const key = await queue.get();
    expect(await value('workqueue_depth')).to.equal(1);
    expect(await value('workqueue_queue_duration_seconds_sum')).to.equal(3);
    await clock.advance(5_000);
    expect(await value('workqueue_unfinished_work_seconds')).to.equal(5);
    expect(await value('workqueue_longest_running_processor_seconds')).to.equal(5);
    queue.retry(key ?? '');
    queue.done(key ?? '');
    expect(await value('workqueue_work_duration_seconds_sum')).to.equal(5);
    expect(await value('workqueue_unfinished_work_seconds')).to.equal(0);
    expect(await value('workqueue_retries_total')).to.equal(1);
    await queue.shutDown();
  });

  it('show the leader', async () => {
    const election = metrics.election('operator');
    election.leading(false);
    const status = () => value('leader_election_master_status', { name: 'operator' });
    expect(await status()).to.equal(0);
    election.leading(true);
    election.slowPath();
    expect(await status()).to.equal(1);
    expect(await value('leader_election_slowpath_total', { name: 'operator' })).to.equal(1);
  });

  it('read the informer at each scrape', async () => {
    let state: InformerState = { synced: false, lastContact: undefined, relists: 0 };
    metrics.informer('rr', () => state);
    const of = (what: string) => value(`georeplication_informer_${what}`, { name: 'rr' });
    expect([await of('synced'), await of('last_contact_timestamp_seconds')]).to.deep.equal([0, undefined]);
    state = { synced: true, lastContact: new Date('2026-11-22T00:00:00.5Z'), relists: 2 };
    expect([await of('synced'), await of('relists_total'), await of('relists_total')]).to.deep.equal([1, 2, 2]);
    expect(await of('last_contact_timestamp_seconds')).to.equal(Date.parse('2026-11-22T00:00:00.5Z') / 1000);
  });

  it('read the followed kinds at each scrape, and add up the versions of one', async () => {
    const of = (what: string, resource: string) => value(`georeplication_source_${what}`, { resource });
    const nodes = { resource: 'nodes', watches: 1, objects: 12, losses: 0 };
    const members = { resource: 'memberclusters.cluster.kubernetes-fleet.io', watches: 2, objects: 5, losses: 3 };
    let watched = [nodes, members, members];
    metrics.sources(() => watched);
    expect([await of('watches', 'nodes'), await of('objects', 'nodes')]).to.deep.equal([1, 12]);
    expect([await of('watches', members.resource), await of('losses_total', members.resource)]).to.deep.equal([4, 6]);
    watched = [members];
    expect(await of('watches', 'nodes')).to.equal(undefined);
  });

  it('count requests to both APIs', async () => {
    metrics.kubernetesRequest({ method: 'GET', host: '10.0.0.1:443', code: '200' });
    metrics.arm.requested({ method: 'PUT', status: '201', durationMs: 250, correlationId: 'x' });
    metrics.arm.requested({ method: 'PUT', status: '<error>', durationMs: 30_000, correlationId: 'y' });
    expect(await value('rest_client_requests_total', { method: 'GET', code: '200', host: '10.0.0.1:443' })).to.equal(1);
    expect(await value('georeplication_arm_requests_total', { method: 'PUT', code: '201' })).to.equal(1);
    expect(await value('georeplication_arm_requests_total', { method: 'PUT', code: '<error>' })).to.equal(1);
    expect(await value('georeplication_arm_request_duration_seconds_sum', { method: 'PUT' })).to.equal(30.25);
  });
});
