// The recorder's guarantees for any events and any API server: a bound on requests, and correct counts.
import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import fc from 'fast-check';
import { ApiServerUnreachable } from '../../../../src/kubernetes/client/errors.ts';
import { createRecorder } from '../../../../src/kubernetes/events/recorder.ts';
import type { EventSeries } from '../../../../src/kubernetes/events/writer.ts';
import { FakeClock } from '../../../fake-clock.ts';
import { propertyRuns } from '../../../property-runs.ts';
import { LogJournal } from '../journal.ts';
import { widget } from '../widget.ts';

const minute = 60_000;

/** The outcome of one write: `lost` is stored without a response. */
type Fate = 'stored' | 'lost' | 'unreachable' | 'throttled' | 'refused';

interface Record {
  /** ms since the previous one. */
  readonly wait: number;
  readonly object: string;
  readonly note: string;
}

const record = fc.record<Record>({
  // Mostly in a burst, often within a series, sometimes after it is over.
  wait: fc.oneof(
    { arbitrary: fc.constant(0), weight: 8 },
    { arbitrary: fc.integer({ min: 1, max: 90_000 }), weight: 4 },
    { arbitrary: fc.integer({ min: 1, max: 20 * minute }), weight: 1 },
  ),
  object: fc.oneof({ arbitrary: fc.constant('bear'), weight: 3 }, { arbitrary: fc.constant('doll'), weight: 1 }),
  note: fc.oneof(fc.constantFrom('ready', 'not ready'), fc.nat({ max: 1000 }).map(String)),
});
/** Long enough to empty an object's bucket. */
const flood = fc.array(record, { minLength: 30, maxLength: 120, size: 'max' });
const some = fc.array(record, { minLength: 1, maxLength: 120 });
const fates = fc.array(fc.constantFrom<Fate>('stored', 'lost', 'unreachable', 'throttled', 'refused'), {
  maxLength: 40,
});

interface Write {
  readonly at: number;
  readonly object: string;
  readonly name: string;
  readonly isNew: boolean;
}

async function play(all: readonly Record[], fates: readonly Fate[]) {
  const clock = new FakeClock();
  const start = clock.now().getTime();
  const log = new LogJournal();
  const writes: Write[] = [];
  /** Each event of the API server: its count and its subject. */
  const stored = new Map<string, { count: number; about: string }>();
  const recorded = new Map<string, number>();
  const left = [...fates];

  const write = async ({ event, count, written }: EventSeries) => {
    const name = event.metadata?.name ?? '';
    const object = event.regarding?.name ?? '';
    writes.push({ at: clock.now().getTime() - start, object, name, isNew: written === 0 });
    const fate = left.shift() ?? 'stored';
    if (fate === 'stored' || fate === 'lost') stored.set(name, { count, about: `${object} ${event.note}` });
    if (fate === 'unreachable' || fate === 'lost') throw new ApiServerUnreachable('no answer');
    if (fate === 'throttled') throw new ApiException(429, '', {}, { 'retry-after': '5' });
    if (fate === 'refused') throw new ApiException(403, '', {}, {});
    return count;
  };
  let chance = 0;
  const random = () => (chance = (chance + 0.618) % 1);
  const events = createRecorder(write, { controller: 'c', instance: 'i', clock, random, log });
  for (const { wait, object, note } of all) {
    if (wait > 0) await clock.advance(wait);
    const about = `${object} ${note}`;
    recorded.set(about, (recorded.get(about) ?? 0) + 1);
    events.record(widget(object, '5'), { type: 'Normal', reason: 'Looked', action: 'Look', note });
  }
  const flushed = events.flush(10 * minute);
  const beforeFlush = clock.now().getTime() - start;
  await clock.advance(10 * minute);
  const untold = await flushed;
  const leftOut = log.all.filter(({ level }) => level === 'debug').length;
  return { writes, stored, recorded, untold, leftOut, beforeFlush, isIdle: clock.nextIn === undefined };
}

describe('a flood of events', () => {
  it('stays within the bound on requests, and every occurrence is counted or reported as dropped', async () => {
    await fc.assert(
      fc.asyncProperty(flood, async (all) => {
        const { writes, stored, untold, leftOut, beforeFlush, isIdle } = await play(all, []);
        const counted = [...stored.values()].reduce((sum, { count }) => sum + count, 0);
        expect(counted + leftOut).to.equal(all.length);
        expect([untold, isIdle]).to.deep.equal([0, true]);

        for (const object of ['bear', 'doll']) {
          const begun = writes.filter((write) => write.object === object && write.isNew);
          for (const [first, { at }] of begun.entries()) {
            for (const [later, { at: until }] of begun.entries())
              if (later > first) expect(later - first + 1).to.be.at.most(25 + (until - at) / (5 * minute));
          }
        }
        for (const name of stored.keys()) {
          const times = writes.filter((write) => write.name === name && write.at < beforeFlush).map(({ at }) => at);
          // The first occurrence and its first repetition are written at once, then one update a minute.
          const [, ...repeated] = times;
          for (const [i, at] of repeated.entries()) expect(at - (repeated[i - 1] ?? -minute)).to.be.at.least(minute);
          expect(writes.filter((write) => write.name === name && write.at >= beforeFlush)).to.have.length.at.most(3);
        }
      }),
      propertyRuns(40),
    );
  });

  it('is never counted too high, whatever the API server does, and fully counted if it accepts all', async () => {
    await fc.assert(
      fc.asyncProperty(some, fates, async (all, trouble) => {
        const { stored, recorded, untold, leftOut, isIdle } = await play(all, trouble);
        const counted = new Map<string, number>();
        for (const { count, about } of stored.values()) counted.set(about, (counted.get(about) ?? 0) + count);
        for (const [about, count] of counted) expect(count).to.be.at.most(recorded.get(about) ?? 0);
        expect(isIdle).to.equal(true);
        const sum = [...counted.values()].reduce((a, b) => a + b, 0);
        if (!trouble.includes('refused')) expect(sum + leftOut + untold).to.equal(all.length);
        else expect(sum + leftOut).to.be.at.most(all.length);
      }),
      propertyRuns(200),
    );
  });
});
