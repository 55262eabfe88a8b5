import type { AccessToken } from '@azure/core-auth';
import { expect } from 'chai';
import { type Credential, createTokenCache, tokenTimeoutMs } from '../../../../src/azure/identity/token-cache.ts';
import { FakeClock, settled } from '../../../fake-clock.ts';

const hour = 3_600_000;
const minute = 60_000;

describe('the token cache', () => {
  let clock: FakeClock;
  let asked: number;
  let broken: Error | undefined;
  let hangs: boolean;
  let signals: AbortSignal[];
  let resets: number;

  const credential: Credential = {
    async getToken(_, { abortSignal } = {}): Promise<AccessToken> {
      asked += 1;
      if (abortSignal instanceof AbortSignal) signals.push(abortSignal);
      if (hangs) return new Promise(() => {});
      const token = `token-${asked}`;
      await new Promise((resolve) => setImmediate(resolve));
      if (broken) throw broken;
      return { token, expiresOnTimestamp: clock.now().getTime() + hour };
    },
    reset() {
      resets += 1;
    },
  };

  beforeEach(() => {
    clock = new FakeClock();
    asked = 0;
    broken = undefined;
    hangs = false;
    signals = [];
    resets = 0;
  });

  it('sends one request for concurrent callers', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => source.token()));
    expect(new Set(tokens)).to.deep.equal(new Set(['token-1']));
    expect(asked).to.equal(1);
  });

  it('keeps a token until five minutes before it expires', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    await clock.advance(54 * minute);
    expect(await source.token()).to.equal('token-1');
    await clock.advance(2 * minute);
    expect(await source.token()).to.equal('token-1');
    await settled();
    expect(await source.token()).to.equal('token-2');
  });

  it('does not wait for the renewal of a token that is still valid', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    await clock.advance(56 * minute);
    hangs = true;
    expect(await source.token()).to.equal('token-1');
    expect(asked).to.equal(2);
    expect(await source.token()).to.equal('token-1');
    expect(asked, 'one renewal at a time').to.equal(2);
    await clock.advance(tokenTimeoutMs);
  });

  it('drops a renewal that hangs, aborts it, and starts another', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    await clock.advance(56 * minute);
    hangs = true;
    await source.token();
    await clock.advance(tokenTimeoutMs);
    expect(signals.at(-1)?.aborted).to.equal(true);
    hangs = false;
    await clock.advance(30_000 - tokenTimeoutMs);
    await source.token();
    await settled();
    expect(await source.token()).to.equal('token-3');
  });

  it('rejects when the first token does not arrive in time, and then requests another', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    hangs = true;
    const error = rejection(source.token());
    await clock.advance(tokenTimeoutMs);
    expect(String(await error)).to.contain('no token within 20 s');
    expect(signals.at(-1)?.aborted).to.equal(true);
    hangs = false;
    expect(await source.token()).to.equal('token-2');
  });

  it('rejects one request at its own deadline while the others wait', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    const deadline = new AbortController();
    const given = rejection(source.token(deadline.signal));
    const other = source.token();
    deadline.abort(new Error('too late'));
    expect(String(await given)).to.contain('too late');
    expect(await other).to.equal('token-1');
  });

  it("drops the credential's own tokens after a rejection, at most once a minute", async () => {
    const source = createTokenCache(credential, 'scope', clock);
    source.forget(await source.token());
    expect(resets).to.equal(1);
    source.forget(await source.token());
    await clock.advance(59_000);
    source.forget(await source.token());
    expect(resets).to.equal(1);
    await clock.advance(1_000);
    source.forget(await source.token());
    expect(resets).to.equal(2);
  });

  it('uses a token until it expires when it cannot be renewed, and tries again twice a minute', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    broken = new Error('unreachable');
    await clock.advance(56 * minute);
    expect(await source.token()).to.equal('token-1');
    expect(await source.token()).to.equal('token-1');
    expect(asked).to.equal(2);
    await clock.advance(30_000);
    expect(await source.token()).to.equal('token-1');
    expect(asked).to.equal(3);
  });

  it("rejects with the credential's own error once the token has expired, and requests one each time", async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    broken = new Error('unreachable');
    await clock.advance(hour);
    expect(await rejection(source.token())).to.equal(broken);
    broken = undefined;
    expect(await source.token()).to.equal('token-3');
  });

  it('gets a new token after ARM rejected the cached one', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    source.forget(await source.token());
    expect(await source.token()).to.equal('token-2');
  });

  it('keeps the new token when an old one is rejected late', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    const old = await source.token();
    source.forget(old);
    await source.token();
    source.forget(old);
    expect(await source.token()).to.equal('token-2');
  });

  it('has no timer while there is no request', async () => {
    const source = createTokenCache(credential, 'scope', clock);
    await source.token();
    expect(clock.nextIn).to.equal(undefined);
  });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}
