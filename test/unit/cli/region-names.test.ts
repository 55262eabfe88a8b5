import { expect } from 'chai';
import { checkRegions, knownRegions, notListedError } from '../../../src/cli/region-names.ts';
import { anObject } from '../replication/fixtures.ts';

describe('the names of regions that a user gives', () => {
  it('are accepted in every spelling', () => {
    expect(() => checkRegions(anObject(), ['japaneast', 'UK South', 'EastUS2'])).not.to.throw();
  });

  it('are refused with a suggestion, or with where to find the names', () => {
    expect(() => checkRegions(anObject(), ['jpaaneast'])).to.throw('did you mean japaneast?');
    expect(() => checkRegions(anObject(), ['nowhere'])).to.throw('az account list-locations');
  });

  it('may be of a region that the table does not have, if Azure has reported a replica there', () => {
    const row = {
      location: 'atlantiseast',
      replica: 'atlantiseast',
      desired: true,
      home: false,
      state: 'Ready',
    } as const;
    const object = anObject({ status: { regions: [row, { ...row, location: 'typo', replica: '' }] } });
    expect(knownRegions(object)).to.include('atlantiseast');
    const { replica: _, ...absent } = row;
    expect(knownRegions(anObject({ status: { regions: [absent] } }))).not.to.include('atlantiseast');
  });

  it('are suggested from the regions that an object lists, or all of those are named', () => {
    const object = anObject({ regions: ['Japan East', 'westeurope'] });
    expect(notListedError(object, 'japanest', 'remove').message).to.equal(
      'japanest is not in spec.regions of myacr0007; did you mean japaneast?',
    );
    expect(notListedError(object, 'brazilsouth', 'route').message).to.match(/; it lists japaneast, westeurope$/);
  });
});
