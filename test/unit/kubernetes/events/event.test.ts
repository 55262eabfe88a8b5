import { expect } from 'chai';
import { type EventRecord, toEvent } from '../../../../src/kubernetes/events/event.ts';
import { widget } from '../widget.ts';

describe('the body of an event', () => {
  const ready: EventRecord = { type: 'Normal', reason: 'Ready', action: 'Look', note: 'japaneast is ready' };
  const reporter = { controller: 'example.dev/controller', instance: 'pod-1' };
  const now = Date.parse('2026-11-22T00:00:00Z');
  const body = (object = widget('bear', '5'), news = ready, by = reporter) => toEvent(object, news, by, now, () => 0.5);

  it('has the note, time, object and reporter', () => {
    expect(JSON.parse(JSON.stringify(body()))).to.deep.equal({
      metadata: { name: 'bear.1a2008d740080000000', namespace: 'toys' },
      eventTime: '2026-11-22T00:00:00.000000Z',
      ...ready,
      reportingController: 'example.dev/controller',
      reportingInstance: 'pod-1',
      regarding: {
        apiVersion: 'example.dev/v1',
        kind: 'Widget',
        namespace: 'toys',
        name: 'bear',
        uid: 'uid-bear',
        resourceVersion: '5',
      },
    });
  });

  it('has a unique name', () => {
    const chances = [0, 0.25, 1 - Number.EPSILON];
    const names = chances.map(
      (chance) => toEvent(widget('bear', '5'), ready, reporter, now, () => chance).metadata?.name,
    );
    expect(new Set(names).size).to.equal(3);
    for (const name of names) expect(name).to.have.length('bear.'.length + 19);
  });

  it('is in the namespace default if its object is cluster-scoped', () => {
    const { metadata, regarding } = body({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' } });
    expect(metadata?.namespace).to.equal('default');
    expect(regarding).to.deep.equal({ apiVersion: 'v1', kind: 'Node', name: 'one' });
  });

  it('has its note truncated to 1 kB between characters', () => {
    expect(body(undefined, { ...ready, note: '日'.repeat(1000) }).note).to.equal(`${'日'.repeat(340)}…`);
    expect(body(undefined, { ...ready, note: 'x'.repeat(1024) }).note).to.equal('x'.repeat(1024));
  });

  it("has a name and a reporter within the API server's limits", () => {
    const long = body(widget('x'.repeat(253), '5'), ready, { ...reporter, instance: 'y'.repeat(253) });
    expect(long.metadata?.name).to.have.length(253);
    expect(long.reportingInstance).to.have.length(128);
    // A truncated name must not end in a dash or a dot.
    expect(body(widget(`${'x'.repeat(230)}.-x${'z'.repeat(20)}`, '5')).metadata?.name).to.match(
      /^x{230}\.-x\.[0-9a-f]{19}$/,
    );
    expect(body(widget(`${'x'.repeat(231)}.-${'z'.repeat(20)}`, '5')).metadata?.name).to.match(
      /^x{231}\.[0-9a-f]{19}$/,
    );
  });
});
