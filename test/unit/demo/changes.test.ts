import { expect } from 'chai';
import { changesBetween } from '../../demo/changes.ts';
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

  it('report regions and objects that are gone', () => {
    const before = view({ regions: [region({})] });
    expect(spaced(changesBetween([before], [view({})]))).to.deep.equal(['japaneast is gone']);
    expect(spaced(changesBetween([before], []))).to.deep.equal(['registries/myacr0007 is gone']);
  });
});
