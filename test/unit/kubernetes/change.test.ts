import { expect } from 'chai';
import { isWorthAPass } from '../../../src/kubernetes/change.ts';
import { type Widget, widget } from './widget.ts';

describe('a change is worth a pass', () => {
  const before = widget('bear', '1', { metadata: { annotations: { a: '1', b: '2' }, labels: { l: '1' } } });
  const changed = (metadata: Widget['metadata']) =>
    widget('bear', '2', { metadata: { ...before.metadata, resourceVersion: '2', ...metadata } });

  it('when the object is new', () => {
    expect(isWorthAPass(undefined, before)).to.equal(true);
  });

  const yes: [string, Widget['metadata']][] = [
    ['its spec', { generation: 2 }],
    ['an annotation', { annotations: { a: '2', b: '2' } }],
    ['the set of annotations', { annotations: { a: '1' } }],
    ['a label', { labels: {} }],
    ['its deletion', { deletionTimestamp: new Date('2026-11-22') }],
    ['its identity', { uid: 'another' }],
  ];
  for (const [what, metadata] of yes) {
    it(`when ${what} changed`, () => {
      expect(isWorthAPass(before, changed(metadata))).to.equal(true);
    });
  }

  const no: [string, Widget['metadata']][] = [
    ['nothing but its status (and so its version)', {}],
    ['its finalizers', { finalizers: ['example.dev/x'] }],
    ['the order of its annotations', { annotations: { b: '2', a: '1' } }],
  ];
  for (const [what, metadata] of no) {
    it(`not when ${what} changed`, () => {
      const current: Widget = { ...changed(metadata), status: { seen: 5 } };
      expect(isWorthAPass(before, current)).to.equal(false);
    });
  }

  it('not when empty annotations are left out', () => {
    expect(isWorthAPass(widget('a', '1'), widget('a', '2', { metadata: { annotations: {}, labels: {} } }))).to.equal(
      false,
    );
  });
});
