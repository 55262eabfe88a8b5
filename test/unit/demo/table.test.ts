import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { tableOf } from '../../demo/table.ts';
import { region, view } from './objects.ts';

const now = Date.UTC(2026, 10, 22);
const roomy = { columns: 200, rows: 100 };
const home = region({ location: 'eastus', home: true, state: 'Ready', azure: 'Succeeded, Ready', since: now - 5_000 });
const two = view({ regions: [region({ state: 'Syncing' }), home] });

const plain = (lines: string[]) => lines.map((line) => stripVTControlCharacters(line).trimEnd());

describe('the table', () => {
  it('has a line for the object and one per region, with home marked and the seconds in the state', () => {
    expect(plain(tableOf([two], now, roomy))).to.deep.equal([
      '',
      'registries/myacr0007  (registry myACR0007)  Syncing 0/1',
      '  REGION         STATE    FOR  AZURE SAYS        ROUTING',
      '  japaneast      Syncing',
      '  eastus (home)  Ready    5s   Succeeded, Ready',
    ]);
  });

  it('shows the nodes, and why each region is there, if an object follows them', () => {
    const [followed, kept] = [region({ need: 'needed by nodes (1)' }), region({ need: 'unused, kept for 15s' })];
    const nodes = [{ name: 'web-1', region: 'japaneast' }];
    expect(plain(tableOf([view({ regions: [followed, kept] })], now, roomy, nodes))).to.deep.equal([
      '',
      'Nodes: web-1 in japaneast',
      '',
      'registries/myacr0007  (registry myACR0007)  Syncing 0/1',
      '  REGION     STATE     FOR  AZURE SAYS  ROUTING  WHY',
      '  japaneast  Creating                            needed by nodes (1)',
      '  japaneast  Creating                            unused, kept for 15s',
    ]);
  });

  it('marks a replica that is not listed', () => {
    const stray = view({ regions: [region({ desired: false })] });
    expect(plain(tableOf([stray], now, roomy))).to.include('  japaneast (not listed)  Creating');
  });

  it('shows problems below the table', () => {
    const stuck = view({ message: 'japaneast: quota', regions: [region({ state: 'Failed', message: 'quota' })] });
    expect(plain(tableOf([stuck], now, roomy)).at(-1)).to.equal('  japaneast: quota');
    expect(plain(tableOf([view({ message: 'no registry' })], now, roomy)).at(-1)).to.equal('  no registry');
  });

  it('never exceeds the width and height of the terminal', () => {
    const space = fc.record({ columns: fc.integer({ min: 1, max: 120 }), rows: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(space, fc.integer({ min: 0, max: 4 }), fc.string(), (space, objects, message) => {
        const views = Array.from({ length: objects }, () => ({ ...two, message }));
        const nodes = [{ name: 'web-1', region: message }];
        const lines = tableOf(views, now, space, nodes);
        return lines.length <= space.rows && plain(lines).every((line) => line.length <= space.columns);
      }),
    );
  });

  it('shows how many lines did not fit', () => {
    expect(plain(tableOf([two], now, { columns: 80, rows: 3 })).at(-1)).to.equal('… and 3 more lines');
  });
});
