import { type EventsV1Event, V1MicroTime } from '@kubernetes/client-node';
import { expect } from 'chai';
import { EventAggregator, type Series } from '../../../../src/kubernetes/events/aggregator.ts';

const minute = 60_000;

describe('a series of events', () => {
  let book: EventAggregator;
  const event = (name: string): EventsV1Event => ({ metadata: { name }, eventTime: new V1MicroTime(0) });

  beforeEach(() => {
    book = new EventAggregator({ window: 6 * minute, interval: minute, capacity: 3 });
  });

  function occur(key: string, now: number): number {
    return book.repeat(key, now) ? 0 : book.open(key, event(key), now);
  }
  function next(now: number): Series {
    const series = book.next(now);
    if (!series) throw new Error('nothing is to be written');
    return series;
  }
  /** Writes all that is to be written, as `key:count`. */
  function write(now: number): string[] {
    const seen: string[] = [];
    for (let series = book.next(now); series; series = book.next(now)) {
      seen.push(`${series.event.metadata?.name}:${series.count}`);
      book.written(series.count, now);
    }
    return seen;
  }

  it('is written when its event first occurs', () => {
    occur('bear', 0);
    const series = next(0);
    expect(series).to.deep.include({ count: 1, told: 0, lastObserved: 0, state: { is: 'Sending' } });
    book.written(1, 5);
    expect(series).to.deep.include({ told: 1, state: { is: 'Quiet' } });
    expect(book.next(5)).to.equal(undefined);
  });

  it('is written at once when its event occurs for the second time', () => {
    occur('bear', 0);
    write(0);
    occur('bear', 10);
    const series = next(10);
    expect(series).to.deep.include({ count: 2, told: 1, lastObserved: 10 });
    book.written(2, 11);
    expect(series.state).to.deep.equal({ is: 'Cooling', until: 11 + minute });
  });

  it('then tells of all that follows once in each interval', () => {
    occur('bear', 0);
    write(0);
    occur('bear', 10);
    write(10);
    for (let now = 20; now < 10 + minute; now += 1000) {
      occur('bear', now);
      expect(write(now)).to.deep.equal([]);
      expect(book.nextAt).to.equal(10 + minute);
    }
    expect(write(10 + minute)).to.deep.equal(['bear:62']);
    expect(write(10 + 2 * minute)).to.deep.equal([]);
    occur('bear', 10 + 2 * minute);
    expect(write(10 + 2 * minute)).to.deep.equal(['bear:63']);
  });

  it('grows while it waits and while it is being written', () => {
    occur('bear', 0);
    occur('bear', 1);
    const series = next(1);
    occur('bear', 2);
    occur('bear', 3);
    expect(series.count).to.equal(4);
    book.written(2, 4);
    expect(series).to.deep.include({ told: 2, state: { is: 'Cooling', until: 4 + minute } });
    expect(write(4 + minute)).to.deep.equal(['bear:4']);
  });

  it('is written again at once when its event occurs for the second time while it is being created', () => {
    occur('bear', 0);
    next(0);
    occur('bear', 1);
    book.written(1, 2);
    expect(write(2)).to.deep.equal(['bear:2']);
  });

  it('goes on for as long as its event keeps occurring, and is over after a quiet window', () => {
    const window = 6 * minute;
    occur('bear', 0);
    write(0);
    for (let i = 1; i <= 20; i++) {
      occur('bear', i * window);
      write(i * window);
    }
    expect(book.size).to.equal(1);
    expect(book.repeat('bear', 21 * window + 1)).to.equal(false);
    expect(book.size).to.equal(0);
    occur('bear', 21 * window + 1);
    expect(next(21 * window + 1)).to.include({ count: 1, told: 0 });
  });

  it('is not over while it waits for the API server, however long that takes', () => {
    occur('bear', 0);
    occur('bear', 60 * minute);
    expect(write(60 * minute)).to.deep.equal(['bear:2']);
  });

  it('is over also where one that has been quiet for longer was written late, and still cools', () => {
    for (const key of ['bear', 'bear', 'doll']) occur(key, 0);
    expect(write(10 * minute)).to.deep.equal(['bear:2', 'doll:1']);
    expect(book.repeat('doll', 10 * minute + 1)).to.equal(false);
    expect(book.repeat('bear', 10 * minute + 1)).to.equal(true);
  });

  it('is refused until its event occurs again, and no sooner than after the interval', () => {
    occur('bear', 0);
    const series = next(0);
    book.refused(0);
    expect(series).to.deep.include({ told: 0, state: { is: 'Cooling', until: minute } });
    expect(write(minute)).to.deep.equal([]);
    expect(series.state).to.deep.equal({ is: 'Quiet' });
    occur('bear', minute + 1);
    next(minute + 1);
    book.refused(minute + 1);
    occur('bear', minute + 2);
    expect(write(minute + 2)).to.deep.equal([]);
    expect(write(2 * minute + 1)).to.deep.equal(['bear:3']);
  });

  it('waits for its turn behind those that occurred before it', () => {
    for (const key of ['bear', 'doll', 'kite']) occur(key, 0);
    occur('bear', 1);
    expect(write(1)).to.deep.equal(['bear:2', 'doll:1', 'kite:1']);
  });

  it('is forgotten when too many are open and it has been quiet for longest', () => {
    for (const key of ['bear', 'doll', 'kite']) occur(key, 0);
    write(0);
    occur('bear', 1);
    expect(occur('yoyo', 2)).to.equal(0);
    expect(book.size).to.equal(3);
    expect(book.repeat('doll', 3)).to.equal(false);
    expect(write(3)).to.deep.equal(['bear:2', 'yoyo:1']);
  });

  it('is missed when it is forgotten untold', () => {
    for (const key of ['bear', 'bear', 'doll', 'kite']) occur(key, 0);
    const bear = next(0);
    expect(occur('yoyo', 1)).to.equal(2);
    expect(bear.state).to.deep.equal({ is: 'Over' });
    book.written(2, 2); // the answer comes late
    expect(bear.told).to.equal(0);
    expect(write(3)).to.deep.equal(['doll:1', 'kite:1', 'yoyo:1']);
  });

  it('may be hurried, and is missed by what was not told when all end', () => {
    for (const key of ['bear', 'bear', 'doll']) occur(key, 0);
    write(0);
    occur('bear', 1);
    expect(write(1)).to.deep.equal([]);
    book.hurry();
    expect(next(1).count).to.equal(3);
    occur('bear', 2);
    book.written(3, 2);
    expect(write(2)).to.deep.equal(['bear:4']);
    for (const key of ['bear', 'bear', 'doll', 'kite']) occur(key, 2);
    const doll = next(2);
    expect(book.close()).to.equal(4);
    expect(doll.state).to.deep.equal({ is: 'Over' });
    expect([book.size, book.next(9 * minute), book.nextAt]).to.deep.equal([0, undefined, undefined]);
  });
});
