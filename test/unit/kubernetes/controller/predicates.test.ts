import { expect } from 'chai';
import { enqueueRequests, shouldReconcile } from '../../../../src/kubernetes/controller/predicates.ts';
import { WorkQueue } from '../../../../src/kubernetes/controller/workqueue.ts';
import { FakeClock } from '../../../fake-clock.ts';
import { type Widget, widget } from '../widget.ts';

const [ours, others] = ['example.dev/ours', 'example.dev/others'];

describe('a change causes a pass', () => {
  const finalizers = [ours, others];
  const before = widget('bear', '1', { metadata: { annotations: { a: '1', b: '2' }, finalizers } });
  const changed = (metadata: Widget['metadata']) =>
    widget('bear', '2', { metadata: { ...before.metadata, resourceVersion: '2', ...metadata } });

  it('when the object is new', () => {
    expect(shouldReconcile(undefined, before, ours)).to.equal(true);
  });

  const yes: [string, Widget['metadata']][] = [
    ['its spec', { generation: 2 }],
    ['an annotation', { annotations: { a: '2', b: '2' } }],
    ['the set of annotations', { annotations: { a: '1' } }],
    ['its finalizers, which were all removed,', { finalizers: [] }],
    ['its finalizers, ours of which was removed,', { finalizers: [others] }],
    ['its deletion', { deletionTimestamp: new Date('2026-11-22') }],
    ['its identity', { uid: 'another' }],
  ];
  for (const [what, metadata] of yes) {
    it(`when ${what} changed`, () => {
      expect(shouldReconcile(before, changed(metadata), ours)).to.equal(true);
    });
  }

  const no: [string, Widget['metadata']][] = [
    ['nothing but its status (and so its version)', {}],
    ['the finalizer of another controller', { finalizers: [ours] }],
    ['the order of its finalizers', { finalizers: [others, ours] }],
    ['the addition of a finalizer', { finalizers: [...finalizers, 'example.dev/new'] }],
    ['the order of its annotations', { annotations: { b: '2', a: '1' } }],
  ];
  for (const [what, metadata] of no) {
    it(`not when ${what} changed`, () => {
      const current: Widget = { ...changed(metadata), status: { seen: 5 } };
      expect(shouldReconcile(before, current, ours)).to.equal(false);
    });
  }

  it('not when empty annotations are removed', () => {
    const current = widget('a', '2', { metadata: { annotations: {} } });
    expect(shouldReconcile(widget('a', '1'), current, ours)).to.equal(false);
  });
});

describe('the changes of an informer', () => {
  it('are enqueued if they cause a pass, watch events before listed objects', async () => {
    const queue = new WorkQueue({ clock: new FakeClock(), random: () => 0 });
    const changed = enqueueRequests<Widget>(queue, ours);
    changed({ type: 'added', object: widget('listed', '1'), source: 'list' });
    changed({ type: 'updated', object: widget('same', '2'), previous: widget('same', '1'), source: 'watch' });
    const edited = widget('edited', '2', { metadata: { generation: 2 } });
    changed({ type: 'updated', object: edited, previous: widget('edited', '1'), source: 'watch' });
    changed({ type: 'deleted', object: widget('deleted', '1'), source: 'watch' });
    const keys: (string | undefined)[] = [];
    while (queue.depth) keys.push(await queue.get());
    expect(keys).to.deep.equal(['toys/edited', 'toys/deleted', 'toys/listed']);
  });
});
