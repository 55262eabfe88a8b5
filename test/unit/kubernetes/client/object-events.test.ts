import { type EventsV1Event, V1MicroTime } from '@kubernetes/client-node';
import { expect } from 'chai';
import { occurrencesOf } from '../../../../src/kubernetes/client/object-events.ts';

const first = new Date('2026-11-22T01:02:03Z');
const last = new Date('2026-11-22T02:02:03Z');
const metadata = { creationTimestamp: first };

/** The API server leaves the time out of an event of the core API. */
function occurrences(event: Partial<EventsV1Event>): ReturnType<typeof occurrencesOf> {
  return occurrencesOf(event as EventsV1Event);
}

describe('the occurrences of an event', () => {
  it('are read from a series, and from what clients of the core API write', () => {
    const series = { count: 5, lastObservedTime: new V1MicroTime(last.getTime()) };
    const ofSeries = occurrences({ metadata, eventTime: new V1MicroTime(first.getTime()), series });
    expect(ofSeries).to.deep.equal({ first, last, count: 5 });
    const ofCore = { deprecatedFirstTimestamp: first, deprecatedLastTimestamp: last, deprecatedCount: 3 };
    expect(occurrences({ metadata: {}, ...ofCore })).to.deep.equal({ first, last, count: 3 });
  });

  it('are one, at the time of the event or of its object, unless it was repeated', () => {
    const once = { deprecatedFirstTimestamp: first, deprecatedLastTimestamp: first, deprecatedCount: 1 };
    expect(occurrences({ metadata, ...once })).to.deep.equal({ first, last: undefined, count: 1 });
    expect(occurrences({ metadata })).to.deep.equal({ first, last: undefined, count: 1 });
    expect(occurrences({ metadata: {} }).first).to.equal(undefined);
  });
});
