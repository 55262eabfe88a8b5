import { expect } from 'chai';
import { changesBetween, nodeChangesBetween } from '../../demo/changes.ts';
import { region, view } from './objects.ts';

const spaced = (lines: string[]) => lines.map((line) => line.replace(/ +/g, ' '));

describe('the lines about changes', () => {
  it('begin with the object, then have one per region, with home marked', () => {
    const now = view({ regions: [region({}), region({ location: 'eastus', home: true, state: 'Ready' })] });
    expect(spaced(changesBetween([], [now]))).to.deep.equal([
      'registries/myacr0007 Syncing 0/1 regions of myACR0007 ready',
      'japaneast Creating',
      'eastus (home) Ready',
    ]);
  });

  it('are empty if only the time has changed', () => {
    const at = (since: number) => view({ regions: [region({ since })] });
    expect(changesBetween([at(1_000)], [at(2_000)])).to.deep.equal([]);
  });

  it("show the one changed region with Azure's words", () => {
    const still = region({ location: 'westeurope' });
    const before = view({ regions: [region({}), still] });
    const after = view({ regions: [region({ state: 'Syncing', azure: 'Succeeded, Syncing' }), still] });
    expect(spaced(changesBetween([before], [after]))).to.deep.equal([
      'japaneast Syncing Azure says Succeeded, Syncing',
    ]);
  });

  it('say who needs a region that is followed', () => {
    const followed = view({ regions: [region({ azure: 'Creating', need: 'needed by nodes (1)' })] });
    expect(spaced(changesBetween([view({})], [followed]))).to.deep.equal([
      'japaneast Creating Azure says Creating; needed by nodes (1)',
    ]);
  });

  it('report nodes that come, move and go', () => {
    const [here, moved, other] = [
      { name: 'web-1', region: 'japaneast' },
      { name: 'web-1', region: 'koreacentral' },
      { name: 'web-2', region: 'westeurope' },
    ];
    expect(spaced(nodeChangesBetween([], [here]))).to.deep.equal(['node web-1 is in japaneast']);
    expect(spaced(nodeChangesBetween([here, other], [moved]))).to.deep.equal([
      'node web-2 is gone',
      'node web-1 is in koreacentral',
    ]);
    expect(nodeChangesBetween([here], [here])).to.deep.equal([]);
  });

  it('report regions and objects that are gone', () => {
    const before = view({ regions: [region({})] });
    expect(spaced(changesBetween([before], [view({})]))).to.deep.equal(['japaneast is gone']);
    expect(spaced(changesBetween([before], []))).to.deep.equal(['registries/myacr0007 is gone']);
  });
});
