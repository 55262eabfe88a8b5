import { ApiException } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiServerUnreachable } from '../../../../src/kubernetes/client/errors.ts';
import { ReadCache } from '../../../../src/kubernetes/client/read-cache.ts';
import { FakeClock } from '../../../fake-clock.ts';

const minute = 60_000;

function scene() {
  const clock = new FakeClock();
  const readings = new ReadCache<string>(clock);
  let asked = 0;
  const get = (answer: () => Promise<string>) =>
    readings.get('web', minute, () => {
      asked++;
      return answer();
    });
  return { clock, get, asked: () => asked };
}

describe('a cached read of at most a minute', () => {
  it('is read once for many callers, and again after the minute', async () => {
    const { clock, get, asked } = scene();
    expect(await Promise.all([get(async () => 'a'), get(async () => 'b')])).to.deep.equal(['a', 'a']);
    await clock.advance(minute - 1);
    expect(await get(async () => 'c')).to.equal('a');
    await clock.advance(1);
    expect(await get(async () => 'd')).to.equal('d');
    expect(asked()).to.equal(2);
  });

  it('is read again for a caller that requires a newer one', async () => {
    const readings = new ReadCache<string>(new FakeClock());
    await readings.get('web', minute, async () => 'old');
    expect(await readings.get('web', 0, async () => 'new')).to.equal('new');
    expect(await readings.get('web', minute, async () => 'newer')).to.equal('new');
  });

  it('has the age of its request, not of its response', async () => {
    const { clock, get } = scene();
    const late = Promise.withResolvers<string>();
    const first = get(() => late.promise);
    await clock.advance(minute);
    late.resolve('old');
    expect(await first).to.equal('old');
    expect(await get(async () => 'new')).to.equal('new');
  });

  it('is kept while the API server is unavailable, and read again as soon as it is back', async () => {
    const { clock, get } = scene();
    await get(async () => 'kept');
    await clock.advance(minute);
    expect(await get(() => Promise.reject(new ApiServerUnreachable('gone')))).to.equal('kept');
    expect(await get(async () => 'new')).to.equal('new');
  });

  it('is not shared with a caller that requires a read begun later', async () => {
    const clock = new FakeClock();
    const readings = new ReadCache<string>(clock);
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const before = readings.get('web', minute, () => first.promise);
    await clock.advance(1);
    const after = readings.get('web', 0, () => second.promise);
    second.resolve('edited');
    expect(await after).to.equal('edited');
    first.resolve('as before the edit');
    expect(await before).to.equal('as before the edit');
    expect(await readings.get('web', minute, async () => 'not read')).to.equal('edited');
  });

  it('is shared by simultaneous callers, even if they require a new read', async () => {
    const readings = new ReadCache<string>(new FakeClock());
    let reads = 0;
    const get = () => readings.get('web', 0, async () => `read ${++reads}`);
    expect(await Promise.all([get(), get(), get()])).to.deep.equal(['read 1', 'read 1', 'read 1']);
  });

  const tooManyRequests = () => Promise.reject(new ApiException(429, 'Too Many Requests', '', {}));

  it('is used for ten minutes at most while the API server is unavailable', async () => {
    const { clock, get } = scene();
    await get(async () => 'kept');
    await clock.advance(10 * minute - 1);
    expect(await get(tooManyRequests)).to.equal('kept');
    await clock.advance(30 * 24 * 60 * minute);
    const failure = await get(tooManyRequests).then(String, (error: ApiException<string>) => error.code);
    expect(failure).to.equal(429);
  });

  it('is not used after the clock was set back', async () => {
    const { clock, get } = scene();
    await get(async () => 'kept');
    await clock.advance(-1);
    expect(await get(async () => 'new')).to.equal('new');
  });

  it('is refused if there is none, and for errors other than an outage', async () => {
    const { clock, get } = scene();
    const failure = (error: Error) => get(() => Promise.reject(error)).then(String, (error: Error) => error.message);
    expect(await failure(new ApiServerUnreachable('gone'))).to.equal('gone');
    await get(async () => 'kept');
    await clock.advance(minute);
    expect(await failure(new Error('a mistake of ours'))).to.equal('a mistake of ours');
  });

  it('is dropped when it is no longer used', async () => {
    const clock = new FakeClock();
    const readings = new ReadCache<string>(clock);
    await readings.get('gone', minute, async () => 'x');
    await clock.advance(61 * minute);
    await readings.get('other', minute, async () => 'y');
    const unreachable = () => Promise.reject(new ApiServerUnreachable('no answer'));
    expect(await readings.get('gone', minute, unreachable).catch((error: Error) => error.message)).to.equal(
      'no answer',
    );
  });
});
