import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import { NotLeading, ObjectChanged } from '../../../../src/kubernetes/client/errors.ts';
import { alwaysLeader, LeaseElection } from '../../../../src/kubernetes/leader-election/leader-election.ts';
import type { Lease } from '../../../../src/kubernetes/leader-election/lease.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';
import { LogJournal } from '../journal.ts';
import { goodWire, LeaseInMemory, type Method, refusal, type Wire } from './lease-in-memory.ts';

const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

describe('the leader election', () => {
  let clock: FakeClock;
  let server: LeaseInMemory;
  let wire: Wire;
  let asked: Method[];
  let log: LogJournal;
  let lost: string[];
  let told: string[];
  /** An offset of the clocks without any timer firing: the process was stopped, or its clock was set. */
  let jump: { monotonic: number; wall: number };
  let random: number;

  beforeEach(() => {
    clock = new FakeClock();
    server = new LeaseInMemory();
    wire = goodWire;
    asked = [];
    log = new LogJournal();
    lost = [];
    told = [];
    jump = { monotonic: 0, wall: 0 };
    random = 0;
  });

  const candidate = (identity = 'me') =>
    new LeaseElection({
      lock: server.lock(() => (serve, method) => {
        asked.push(method);
        return wire(serve, method);
      }),
      identity,
      timings,
      onStoppedLeading: (why) => lost.push(why),
      clock: { now: () => new Date(clock.now().getTime() + jump.wall), after: (ms, call) => clock.after(ms, call) },
      monotonic: () => clock.now().getTime() + jump.monotonic,
      random: () => random,
      log,
      metrics: { leading: (is) => told.push(is ? 'leads' : 'stands by'), slowPath: () => told.push('slow path') },
    });
  const leader = async () => {
    const election = candidate();
    await election.acquire();
    asked.splice(0);
    return election;
  };
  const standby = async (holder: Lease['spec'] = { holderIdentity: 'other', leaseDurationSeconds: 15 }) => {
    server.put(holder);
    const election = candidate();
    let leads = false;
    void election.acquire().then(() => {
      leads = true;
    });
    await settled();
    asked.splice(0);
    return { election, leads: () => leads };
  };
  const mayWrite = (election: LeaseElection) => {
    try {
      election.assertLeader();
      return true;
    } catch (error) {
      expect(error).to.be.instanceOf(NotLeading);
      return false;
    }
  };
  const failing: Wire = () => Promise.reject(refusal());
  const unanswered: Wire = async (serve) => {
    serve();
    throw refusal();
  };
  const sentences = () => log.all.map(({ level, sentence }) => `${level} ${sentence}`);

  describe('as a candidate', () => {
    it('creates a missing Lease, and leads', async () => {
      const election = candidate();
      expect([mayWrite(election), election.state.phase]).to.deep.equal([false, 'Unknown']);
      await election.acquire();
      expect(asked).to.deep.equal(['read', 'create']);
      expect(mayWrite(election)).to.equal(true);
      expect(server.now?.spec).to.include({ holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 0 });
      expect(told).to.deep.equal(['stands by', 'leads']);
      await election.stop();
    });

    it('stands by while another one leads, and logs that once', async () => {
      const { election, leads } = await standby();
      await clock.advance(8_000);
      expect([leads(), mayWrite(election), election.state.phase]).to.deep.equal([false, false, 'Standby']);
      expect(asked).to.deep.equal(['read', 'read', 'read', 'read']);
      expect(sentences()).to.deep.equal(['info The Lease system/operator is held by other; standing by']);
      await election.stop();
    });

    it('takes over as soon as the lease duration has passed since the last observed change', async () => {
      const { election, leads } = await standby();
      await clock.advance(7_000);
      server.put({ holderIdentity: 'other', leaseDurationSeconds: 15, renewTime: 'now' });
      await clock.advance(14_999);
      expect(leads()).to.equal(false);
      await clock.advance(1);
      expect(leads()).to.equal(true);
      expect(server.now?.spec).to.include({ holderIdentity: 'me', leaseTransitions: 1 });
      await election.stop();
    });

    it('sees each change at once, and takes a released Lease without a wait', async () => {
      const { election, leads } = await standby();
      server.put({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 3 });
      await settled();
      expect(leads()).to.equal(true);
      expect(server.now?.spec).to.include({ holderIdentity: 'me', leaseTransitions: 4 });
      await election.stop();
    });

    it('reads the Lease now and then without an event, with jitter', async () => {
      random = 0.5;
      const { election } = await standby();
      await clock.advance(2_199);
      expect(asked).to.deep.equal([]);
      await clock.advance(1);
      expect(asked).to.deep.equal(['read']);
      await election.stop();
    });

    it('reads again when an event comes during a read', async () => {
      const { election, leads } = await standby();
      const held = Promise.withResolvers<void>();
      wire = async (serve) => {
        const seen = serve();
        wire = goodWire;
        await held.promise;
        return seen;
      };
      await clock.advance(2_000);
      server.put({ holderIdentity: '' });
      held.resolve();
      await settled();
      expect(leads()).to.equal(true);
      await election.stop();
    });

    it('renews a watch at once if it had worked, and after the retry period otherwise', async () => {
      const { election } = await standby();
      await clock.advance(2_000);
      server.endWatches();
      await clock.advance(0);
      expect(server.watches).to.equal(1);
      server.endWatches();
      await clock.advance(1_999);
      expect(server.watches).to.equal(0);
      await clock.advance(1);
      expect(server.watches).to.equal(1);
      await election.stop();
      expect([server.watches, clock.nextIn]).to.deep.equal([0, undefined]);
    });

    it('stands by when another candidate was faster', async () => {
      wire = async (serve, method) => {
        if (method === 'create') server.put({ holderIdentity: 'quicker', leaseDurationSeconds: 15 });
        return serve();
      };
      const election = candidate();
      void election.acquire();
      await clock.advance(2_000);
      expect(election.state).to.include({ phase: 'Standby', holder: 'quicker' });
      expect(log.all.filter(({ level }) => level === 'warn')).to.deep.equal([]);
      await election.stop();
    });

    it('leads after an acquisition whose response was lost, when it sees itself as the holder and has renewed', async () => {
      wire = async (serve, method) => (method === 'create' ? unanswered(serve, method) : serve());
      const election = candidate();
      await election.acquire();
      expect(asked).to.deep.equal(['read', 'create', 'read', 'replace']);
      const [first, second] = server.history.map((lease) => lease?.spec);
      expect(second).to.include({ holderIdentity: 'me', leaseTransitions: 0, acquireTime: first?.acquireTime });
      await election.stop();
    });

    it('does not lead after an acquisition whose response came too late', async () => {
      wire = async (serve, method) => {
        const answer = serve();
        if (method === 'create') await new Promise<void>((resolve) => clock.after(10_000, resolve));
        else if (server.now) throw refusal();
        return answer;
      };
      const election = candidate();
      const led = election.acquire();
      await clock.advance(10_000);
      expect([mayWrite(election), election.state.phase]).to.deep.equal([false, 'Standby']);
      wire = goodWire;
      await clock.advance(2_000);
      await led;
      expect(mayWrite(election)).to.equal(true);
      await election.stop();
    });

    it("waits for the end of a holder's term after its Lease was deleted", async () => {
      const { election, leads } = await standby();
      await clock.advance(1_000);
      server.delete();
      await clock.advance(13_999);
      expect(leads()).to.equal(false);
      await clock.advance(1);
      expect(leads()).to.equal(true);
      await election.stop();
    });

    it('continues through any error of the API server, and logs the same one once a minute', async () => {
      wire = failing;
      const election = candidate();
      const led = election.acquire();
      await clock.advance(120_000);
      const trouble = 'The Lease system/operator: the API server answered 500 Internal Server Error; trying again';
      expect(sentences().slice(0, 3)).to.deep.equal([`warn ${trouble}`, `debug ${trouble}`, `debug ${trouble}`]);
      expect(sentences().filter((line) => line === `warn ${trouble}`)).to.have.length(3);
      wire = goodWire;
      await clock.advance(2_000);
      await led;
      await election.stop();
    });

    it('takes over after the lease duration even if it could not read in between', async () => {
      const { election, leads } = await standby();
      wire = failing;
      await clock.advance(15_000);
      expect(leads()).to.equal(false);
      wire = goodWire;
      await clock.advance(2_000);
      expect(leads()).to.equal(true);
      await election.stop();
    });
  });

  describe('as the leader', () => {
    it('renews every retry period with a single request', async () => {
      const election = await leader();
      const { acquireTime } = server.now?.spec ?? {};
      await clock.advance(60_000);
      expect(asked).to.deep.equal(Array(30).fill('replace'));
      expect(server.now?.spec).to.include({
        acquireTime,
        leaseTransitions: 0,
        renewTime: '2026-11-22T00:01:00.000000Z',
      });
      expect([mayWrite(election), server.watches, lost]).to.deep.equal([true, 0, []]);
      await election.stop();
    });

    it('tolerates errors until the deadline after the last stored renewal', async () => {
      const election = await leader();
      await clock.advance(2_000);
      wire = failing;
      await clock.advance(9_999);
      expect([mayWrite(election), lost]).to.deep.equal([true, []]);
      wire = goodWire;
      await clock.advance(0);
      await election.stop();
      expect(server.now?.spec?.holderIdentity).to.equal('');
    });

    it('loses at the deadline: the fence closes, the loss is reported once with its reason, and no more requests are sent', async () => {
      const election = await leader();
      await clock.advance(2_000);
      wire = failing;
      await clock.advance(10_000);
      const why =
        'The Lease system/operator was not renewed for 10 s: the API server answered 500 Internal Server Error';
      expect(lost).to.deep.equal([why]);
      expect(election.state).to.deep.equal({ phase: 'Lost', why });
      expect([mayWrite(election), told.at(-1)]).to.deep.equal([false, 'stands by']);
      asked.splice(0);
      wire = goodWire;
      await clock.advance(60_000);
      await election.stop();
      expect([asked, lost.length, clock.nextIn]).to.deep.equal([[], 1, undefined]);
    });

    it('counts the deadline from the sending of a renewal, not from its response', async () => {
      const election = await leader();
      wire = async (serve) => {
        const answer = serve();
        await new Promise<void>((resolve) => clock.after(4_000, resolve));
        wire = failing;
        return answer;
      };
      await clock.advance(11_999); // sent at 2 s, answered at 6 s
      expect(mayWrite(election)).to.equal(true);
      await clock.advance(1);
      expect([mayWrite(election), lost.length]).to.deep.equal([false, 1]);
      await election.stop();
    });

    it('is not rescued by a response after the deadline', async () => {
      const election = await leader();
      const held = Promise.withResolvers<void>();
      wire = async (serve) => {
        const answer = serve();
        await held.promise;
        return answer;
      };
      await clock.advance(10_000);
      expect(lost).to.deep.equal(['The Lease system/operator was not renewed for 10 s']);
      held.resolve();
      await settled();
      expect([mayWrite(election), election.state.phase]).to.deep.equal([false, 'Lost']);
      await election.stop();
      expect(server.now?.spec?.holderIdentity, 'it is left to run out').to.equal('me');
    });

    it('writes nothing when it wakes from a long sleep, before any timer has run (trap 31)', async () => {
      for (const slept of [
        { monotonic: 10_000, wall: 10_000 },
        { monotonic: 0, wall: 30_000 },
        { monotonic: 30_000, wall: -3_600_000 },
      ]) {
        lost = [];
        jump = { monotonic: 0, wall: 0 };
        server.delete();
        const election = await leader();
        jump = slept;
        expect([mayWrite(election), lost.length]).to.deep.equal([false, 1]);
        await election.stop();
      }
    });

    it('loses when another candidate has taken the Lease', async () => {
      const election = await leader();
      server.put({ holderIdentity: 'other', leaseDurationSeconds: 15 });
      await clock.advance(2_000);
      expect(asked).to.deep.equal(['replace', 'read']);
      expect(lost).to.deep.equal(['The Lease system/operator was taken by other']);
      expect(mayWrite(election)).to.equal(false);
      await election.stop();
      expect(server.now?.spec?.holderIdentity).to.equal('other');
    });

    it('steps down when its Lease has no holder any more', async () => {
      const election = await leader();
      server.put({ holderIdentity: '' });
      await clock.advance(2_000);
      expect(lost).to.deep.equal(['The holder of the Lease system/operator was removed']);
      await election.stop();
    });

    it('keeps leading when the response to a stored renewal is lost: the next renewal reads first', async () => {
      const election = await leader();
      wire = async (serve, method) => {
        wire = goodWire;
        return unanswered(serve, method);
      };
      await clock.advance(4_000);
      expect(asked).to.deep.equal(['replace', 'replace', 'read', 'replace']);
      expect(told.at(-1)).to.equal('slow path');
      await clock.advance(9_000);
      expect([mayWrite(election), lost]).to.deep.equal([true, []]);
      await election.stop();
    });

    it('recreates its deleted Lease unchanged', async () => {
      const election = await leader();
      const { acquireTime } = server.now?.spec ?? {};
      server.delete();
      await clock.advance(2_000);
      expect(asked).to.deep.equal(['replace', 'read', 'create']);
      expect(server.now?.spec).to.include({ holderIdentity: 'me', acquireTime, leaseTransitions: 0 });
      expect(mayWrite(election)).to.equal(true);
      await election.stop();
    });

    it('loses when another candidate has recreated the deleted Lease', async () => {
      const election = await leader();
      server.delete();
      wire = async (serve, method) => {
        if (method !== 'create') return serve();
        wire = goodWire;
        server.put({ holderIdentity: 'other', leaseDurationSeconds: 15 });
        throw new ObjectChanged('it was created by someone else');
      };
      await clock.advance(4_000);
      expect(lost).to.deep.equal(['The Lease system/operator was taken by other']);
      await election.stop();
    });
  });

  describe('when it is stopped', () => {
    it('closes the fence and then releases the Lease', async () => {
      const election = await leader();
      let open: boolean | undefined;
      wire = async (serve) => {
        open = mayWrite(election);
        return serve();
      };
      await election.stop();
      expect(open).to.equal(false);
      expect(server.now?.spec).to.include({ holderIdentity: '', leaseDurationSeconds: 1 });
      expect([lost, told.at(-1), clock.nextIn, election.state.phase]).to.deep.equal([
        [],
        'stands by',
        undefined,
        'Stopped',
      ]);
    });

    it('lets a standby take over at once', async () => {
      const first = await leader();
      const second = candidate('second');
      const led = second.acquire();
      await clock.advance(3_000);
      const before = clock.now();
      await first.stop();
      await led;
      expect(clock.now()).to.deep.equal(before);
      expect(server.now?.spec).to.include({ holderIdentity: 'second', leaseTransitions: 1 });
      await second.stop();
    });

    it('writes nothing as a standby, or before it began', async () => {
      const { election } = await standby();
      await election.stop();
      await candidate().stop();
      expect([asked, server.history.length]).to.deep.equal([[], 1]);
    });

    it('leaves a Lease alone that another candidate has taken', async () => {
      const election = await leader();
      server.put({ holderIdentity: 'other' });
      await election.stop();
      expect(server.now?.spec?.holderIdentity).to.equal('other');
    });

    it('releases a Lease whose last renewal had no response', async () => {
      const election = await leader();
      wire = unanswered;
      await clock.advance(2_000);
      wire = goodWire;
      await election.stop();
      expect(server.now?.spec?.holderIdentity).to.equal('');
    });

    it('releases a Lease that it is just acquiring, and does not begin to lead', async () => {
      const election = candidate();
      let leads = false;
      void election.acquire().then(() => {
        leads = true;
      });
      const held = Promise.withResolvers<void>();
      wire = async (serve, method) => {
        const answer = serve();
        if (method === 'create') await held.promise;
        return answer;
      };
      await settled();
      const stopped = election.stop();
      held.resolve();
      await stopped;
      expect([leads, server.now?.spec?.holderIdentity]).to.deep.equal([false, '']);
    });

    it('does not fail with the API server, and logs until when others wait', async () => {
      const election = await leader();
      wire = () => Promise.reject(new ApiException(403, 'Forbidden', { message: 'no leases for you' }, {}));
      await election.stop();
      expect(sentences().at(-1)).to.equal(
        'warn The Lease system/operator cannot be given back: the API server answered 403 Forbidden: no leases for you; others take over in 15 s',
      );
    });
  });
});

describe('a process without leader election', () => {
  it('leads at once and for ever', async () => {
    await alwaysLeader.acquire();
    alwaysLeader.assertLeader();
    await alwaysLeader.stop();
  });
});
