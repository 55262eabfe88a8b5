import { expect } from 'chai';
import fc from 'fast-check';
import { bundlePage } from '../../../scripts/map-page.ts';
import { azureRegions } from '../../../src/azure/regions.ts';
import { towards } from '../../../src/map/page/arrow-keys.ts';
import { type Box, placeLabels } from '../../../src/map/page/labels.ts';
import { boxOfPart, partNames, pointOf } from '../../../src/map/page/projection.ts';
import { type Circle, type Point, spread } from '../../../src/map/page/spread.ts';
import {
  age,
  contactInWords,
  needInWords,
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

  it('say what needs a region, and how long it is unused', () => {
    const region = { location: 'japaneast', state: 'Ready', home: false, listed: false } as const;
    expect(needInWords(region, now)).to.equal('');
    expect(needInWords({ ...region, neededBy: 'nodes (12)' }, now)).to.equal('needed by nodes (12)');
    const unusedSince = '2026-11-28T08:55:00Z';
    expect(needInWords({ ...region, unusedSince, keptFor: '24h' }, now)).to.equal('unused for 3 h 5 min, kept for 24h');
    expect(needInWords({ ...region, unusedSince }, now)).to.equal('unused for 3 h 5 min');
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
        const labels = placeLabels(markers, area);
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

describe('the places on the map', () => {
  const widths = { desktop: 860, phone: 390 };

  /** All regions of Azure on a map of this part of the world, and what is in sight, in pixels. */
  function mapOf(part: string, width: number, radius = 9) {
    const box = boxOfPart(part);
    const pixels = width / box.width;
    const sight = { x: box.x * pixels, y: box.y * pixels, width, height: box.height * pixels };
    const circles = azureRegions.flatMap((region): Circle[] => {
      const place = placeOf(region);
      if (!place) return [];
      const { x, y } = pointOf(place);
      return [{ x: x * pixels, y: y * pixels, radius }];
    });
    return { circles, sight };
  }

  it('keep all signs of a part of the world apart and in sight, on a desktop and on a phone', () => {
    for (const part of partNames.slice(1)) {
      for (const width of Object.values(widths)) {
        const radius = width < 700 ? 6.3 : 9;
        const { circles, sight } = mapOf(part, width, radius);
        const points = spread(circles, sight).filter((_, index) => isInside(circles[index], sight));
        for (const [index, point] of points.entries()) {
          expect(isInside(point, sight)).to.equal(true);
          for (const other of points.slice(index + 1))
            expect(Math.hypot(point.x - other.x, point.y - other.y), part).to.be.above(1.5 * radius);
        }
      }
    }
  });

  it('are at most 40 pixels away from their regions, also if that leaves no room', () => {
    const { circles, sight } = mapOf('World', widths.phone, 16);
    for (const [index, { x, y }] of spread(circles, sight).entries()) {
      const from = circles[index] ?? { x: 0, y: 0 };
      expect(Math.hypot(x - from.x, y - from.y)).to.be.below(40.01 + 16);
    }
  });

  it('stay where they are if nothing is close', () => {
    const circles = [
      { x: 30, y: 30, radius: 9 },
      { x: 48, y: 30, radius: 9 },
    ];
    const [one, other] = spread(circles, { x: 0, y: 0, width: 100, height: 100 });
    expect([one, other]).to.deep.equal([
      { x: 30, y: 30 },
      { x: 48, y: 30 },
    ]);
  });

  it('are all reached with the arrow keys, from any of them', () => {
    const { circles, sight } = mapOf('World', widths.desktop);
    const points = spread(circles, sight);
    const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];
    for (const start of points) {
      const reached = new Set([start]);
      for (const from of reached) {
        for (const key of keys) {
          const next = towards(key, from, points);
          if (next) reached.add(next);
        }
      }
      expect(reached.size).to.equal(points.length);
    }
  });

  it('belong to a part of the world that can be chosen', () => {
    const boxes = partNames.slice(1).map(boxOfPart);
    const outside = azureRegions.filter((region) => {
      const place = placeOf(region);
      if (!place) return true;
      const { x, y } = pointOf(place);
      return !boxes.some((box) => isInside({ x, y }, box));
    });
    expect(outside).to.deep.equal([]);
  });
});

function isInside(point: Point | undefined, { x, y, width, height }: Box): boolean {
  return point !== undefined && point.x >= x && point.x <= x + width && point.y >= y && point.y <= y + height;
}

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
