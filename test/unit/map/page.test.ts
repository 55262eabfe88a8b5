import { expect } from 'chai';
import fc from 'fast-check';
import { bundlePage } from '../../../scripts/map-page.ts';
import { placeLabels } from '../../../src/map/page/labels.ts';
import {
  age,
  contactInWords,
  placeOf,
  planInWords,
  stateInWords,
  summaryInWords,
} from '../../../src/map/page/words.ts';

const now = Date.parse('2026-11-28T12:00:00Z');

describe('the words of the map', () => {
  it('say how long a region has been in its state, and whether it is routed', () => {
    const region = { location: 'japaneast', home: false, listed: true } as const;
    const since = '2026-11-28T10:58:00Z';
    expect(stateInWords({ ...region, state: 'Syncing', since, routing: 'Disabled' }, now)).to.equal(
      'Syncing for 1 h 2 min, not routed',
    );
    expect(stateInWords({ ...region, state: 'Absent' }, now)).to.equal('Absent');
    expect(age('2026-11-25T12:00:00Z', now)).to.equal('3 d');
    expect(age('not a time', now)).to.equal('');
  });

  it("say the operator's plan, the sums of a region, and why the map is stale", () => {
    expect(planInWords({ action: 'delete', waitsFor: 'westeurope' })).to.equal('Plan: delete, after westeurope');
    const sum = {
      location: 'japaneast',
      total: 3,
      homes: 0,
      states: { Ready: 2, Failed: 1 },
      worst: 'Failed',
    } as const;
    expect(summaryInWords(sum)).to.equal('3 replicas: 2 Ready, 1 Failed');
    expect(contactInWords({ live: true }, now)).to.equal('Live');
    const stale = { live: false, since: '2026-11-28T11:58:00Z', message: 'it cannot be reached' };
    expect(contactInWords(stale, now)).to.equal('Stale for 2 min: it cannot be reached');
  });

  it('give a region a place only if its coordinates are on the globe', () => {
    const at = (latitude: unknown, longitude: unknown) =>
      placeOf({ name: 'x', displayName: 'X', coordinates: { latitude, longitude } as never });
    expect(at(35.68, 139.77)).to.deep.equal([139.77, 35.68]);
    for (const wrong of [Number.NaN, 1e9, Number.POSITIVE_INFINITY, '<b>', null, undefined]) {
      expect(at(wrong, 0)).to.equal(undefined);
      expect(at(0, wrong)).to.equal(undefined);
    }
    expect(placeOf(undefined)).to.equal(undefined);
  });
});

describe('the names on the map', () => {
  it('never cover a marker or another name, and stay on the map', () => {
    const area = { x: 0, y: 0, width: 400, height: 200 };
    const anyMarker = fc.record({
      text: fc.string({ minLength: 1, maxLength: 20 }),
      x: fc.double({ min: 0, max: 400, noNaN: true }),
      y: fc.double({ min: 0, max: 200, noNaN: true }),
      radius: fc.constant(9),
    });
    fc.assert(
      fc.property(fc.array(anyMarker, { maxLength: 30 }), (markers) => {
        const labels = placeLabels(markers, [], area);
        const boxes = labels.map(({ text, x, y, anchor }) => {
          const width = text.length * 6.6;
          const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
          return { left, right: left + width, top: y - 11, bottom: y + 3 };
        });
        for (const [index, box] of boxes.entries()) {
          expect(box.left >= 0 && box.right <= 400).to.equal(true);
          for (const other of boxes.slice(index + 1)) {
            const isApart =
              box.right <= other.left + 0.01 ||
              other.right <= box.left + 0.01 ||
              box.bottom <= other.top + 0.01 ||
              other.bottom <= box.top + 0.01;
            expect(isApart).to.equal(true);
          }
        }
      }),
    );
  });
});

describe('the page', () => {
  it('asks no other server, and has neither inline scripts nor styles', async () => {
    const { assets } = await bundlePage();
    const { content = '' } = assets['/'] ?? {};
    expect(content).not.to.match(/<style|style=|<script>| on[a-z]+=|https?:/);
    const addresses = assets['/map.js']?.content.match(/https?:\/\/[\w./-]+/g) ?? [];
    expect([...new Set(addresses)]).to.deep.equal(['http://www.w3.org/2000/svg']);
    expect(assets['/map.css']?.content).not.to.match(/url\(|@import/);
  });
});
