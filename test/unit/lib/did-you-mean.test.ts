import { expect } from 'chai';
import fc from 'fast-check';
import { closestMatches, didYouMean } from '../../../src/lib/did-you-mean.ts';

const regions = [
  'eastus',
  'eastus2',
  'japaneast',
  'japanwest',
  'northeurope',
  'switzerlandnorth',
  'switzerlandwest',
  'uksouth',
  'ukwest',
  'westeurope',
  'westus',
];

describe('an unknown name', () => {
  const meant: [string, string | undefined][] = [
    ['japaneest', 'did you mean japaneast?'],
    ['westeurop', 'did you mean westeurope?'],
    ['jpaaneast', 'did you mean japaneast?'],
    ['eastjapan', 'did you mean japaneast?'],
    ['europenorth', 'did you mean northeurope?'],
    ['eastus3', 'did you mean eastus or eastus2?'],
    ['eastustwo', 'did you mean eastus2?'],
    ['useast', 'did you mean eastus?'],
    ['japan', 'did you mean japaneast or japanwest?'],
    ['switzerland', 'did you mean switzerlandnorth or switzerlandwest?'],
    ['uk', undefined],
    ['atlantis', undefined],
    ['', undefined],
  ];
  for (const [word, words] of meant) {
    it(`gets the hint "${words ?? 'nothing'}": ${word || 'an empty one'}`, () => {
      expect(didYouMean(word, regions)).to.equal(words);
    });
  }

  it('gets no hint if no names are known', () => {
    expect(closestMatches('japaneast', [])).to.deep.equal([]);
  });

  it('with one letter wrong, missing or too many gets a hint of at most three names', () => {
    const anySlip = fc.record({
      region: fc.constantFrom(...regions),
      at: fc.nat(),
      kind: fc.constantFrom('wrong', 'missing', 'more'),
    });
    fc.assert(
      fc.property(anySlip, ({ region, at, kind }) => {
        const place = at % region.length;
        const written =
          region.slice(0, place) + (kind === 'missing' ? '' : 'x') + region.slice(kind === 'more' ? place : place + 1);
        const names = closestMatches(written, regions);
        expect(names.length).to.be.within(1, 3);
      }),
    );
  });
});
