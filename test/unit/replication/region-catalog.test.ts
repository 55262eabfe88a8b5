import { expect } from 'chai';
import { ArmError } from '../../../src/azure/arm.ts';
import { RegionCatalog } from '../../../src/replication/region-catalog.ts';
import { FakeClock } from '../../fake-clock.ts';

const minute = 60_000;
const subscription = '00000000-0000-0000-0000-00000000000A';

function scene(answer: () => Promise<string[]> = async () => ['eastus', 'japaneast']) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const arm = {
    locations(subscriptionId: string) {
      asked.push(subscriptionId);
      return answer();
    },
  };
  const locations = new RegionCatalog(clock);
  const known = (...wanted: string[]) => locations.known(arm, subscription, wanted);
  return { clock, arm, asked, locations, known };
}

describe('the regions of a subscription', () => {
  it('are asked for once a day, for whoever asks', async () => {
    const { asked, known, clock, locations, arm } = scene();
    expect([...((await known('japaneast')) ?? [])]).to.deep.equal(['eastus', 'japaneast']);
    await clock.advance(24 * 60 * minute - 1);
    await known('eastus');
    await locations.known(arm, subscription.toLowerCase(), ['japaneast']);
    expect(asked).to.have.length(1);
    await clock.advance(1);
    await known('japaneast');
    expect(asked).to.have.length(2);
  });

  it('are asked for once where many ask at the same time', async () => {
    const { asked, known } = scene();
    const answers = await Promise.all([known('eastus'), known('japaneast'), known('atlantis')]);
    expect(asked).to.have.length(1);
    expect(new Set(answers).size).to.equal(1);
  });

  it('are asked for again, though not at once, while one is wanted that is not among them', async () => {
    const { asked, known, clock } = scene();
    await known('atlantis');
    await clock.advance(10 * minute - 1);
    await known('atlantis');
    expect(asked).to.have.length(1);
    await clock.advance(1);
    await known('atlantis');
    expect(asked).to.have.length(2);
  });

  it('are remembered of the 256 subscriptions that were looked at last', async () => {
    const { asked, locations, arm } = scene();
    const look = (n: number) => locations.known(arm, `subscription ${n}`, ['eastus']);
    for (let n = 0; n < 256; n++) await look(n);
    await look(0);
    await look(256);
    expect(asked).to.have.length(257);
    await look(0);
    expect(asked).to.have.length(257);
    await look(1);
    expect(asked).to.have.length(258);
  });

  it('are another matter in another subscription', async () => {
    const { asked, known, locations, arm } = scene();
    await known('eastus');
    await locations.known(arm, 'another', ['eastus']);
    expect(asked).to.have.length(2);
  });

  it('are not known where Azure does not tell, and are not asked for again within the hour', async () => {
    const denied = new ArmError('Denied', 'AuthorizationFailed', 'no right');
    const { asked, known, clock } = scene(() => Promise.reject(denied));
    expect(await known('eastus')).to.equal(undefined);
    await clock.advance(60 * minute - 1);
    expect(await known('eastus')).to.equal(undefined);
    expect(asked).to.have.length(1);
    await clock.advance(1);
    await known('eastus');
    expect(asked).to.have.length(2);
  });

  it('are asked for at the next occasion where the budget did not allow to ask', async () => {
    const unsent = new ArmError('NotSent', 'Throttled', 'waits', { retryAfter: 1_000 });
    const { asked, known } = scene(() => Promise.reject(unsent));
    expect(await known('eastus')).to.equal(undefined);
    await known('eastus');
    expect(asked).to.have.length(2);
  });

  it('keep nobody waiting for more than 2 s, and are known to the next who asks', async () => {
    const answer = Promise.withResolvers<string[]>();
    const { asked, known, clock } = scene(() => answer.promise);
    const impatient = known('eastus');
    await clock.advance(2_000);
    expect(await impatient).to.equal(undefined);
    answer.resolve(['eastus']);
    expect([...((await known('eastus')) ?? [])]).to.deep.equal(['eastus']);
    expect(asked).to.have.length(1);
    expect(clock.nextIn, 'a timer was left behind').to.equal(undefined);
  });

  it('hide no mistake of ours', async () => {
    const { known } = scene(() => Promise.reject(new TypeError('a mistake')));
    expect(await known('eastus').catch((error) => error)).to.be.instanceOf(TypeError);
  });
});
