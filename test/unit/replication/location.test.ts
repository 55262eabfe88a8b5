import { expect } from 'chai';
import { normalise } from '../../../src/replication/location.ts';

describe('a location', () => {
  for (const spelling of ['japaneast', 'Japan East', 'JAPANEAST', ' japan  east ']) {
    it(`is normalised from "${spelling}" to japaneast`, () => {
      expect(normalise(spelling)).to.equal('japaneast');
    });
  }
});
