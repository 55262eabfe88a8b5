import { expect } from 'chai';
import { type RegionCatalog, tableCatalog } from '../../../src/azure/region-catalog.ts';
import { type AzureRegion, azureRegions } from '../../../src/azure/regions.ts';
import { MapRegions, type RegionsOf } from '../../../src/map/regions.ts';
import { settled } from '../../fake-clock.ts';
import { anObject } from '../replication/fixtures.ts';

const atlantis = { name: 'atlantis', displayName: 'Atlantis', coordinates: { latitude: 31, longitude: -24 } };
const japanEast = { name: 'japaneast', displayName: 'Japan (East)', coordinates: { latitude: 35, longitude: 139 } };

function catalogOf(...regions: AzureRegion[]): RegionCatalog {
  const names = new Set(regions.map(({ name }) => name));
  return { names, regions, has: (location) => names.has(location) };
}

function objectIn(subscriptionId: string, name: string) {
  const object = anObject({ spec: { registry: { subscriptionId, resourceGroup: 'images', name } } });
  return { ...object, metadata: { ...object.metadata, name } };
}

function scenario(regionsOf: RegionsOf) {
  const asked: string[] = [];
  let changes = 0;
  const regions = new MapRegions(
    (object) => {
      asked.push(object.metadata.name);
      return regionsOf(object);
    },
    () => void changes++,
  );
  return { regions, asked, changes: () => changes };
}

describe("the map's regions", () => {
  it('are those of the table, to which ARM adds, and over which it wins', async () => {
    const { regions, changes } = scenario(async () => catalogOf(atlantis, japanEast));
    expect(regions.list).to.deep.equal(azureRegions);
    regions.need([objectIn('one', 'first')]);
    await settled();
    expect(regions.list).to.have.length(azureRegions.length + 1);
    expect(regions.list).to.deep.include(atlantis).and.to.deep.include(japanEast);
    expect(changes()).to.equal(1);
  });

  it('change only when ARM tells something new', async () => {
    const { regions, changes } = scenario(async () => catalogOf(atlantis));
    for (const name of ['first', 'second']) {
      regions.need([objectIn(name, name)]);
      await settled();
    }
    expect(changes()).to.equal(1);
  });

  it('are asked for once for each subscription, one after the other', async () => {
    let running = 0;
    const { regions, asked } = scenario(async () => {
      expect(++running).to.equal(1);
      await settled();
      running--;
      return catalogOf(atlantis);
    });
    regions.need([objectIn('one', 'first'), objectIn('ONE', 'second'), objectIn('two', 'third')]);
    regions.need([objectIn('three', 'fourth')]);
    for (let n = 0; n < 10; n++) await settled();
    expect(asked).to.deep.equal(['first', 'third', 'fourth']);
  });

  it('are asked for another object where the first one may not ask', async () => {
    const { regions, asked } = scenario(async ({ metadata }) =>
      metadata.name === 'first' ? tableCatalog : catalogOf(atlantis),
    );
    regions.need([objectIn('one', 'first'), objectIn('one', 'second'), objectIn('one', 'third')]);
    await settled();
    expect(asked).to.deep.equal(['first', 'second']);
    expect(regions.list).to.deep.include(atlantis);
  });

  it('are not asked for after the map is closed', async () => {
    const answer = Promise.withResolvers<RegionCatalog>();
    const { regions, asked } = scenario(() => answer.promise);
    regions.need([objectIn('one', 'first'), objectIn('two', 'second')]);
    regions.close();
    answer.resolve(tableCatalog);
    await settled();
    expect(asked).to.deep.equal(['first']);
  });

  it('are those of the table alone without Azure', async () => {
    const regions = new MapRegions(undefined, () => expect.fail('no change'));
    regions.need([objectIn('one', 'first')]);
    await settled();
    expect(regions.list).to.equal(azureRegions);
  });
});
