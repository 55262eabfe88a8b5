import { expect } from 'chai';
import fc from 'fast-check';
import type { Condition, RegionStatus } from '../../../src/api/registryreplication.ts';
import { nodeViewOf, printable, viewOf } from '../../demo/view.ts';
import { object, row } from './objects.ts';

const ready = (condition: Partial<Condition>): Condition => ({
  type: 'Ready',
  status: 'True',
  reason: 'AllRegionsReady',
  message: 'all is well',
  lastTransitionTime: '2026-11-22T01:02:03Z',
  observedGeneration: 2,
  ...condition,
});

describe('the view of an object', () => {
  it('is Pending before there is a status', () => {
    expect(viewOf(object())).to.deep.include({ phase: 'Pending', isReady: false, regions: [] });
  });

  it('is Ready when the condition is True for the current generation', () => {
    expect(viewOf(object({ conditions: [ready({})] })).isReady).to.equal(true);
  });

  it('is not Ready by a condition of an older generation, whatever the phase', () => {
    const view = viewOf(object({ phase: 'Ready', conditions: [ready({ observedGeneration: 1 })] }));
    expect(view.isReady).to.equal(false);
  });

  it('has the reason why it is not Ready, and none when it is', () => {
    const why = (condition: Condition) => viewOf(object({ conditions: [condition] })).message;
    expect(why(ready({ status: 'False', message: 'japaneast is Syncing' }))).to.equal('japaneast is Syncing');
    expect(why(ready({}))).to.equal('');
  });

  it("has Azure's own words with the state of a region", () => {
    const syncing = row({ provisioningState: 'Succeeded', displayStatus: 'Syncing', since: '2026-11-22T01:02:03Z' });
    const [region] = viewOf(object({ regions: [syncing] })).regions;
    expect(region).to.include({ azure: 'Succeeded, Syncing', since: Date.UTC(2026, 10, 22, 1, 2, 3) });
  });

  it('says who needs a region, and how long an unused one is kept', () => {
    const needOf = (one: Partial<RegionStatus>) => {
      const { spec, ...rest } = object({ regions: [row(one)] });
      return viewOf({ ...rest, spec: { ...spec, keepUnused: '15s' } }).regions[0]?.need;
    };
    const unusedSince = '2026-11-22T01:02:03Z';
    expect(needOf({})).to.equal('');
    expect(needOf({ neededBy: [{ source: 'nodes', count: 2 }] })).to.equal('needed by nodes (2)');
    expect(needOf({ unusedSince })).to.equal('unused, kept for 15s');
    expect(needOf({ unusedSince, desired: false })).to.equal('unused');
  });

  it('cannot control the terminal with text from the status', () => {
    const hostile = '\x1b[2J\x1b]0;title\x07gone\r\nnow\u202e';
    const { message, regions } = viewOf(
      object({ conditions: [ready({ status: 'False', message: hostile })], regions: [row({ message: hostile })] }),
    );
    expect(message).to.equal('gone now');
    expect(regions[0]?.message).to.equal('gone now');
  });
});

describe('the view of a node', () => {
  it('has the region of its label, or says that there is none', () => {
    const labels = { 'topology.kubernetes.io/region': 'japaneast\x1b[2J' };
    expect(nodeViewOf({ metadata: { name: 'web-1', labels } })).to.deep.equal({ name: 'web-1', region: 'japaneast' });
    expect(nodeViewOf({ metadata: { name: 'web-1' } })).to.deep.equal({ name: 'web-1', region: 'no region' });
  });
});

describe('printable', () => {
  it('returns one line without terminal control', () => {
    const nasty = fc.constantFrom(
      '\x1b',
      '[31m',
      ']8;;',
      '\x9b',
      '\x07',
      '\n',
      '\r',
      '\u2028',
      '\u202e',
      '\ud800',
      'a',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(nasty).map((parts) => parts.join('')),
    );
    fc.assert(fc.property(text, (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(printable(text))));
  });

  it('keeps text in any script', () => {
    for (const text of ['plain words', 'Größe “naïve” — 日本 東', '…']) expect(printable(text)).to.equal(text);
  });
});
