import { expect } from 'chai';
import fc from 'fast-check';
import { type Priority, WorkQueue } from '../../../../src/kubernetes/controller/workqueue.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { propertyRuns } from '../../../property-runs.ts';

describe('the work queue', () => {
  let clock: FakeClock;
  let queue: WorkQueue;
  beforeEach(() => {
    clock = new FakeClock();
    queue = new WorkQueue({ clock, random: () => 0 });
  });

  /** What a worker would get now; undefined when it would have to wait. */
  async function takeNow(from = queue): Promise<string | undefined> {
    return from.depth ? from.get() : undefined;
  }
  async function takeAll(): Promise<string[]> {
    const keys: string[] = [];
    for (let key = await takeNow(); key; key = await takeNow()) keys.push(key);
    return keys;
  }

  it('hands a key to a worker that waits already, without a timer between', async () => {
    const taken = queue.get();
    queue.add('a');
    expect(await taken).to.equal('a');
    expect(clock.nextIn).to.equal(undefined);
  });

  it('keeps a key once, however often it is added, in the order of arrival', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth).to.equal(3);
    expect(await takeAll()).to.deep.equal(['a', 'b', 'c']);
  });

  it('never has a key in flight twice, and runs it again when it was added meanwhile', async () => {
    queue.add('a');
    expect(await queue.get()).to.equal('a');
    queue.add('a');
    queue.add('a');
    expect(queue.depth).to.equal(0);
    queue.done('a');
    expect(await takeAll()).to.deep.equal(['a']);
    queue.done('a');
    expect(queue.depth).to.equal(0);
  });

  it('lets a higher class overtake, also the same key and a key in flight', async () => {
    queue.add('in-flight', 'low');
    expect(await queue.get()).to.equal('in-flight');
    queue.add('old', 'low');
    queue.add('edited', 'low');
    queue.add('normal');
    queue.add('edited', 'high');
    queue.add('edited', 'low');
    queue.add('in-flight', 'low');
    queue.add('in-flight', 'high');
    queue.done('in-flight');
    expect(await takeAll()).to.deep.equal(['edited', 'in-flight', 'normal', 'old']);
  });

  it('adds a delayed key when its time has come, not before', async () => {
    queue.addAfter('a', 1000);
    await clock.advance(999);
    expect(queue.depth).to.equal(0);
    await clock.advance(1);
    expect(await takeNow()).to.equal('a');
  });

  it('adds at once what is delayed by nothing', async () => {
    queue.addAfter('a', 0);
    queue.addAfter('b', Number.NaN);
    expect(await takeAll()).to.deep.equal(['a', 'b']);
  });

  it('keeps the earliest of several delays and the highest of their classes', async () => {
    queue.addAfter('a', 1000, 'high');
    queue.addAfter('a', 5000);
    queue.addAfter('b', 5000);
    queue.addAfter('b', 1000);
    queue.add('before');
    await clock.advance(1000);
    expect(await takeAll()).to.deep.equal(['a', 'before', 'b']);
    expect(clock.nextIn).to.equal(undefined);
  });

  it('takes a key as the answer to every delay asked for before', async () => {
    queue.addAfter('a', 60_000);
    queue.add('a');
    expect(await takeNow()).to.equal('a');
    expect(clock.nextIn).to.equal(undefined);
    queue.addAfter('a', 1000);
    queue.done('a');
    await clock.advance(1000);
    expect(await takeNow()).to.equal('a');
  });

  it('runs a key again whose delay ends while it is in flight', async () => {
    queue.add('a');
    await queue.get();
    queue.addAfter('a', 10);
    await clock.advance(10);
    expect(queue.depth).to.equal(0);
    queue.done('a');
    expect(await takeNow()).to.equal('a');
  });

  it('doubles the backoff of a key up to 5 minutes, by key, and forgets it when told', async () => {
    const waits = Array.from({ length: 12 }, () => queue.retry('a'));
    expect(waits).to.deep.equal([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
    expect(queue.failures('a')).to.equal(12);
    expect(queue.retry('b')).to.equal(500);
    queue.forget('a');
    expect(queue.failures('a')).to.equal(0);
    expect(queue.retry('a')).to.equal(500);
  });

  it('retries no earlier and no later than asked, and spreads retries by chance', async () => {
    expect(queue.retry('a', { minMs: 7000 })).to.equal(7000);
    const waits = Array.from({ length: 4 }, () => queue.retry('b', { maxMs: 3000 }));
    expect(waits).to.deep.equal([500, 1000, 2000, 3000]);
    expect(queue.retry('b', { minMs: 9000, maxMs: 3000 })).to.equal(9000);
    const random = new WorkQueue({ clock, random: () => 0.5 });
    expect(random.retry('a')).to.equal(450);
    await random.shutDown();
  });

  it('keeps one worker in five for what is high, and gives it to nothing else', async () => {
    const kept = new WorkQueue({ clock, random: () => 0, workers: 5 });
    const taken: string[] = [];
    const worker = () => void kept.get().then((key) => key !== undefined && taken.push(key));
    for (let i = 0; i < 5; i++) worker();
    for (const key of ['a/1', 'b/1', 'c/1', 'd/1', 'e/1', 'f/1']) kept.add(key, key < 'c' ? 'normal' : 'low');
    await settled();
    expect(taken).to.deep.equal(['a/1', 'b/1', 'c/1', 'd/1']);
    kept.add('a/edited', 'high');
    await settled();
    expect(taken.splice(0)).to.deep.equal(['a/1', 'b/1', 'c/1', 'd/1', 'a/edited']);
    // A worker that is free takes nothing ordinary before an ordinary key is done.
    kept.done('a/edited');
    worker();
    await settled();
    expect(taken).to.deep.equal([]);
    kept.done('b/1');
    await settled();
    expect(taken).to.deep.equal(['e/1']);
    for (const key of ['a/1', 'c/1', 'd/1', 'e/1']) kept.done(key);
    await kept.shutDown();
  });

  it('serves namespaces in turn within a priority, so that a bystander does not wait behind 1,500 others', async () => {
    for (let n = 0; n < 1_500; n++) queue.add(`crowd/${n}`, 'high');
    queue.add('bystander/edited', 'high');
    expect([await takeNow(), await takeNow(), await takeNow()]).to.deep.equal([
      'crowd/0',
      'bystander/edited',
      'crowd/1',
    ]);
  });

  it('serves an ordinary key after four high ones, so that 1,500 new objects do not hide the progress of another', async () => {
    for (let n = 0; n < 1_500; n++) queue.add(`crowd/${n}`, 'high');
    for (const key of ['bystander/first', 'bystander/second']) queue.add(key, 'normal');
    const taken = await takeAll();
    expect(taken.slice(0, 11).map((key) => key.split('/')[0])).to.deep.equal([
      ...['crowd', 'crowd', 'crowd', 'crowd', 'bystander'],
      ...['crowd', 'crowd', 'crowd', 'crowd', 'bystander'],
      'crowd',
    ]);
    expect(taken).to.have.length(1_502);
  });

  for (const [priority, all, others] of [
    ['high', 10, 9],
    ['normal', 8, 7],
  ] as const) {
    it(`leaves one of ${all} workers for ${priority} keys to other namespaces, even while none of theirs is queued`, async () => {
      const kept = new WorkQueue({ clock, random: () => 0, workers: 10 });
      const taken: string[] = [];
      for (let i = 0; i < 10; i++) void kept.get().then((key) => key !== undefined && taken.push(key));
      for (let n = 0; n < 20; n++) kept.add(`slow/${n}`, priority);
      await settled();
      expect(taken).to.have.length(others);
      kept.add('bystander/edited', priority);
      await settled();
      expect(taken.splice(0).at(-1)).to.equal('bystander/edited');
      // Of both, the one that is done makes room for a key of the slow namespace.
      kept.done('bystander/edited');
      await settled();
      expect(taken).to.deep.equal([]);
      void kept.get().then((key) => key !== undefined && taken.push(key));
      kept.done('slow/0');
      await settled();
      expect(taken).to.deep.equal([`slow/${others}`]);
      const over = kept.shutDown();
      for (let n = 1; n <= others; n++) kept.done(`slow/${n}`);
      await over;
    });
  }

  it('keeps workers for what is high and for other namespaces when fewer may work than wait for an answer', async () => {
    const kept = new WorkQueue({ clock, random: () => 0, workers: 10 });
    const taken: string[] = [];
    for (let i = 0; i < 11; i++) void kept.get().then((key) => key !== undefined && taken.push(key));
    const startedBy = async (key: string, priority: 'high' | 'normal') => {
      const before = taken.length;
      kept.add(key, priority);
      await settled();
      return taken.slice(before);
    };
    for (let n = 0; n < 7; n++) expect(await startedBy(`slow/${n}`, 'normal')).to.have.length(1);
    kept.limitWorkers(4);
    expect(await startedBy('slow/more', 'normal')).to.deep.equal([]);
    expect(await startedBy('slow/edited', 'high')).to.deep.equal(['slow/edited']);
    expect(await startedBy('slow/edited too', 'high')).to.deep.equal([]);
    expect(await startedBy('bystander/edited', 'high')).to.deep.equal(['bystander/edited']);
    expect(await startedBy('late/edited', 'high'), 'now as many work as may').to.deep.equal([]);
    kept.limitWorkers(10);
    kept.done('slow/0');
    await settled();
    expect(taken).to.include('late/edited');
    const over = kept.shutDown();
    for (const key of taken.slice(1)) kept.done(key);
    await over;
  });

  it('gives a single worker to every key', async () => {
    const single = new WorkQueue({ clock, random: () => 0, workers: 1 });
    single.add('a/1', 'low');
    expect(await single.get()).to.equal('a/1');
    single.done('a/1');
    await single.shutDown();
  });

  it('shuts down: what waits is dropped, takers get nothing, and it is over when the last key is done', async () => {
    queue.add('running');
    await queue.get();
    queue.add('running');
    queue.add('waiting');
    queue.addAfter('later', 1000);
    let over = false;
    const shutDown = queue.shutDown().then(() => {
      over = true;
    });
    expect(await queue.get()).to.equal(undefined);
    queue.add('late');
    queue.addAfter('late', 10);
    await clock.advance(2000);
    expect([over, queue.depth, clock.nextIn]).to.deep.equal([false, 0, undefined]);
    queue.done('running');
    await shutDown;
    expect(queue.depth).to.equal(0);
  });

  it('shuts down at once when nothing is in flight, and lets waiting workers go', async () => {
    const taken = queue.get();
    await queue.shutDown();
    expect(await taken).to.equal(undefined);
  });

  it('refuses to finish what is not in flight', () => {
    expect(() => queue.done('a')).to.throw('a is not in flight');
  });

  it('tells depth, adds, waiting time, working time and retries', async () => {
    const told: [string, number?][] = [];
    let read = () => ({ seconds: 0, longest: 0 });
    const metered = new WorkQueue({
      clock,
      random: () => 0,
      metrics: {
        depth: (keys) => told.push(['depth', keys]),
        added: () => told.push(['added']),
        waited: (seconds) => told.push(['waited', seconds]),
        worked: (seconds) => told.push(['worked', seconds]),
        retried: () => told.push(['retried']),
        inFlight: (from) => {
          read = from;
        },
      },
    });
    metered.add('a');
    metered.add('a');
    await clock.advance(2000);
    await metered.get();
    await clock.advance(3000);
    expect(read()).to.deep.equal({ seconds: 3, longest: 3 });
    metered.retry('a');
    metered.done('a');
    expect(told).to.deep.equal([['added'], ['depth', 1], ['depth', 0], ['waited', 2], ['retried'], ['worked', 3]]);
    expect(read()).to.deep.equal({ seconds: 0, longest: 0 });
    await metered.shutDown();
  });

  it('loses no key and never works on one twice at once, whatever happens in which order (trap 35)', async () => {
    const key = fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2');
    const priority = fc.constantFrom<Priority>('high', 'normal', 'low');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, priority }),
      fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.nat(50), priority }),
      fc.record({ do: fc.constant('retry' as const), key }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const), nth: fc.nat() }),
      fc.record({ do: fc.constant('limit' as const), workers: fc.integer({ min: 2, max: 4 }) }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.nat(1000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock();
        const queue = new WorkQueue({ clock, random: () => 0, workers: 3 });
        const owed = new Set<string>();
        const running: string[] = [];
        let limit = 3;
        let isAbove = false;
        const take = () =>
          void queue.get().then((key) => {
            if (key === undefined) return;
            expect(running, 'in flight twice').not.to.include(key);
            running.push(key);
            owed.delete(key);
            if (!isAbove) expect(running.length, 'in flight').to.be.at.most(limit);
          });
        for (const step of steps) {
          if (step.do === 'add') {
            owed.add(step.key);
            queue.add(step.key, step.priority);
          } else if (step.do === 'addAfter') {
            owed.add(step.key);
            queue.addAfter(step.key, step.ms, step.priority);
          } else if (step.do === 'retry') {
            owed.add(step.key);
            queue.retry(step.key);
          } else if (step.do === 'take') {
            take();
          } else if (step.do === 'done') {
            const [done] = running.splice(step.nth % (running.length || 1), 1);
            if (done) queue.done(done);
            isAbove &&= running.length > limit;
          } else if (step.do === 'limit') {
            limit = step.workers;
            // What is above a limit that has fallen does not hold the workers that are kept for others.
            isAbove ||= running.length > limit;
            queue.limitWorkers(limit);
          } else {
            await clock.advance(step.ms);
          }
          await settled();
        }
        // Enough workers, all work done, all time passed: every key asked for since its last start has been started.
        for (let round = 0; owed.size && round < 20; round++) {
          for (const done of running.splice(0)) queue.done(done);
          for (let i = 0; i < 3; i++) take();
          await clock.advance(600_000);
        }
        expect([...owed]).to.deep.equal([]);
        for (const done of running.splice(0)) queue.done(done);
        await queue.shutDown();
      }),
      propertyRuns(300),
    );
  });
});
