import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { RegionCatalog } from '../../../src/replication/region-catalog.ts';
import { FakeClock } from '../../fake-clock.ts';

const minute = 60_000;
const subscription = '00000000-0000-0000-0000-00000000000A';

function scenario(respond: () => Promise<string[]> = async () => ['eastus', 'japaneast']) {
  const clock = new FakeClock();
  const requests: string[] = [];
  const arm = {
    locations(subscriptionId: string) {
      requests.push(subscriptionId);
      return respond();
    },
  };
  const locations = new RegionCatalog(clock);
  const known = (...wanted: string[]) => locations.known(arm, subscription, wanted);
  return { clock, arm, requests, locations, known };
}

describe('the regions of a subscription', () => {
  it('are read once a day for all callers', async () => {
    const { requests, known, clock, locations, arm } = scenario();
    expect([...((await known('japaneast')) ?? [])]).to.deep.equal(['eastus', 'japaneast']);
    await clock.advance(24 * 60 * minute - 1);
    await known('eastus');
    await locations.known(arm, subscription.toLowerCase(), ['japaneast']);
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
    const { requests, locations, arm } = scenario();
    const read = (n: number) => locations.known(arm, `subscription ${n}`, ['eastus']);
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
    const { requests, known, locations, arm } = scenario();
    await known('eastus');
    await locations.known(arm, 'another', ['eastus']);
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

  it('are read at the next call when the rate limiter held back the request', async () => {
    const unsent = new ArmError('NotSent', 'Throttled', 'waits', { retryAfter: 1_000 });
    const { requests, known } = scenario(() => Promise.reject(unsent));
    expect(await known('eastus')).to.equal(undefined);
    await known('eastus');
    expect(requests).to.have.length(2);
  });

  it('are unknown to a caller that has waited for 2 s, and known to the next caller', async () => {
    const response = Promise.withResolvers<string[]>();
    const { requests, known, clock } = scenario(() => response.promise);
    const first = known('eastus');
    await clock.advance(2_000);
    expect(await first).to.equal(undefined);
    response.resolve(['eastus']);
    expect([...((await known('eastus')) ?? [])]).to.deep.equal(['eastus']);
    expect(requests).to.have.length(1);
    expect(clock.nextIn, 'a timer was left behind').to.equal(undefined);
  });

  it('do not hide an unexpected error', async () => {
    const { known } = scenario(() => Promise.reject(new TypeError('a bug')));
    expect(await known('eastus').catch((error) => error)).to.be.instanceOf(TypeError);
  });
});
