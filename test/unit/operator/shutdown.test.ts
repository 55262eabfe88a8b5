import { expect } from 'chai';
import { type Running, shutDown } from '../../../src/operator/shutdown.ts';
import { FakeClock, settled } from '../../fake-clock.ts';
import { LogJournal } from '../kubernetes/journal.ts';

describe('the way out', () => {
  let clock: FakeClock;
  let log: LogJournal;
  let done: string[];
  let passes: PromiseWithResolvers<void>;
  let lost: number;

  beforeEach(() => {
    clock = new FakeClock();
    log = new LogJournal();
    done = [];
    passes = Promise.withResolvers();
    lost = 0;
  });

  const does = (what: string) => async () => void done.push(what);
  const running = (): Running => ({
    informer: { stop: () => void done.push('watching ends') },
    controller: { stop: () => passes.promise.then(does('passes end')) },
    events: {
      async flush() {
        done.push('events are told');
        return lost;
      },
    },
    election: { stop: does('the lease is given back') },
    resources: { [Symbol.asyncDispose]: does('servers close') },
  });
  const warnings = () => log.all.map(({ sentence }) => sentence);

  it('gives the lease back only when every pass has ended and told its events', async () => {
    const ended = shutDown(running(), { clock, log });
    await clock.advance(11_999);
    expect(done).to.deep.equal(['watching ends']);
    passes.resolve();
    await ended;
    expect(done.slice(1)).to.deep.equal(['passes end', 'events are told', 'the lease is given back', 'servers close']);
    expect([warnings(), clock.nextIn]).to.deep.equal([[], undefined]);
  });

  it('keeps the lease when a pass does not end: it may be writing', async () => {
    const ended = shutDown(running(), { clock, log });
    await clock.advance(12_000);
    await ended;
    expect(done).to.deep.equal(['watching ends', 'events are told', 'servers close']);
    expect(warnings()).to.deep.equal(['A pass has not ended in time; it is cut off, and repeated by the next start']);
  });

  it('is short where no pass runs', async () => {
    await shutDown({ ...running(), controller: undefined }, { clock, log });
    expect(done).to.deep.equal(['watching ends', 'events are told', 'the lease is given back', 'servers close']);
  });

  it('says how many events were not told', async () => {
    lost = 3;
    passes.resolve();
    await shutDown(running(), { clock, log });
    expect(log.all.map(({ fields }) => fields)).to.deep.equal([{ lost: 3 }]);
  });

  it('comes to its end in 20 s, whatever hangs', async () => {
    const hanging = { ...running(), election: { stop: () => new Promise<never>(() => undefined) } };
    const ended = shutDown(hanging, { clock, log }).then(does('out'));
    passes.resolve();
    await clock.advance(19_999);
    expect(done).not.to.include('out');
    await clock.advance(1);
    await ended;
    expect(warnings()).to.deep.equal(['Stopping takes too long; what is left undone is left']);
  });

  it('fails as its parts do', async () => {
    const broken = { ...running(), resources: { [Symbol.asyncDispose]: () => Promise.reject(new Error('broken')) } };
    passes.resolve();
    const error = await shutDown(broken, { clock, log }).catch((error: Error) => error.message);
    await settled();
    expect([error, clock.nextIn]).to.deep.equal(['broken', undefined]);
  });
});
