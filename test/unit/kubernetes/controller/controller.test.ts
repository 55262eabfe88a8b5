import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiServerUnreachable } from '../../../../src/kubernetes/client/errors.ts';
import {
  type ControllerMetrics,
  type Outcome,
  startController,
} from '../../../../src/kubernetes/controller/controller.ts';
import { WorkQueue } from '../../../../src/kubernetes/controller/workqueue.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { LogJournal } from '../journal.ts';

describe('the controller', () => {
  let clock: FakeClock;
  let queue: WorkQueue;
  let log: LogJournal;
  let passes: string[];
  let told: unknown[];
  let pass: (object: string) => Promise<Outcome>;
  let objects: Map<string, string>;
  let utilization: number;
  const metrics: ControllerMetrics = {
    passed: (result, seconds) => told.push([result, seconds]),
    active: (workers) => told.push(workers),
  };

  beforeEach(() => {
    clock = new FakeClock();
    queue = new WorkQueue({ clock, random: () => 0 });
    log = new LogJournal();
    passes = [];
    told = [];
    utilization = 0;
    objects = new Map([
      ['toys/a', 'a'],
      ['toys/b', 'b'],
      ['toys/c', 'c'],
    ]);
    pass = async () => ({});
  });

  const start = (concurrency = 1, onCalm = () => {}) =>
    startController<string>({
      name: 'widget',
      queue,
      read: (key) => objects.get(key),
      reconcile: (object) => {
        passes.push(object);
        return pass(object);
      },
      concurrency,
      loopUtilization: () => utilization,
      onCalm,
      clock,
      log,
      metrics,
    });

  const busyMoment = async () => {
    utilization = 1;
    queue.add('toys/a');
    await settled();
    await clock.advance(50);
    utilization = 0;
    await clock.advance(50);
  };

  it('runs a pass for the object of a key, and then waits for a change', async () => {
    const controller = start();
    queue.add('toys/a');
    await settled();
    expect(passes).to.deep.equal(['a']);
    expect(told).to.deep.equal([1, ['success', 0], 0]);
    expect(clock.nextIn).to.equal(undefined);
    await controller.stop();
  });

  it('runs another pass after the requested time', async () => {
    const controller = start();
    pass = async () => ({ requeueAfterMs: 5000 });
    queue.add('toys/a');
    await clock.advance(4999);
    expect(passes).to.deep.equal(['a']);
    await clock.advance(1);
    expect(passes).to.deep.equal(['a', 'a']);
    expect(told[1]).to.deep.equal(['requeue_after', 0]);
    await controller.stop();
  });

  it('logs in one line what failed and when it retries, with growing delays, until it succeeds', async () => {
    const controller = start();
    pass = () => Promise.reject(new Error('Azure\nis gone'));
    queue.add('toys/a');
    await clock.advance(500);
    expect(log.all.map(({ level, sentence }) => `${level} ${sentence}`)).to.deep.equal([
      'error toys/a: Azure is gone; trying again in 0.5 s',
      'error toys/a: Azure is gone; trying again in 1.0 s',
    ]);
    expect(told[1]).to.deep.equal(['error', 0]);
    pass = async () => ({});
    await clock.advance(1000);
    expect(passes).to.have.length(3);
    expect(queue.failures('toys/a')).to.equal(0);
    await controller.stop();
  });

  it('reports a pass that throws before its first await like any other', async () => {
    const controller = start();
    pass = () => {
      throw new Error('at once');
    };
    queue.add('toys/a');
    await settled();
    expect(log.all[0]?.sentence).to.contain('toys/a: at once');
    await controller.stop();
  });

  it("does not retry before the API server's Retry-After", async () => {
    const controller = start();
    pass = () => Promise.reject(new ApiException(429, '', '', { 'retry-after': '9' }));
    queue.add('toys/a');
    await settled();
    expect(clock.nextIn).to.equal(9000);
    await controller.stop();
  });

  it('does not treat a conflict as an error', async () => {
    const controller = start();
    pass = () => Promise.reject(new ApiException(409, '', '{"reason":"Conflict"}', {}));
    queue.add('toys/a');
    await settled();
    expect(log.all.map(({ level }) => level)).to.deep.equal(['debug']);
    expect(told[1]).to.deep.equal(['requeue', 0]);
    expect(clock.nextIn).to.equal(500);
    await controller.stop();
  });

  it('retries within 30 s while the API server is unavailable, and within 5 s after a conflict, however often', async () => {
    const longest = async (error: Error) => {
      const controller = start();
      pass = () => Promise.reject(error);
      queue.add('toys/a');
      const waits: number[] = [];
      for (let failure = 1; failure <= 12; failure++) {
        await settled();
        waits.push(clock.nextIn ?? Number.NaN);
        await clock.advance(clock.nextIn ?? 0);
      }
      await controller.stop();
      queue = new WorkQueue({ clock, random: () => 0 });
      return Math.max(...waits);
    };
    expect(await longest(new ApiServerUnreachable('no'))).to.equal(30_000);
    expect(await longest(new ApiException(503, '', 'server is starting', {}))).to.equal(30_000);
    expect(await longest(new ApiException(409, '', '{"reason":"Conflict"}', {}))).to.equal(5_000);
    expect(await longest(new ApiException(403, '', 'no', {}))).to.equal(300_000);
  });

  it('runs no pass for an object that is gone, and forgets its backoff', async () => {
    const controller = start();
    objects.clear();
    queue.retry('toys/a');
    await clock.advance(500);
    expect([passes, queue.failures('toys/a')]).to.deep.equal([[], 0]);
    await controller.stop();
  });

  it('runs at most the given number of passes at once', async () => {
    const running: (() => void)[] = [];
    pass = () => new Promise((resolve) => running.push(() => resolve({})));
    const controller = start(2);
    for (const key of objects.keys()) queue.add(key);
    await settled();
    expect(passes).to.deep.equal(['a', 'b']);
    running.shift()?.();
    await settled();
    await settled(); // a worker yields to the event loop before it takes another key
    expect(passes).to.deep.equal(['a', 'b', 'c']);
    for (const end of running) end();
    await controller.stop();
  });

  it('runs fewer passes at once while the event loop is busy, and as many as before once it is not', async () => {
    const running: (() => void)[] = [];
    pass = () => new Promise((resolve) => running.push(() => resolve({})));
    const keys = Array.from({ length: 30 }, (_, n) => `toys/${n}`);
    objects = new Map(keys.map((key) => [key, key]));
    objects.set('bystanders/a', 'bystander');
    queue = new WorkQueue({ clock, random: () => 0, workers: 10 });
    const controller = start(10);
    for (const key of keys) queue.add(key);
    await settled();
    expect(running).to.have.length(7);

    utilization = 1;
    for (let n = 0; n < 10; n++) {
      running.shift()?.();
      await clock.advance(50);
    }
    expect(running).to.have.length(2);
    queue.add('bystanders/a');
    await settled();
    expect(passes.at(-1), 'another namespace does not wait').to.equal('bystander');
    running.pop()?.();

    utilization = 0;
    await clock.advance(300);
    expect(running).to.have.length(7);
    await clock.advance(20_000);
    expect(clock.nextIn, 'no timer when nothing happens').to.equal(undefined);

    utilization = 1;
    running.shift()?.();
    await clock.advance(50);
    for (const end of running) end();
    await controller.stop();
  });

  it('tells once that the event loop has been calm for 20 s since it was busy', async () => {
    let calmTimes = 0;
    queue = new WorkQueue({ clock, random: () => 0, workers: 10 });
    const controller = start(10, () => calmTimes++);
    await busyMoment();
    await clock.advance(10_000);
    await busyMoment();
    await clock.advance(19_999);
    expect(calmTimes).to.equal(0);
    await clock.advance(1);
    expect(calmTimes).to.equal(1);
    await clock.advance(3_600_000);
    expect(calmTimes).to.equal(1);

    await busyMoment();
    await controller.stop();
    expect(clock.nextIn).to.equal(undefined);
  });

  it('does not take for busy what it does when the event loop is calm', async () => {
    let calmTimes = 0;
    queue = new WorkQueue({ clock, random: () => 0, workers: 10 });
    const controller = start(10, () => {
      calmTimes++;
      utilization = 1;
    });
    await busyMoment();
    await clock.advance(19_999);
    queue.add('toys/b');
    await settled();
    await clock.advance(1_000);
    expect(calmTimes).to.equal(1);
    utilization = 0;
    await clock.advance(60_000);
    expect(calmTimes).to.equal(1);
    await controller.stop();
  });

  it('yields to timers and sockets between passes without I/O', async () => {
    for (const key of objects.keys()) queue.add(key);
    const seen: string[][] = [];
    const look = () => {
      seen.push([...passes]);
      if (passes.length < 3) setImmediate(look);
    };
    const controller = start();
    setImmediate(look);
    while (passes.length < 3) await settled();
    expect(seen).to.deep.include(['a', 'b']);
    await controller.stop();
  });

  it('completes the running pass when it stops, and starts no other', async () => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    pass = () => promise;
    const controller = start();
    queue.add('toys/a');
    queue.add('toys/b');
    await settled();
    let stopped = false;
    const stopping = controller.stop().then(() => {
      stopped = true;
    });
    await settled();
    expect(stopped).to.equal(false);
    resolve({ requeueAfterMs: 1000 });
    await stopping;
    expect(passes).to.deep.equal(['a']);
    expect(clock.nextIn).to.equal(undefined);
  });

  it('measures the duration of a pass', async () => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    pass = () => promise;
    const controller = start();
    queue.add('toys/a');
    await clock.advance(3000);
    resolve({});
    await settled();
    expect(told[1]).to.deep.equal(['success', 3]);
    await controller.stop();
  });
});
