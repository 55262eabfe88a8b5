import { expect } from 'chai';
import { ArmError, type Location } from '../../../src/azure/arm.ts';
import { RegionCatalogs, type RegionQuery, tableCatalog } from '../../../src/azure/region-catalog.ts';
import { azureRegions } from '../../../src/azure/regions.ts';
import { FakeClock } from '../../fake-clock.ts';

const minute = 60_000;
const subscription = '00000000-0000-0000-0000-00000000000A';

const named = (...names: string[]): Location[] => names.map((name) => ({ name }));

function scenario(respond: () => Promise<Location[]> = async () => named('eastus', 'japaneast')) {
  const clock = new FakeClock();
  const requests: string[] = [];
  const arm = {
    locations(subscriptionId: string) {
      requests.push(subscriptionId);
      return respond();
    },
  };
  const catalogs = new RegionCatalogs(clock);
  const regions = (query?: RegionQuery) => catalogs.regionsOf({ arm, account: undefined }, subscription, query);
  const known = async (...wanted: string[]) => (await regions({ wanted })).names;
  return { clock, arm, requests, catalogs, regions, known };
}

describe('the regions of a subscription', () => {
  it('are read once a day for all callers', async () => {
    const { requests, known, clock, catalogs, arm } = scenario();
    expect([...((await known('japaneast')) ?? [])]).to.deep.equal(['eastus', 'japaneast']);
    await clock.advance(24 * 60 * minute - 1);
    await known('eastus');
    await catalogs.regionsOf({ arm, account: undefined }, subscription.toLowerCase(), { wanted: ['japaneast'] });
    expect(requests).to.have.length(1);
    await clock.advance(1);
    await known('japaneast');
    expect(requests).to.have.length(2);
  });

  it('are read once for parallel callers', async () => {
    const { requests, known } = scenario();
    const answers = await Promise.all([known('eastus'), known('japaneast'), known('atlantis')]);
    expect(requests).to.have.length(1);
    expect(new Set(answers).size).to.equal(1);
  });

  it('are read again after 10 minutes while a wanted region is missing', async () => {
    const { requests, known, clock } = scenario();
    await known('atlantis');
    await clock.advance(10 * minute - 1);
    await known('atlantis');
    expect(requests).to.have.length(1);
    await clock.advance(1);
    await known('atlantis');
    expect(requests).to.have.length(2);
  });

  it('are cached for the 256 most recently used subscriptions', async () => {
    const { requests, catalogs, arm } = scenario();
    const read = (n: number) => catalogs.regionsOf({ arm, account: undefined }, `subscription ${n}`);
    for (let n = 0; n < 256; n++) await read(n);
    await read(0);
    await read(256);
    expect(requests).to.have.length(257);
    await read(0);
    expect(requests).to.have.length(257);
    await read(1);
    expect(requests).to.have.length(258);
  });

  it('are read separately for each subscription', async () => {
    const { requests, known, catalogs, arm } = scenario();
    await known('eastus');
    await catalogs.regionsOf({ arm, account: undefined }, 'another');
    expect(requests).to.have.length(2);
  });

  it('are unknown when Azure denies the read, which is retried after an hour', async () => {
    const denied = new ArmError('Denied', 'AuthorizationFailed', 'no right');
    const { requests, known, clock } = scenario(() => Promise.reject(denied));
    expect(await known('eastus')).to.equal(undefined);
    await clock.advance(60 * minute - 1);
    expect(await known('eastus')).to.equal(undefined);
    expect(requests).to.have.length(1);
    await clock.advance(1);
    await known('eastus');
    expect(requests).to.have.length(2);
  });

  it('are known to all when one identity may read them, and hidden from none by one that may not', async () => {
    const { catalogs, arm, requests } = scenario();
    const denied = { locations: () => Promise.reject(new ArmError('Denied', 'AuthorizationFailed', 'no right')) };
    const account = { namespace: 'team', name: 'weak' };
    expect(await catalogs.regionsOf({ arm: denied, account }, subscription)).to.equal(tableCatalog);
    expect(catalogs.current(account, subscription)).to.equal(tableCatalog);
    expect(catalogs.current(undefined, subscription)).to.equal(undefined);
    const catalog = await catalogs.regionsOf({ arm, account: undefined }, subscription);
    expect(catalog.has('eastus')).to.equal(true);
    expect(catalogs.current(account, subscription)).to.equal(catalog);
    expect(requests).to.have.length(1);
  });

  it('are read at the next call when the rate limiter held back the request', async () => {
    const unsent = new ArmError('NotSent', 'Throttled', 'waits', { retryAfter: 1_000 });
    const { requests, known } = scenario(() => Promise.reject(unsent));
    expect(await known('eastus')).to.equal(undefined);
    await known('eastus');
    expect(requests).to.have.length(2);
  });

  it('are unknown to a caller that waits no longer, and known to the next caller', async () => {
    const response = Promise.withResolvers<Location[]>();
    const { requests, regions, known, clock } = scenario(() => response.promise);
    const first = regions({ maxWaitMs: 2_000 });
    await clock.advance(2_000);
    expect(await first).to.equal(tableCatalog);
    response.resolve(named('eastus'));
    expect([...((await known('eastus')) ?? [])]).to.deep.equal(['eastus']);
    expect(requests).to.have.length(1);
    expect(clock.nextIn, 'a timer was left behind').to.equal(undefined);
  });

  it('are those that ARM lists, with its own names and places', async () => {
    const atlantis = { name: 'atlantis', displayName: 'Atlantis', coordinates: { latitude: 31, longitude: -24 } };
    const moved = { name: 'japaneast', coordinates: { latitude: 35.5, longitude: 139.5 } };
    const { regions } = scenario(async () => [atlantis, moved]);
    const catalog = await regions();
    expect(catalog.regions).to.deep.equal([atlantis, { ...moved, displayName: 'Japan East', geography: 'Japan' }]);
    expect(['atlantis', 'japaneast', 'eastus'].map(catalog.has)).to.deep.equal([true, true, false]);
  });

  it('are those of the table where ARM does not list them, and whether one exists is unknown', async () => {
    const { regions } = scenario(() => Promise.reject(new ArmError('Denied', 'AuthorizationFailed', 'no right')));
    const catalog = await regions();
    expect(catalog.regions).to.equal(azureRegions);
    expect(['japaneast', 'atlantis'].map(catalog.has)).to.deep.equal([undefined, undefined]);
  });

  it('do not hide an unexpected error', async () => {
    const { known } = scenario(() => Promise.reject(new TypeError('a bug')));
    expect(await known('eastus').catch((error) => error)).to.be.instanceOf(TypeError);
  });
});
