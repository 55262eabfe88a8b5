import { expect } from 'chai';
import { azureRegion, azureRegions } from '../../../src/azure/regions.ts';
import { publicRegions } from '../../emulators/arm/regions.ts';

/** Every region that the recordings and documents behind this project name (facts/*.md in ../shared, read 2026-11-28). */
const recorded = 'australiaeast centralus chinaeast2 eastus eastus2 ukwest westeurope westus westus2 westus3'.split(
  ' ',
);

describe('the table of Azure regions', () => {
  const names = new Set(azureRegions.map(({ name }) => name));

  it('covers every region that the recordings name', () => {
    expect(recorded.filter((name) => !names.has(name))).to.deep.equal([]);
  });

  it('covers every physical region of the emulated Azure, under the same display name', () => {
    for (const { name, displayName, kind } of publicRegions)
      if (kind === 'Physical') expect(azureRegion(name), name).to.include({ name, displayName });
  });

  it('names each region once, in the short form that ARM takes', () => {
    expect(names.size).to.equal(azureRegions.length);
    for (const name of names) expect(name).to.match(/^[a-z]+\d?[a-z]*$/);
  });

  it('has coordinates on the globe, and none at the equator and the meridian of Greenwich', () => {
    for (const { name, coordinates } of azureRegions) {
      expect(coordinates?.latitude, name).to.be.within(-90, 90).and.not.equal(0);
      expect(coordinates?.longitude, name).to.be.within(-180, 180).and.not.equal(0);
    }
  });

  it('puts regions into the right quarter of the globe', () => {
    expect(azureRegion('brazilsouth').coordinates).to.satisfy(southWest);
    expect(azureRegion('westus2').coordinates).to.satisfy(northWest);
    expect(azureRegion('japaneast').coordinates).to.satisfy(northEast);
    expect(azureRegion('australiaeast').coordinates).to.satisfy(southEast);
    expect(azureRegion('spaincentral').coordinates).to.satisfy(northWest);
  });

  it('lists an unknown region by its name, without coordinates', () => {
    expect(azureRegion('atlantiscentral')).to.deep.equal({ name: 'atlantiscentral', displayName: 'atlantiscentral' });
  });
});

type Place = { readonly latitude: number; readonly longitude: number };
const northWest = ({ latitude, longitude }: Place) => latitude > 0 && longitude < 0;
const northEast = ({ latitude, longitude }: Place) => latitude > 0 && longitude > 0;
const southWest = ({ latitude, longitude }: Place) => latitude < 0 && longitude < 0;
const southEast = ({ latitude, longitude }: Place) => latitude < 0 && longitude > 0;
